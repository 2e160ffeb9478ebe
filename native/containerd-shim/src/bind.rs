// SPDX-License-Identifier: Apache-2.0
//! Bind mounts that have their options from the first moment. A bind that is remounted read-only afterwards stays writable
//! in the namespaces that its mount has reached before: there in virtiofsd's, which serves the guest (mount_namespaces(7)).
//!
//! The copy leaves its source's peer group before it is mounted, with all that is mounted below it. Else its unmount, which takes
//! those with it, would unmount them at the source too. On a shared mount it becomes shared again, with its own copies alone.

use crate::mount_options::MountOptions;
use crate::sys;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// linux/mount.h
const OPEN_TREE_CLONE: i32 = 1;
const MOVE_MOUNT_BETWEEN_DESCRIPTORS: u32 = 0x4 | 0x40; // MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH

/// MS_ flag, MOUNT_ATTR_ bits to set and to clear (linux/mount.h). MOUNT_ATTR__ATIME, 0x70, is a field, and 0 in it relatime.
const ATTRIBUTES: [(u64, u64, u64); 8] = [
    (libc::MS_RDONLY, 0x01, 0),
    (libc::MS_NOSUID, 0x02, 0),
    (libc::MS_NODEV, 0x04, 0),
    (libc::MS_NOEXEC, 0x08, 0),
    (libc::MS_RELATIME, 0, 0x70),
    (libc::MS_NOATIME, 0x10, 0x70),
    (libc::MS_STRICTATIME, 0x20, 0x70),
    (libc::MS_NODIRATIME, 0x80, 0),
];

/// struct mount_attr of linux/mount.h.
#[repr(C)]
#[derive(Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Binds `source` at `target`. The options of a recursive bind hold for all that it has mounted below it.
pub fn bind(source: &CStr, target: &OwnedFd, options: &MountOptions) -> io::Result<()> {
    let tree = Tree::of(source, options.bind & libc::MS_REC != 0)?;
    tree.set(options.flags, propagation(options))?;
    tree.attach(target.as_fd())
}

/// A copy of a mount, or of a part of one, that is mounted nowhere yet.
pub struct Tree {
    root: OwnedFd,
    /// AT_RECURSIVE or 0.
    depth: i32,
}

impl Tree {
    /// With `recursive`, also of what is mounted below it.
    pub fn of(source: &CStr, recursive: bool) -> io::Result<Tree> {
        let depth = if recursive { libc::AT_RECURSIVE } else { 0 };
        let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC | depth;
        // SAFETY: a C string that outlives the call.
        let root = sys::owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, source.as_ptr(), flags) })?;
        Ok(Tree { root, depth })
    }

    /// Sets what MS_ flags say, and the propagation, MS_PRIVATE or MS_SLAVE (mount_namespaces(7)).
    pub fn set(&self, flags: u64, propagation: u64) -> io::Result<()> {
        let attributes = MountAttributes { propagation, ..attributes(flags) };
        let (root, flags) = (self.root.as_raw_fd(), libc::AT_EMPTY_PATH | self.depth);
        let size = std::mem::size_of::<MountAttributes>();
        // SAFETY: a C string and a structure of the size that is passed, which both outlive the call.
        sys::check(unsafe {
            libc::syscall(libc::SYS_mount_setattr, root, c"".as_ptr(), flags, &raw const attributes, size)
        })
        .map(drop)
    }

    /// Mounts it.
    pub fn attach(self, target: BorrowedFd<'_>) -> io::Result<()> {
        let (from, to, nothing) = (self.root.as_raw_fd(), target.as_raw_fd(), c"".as_ptr());
        // SAFETY: C strings that outlive the call.
        sys::check(unsafe {
            libc::syscall(libc::SYS_move_mount, from, nothing, to, nothing, MOVE_MOUNT_BETWEEN_DESCRIPTORS)
        })
        .map(drop)
    }

    /// The file type bits of what it begins with (S_IFMT, inode(7)).
    pub fn kind(&self) -> io::Result<u32> {
        // SAFETY: stat is plain data and all-zero is valid; it is valid for writes.
        unsafe {
            let mut found: libc::stat = std::mem::zeroed();
            sys::check(i64::from(libc::fstat(self.root.as_raw_fd(), &mut found)))?;
            Ok(found.st_mode & libc::S_IFMT)
        }
    }
}

/// What is mounted or unmounted at the source later reaches the copy if it is asked to follow.
fn propagation(options: &MountOptions) -> u64 {
    let follows = options.propagation.iter().any(|kind| kind & libc::MS_SLAVE != 0);
    if follows { libc::MS_SLAVE } else { libc::MS_PRIVATE }
}

fn attributes(flags: u64) -> MountAttributes {
    let wanted = ATTRIBUTES.iter().filter(|(flag, ..)| flags & flag != 0);
    wanted.fold(MountAttributes::default(), |sum, (_, set, clear)| MountAttributes {
        set: sum.set | set,
        clear: sum.clear | clear,
        ..sum
    })
}
