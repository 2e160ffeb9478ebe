// SPDX-License-Identifier: Apache-2.0
//! A directory that cannot be left: every path is resolved by openat2(2) with RESOLVE_IN_ROOT, so that symbolic links
//! and their `..` stay inside, and the last component is only ever used as a name in an open directory.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::{Errno, Result};

/// The most directories above each other in an image, and what a removal holds open at once.
const MAX_DEPTH: usize = 200;
/// As the kernel's own limit, MAXSYMLINKS.
const MAX_LINKS: u32 = 40;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A path below the root: plain names only.
pub type Names = Vec<OsString>;

pub struct Root {
    directory: OwnedFd,
    depth: usize,
}

impl Root {
    pub fn open(path: &Path) -> Result<Self> {
        let directory = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
        let depth = depth_of(directory.as_fd())?;
        Ok(Self { directory, depth })
    }

    /// Opens a directory, following symbolic links within the root.
    pub fn directory(&self, names: &[OsString]) -> Result<OwnedFd> {
        let path = join(names);
        // EAGAIN: a rename or mount elsewhere on the machine raced with "..", openat2(2).
        for _ in 0..1000 {
            let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.directory, &path, DIRECTORY, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Opens a directory and makes what is missing on the way, also behind symbolic links.
    pub fn make_directory(&self, names: &[OsString]) -> Result<OwnedFd> {
        let opened = match self.directory(names) {
            Err(Errno::NOENT) => self.make_missing(names)?,
            other => other?,
        };
        if depth_of(opened.as_fd())? > self.depth + MAX_DEPTH {
            return Err(Errno::NAMETOOLONG);
        }
        Ok(opened)
    }

    fn make_missing(&self, names: &[OsString]) -> Result<OwnedFd> {
        let mut wanted: VecDeque<OsString> = names.iter().cloned().collect();
        let mut reached: Names = Vec::new();
        let mut links = 0;
        let mut current = self.directory(&[])?;
        while let Some(name) = wanted.pop_front() {
            let parent = current;
            reached.push(name.clone());
            current = match self.directory(&reached) {
                Err(Errno::NOENT) => match rustix::fs::mkdirat(&parent, &name, Mode::from(0o755)) {
                    Ok(()) => self.directory(&reached)?,
                    Err(Errno::EXIST) => {
                        // A link to what does not exist yet: go where it points.
                        links += 1;
                        if links > MAX_LINKS {
                            return Err(Errno::LOOP);
                        }
                        let target = rustix::fs::readlinkat(&parent, &name, Vec::new())?;
                        reached.pop();
                        follow(OsStr::from_bytes(target.as_bytes()), &mut reached, &mut wanted);
                        self.directory(&reached)?
                    }
                    Err(error) => return Err(error),
                },
                other => other?,
            };
        }
        Ok(current)
    }
}

/// Puts a link's target in front of the names that are still wanted. Its `..` stay: the kernel knows where they lead.
fn follow(target: &OsStr, reached: &mut Names, wanted: &mut VecDeque<OsString>) {
    if target.as_bytes().first() == Some(&b'/') {
        reached.clear();
    }
    for part in target.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty()).rev() {
        wanted.push_front(OsString::from_vec(part.to_vec()));
    }
}

/// Removes what a name stands for, a directory with all below it; a missing name is removed already.
///
/// What is removed may be nested to any depth, so a deep directory is first moved up: the descriptors and the stack that
/// a removal needs are bounded.
pub fn remove(parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        Err(Errno::NOENT) => return Ok(()),
        other => return other,
    }
    let top = rustix::fs::openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    let mut moved = 0;
    loop {
        clear(top.as_fd(), top.as_fd(), MAX_DEPTH, &mut moved)?;
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY) => {}
            other => return other,
        }
    }
}

