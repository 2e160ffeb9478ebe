// SPDX-License-Identifier: Apache-2.0
//! mount(2) and umount2(2), on targets below the pod directory alone.

use crate::bind::bind;
use crate::mount_options::MountOptions;
use crate::mount_target::{Missing, check_target, open_parent, open_target, through};
use crate::mountinfo;
use crate::place::Place;
use crate::sys;
use hako_protocols::shim::MountRequest;
use hako_ttrpc::{Code, Status};
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// mount(2) copies at most one page of file system options, with a zero at its end.
const LONGEST_DATA: usize = 4095;

/// Mounts as asked; succeeds where the same is mounted already. A target that is missing is made.
pub fn mount(place: &Place, request: &MountRequest) -> Result<(), Status> {
    let target = Path::new(&request.target);
    let mut options = MountOptions::parse(&request.r#type, &request.options);
    // What is mounted here is for a guest, which has devices of its own. A node in it, of whoever's making, opens none of the
    // host's to the process that serves it, which is uid 0.
    options.flags |= libc::MS_NODEV;
    check_target(place, target)?;
    if let Some(there) = mountinfo::at(&place.real(target))
        .map_err(|error| Status::internal(format!("Cannot read the mount table: {error}.")))?
    {
        return if options.bind != 0 || there == request.r#type {
            Ok(())
        } else {
            Err(Status::new(
                Code::AlreadyExists,
                format!("Something of type {there} is mounted at {} already.", request.target),
            ))
        };
    }
    let is_file = options.bind != 0 && fs::metadata(&request.source).is_ok_and(|source| !source.is_dir());
    let failed = |what: &str, error: io::Error| {
        Status::internal(format!(
            "Cannot {what} {} ({} from {}): {error}.",
            request.target, request.r#type, request.source
        ))
    };
    let opened = open_target(place, target, Missing::Make { is_file })?;
    mount_at(&opened, request, &options).map_err(|error| failed("mount", error))?;
    finish(place, target, &options).map_err(|error| {
        let _ = unmount(place, target, false);
        failed("set the propagation of", error)
    })
}

fn mount_at(target: &OwnedFd, request: &MountRequest, options: &MountOptions) -> io::Result<()> {
    let source = CString::new(request.source.as_str())?;
    if options.bind != 0 {
        return bind(&source, target, options);
    }
    let kind = CString::new(request.r#type.as_str())?;
    let (common, data) = shorten(options.data.clone());
    if data.len() > LONGEST_DATA {
        return Err(io::Error::other(format!(
            "the options have {} bytes, the limit is {LONGEST_DATA}; use an image with fewer layers",
            data.len()
        )));
    }
    let _back = common.map(|directory| WorkingDirectory::enter(&directory)).transpose()?;
    call(&source, &through(target)?, &kind, options.flags, &CString::new(data)?)
}

/// Propagation needs calls of its own.
fn finish(place: &Place, target: &Path, options: &MountOptions) -> io::Result<()> {
    // The descriptor from before the mount still means the directory underneath.
    let mounted = open_target(place, target, Missing::Fail).map_err(|status| io::Error::other(status.message))?;
    let path = through(&mounted)?;
    // What cuts a bind off has been done.
    let left = options.propagation.iter().filter(|kind| options.bind == 0 || **kind & libc::MS_SHARED != 0);
    left.copied().try_for_each(|propagation| call(c"", &path, c"", propagation, c""))
}

/// Unmounts whatever is mounted at the target, however often; then, if wanted, removes the target unless something is in it. All by
/// its name in the directory that was opened, since a guest may change what lies on the way there.
pub fn unmount(place: &Place, target: &Path, remove: bool) -> Result<(), Status> {
    let Some((parent, name)) = open_parent(place, target)? else {
        return Ok(());
    };
    let real = place.real(target);
    while mountinfo::at(&real).is_ok_and(|there| there.is_some()) {
        detach_in(&parent, &name)
            .map_err(|error| Status::internal(format!("Cannot unmount {}: {error}.", target.display())))?;
    }
    if remove {
        remove_empty(&parent, &name)
            .map_err(|error| Status::internal(format!("Cannot remove {}: {error}.", target.display())))?;
    }
    Ok(())
}

/// Removes an empty directory or an empty file. Nothing else that has the name is touched.
fn remove_empty(parent: &OwnedFd, name: &CStr) -> io::Result<()> {
    let target = match sys::open_beneath(parent.as_fd(), name, libc::O_PATH | libc::O_NOFOLLOW) {
        Err(error) if [Some(libc::ENOENT), Some(libc::ELOOP)].contains(&error.raw_os_error()) => return Ok(()),
        opened => fs::File::from(opened?).metadata()?,
    };
    let flags = match (target.is_dir(), target.is_file() && target.len() == 0) {
        (true, _) => libc::AT_REMOVEDIR,
        (_, true) => 0,
        _ => return Ok(()),
    };
    // SAFETY: a C string that outlives the call.
    match sys::check(i64::from(unsafe { libc::unlinkat(parent.as_raw_fd(), name.as_ptr(), flags) })) {
        Err(error) if [Some(libc::ENOTEMPTY), Some(libc::ENOENT)].contains(&error.raw_os_error()) => Ok(()),
        removed => removed.map(drop),
    }
}

/// As [`detach`], by a name in a directory. (umount2(2) takes no descriptor, and one of the mount itself would keep it in use.)
fn detach_in(parent: &OwnedFd, name: &CStr) -> io::Result<()> {
    let _back = WorkingDirectory::enter(Path::new(&format!("/proc/self/fd/{}", parent.as_raw_fd())))?;
    detach(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())))
}

