// SPDX-License-Identifier: Apache-2.0
//! Descriptors that outlive the processes they are for.

use crate::place::{self, Place};
use crate::sys;
use hako_protocols::shim::{ConnectedSocket, KeptFile, KeptResponse, ListeningSocket, OpenedFile, TapQueue};
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// TUNSETIFF of linux/if_tun.h: _IOW('T', 202, int).
const TUNSETIFF: libc::Ioctl = 0x4004_54ca;

struct Kept {
    name: String,
    file: OwnedFd,
}

/// Keeps files by name.
#[derive(Default)]
pub struct Keeper {
    kept: Vec<Kept>,
}

impl Keeper {
    pub fn describe(&self) -> KeptResponse {
        let file = |kept: &Kept| KeptFile { name: kept.name.clone(), number: kept.file.as_raw_fd() as u32 };
        KeptResponse {
            names: self.kept.iter().map(|kept| kept.name.clone()).collect(),
            files: self.kept.iter().map(file).collect(),
        }
    }

    /// A copy of the file that is kept under a name.
    pub fn copy(&self, name: &str) -> io::Result<Option<OwnedFd>> {
        self.kept.iter().find(|kept| kept.name == name).map(|kept| kept.file.as_fd().try_clone_to_owned()).transpose()
    }

    /// Keeps a file and returns a copy.
    pub fn keep(&mut self, name: &str, file: OwnedFd) -> io::Result<OwnedFd> {
        let copy = file.as_fd().try_clone_to_owned()?;
        self.kept.push(Kept { name: name.to_owned(), file });
        Ok(copy)
    }

    pub fn release(&mut self, name: &str) {
        self.kept.retain(|kept| kept.name != name);
    }
}

/// Binds and listens on a socket below the pod directory. What is left at its path is removed.
pub fn listen(place: &Place, wanted: &ListeningSocket) -> Result<OwnedFd, String> {
    let path = Path::new(&wanted.path);
    if !place.owns(path) {
        return Err(format!("The socket {} must be below the pod directory {}.", path.display(), place.pod.display()));
    }
    place::check_socket(path)?;
    let bind = || {
        let _ = fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(wanted.mode & 0o777))?;
        Ok(listener.into())
    };
    bind().map_err(|error: io::Error| format!("Cannot listen on {}: {error}.", path.display()))
}

/// Connects to a listening socket below the pod directory.
pub fn connect(place: &Place, wanted: &ConnectedSocket) -> Result<OwnedFd, String> {
    let path = Path::new(&wanted.path);
    if !place.owns(path) {
        return Err(format!(
            "The socket {} to connect to must be below the pod directory {}.",
            path.display(),
            place.pod.display()
        ));
    }
    UnixStream::connect(path)
        .map(OwnedFd::from)
        .map_err(|error| format!("Cannot connect to {}: {error}.", path.display()))
}

/// An anonymous memory file of so many bytes.
pub fn memory(name: &str, size: u64) -> Result<OwnedFd, String> {
    let make = || {
        let name = std::ffi::CString::new(name)?;
        // SAFETY: a C string that outlives the call.
        let file = sys::owned(i64::from(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) }))?;
        let size = i64::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        // SAFETY: plain integers.
        sys::check(i64::from(unsafe { libc::ftruncate(file.as_raw_fd(), size) }))?;
        Ok(file)
    };
    make().map_err(|error: io::Error| format!("Cannot make the memory file {name} of {size} bytes: {error}."))
}

/// Opens an existing file.
pub fn open(wanted: &OpenedFile) -> Result<OwnedFd, String> {
    let file = OpenOptions::new().read(true).write(wanted.write).custom_flags(libc::O_NOCTTY).open(&wanted.path);
    file.map(OwnedFd::from).map_err(|error| format!("Cannot open {}: {error}.", wanted.path))
}

/// One queue of a tap device, which is made if it is missing, in a network namespace.
pub fn tap(wanted: &TapQueue) -> Result<OwnedFd, String> {
    let name = wanted.interface.as_bytes();
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains(&0) {
        return Err(format!(
            "The tap's name {:?} is not valid: it has 1 to {} bytes.",
            wanted.interface,
            libc::IFNAMSIZ - 1
        ));
    }
    let attach = || {
        let tap: OwnedFd = OpenOptions::new().read(true).write(true).open("/dev/net/tun")?.into();
        // SAFETY: ifreq is plain data and all-zero is valid.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name) {
            *to = *from as libc::c_char;
        }
        let header = if wanted.vnet_header { libc::IFF_VNET_HDR } else { 0 };
        let queues = if wanted.multi_queue { libc::IFF_MULTI_QUEUE } else { 0 };
        request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI | header | queues) as libc::c_short;
        // SAFETY: TUNSETIFF reads and writes one ifreq, which is valid for both.
        sys::check(i64::from(unsafe { libc::ioctl(tap.as_raw_fd(), TUNSETIFF, &raw mut request) }))?;
        Ok(tap)
    };
    let place =
        if wanted.network_namespace.is_empty() { "the shim's network namespace" } else { &wanted.network_namespace };
    sys::in_network_namespace(&wanted.network_namespace, attach)
        .map_err(|error| format!("Cannot attach to the tap {} in {place}: {error}.", wanted.interface))
}
