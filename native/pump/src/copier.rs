// SPDX-License-Identifier: Apache-2.0
//! One direction between two descriptors.

use crate::descriptor::{Progress, is_nonblocking};
use crate::queue::Queue;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

const BOUND: usize = 64 * 1024;

/// Copies until the source ends, then closes the sink (after all that was read has been written).
///
/// Works on descriptors that block, too, as long as each call follows a poll(2) that reported them ready: such a sink
/// gets at most PIPE_BUF bytes at a time, which a pipe that polls as writable always takes (pipe(7)).
pub struct Copier {
    source: Option<OwnedFd>,
    sink: Option<OwnedFd>,
    queue: Queue,
    limit: usize,
}

impl Copier {
    /// A copy from `source` to `sink`.
    ///
    /// # Errors
    /// As fcntl(2).
    pub fn new(source: OwnedFd, sink: OwnedFd) -> io::Result<Copier> {
        let limit = if is_nonblocking(sink.as_fd())? { usize::MAX } else { libc::PIPE_BUF };
        Ok(Copier { source: Some(source), sink: Some(sink), queue: Queue::new(BOUND), limit })
    }

    /// What to poll for: descriptors and poll(2) events. Neither when the copy is finished.
    pub fn interests(&self) -> [Option<(RawFd, i16)>; 2] {
        let source = self.source.as_ref().filter(|_| self.queue.room() > 0);
        let sink = self.sink.as_ref().filter(|_| !self.queue.is_empty());
        [source.map(|fd| (fd.as_raw_fd(), libc::POLLIN)), sink.map(|fd| (fd.as_raw_fd(), libc::POLLOUT))]
    }

    /// The source polled as ready (or hung up): reads once.
    ///
    /// # Errors
    /// As read(2); the source is closed then.
    pub fn source_ready(&mut self) -> io::Result<()> {
        let Some(source) = &self.source else {
            return Ok(());
        };
        let progress = self.queue.fill(source.as_fd());
        if !matches!(progress, Ok(Progress::Moved(_) | Progress::Blocked)) {
            self.source = None;
        }
        self.close_when_done();
        progress.map(drop)
    }

    /// The sink polled as ready (or hung up): writes once. A sink that nobody reads ends the copy.
    ///
    /// # Errors
    /// As write(2); both ends are closed then.
    pub fn sink_ready(&mut self) -> io::Result<()> {
        let Some(sink) = &self.sink else {
            return Ok(());
        };
        let progress = self.queue.drain(sink.as_fd(), self.limit);
        if !matches!(progress, Ok(Progress::Moved(_) | Progress::Blocked)) {
            (self.source, self.sink) = (None, None);
            self.queue.clear();
        }
        self.close_when_done();
        progress.map(drop)
    }

    /// Reads no more; what was read is still written.
    pub fn stop(&mut self) {
        self.source = None;
        self.close_when_done();
    }

    /// Whether the source is still read, for as long as the sink takes it.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().map(AsFd::as_fd)
    }

    /// Whether both ends are closed.
    pub fn is_finished(&self) -> bool {
        self.sink.is_none()
    }

    fn close_when_done(&mut self) {
        if self.source.is_none() && self.queue.is_empty() {
            self.sink = None;
        }
    }
}
