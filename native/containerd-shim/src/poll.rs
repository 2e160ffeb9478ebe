// SPDX-License-Identifier: Apache-2.0
//! The one wait of the loop. What to wait for is said anew each turn, so that nothing can be forgotten in it.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

/// Whose descriptor is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The Task API's listener.
    Listener,
    /// SIGCHLD.
    Signal,
    /// The link to hakod.
    Hakod,
    /// The watch on the run directory, while hakod is away.
    RunDirectory,
    /// containerd's connection of this number.
    Containerd(u32),
    /// The guest bridge's listener.
    GuestListener,
    /// A connection through the guest bridge.
    Bridge(u32),
    /// One of the guest's two ports.
    Port(usize),
    /// The output of a launched process, by its pid.
    Output(u32),
    /// The output of a hook, by its pid.
    Hook(u32),
    /// A listener for the pod's loopback.
    Forward(usize),
    /// A stdio fifo, by its stream's key.
    Stdio(u32),
    /// A logger's words, or that it is ready; by its key.
    Logger(u32),
}

/// What is waited for in one turn.
#[derive(Default)]
pub struct PollSet {
    polled: Vec<libc::pollfd>,
    tokens: Vec<Token>,
    deadline: Option<Instant>,
}

impl PollSet {
    pub fn begin(&mut self) {
        self.polled.clear();
        self.tokens.clear();
        self.deadline = None;
    }

    /// Waits for poll(2) events on a descriptor; errors and hang-up are always waited for.
    pub fn watch(&mut self, fd: &impl AsFd, events: i16, token: Token) {
        self.polled.push(libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 });
        self.tokens.push(token);
    }

    /// Waits for POLLIN and POLLOUT as wanted, and for nothing at all where neither is.
    pub fn watch_if(&mut self, fd: &impl AsFd, readable: bool, writable: bool, token: Token) {
        let events = if readable { libc::POLLIN } else { 0 } | if writable { libc::POLLOUT } else { 0 };
        if events != 0 {
            self.watch(fd, events, token);
        }
    }

    /// Ends the wait at this time at the latest.
    pub fn wake_at(&mut self, time: Instant) {
        self.deadline = Some(self.deadline.map_or(time, |earlier| earlier.min(time)));
    }

    /// Waits; for ever where no time was set.
    pub fn wait(&mut self) -> io::Result<()> {
        let limit = match self.deadline {
            None => -1,
            // Rounded up, so that the time has really come when the wait ends.
            Some(time) => time.saturating_duration_since(Instant::now()).as_millis().min(1 << 30) as i32 + 1,
        };
        // SAFETY: the array is valid for its length, and every descriptor in it was open when it was put there.
        let ready = unsafe { libc::poll(self.polled.as_mut_ptr(), self.polled.len() as libc::nfds_t, limit) };
        let error = io::Error::last_os_error();
        if ready < 0 && error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        if ready <= 0 {
            self.polled.iter_mut().for_each(|polled| polled.revents = 0);
        }
        Ok(())
    }

    /// What is ready after a wait: token and events, by index.
    pub fn ready(&self, index: usize) -> Option<(Token, i16)> {
        self.tokens.get(index).map(|token| (*token, self.polled[index].revents))
    }
}
