// SPDX-License-Identifier: Apache-2.0
//! What a process writes to its standard output and error: the newest of it.

use crate::ring::Ring;
use hako_pump::Progress;
use std::os::fd::{AsFd, OwnedFd};

const CHUNK: usize = 4096;
/// What a pipe holds (pipe(7)), in chunks: more than that a process has not left behind, whoever else writes on.
const LEFT_BEHIND: usize = 16;

pub struct Output {
    /// The end to read from, until every holder of the other end is gone.
    pipe: Option<OwnedFd>,
    ring: Ring,
}

impl Output {
    pub fn new(pipe: OwnedFd, kept: usize) -> Output {
        Output { pipe: Some(pipe), ring: Ring::new(kept) }
    }

    /// What to wait for.
    pub fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// Reads once. False when nothing can be read now.
    pub fn read(&mut self) -> bool {
        let Some(pipe) = &self.pipe else {
            return false;
        };
        let mut bytes = Vec::new();
        match hako_pump::read(pipe.as_fd(), &mut bytes, CHUNK) {
            Ok(Progress::Moved(_)) => {
                self.ring.push(&bytes);
                true
            }
            Ok(Progress::Blocked) => false,
            Ok(Progress::Ended) | Err(_) => {
                self.pipe = None;
                false
            }
        }
    }

    /// Reads what an ended process has left.
    pub fn read_rest(&mut self) {
        let _ = (0..LEFT_BEHIND).all(|_| self.read());
    }

    pub fn newest(&self) -> Vec<u8> {
        self.ring.newest()
    }

    pub fn dropped(&self) -> u64 {
        self.ring.dropped()
    }
}