/// Unmounts the topmost mount at a path; one that is in use goes when it is no longer.
pub fn detach(target: &Path) -> io::Result<()> {
    let target = sys::c_path(target)?;
    // SAFETY: a C string that outlives the call.
    let plain = sys::check(i64::from(unsafe { libc::umount2(target.as_ptr(), libc::UMOUNT_NOFOLLOW) }));
    match plain {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            // SAFETY: as above.
            sys::check(i64::from(unsafe { libc::umount2(target.as_ptr(), libc::UMOUNT_NOFOLLOW | libc::MNT_DETACH) }))
                .map(drop)
        }
        plain => plain.map(drop),
    }
}

fn call(source: &CStr, target: &CStr, kind: &CStr, flags: u64, data: &CStr) -> io::Result<()> {
    // SAFETY: C strings that outlive the call.
    sys::check(i64::from(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast())
    }))
    .map(drop)
}

/// Joins options. Where they are too long for mount(2), the layers of an overlay are named relative to the directory that they
/// share, which has to be the working directory then (as containerd does, core/mount/mount_linux.go `compactLowerdirOption`).
fn shorten(mut data: Vec<String>) -> (Option<PathBuf>, String) {
    let long = data.iter().map(|option| option.len() + 1).sum::<usize>() > LONGEST_DATA;
    let lower = data.iter_mut().find(|option| option.starts_with("lowerdir="));
    let (true, Some(lower)) = (long, lower) else {
        return (None, data.join(","));
    };
    let layers: Vec<&Path> = lower["lowerdir=".len()..].split(':').map(Path::new).collect();
    let Some(common) = common_ancestor(&layers) else {
        return (None, data.join(","));
    };
    let relative: Vec<String> =
        layers.iter().filter_map(|layer| Some(layer.strip_prefix(&common).ok()?.to_str()?.to_owned())).collect();
    *lower = format!("lowerdir={}", relative.join(":"));
    (Some(common), data.join(","))
}

fn common_ancestor(layers: &[&Path]) -> Option<PathBuf> {
    let shares = |directory: &&Path| layers.iter().all(|layer| layer.starts_with(directory) && layer != directory);
    layers.first()?.ancestors().skip(1).find(shares).filter(|common| common.is_absolute()).map(Path::to_owned)
}

/// Another working directory, until it is dropped.
struct WorkingDirectory;

impl WorkingDirectory {
    fn enter(directory: &Path) -> io::Result<WorkingDirectory> {
        std::env::set_current_dir(directory).map(|()| WorkingDirectory)
    }
}

impl Drop for WorkingDirectory {
    fn drop(&mut self) {
        // The root directory is always there.
        let _ = std::env::set_current_dir("/");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_options_stay_and_long_ones_name_layers_relatively() {
        let short = vec!["lowerdir=/a/1:/a/2".to_owned(), "upperdir=/u".to_owned()];
        assert_eq!(shorten(short), (None, "lowerdir=/a/1:/a/2,upperdir=/u".to_owned()));
        let root = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
        let layers: Vec<String> = (0..120).map(|number| format!("{root}/{number}/fs")).collect();
        let (common, data) = shorten(vec![format!("lowerdir={}", layers.join(":")), "upperdir=/u".to_owned()]);
        assert_eq!(common.as_deref(), Some(Path::new(root)));
        assert!(
            data.starts_with("lowerdir=0/fs:1/fs:2/fs:")
                && data.ends_with(":119/fs,upperdir=/u")
                && data.len() < LONGEST_DATA
        );
    }
}
