// SPDX-License-Identifier: Apache-2.0
//! read(2) and write(2), with the outcomes that a pump tells apart.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What one read or write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes were moved, at least one.
    Moved(usize),
    /// None could be moved now.
    Blocked,
    /// None ever will: the end of what is read; or nobody is left to read what is written.
    Ended,
}

/// Reads once, at most `limit` bytes (at least 1), and appends them to `buffer`. Memory beyond what was read is not touched.
/// A terminal or pty whose other side is gone (EIO, ENXIO) has ended.
///
/// # Errors
/// Any failure but that, EAGAIN and ECONNRESET.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut Vec<u8>, limit: usize) -> io::Result<Progress> {
    buffer.reserve(limit);
    loop {
        let spare = &mut buffer.spare_capacity_mut()[..limit];
        // SAFETY: the spare capacity is valid for writes of its length, and the descriptor is open while it is borrowed.
        let count = unsafe { libc::read(fd.as_raw_fd(), spare.as_mut_ptr().cast(), spare.len()) };
        if count > 0 {
            // SAFETY: read(2) has initialised that many bytes of the spare capacity.
            unsafe { buffer.set_len(buffer.len() + count as usize) };
            return Ok(Progress::Moved(count as usize));
        }
        if count == 0 {
            return Ok(Progress::Ended);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EAGAIN) => return Ok(Progress::Blocked),
            Some(libc::EIO | libc::ENXIO | libc::ECONNRESET) => return Ok(Progress::Ended),
            _ => return Err(error),
        }
    }
}

/// Writes the first bytes of `bytes`, which must not be empty. The process must ignore SIGPIPE.
///
/// # Errors
/// Any failure but EAGAIN, EPIPE, ECONNRESET and a pty whose other side is gone (EIO).
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<Progress> {
    loop {
        // SAFETY: the bytes are valid for reads of their length, and the descriptor is open while it is borrowed.
        let count = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if count >= 0 {
            return Ok(Progress::Moved(count as usize));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EAGAIN) => return Ok(Progress::Blocked),
            Some(libc::EPIPE | libc::ECONNRESET | libc::EIO) => return Ok(Progress::Ended),
            _ => return Err(error),
        }
    }
}

/// Whether the open file description has O_NONBLOCK.
///
/// # Errors
/// As fcntl(2) F_GETFL.
pub fn is_nonblocking(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: F_GETFL takes no argument.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 { Err(io::Error::last_os_error()) } else { Ok(flags & libc::O_NONBLOCK != 0) }
}

/// Gives the open file description O_NONBLOCK. Never for one that other processes share, such as a terminal.
///
/// # Errors
/// As fcntl(2) F_SETFL.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: F_GETFL takes no argument and F_SETFL an int.
    let result = unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
