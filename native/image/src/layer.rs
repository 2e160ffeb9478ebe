// SPDX-License-Identifier: Apache-2.0
//! Applies one layer to a directory (image-spec v1.1, layer.md): members, whiteouts, opaque directories, metadata.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use tar::EntryType;

use crate::archive::{Archive, Member};
use crate::error::{Context, ImageError, Result, cause};
use crate::root::{self, Names, Root};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// AUFS's own bookkeeping, which layers of old tools still carry.
const AUFS: &[u8] = b".wh..wh.";

/// What the file system has room for; a layer that claims more is refused before it fills the disk.
pub struct Budget {
    pub bytes: u64,
    pub files: u64,
}

/// Applies the members of a plain tar stream.
pub fn apply(root: &Root, source: impl Read, budget: &mut Budget) -> Result<()> {
    let mut archive = Archive::new(BufReader::new(source));
    let mut layer = Layer { root, budget, made: HashSet::new(), directories: Vec::new() };
    loop {
        let member = archive.next().map_err(|error| ImageError::new(reading(&error)))?;
        let Some(member) = member else { break };
        let path = String::from_utf8_lossy(&member.path).into_owned();
        layer.put(&member, &mut archive).map_err(|error| ImageError::new(format!("\"{path}\" {error}")))?;
    }
    layer.date_directories()
}

struct Layer<'a> {
    root: &'a Root,
    budget: &'a mut Budget,
    /// What this layer has made, by directory inode and name: its own whiteouts do not hide it.
    made: HashSet<(u64, OsString)>,
    /// A directory's time is set when nothing more is put into it.
    directories: Vec<(Names, Timestamps)>,
}

impl Layer<'_> {
    fn put(&mut self, member: &Member, archive: &mut Archive<impl Read>) -> Result<()> {
        let mut names = names(&member.path)?;
        let Some(name) = names.pop() else {
            return self.put_root(member);
        };
        let bytes = name.as_bytes();
        if bytes == OPAQUE {
            return self.hide_all(&names);
        }
        if bytes.starts_with(AUFS) {
            return Ok(());
        }
        if let Some(hidden) = bytes.strip_prefix(WHITEOUT) {
            return self.hide(&names, OsStr::from_bytes(hidden));
        }
        self.spend(member)?;
        let parent = self.root.make_directory(&names).context(|| "cannot be placed in its directory".into())?;
        self.make(member, archive, parent.as_fd(), &name)?;
        if member.kind != EntryType::Link {
            set_metadata(parent.as_fd(), &name, member)?;
        }
        self.made.insert((inode(parent.as_fd())?, name.clone()));
        if member.kind.is_dir() {
            names.push(name);
            self.directories.push((names, times(member)));
        }
        Ok(())
    }

    fn put_root(&mut self, member: &Member) -> Result<()> {
        if !member.kind.is_dir() {
            return Err(ImageError::new("replaces the image's root by something that is no directory."));
        }
        let directory = self.root.directory(&[]).context(|| "cannot be opened".into())?;
        set_metadata(directory.as_fd(), OsStr::new("."), member)?;
        self.directories.push((Vec::new(), times(member)));
        Ok(())
    }

    fn spend(&mut self, member: &Member) -> Result<()> {
        let size = if is_file(member.kind) { member.size } else { 0 };
        let (bytes, files) = (self.budget.bytes.checked_sub(size), self.budget.files.checked_sub(1));
        let (Some(bytes), Some(files)) = (bytes, files) else {
            return Err(ImageError::new(format!(
                "has {size} bytes, and the file system of the image store has room for {} bytes in {} files: make room or use a smaller image.",
                self.budget.bytes, self.budget.files
            )));
        };
        *self.budget = Budget { bytes, files };
        Ok(())
    }

    fn make(
        &self,
        member: &Member,
        archive: &mut Archive<impl Read>,
        parent: BorrowedFd<'_>,
        name: &OsStr,
    ) -> Result<()> {
        let existing = root::type_of(parent, name).context(|| "cannot be looked up".into())?;
        if existing == Some(FileType::Directory) && member.kind.is_dir() {
            return Ok(());
        }
        root::remove(parent, name).context(|| "cannot replace what is there".into())?;
        let (major, minor) = member.device;
        let node = |kind| rustix::fs::mknodat(parent, name, kind, Mode::from(0o600), rustix::fs::makedev(major, minor));
        match member.kind {
            EntryType::Directory => rustix::fs::mkdirat(parent, name, Mode::from(0o700)),
            EntryType::Symlink => rustix::fs::symlinkat(OsStr::from_bytes(&member.link), parent, name),
            EntryType::Link => return self.link(member, parent, name),
            EntryType::Char => node(FileType::CharacterDevice),
            EntryType::Block => node(FileType::BlockDevice),
            EntryType::Fifo => node(FileType::Fifo),
            kind if is_file(kind) => return write(archive, parent, name),
            kind => return Err(ImageError::new(format!("has the unknown member type {:#04x}.", kind.as_byte()))),
        }
        .context(|| "cannot be made".into())
    }

    fn link(&self, member: &Member, parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
        let shown = String::from_utf8_lossy(&member.link).into_owned();
        let mut target =
            names(&member.link).map_err(|error| ImageError::new(format!("links to \"{shown}\", which {error}")))?;
        let Some(last) = target.pop() else {
            return Err(ImageError::new("is a hard link to the image's root."));
        };
        let directory = self
            .root
            .directory(&target)
            .context(|| format!("is a hard link to \"{shown}\", whose directory is not there"))?;
        rustix::fs::linkat(directory, &last, parent, name, AtFlags::empty())
            .context(|| format!("is a hard link to \"{shown}\", which cannot be linked"))
    }

    fn hide_all(&self, names: &[OsString]) -> Result<()> {
        let Some(directory) = self.existing(names)? else { return Ok(()) };
        for child in root::children(directory.as_fd()).context(|| "cannot be read".into())? {
            self.hide_lower(directory.as_fd(), &child).context(|| "cannot hide what is below".into())?;
        }
        Ok(())
    }

    fn hide(&self, names: &[OsString], name: &OsStr) -> Result<()> {
        if name.is_empty() || name == "." || name == ".." {
            return Err(ImageError::new("is a whiteout of no file."));
        }
        let Some(directory) = self.existing(names)? else { return Ok(()) };
        self.hide_lower(directory.as_fd(), name).context(|| "cannot hide what is below".into())
    }

    fn existing(&self, names: &[OsString]) -> Result<Option<OwnedFd>> {
        match self.root.directory(names) {
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            other => other.map(Some).context(|| "cannot be opened".into()),
        }
    }

    /// Removes what earlier layers have put at a name, and keeps what this one has.
    fn hide_lower(&self, parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
        let Some(kind) = root::type_of(parent, name)? else { return Ok(()) };
        let own = self.made.contains(&(rustix::fs::fstat(parent)?.st_ino, name.to_owned()));
        if kind != FileType::Directory {
            return if own { Ok(()) } else { root::remove(parent, name) };
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        for child in root::children(directory.as_fd())? {
            self.hide_lower(directory.as_fd(), &child)?;
        }
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            _ if own => Ok(()),
            Err(Errno::NOTEMPTY) => Ok(()),
            other => other,
        }
    }

    fn date_directories(self) -> Result<()> {
        for (names, times) in &self.directories {
            match self.root.directory(names) {
                // A later member of the same layer may have replaced it.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                opened => opened
                    .and_then(|directory| rustix::fs::futimens(directory, times))
                    .context(|| "Setting the times of a directory".into())?,
            }
        }
        Ok(())
    }
}

