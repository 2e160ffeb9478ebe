// SPDX-License-Identifier: Apache-2.0
//! From the kernel's initramfs to a root in which containers can be made.

use std::fs;
use std::io;
use std::path::Path;

use crate::{paths, sys};

const PLAIN: libc::c_ulong = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

/// (type, target, flags, data). devtmpfs has devices and programs none; /run holds OCI bundles, which are only data.
const MOUNTS: [(&str, &str, libc::c_ulong, &str); 6] = [
    ("proc", "/proc", PLAIN, ""),
    ("sysfs", "/sys", PLAIN, ""),
    ("devtmpfs", "/dev", libc::MS_NOSUID | libc::MS_NOEXEC, "mode=0755"),
    ("tmpfs", "/run", libc::MS_NOSUID | libc::MS_NODEV, "mode=0755"),
    ("tmpfs", "/tmp", libc::MS_NOSUID | libc::MS_NODEV, "mode=1777"),
    ("cgroup2", paths::CGROUP_ROOT, PLAIN, ""),
];

/// Mounts what the agent and its containers need.
pub fn mount_all() -> io::Result<()> {
    MOUNTS.iter().try_for_each(|(kind, target, flags, data)| mount(kind, target, *flags, data))
}

/// Like [`mount_all`] for an agent that is PID 1 of namespaces on a machine that has its own /dev, /sys and /tmp.
pub fn mount_in_namespaces() -> io::Result<()> {
    let private = libc::MS_REC | libc::MS_PRIVATE;
    sys::mount(Path::new(""), Path::new("/"), "", private, "")?;
    let own = MOUNTS.iter().filter(|(_, target, ..)| matches!(*target, "/proc" | "/run" | paths::CGROUP_ROOT));
    own.into_iter().try_for_each(|(kind, target, flags, data)| mount(kind, target, *flags, data))
}

fn mount(kind: &str, target: &str, flags: libc::c_ulong, data: &str) -> io::Result<()> {
    let place = Path::new(target);
    fs::create_dir_all(place)
        .and_then(|()| sys::mount(Path::new(kind), place, kind, flags, data))
        .map_err(|error| io::Error::new(error.kind(), format!("{kind} at {target}: {error}")))
}

/// Makes the root a mount of its own. The kernel's first root has no parent, so that pivot_root(2) out of it, which a
/// container's creation needs, fails (EINVAL); moving a bind mount of it over it costs nothing and has one.
pub fn make_root_a_mount() -> io::Result<()> {
    let place = Path::new("/.root");
    fs::create_dir_all(place)?;
    sys::mount(Path::new("/"), place, "", libc::MS_BIND | libc::MS_REC, "")?;
    std::env::set_current_dir(place)?;
    sys::mount(Path::new("."), Path::new("/"), "", libc::MS_MOVE, "")?;
    std::os::unix::fs::chroot(".")?;
    std::env::set_current_dir("/")
}

/// Hands every controller down to the containers' parent cgroup, and makes the directories of the state.
pub fn prepare() -> io::Result<()> {
    let root = Path::new(paths::CGROUP_ROOT);
    let parent = root.join(paths::CGROUP_PARENT);
    fs::create_dir_all(&parent)?;
    for controller in fs::read_to_string(root.join("cgroup.controllers"))?.split_whitespace() {
        for cgroup in [root, &parent] {
            // One that cannot be handed down is missed where a limit needs it, and named there.
            let _ = fs::write(cgroup.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
    fs::create_dir_all(paths::STATE)?;
    fs::create_dir_all(paths::BUNDLES)
}
