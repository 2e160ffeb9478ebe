// SPDX-License-Identifier: Apache-2.0
//! Bind mounts that have their options from the first moment. A bind that is remounted read-only afterwards stays writable
//! in the namespaces that its mount has reached before: there in virtiofsd's, which serves the guest (mount_namespaces(7)).

use crate::mount_options::MountOptions;
use crate::sys;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

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
    let depth = if options.bind & libc::MS_REC != 0 { libc::AT_RECURSIVE } else { 0 };
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC | depth;
    // SAFETY: a C string that outlives the call.
    let tree = sys::owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, source.as_ptr(), flags) })?;
    let attributes = attributes(options.flags);
    let nothing = c"".as_ptr();
    if attributes.set | attributes.clear != 0 {
        let size = std::mem::size_of::<MountAttributes>();
        let flags = libc::AT_EMPTY_PATH | depth;
        // SAFETY: a C string and a structure of the size that is passed, which both outlive the call.
        sys::check(unsafe {
            libc::syscall(libc::SYS_mount_setattr, tree.as_raw_fd(), nothing, flags, &raw const attributes, size)
        })?;
    }
    let (from, to) = (tree.as_raw_fd(), target.as_raw_fd());
    // SAFETY: C strings that outlive the call.
    sys::check(unsafe {
        libc::syscall(libc::SYS_move_mount, from, nothing, to, nothing, MOVE_MOUNT_BETWEEN_DESCRIPTORS)
    })
    .map(drop)
}

fn attributes(flags: u64) -> MountAttributes {
    let wanted = ATTRIBUTES.iter().filter(|(flag, ..)| flags & flag != 0);
    wanted.fold(MountAttributes::default(), |sum, (_, set, clear)| MountAttributes {
        set: sum.set | set,
        clear: sum.clear | clear,
        ..sum
    })
}