fn write(archive: &mut Archive<impl Read>, parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::from(0o600)).context(|| "cannot be made".into())?;
    io::copy(&mut archive.content(), &mut File::from(file)).map(drop).map_err(|error| {
        ImageError::new(match error.raw_os_error() {
            Some(_) => format!("cannot be written: {}.", cause(&error)),
            None => reading(&error),
        })
    })
}

fn set_metadata(parent: BorrowedFd<'_>, name: &OsStr, member: &Member) -> Result<()> {
    let owner = |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX);
    let (Some(uid), Some(gid)) = (owner(member.uid), owner(member.gid)) else {
        return Err(ImageError::new(format!("belongs to {}:{}, and an id has 32 bits.", member.uid, member.gid)));
    };
    let symlink = member.kind == EntryType::Symlink;
    // The order matters: a change of owner takes set-user-id bits and capabilities away.
    rustix::fs::chownat(parent, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::SYMLINK_NOFOLLOW)
        .context(|| format!("cannot be given to {uid}:{gid}"))?;
    if !symlink {
        rustix::fs::chmodat(parent, name, Mode::from(member.mode), AtFlags::empty())
            .context(|| format!("cannot be given the mode {:o}", member.mode))?;
    }
    set_xattrs(parent, name, member)?;
    rustix::fs::utimensat(parent, name, &times(member), AtFlags::SYMLINK_NOFOLLOW).context(|| "cannot be dated".into())
}

fn set_xattrs(parent: BorrowedFd<'_>, name: &OsStr, member: &Member) -> Result<()> {
    if member.xattrs.is_empty() {
        return Ok(());
    }
    // There is no *at call for xattrs before Linux 6.13; the descriptor's own name in /proc is one.
    let mut path = OsString::from(format!("/proc/self/fd/{}/", parent.as_raw_fd()));
    path.push(name);
    for (key, value) in member.xattrs.iter().filter(|(key, _)| !is_overlay(key)) {
        match rustix::fs::lsetxattr(&path, OsStr::from_bytes(key), value, XattrFlags::empty()) {
            // A file system without this kind of attribute: as containerd does, the image is still of use.
            Err(Errno::NOTSUP) => {}
            other => other.context(|| format!("cannot be given the attribute {}", String::from_utf8_lossy(key)))?,
        }
    }
    Ok(())
}

/// What overlayfs would take for its own when the image is its lower directory.
fn is_overlay(key: &[u8]) -> bool {
    key.starts_with(b"trusted.overlay.") || key.starts_with(b"user.overlay.")
}

/// The names of a path, without `.`; one with `..` is refused, since nothing honest makes it.
fn names(path: &[u8]) -> Result<Names> {
    let mut names = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(ImageError::new("has a path with \"..\", which could leave the image.")),
            name => names.push(OsString::from_vec(name.to_vec())),
        }
    }
    Ok(names)
}

fn is_file(kind: EntryType) -> bool {
    matches!(kind, EntryType::Regular | EntryType::Continuous)
}

fn times(member: &Member) -> Timestamps {
    let time = Timespec { tv_sec: member.mtime.0, tv_nsec: member.mtime.1 as _ };
    Timestamps { last_access: time, last_modification: time }
}

fn inode(directory: BorrowedFd<'_>) -> Result<u64> {
    Ok(rustix::fs::fstat(directory).context(|| "has a directory that cannot be read".into())?.st_ino)
}

fn reading(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "ends too early: it was cut off, copy the image anew.".to_owned();
    }
    format!("cannot be read: {}.", cause(error))
}
