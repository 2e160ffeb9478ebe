// SPDX-License-Identifier: Apache-2.0
//! The one epoll set of the agent.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use crate::sys::check;

/// What a descriptor of the set belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Children,
    CgroupEvents,
    ControlPort,
    DataPort,
    /// The report of a container's first process: closed by its execve.
    Report(u32),
    Stream(u32, Which),
    /// A connection to the guest's loopback, by its stream.
    Loopback(u32),
}

/// One of a process's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Stdin,
    Stdout,
    Stderr,
}

impl Source {
    fn pack(self) -> u64 {
        let (kind, number) = match self {
            Source::Children => (0, 0),
            Source::CgroupEvents => (1, 0),
            Source::ControlPort => (2, 0),
            Source::DataPort => (3, 0),
            Source::Report(number) => (4, number),
            Source::Stream(number, Which::Stdin) => (5, number),
            Source::Stream(number, Which::Stdout) => (6, number),
            Source::Stream(number, Which::Stderr) => (7, number),
            Source::Loopback(stream) => (8, stream),
        };
        kind << 32 | u64::from(number)
    }

    fn unpack(packed: u64) -> Source {
        let number = packed as u32;
        match packed >> 32 {
            0 => Source::Children,
            1 => Source::CgroupEvents,
            2 => Source::ControlPort,
            3 => Source::DataPort,
            4 => Source::Report(number),
            5 => Source::Stream(number, Which::Stdin),
            6 => Source::Stream(number, Which::Stdout),
            7 => Source::Stream(number, Which::Stderr),
            _ => Source::Loopback(number),
        }
    }
}

pub struct Poll {
    set: OwnedFd,
}

/// How many events one turn handles; what is left over comes with the next turn.
const EVENTS: usize = 32;

impl Poll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel has just given this descriptor to this process alone.
        Ok(Poll { set: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Reports `source` as long as `fd` can be read or has been hung up.
    pub fn watch_input(&self, fd: &impl AsRawFd, source: Source) -> io::Result<()> {
        self.watch(fd, source, libc::EPOLLIN)
    }

    /// Reports `source` as long as `fd` can be written or has been hung up.
    pub fn watch_output(&self, fd: &impl AsRawFd, source: Source) -> io::Result<()> {
        self.watch(fd, source, libc::EPOLLOUT)
    }

    /// Reports `source` at each change. A virtio-serial port whose host is away is always "hung up": reporting that
    /// again and again would spin.
    pub fn watch_edges(&self, fd: &impl AsRawFd, source: Source) -> io::Result<()> {
        self.watch(fd, source, libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET)
    }

    /// Reports `source` at these events of epoll_ctl(2).
    pub fn watch(&self, fd: &impl AsRawFd, source: Source, events: i32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: source.pack() };
        // SAFETY: `event` lives across the call.
        check(unsafe { libc::epoll_ctl(self.set.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &mut event) })
            .map(drop)
    }

    /// Takes `fd` out of the set. A descriptor that is not in it is no error.
    pub fn forget(&self, fd: &impl AsRawFd) {
        // SAFETY: EPOLL_CTL_DEL does not read the event.
        unsafe { libc::epoll_ctl(self.set.as_raw_fd(), libc::EPOLL_CTL_DEL, fd.as_raw_fd(), std::ptr::null_mut()) };
    }

    /// Waits for events, at most `timeout` (`None`: for ever).
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Vec<Source>> {
        // Rounded up, so that a deadline is over when the wait for it is.
        let limit = timeout.map_or(-1, |time| i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        // SAFETY: `events` has room for EVENTS entries.
        let count = unsafe { libc::epoll_wait(self.set.as_raw_fd(), events.as_mut_ptr(), EVENTS as i32, limit) };
        match check(count) {
            Ok(count) => Ok(events[..count as usize].iter().map(|event| Source::unpack(event.u64)).collect()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_survives_the_set() {
        let sources = [
            Source::Children,
            Source::CgroupEvents,
            Source::ControlPort,
            Source::DataPort,
            Source::Report(u32::MAX),
            Source::Stream(7, Which::Stdin),
            Source::Stream(u32::MAX, Which::Stdout),
            Source::Stream(0, Which::Stderr),
            Source::Loopback(u32::MAX),
        ];
        for source in sources {
            assert_eq!(Source::unpack(source.pack()), source);
        }
    }

    #[test]
    fn a_readable_pipe_is_reported_until_it_is_forgotten() {
        let (reader, writer) = crate::sys::pipe().unwrap();
        let poll = Poll::new().unwrap();
        poll.watch_input(&reader, Source::Report(3)).unwrap();
        assert_eq!(poll.wait(Some(Duration::ZERO)).unwrap(), []);
        crate::sys::write(&writer, b"x").unwrap();
        assert_eq!(poll.wait(None).unwrap(), [Source::Report(3)]);
        poll.forget(&reader);
        assert_eq!(poll.wait(Some(Duration::ZERO)).unwrap(), []);
    }
}
