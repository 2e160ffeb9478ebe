// SPDX-License-Identifier: Apache-2.0
//! In the child: a root of its own, in memory, with nothing of the host's in it but what the process needs.
//!
//! It is made with the host's rights, before the process enters its user namespace: whatever the process becomes later, it
//! has no rights over these mounts.

use crate::bind::Tree;
use crate::sys;
use hako_protocols::shim::OwnRoot;
use std::ffi::{CStr, OsStr};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Where distributions have programs and libraries: directories, or symbolic links to some below /usr.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/libx32", "/lib64"];
/// Where libraries are that lie elsewhere than the loader expects (ld.so(8)); not every distribution has it.
const LOADER_CACHE: &str = "/etc/ld.so.cache";
/// Any directory that every host has: what it hides is hidden from this process alone, and not for long.
const STAGE: &CStr = c"/proc";
/// Only names and mount points are in it.
const ROOT_OPTIONS: &CStr = c"mode=755,size=64k,nr_inodes=512";
/// Processes only: no /proc/sys and no /proc/sysrq-trigger, which are open to the host's uid 0 without any capability.
const PROC_OPTIONS: &CStr = c"subset=pid";
/// /proc is a directory of the root, so that a listed file of the host's, say /proc/sys/fs/file-max, finds its place in it.
const PROC: &CStr = c"proc/.own";
const PROC_LINKS: [(&str, &str); 2] = [(".own/self", "proc/self"), (".own/thread-self", "proc/thread-self")];

const BARE: u64 = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

/// What a place in the new root gets.
enum Part {
    Link(PathBuf),
    Readable(Tree),
    Followed(Tree),
}

/// Makes the root and enters it. Nothing of the host's is left in this process's mount namespace.
///
/// # Errors
/// With the path that it is about.
pub fn enter(root: &OwnRoot, program: &CStr) -> io::Result<()> {
    // All is held before the stage hides anything.
    let parts = parts(root, Path::new(OsStr::from_bytes(program.to_bytes())))?;
    mount(c"hako", STAGE, c"tmpfs", BARE, ROOT_OPTIONS)?;
    std::env::set_current_dir(OsStr::from_bytes(STAGE.to_bytes()))?;
    let stage: OwnedFd = fs::File::open(".")?.into();
    make_proc().map_err(|error| about(Path::new("/proc"), error))?;
    for (path, part) in parts {
        place(stage.as_fd(), &path, part).map_err(|error| about(&path, error))?;
    }
    exchange()
}

fn about(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn parts(root: &OwnRoot, program: &Path) -> io::Result<Vec<(PathBuf, Part)>> {
    let mut parts = Vec::new();
    let optional = SYSTEM.iter().chain([&LOADER_CACHE]).map(Path::new);
    for path in optional.filter(|path| path.symlink_metadata().is_ok()) {
        let part = if path.is_symlink() { fs::read_link(path).map(Part::Link) } else { readable(path) };
        parts.push((path.to_owned(), part.map_err(|error| about(path, error))?));
    }
    for path in root.readable.iter().map(Path::new).chain([program]) {
        parts.push((path.to_owned(), readable(path).map_err(|error| about(path, error))?));
    }
    for path in root.followed.iter().map(Path::new) {
        let tree = tree(path).and_then(|tree| tree.set(libc::MS_NODEV, libc::MS_SLAVE).map(|()| tree));
        parts.push((path.to_owned(), Part::Followed(tree.map_err(|error| about(path, error))?)));
    }
    Ok(parts)
}

fn tree(path: &Path) -> io::Result<Tree> {
    if !path.is_absolute() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    Tree::of(&sys::c_path(path)?, true)
}

fn readable(path: &Path) -> io::Result<Part> {
    let tree = tree(path)?;
    // A device that is listed is meant to be one. (That it is read-only keeps nobody from writing to what it stands for.)
    let no_devices = if matches!(tree.kind()?, libc::S_IFCHR | libc::S_IFBLK) { 0 } else { libc::MS_NODEV };
    tree.set(libc::MS_RDONLY | libc::MS_NOSUID | no_devices, libc::MS_SLAVE)?;
    Ok(Part::Readable(tree))
}

fn make_proc() -> io::Result<()> {
    fs::create_dir_all(OsStr::from_bytes(PROC.to_bytes()))?;
    mount(c"proc", PROC, c"proc", BARE, PROC_OPTIONS)?;
    PROC_LINKS.iter().try_for_each(|(target, link)| symlink(target, link))
}

fn place(root: BorrowedFd<'_>, path: &Path, part: Part) -> io::Result<()> {
    match part {
        Part::Link(target) => symlink(target, path.strip_prefix("/").unwrap_or(path)),
        // What lies below another part is there already.
        Part::Readable(_) if open_in(root, path).is_ok() => Ok(()),
        Part::Readable(tree) | Part::Followed(tree) => {
            let target = make(root, path, tree.kind()? == libc::S_IFDIR)?;
            tree.attach(target.as_fd())
        }
    }
}

/// Makes the mount point for a path, and what leads to it.
fn make(root: BorrowedFd<'_>, path: &Path, directory: bool) -> io::Result<OwnedFd> {
    let mut parent = open_in(root, Path::new("/"))?;
    let ancestors: Vec<&Path> = path.ancestors().collect();
    for step in ancestors.into_iter().rev() {
        if let Some(name) = step.file_name() {
            let name = sys::c_path(Path::new(name))?;
            let kind = if directory || step != path { libc::S_IFDIR } else { libc::S_IFREG };
            make_one(parent.as_fd(), &name, kind)?;
            parent = open_in(root, step)?;
        }
    }
    Ok(parent)
}

fn make_one(parent: BorrowedFd<'_>, name: &CStr, kind: libc::mode_t) -> io::Result<()> {
    // SAFETY: a C string that outlives the calls.
    let made = unsafe {
        match kind {
            libc::S_IFDIR => libc::mkdirat(parent.as_raw_fd(), name.as_ptr(), 0o755),
            _ => libc::mknodat(parent.as_raw_fd(), name.as_ptr(), kind | 0o644, 0),
        }
    };
    sys::check(i64::from(made)).map(drop).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    })
}

/// Opens a path as a process would whose root this is.
fn open_in(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    sys::open_how(root, &sys::c_path(path)?, libc::O_PATH, libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS)
}

/// Makes the working directory the root, without a name for the old one (pivot_root(2)), and the root read-only.
fn exchange() -> io::Result<()> {
    let here = c".".as_ptr();
    // SAFETY: C strings that outlive the calls.
    unsafe {
        sys::check(libc::syscall(libc::SYS_pivot_root, here, here))?;
        sys::check(i64::from(libc::umount2(here, libc::MNT_DETACH)))?;
    }
    std::env::set_current_dir("/")?;
    mount(c"", c"/", c"", libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | BARE, c"")
}

fn mount(source: &CStr, target: &CStr, kind: &CStr, flags: u64, options: &CStr) -> io::Result<()> {
    // SAFETY: C strings that outlive the call.
    sys::check(i64::from(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast())
    }))
    .map(drop)
}
