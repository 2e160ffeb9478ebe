// SPDX-License-Identifier: Apache-2.0
//! One byte pipe to the host with the link protocol on it.

use std::io;
use std::os::fd::OwnedFd;

use hako_link::Link;

use crate::sys;

pub struct Port {
    pub fd: OwnedFd,
    pub link: Link,
}

impl Port {
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        sys::set_nonblocking(&fd)?;
        Ok(Port { fd, link: Link::guest() })
    }

    /// Reads what is there. `None`: nothing now. A virtio-serial port reads 0 bytes while its host is away: that is
    /// no end, the host comes back.
    pub fn read<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        loop {
            match sys::read(&self.fd, buffer) {
                Ok(0) => return None,
                Ok(count) => return Some(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Writes what the port takes; the rest waits for its next edge.
    pub fn flush(&mut self) {
        loop {
            let waiting = self.link.output();
            if waiting.is_empty() {
                return;
            }
            match sys::write(&self.fd, waiting) {
                Ok(0) => return,
                Ok(count) => self.link.sent(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    pub fn is_flushed(&mut self) -> bool {
        self.link.output().is_empty()
    }
}