/// Removes what is in a directory; what lies deeper than `depth` is moved into `top`.
fn clear(directory: BorrowedFd<'_>, top: BorrowedFd<'_>, depth: usize, moved: &mut u64) -> Result<()> {
    for child in children(directory)? {
        match rustix::fs::unlinkat(directory, &child, AtFlags::empty()) {
            Err(Errno::ISDIR) if depth == 0 => move_up(directory, &child, top, moved)?,
            Err(Errno::ISDIR) => {
                let below = rustix::fs::openat(directory, &child, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
                clear(below.as_fd(), top, depth - 1, moved)?;
                drop(below);
                rustix::fs::unlinkat(directory, &child, AtFlags::REMOVEDIR)?;
            }
            Err(Errno::NOENT) => {}
            other => other?,
        }
    }
    Ok(())
}

fn move_up(directory: BorrowedFd<'_>, child: &OsStr, top: BorrowedFd<'_>, moved: &mut u64) -> Result<()> {
    loop {
        let name = format!("moved-{moved}");
        *moved += 1;
        match rustix::fs::renameat_with(directory, child, top, name, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return other,
        }
    }
}

/// Removes a path with all below it, whatever a hostile guest has made there.
pub fn remove_tree(path: &Path) -> std::io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    match rustix::fs::open(parent, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => Ok(()),
        opened => Ok(remove(opened?.as_fd(), name)?),
    }
}

/// Reads a regular file below a directory that may be hostile: links stay inside, nothing blocks. `None`: no such file.
///
/// At most `limit` bytes are read; a larger file is an error.
pub fn read_inside(root: &Path, path: &str, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let directory = rustix::fs::open(root, DIRECTORY, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = match rustix::fs::openat2(directory, path, flags, Mode::empty(), resolve) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        opened => std::fs::File::from(opened?),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > limit {
        return Err(std::io::Error::other(format!("{path} is no regular file of at most {limit} bytes")));
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, limit), &mut bytes)?;
    Ok(Some(bytes))
}

/// The names in a directory, without `.` and `..`.
pub fn children(directory: BorrowedFd<'_>) -> Result<Names> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

/// The type of what a name stands for, a symbolic link being one; `None` if there is nothing.
pub fn type_of(parent: BorrowedFd<'_>, name: &OsStr) -> Result<Option<FileType>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn join(names: &[OsString]) -> OsString {
    if names.is_empty() { OsString::from(".") } else { names.join(OsStr::new("/")) }
}

fn depth_of(directory: BorrowedFd<'_>) -> Result<usize> {
    use std::os::fd::AsRawFd;
    let path = rustix::fs::readlink(format!("/proc/self/fd/{}", directory.as_raw_fd()), Vec::new())?;
    Ok(path.as_bytes().iter().filter(|byte| **byte == b'/').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_any_depth_is_removed() {
        let home = tempfile::TempDir::new().unwrap();
        let top = home.path().join("top");
        std::fs::create_dir(&top).unwrap();
        let mut directory = rustix::fs::open(&top, DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&directory, "moved-0", Mode::from(0o700)).unwrap();
            rustix::fs::symlinkat("/", &directory, "link").unwrap();
            directory = rustix::fs::openat(&directory, "moved-0", DIRECTORY, Mode::empty()).unwrap();
        }
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        remove_tree(&top).unwrap();
    }

    #[test]
    fn a_file_is_read_inside_only() {
        let home = tempfile::TempDir::new().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", home.path().join("passwd")).unwrap();
        assert_eq!(read_inside(home.path(), "passwd", 100).unwrap(), None);
        std::fs::create_dir(home.path().join("etc")).unwrap();
        std::fs::write(home.path().join("etc/passwd"), "root").unwrap();
        assert_eq!(read_inside(home.path(), "passwd", 100).unwrap(), Some(b"root".to_vec()));
        assert!(read_inside(home.path(), "passwd", 3).is_err());
        assert!(read_inside(home.path(), "etc", 100).is_err());
    }
}
