// SPDX-License-Identifier: Apache-2.0
//! poll(2) over descriptors by number, as [`hako_pump::Copier::interests`] names them.

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

/// A descriptor and the poll(2) events that are waited for.
pub type Interest = (RawFd, i16);

/// The descriptors for which something has happened, also a hang-up; none once the time is over.
pub fn poll(interests: &[Interest], limit: Option<Duration>) -> io::Result<Vec<RawFd>> {
    let mut entries: Vec<_> = interests.iter().map(|&(fd, events)| libc::pollfd { fd, events, revents: 0 }).collect();
    let limit = limit.map_or(-1, |limit| i32::try_from(limit.as_millis()).unwrap_or(i32::MAX));
    // SAFETY: the entries are valid for reads and writes of as many entries as are said.
    while unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, limit) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(entries.iter().filter(|entry| entry.revents != 0).map(|entry| entry.fd).collect())
}
