// SPDX-License-Identifier: Apache-2.0
//! Bytes between a source that is fast and a sink that is not.

use crate::descriptor::{self, Progress};
use std::io;
use std::os::fd::BorrowedFd;

/// Bytes asked for by one read.
const CHUNK: usize = 16 * 1024;
/// An emptied queue keeps a buffer of at most this many bytes.
const KEPT: usize = 512;

/// A byte queue with a bound. An empty one holds next to no memory.
pub struct Queue {
    bytes: Vec<u8>,
    start: usize,
    bound: usize,
}

impl Queue {
    /// A queue for at most `bound` bytes.
    pub fn new(bound: usize) -> Queue {
        Queue { bytes: Vec::new(), start: 0, bound }
    }

    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it would still take.
    pub fn room(&self) -> usize {
        self.bound.saturating_sub(self.len())
    }

    /// What is queued, oldest first.
    pub fn front(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Queues the first bytes of `bytes` and says how many: as many as there is room for.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        self.make_place(count);
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    /// Drops the oldest `count` bytes.
    pub fn pop(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.is_empty() {
            self.clear();
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.start = 0;
        if self.bytes.capacity() > KEPT { self.bytes = Vec::new() } else { self.bytes.clear() }
    }

    /// Reads once from `fd`, as much as there is room for, up to 16 KiB. `Blocked` where there is no room.
    ///
    /// # Errors
    /// As [`descriptor::read`].
    pub fn fill(&mut self, fd: BorrowedFd<'_>) -> io::Result<Progress> {
        let count = self.room().min(CHUNK);
        if count == 0 {
            return Ok(Progress::Blocked);
        }
        self.make_place(count);
        let progress = descriptor::read(fd, &mut self.bytes, count);
        if self.is_empty() {
            self.clear();
        }
        progress
    }

    /// Writes once to `fd`, at most `limit` bytes, and drops what was written. `Blocked` where it is empty.
    ///
    /// # Errors
    /// As [`descriptor::write`].
    pub fn drain(&mut self, fd: BorrowedFd<'_>, limit: usize) -> io::Result<Progress> {
        if self.is_empty() {
            return Ok(Progress::Blocked);
        }
        let progress = descriptor::write(fd, &self.front()[..limit.min(self.len())])?;
        if let Progress::Moved(count) = progress {
            self.pop(count);
        }
        Ok(progress)
    }

    fn make_place(&mut self, count: usize) {
        if self.start > 0 && self.bytes.len() + count > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}
