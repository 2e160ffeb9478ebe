// SPDX-License-Identifier: Apache-2.0
//! Where the mounter may mount: below the pod directory, through no symbolic link.

use crate::place::Place;
use crate::sys;
use hako_ttrpc::Status;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path};

/// # Errors
/// A sentence with target and pod directory.
pub fn check_target(place: &Place, target: &Path) -> Result<(), Status> {
    if place.owns(target) {
        return Ok(());
    }
    Err(Status::invalid(format!(
        "The mount target {} must be below the pod directory {}.",
        target.display(),
        place.pod.display()
    )))
}

/// What to do about a part of the path that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Make { is_file: bool },
    Fail,
}

/// Opens a target without following a symbolic link anywhere below the pod directory: what is mounted there may have been
/// written by a container.
pub fn open_target(place: &Place, target: &Path, missing: Missing) -> Result<OwnedFd, Status> {
    check_target(place, target)?;
    let failed =
        |error: io::Error| Status::internal(format!("Cannot open the mount target {}: {error}.", target.display()));
    let mut at: OwnedFd = File::open(&place.pod).map_err(failed)?.into();
    let rest = target.strip_prefix(&place.pod).unwrap_or(target);
    let mut names = rest.components().peekable();
    while let Some(Component::Normal(name)) = names.next() {
        let name = sys::c_path(Path::new(name)).map_err(failed)?;
        let last_is_file = names.peek().is_none() && missing == Missing::Make { is_file: true };
        if missing != Missing::Fail {
            make(&at, &name, last_is_file).map_err(failed)?;
        }
        at = sys::open_beneath(at.as_fd(), &name, libc::O_PATH).map_err(failed)?;
    }
    Ok(at)
}

/// The directory that a target is in, opened as [`open_target`] does, and its name there. None where that directory is missing.
pub fn open_parent(place: &Place, target: &Path) -> Result<Option<(OwnedFd, CString)>, Status> {
    check_target(place, target)?;
    let failed = |error: io::Error| {
        Status::internal(format!("Cannot open the directory of the mount target {}: {error}.", target.display()))
    };
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Ok(None);
    };
    let name = sys::c_path(Path::new(name)).map_err(failed)?;
    let mut at: OwnedFd = File::open(&place.pod).map_err(failed)?.into();
    for part in parent.strip_prefix(&place.pod).unwrap_or(parent).components() {
        let part = sys::c_path(Path::new(part.as_os_str())).map_err(failed)?;
        at = match sys::open_beneath(at.as_fd(), &part, libc::O_PATH | libc::O_DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
    }
    Ok(Some((at, name)))
}

/// Makes a directory, or an empty file, unless something has that name.
fn make(directory: &OwnedFd, name: &CStr, file: bool) -> io::Result<()> {
    // SAFETY: a C string that outlives the calls.
    let made = unsafe {
        if file {
            sys::owned(i64::from(libc::openat(
                directory.as_raw_fd(),
                name.as_ptr(),
                libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC,
                0o600,
            )))
            .map(drop)
        } else {
            sys::check(i64::from(libc::mkdirat(directory.as_raw_fd(), name.as_ptr(), 0o755))).map(drop)
        }
    };
    made.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}

/// The path of an open file.
pub fn through(file: &OwnedFd) -> io::Result<CString> {
    Ok(CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?)
}
