// SPDX-License-Identifier: Apache-2.0
//! A socket that takes connections, and rests for a while where it cannot.

use crate::poll::{PollSet, Token};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

/// After a failed accept(2), which would fail again at once: the connection that it failed on still waits.
const PAUSE: Duration = Duration::from_secs(1);

pub struct Listener {
    socket: UnixListener,
    rests_until: Option<Instant>,
}

impl Listener {
    /// The socket must not block.
    pub fn new(socket: UnixListener) -> Listener {
        Listener { socket, rests_until: None }
    }

    pub fn watch(&self, set: &mut PollSet, token: Token) {
        match self.rests_until.filter(|until| *until > Instant::now()) {
            Some(until) => set.wake_at(until),
            None => set.watch(&self.socket, libc::POLLIN, token),
        }
    }

    /// A connection that does not block; None where none waits.
    pub fn accept(&mut self) -> io::Result<Option<UnixStream>> {
        match self.socket.accept().and_then(|(socket, _)| socket.set_nonblocking(true).map(|()| socket)) {
            Ok(socket) => Ok(Some(socket)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => {
                self.rests_until = Some(Instant::now() + PAUSE);
                Err(error)
            }
        }
    }
}
