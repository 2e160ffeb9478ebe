// SPDX-License-Identifier: Apache-2.0
//! One line on the terminal for what takes longer than a second.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::terminal;

/// Nobody is told of anything shorter.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// A line on standard error that is rewritten and in the end wiped; nothing where that is no terminal.
pub struct Progress {
    started: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    pub fn new() -> Self {
        Self { started: Instant::now(), shown: None, terminal: terminal::is_error_output() }
    }

    /// Says what is being done, if it has lasted long enough and nothing was said just now.
    pub fn say(&mut self, what: &str) {
        let due = self.shown.map_or(self.started + PATIENCE, |shown| shown + PATIENCE / 5);
        if self.terminal && Instant::now() >= due {
            self.shown = Some(Instant::now());
            // Progress that cannot be shown is no failure.
            let _ = write!(io::stderr(), "\r{what} ({} s)\x1b[K", self.started.elapsed().as_secs());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
