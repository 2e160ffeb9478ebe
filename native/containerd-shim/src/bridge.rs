// SPDX-License-Identifier: Apache-2.0
//! POD/guest.sock: `CONNECT port\n`, `OK port\n`, then bytes both ways, as hybrid vsock has it (Firecracker docs/vsock.md).
//! The answer comes when the guest's link is up, however long that takes: nobody has to poll.

use crate::guest::{CONTROL, DATA, Port};
use crate::listener::Listener;
use crate::poll::{PollSet, Token};
use crate::sys;
use hako_link::{Link, Reason, WINDOW};
use hako_pump::{Progress, Queue};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

/// Guest ports (protocols/agent/agent.proto) and the virtio-serial ports that lead to them.
const ROUTES: [(u32, usize); 2] = [(1024, CONTROL), (1025, DATA)];
/// Connections at a time; further ones wait in the listener's queue.
const MAX_BRIDGES: usize = 64;
/// Connections of the pod's loopback among them.
const MAX_OF_LOOPBACK: usize = 32;
/// `CONNECT 4294967295\n`
const LONGEST_LINE: usize = 19;
const CHUNK: usize = 16 * 1024;

enum State {
    /// The line with the port has not come yet.
    Greeting,
    /// There is no session on the link yet.
    Waiting {
        port: u32,
        index: usize,
    },
    Open {
        index: usize,
        stream: u32,
    },
    /// To be dropped.
    Over,
}

struct Bridge {
    id: u32,
    socket: OwnedFd,
    of_loopback: bool,
    state: State,
    to_client: Queue,
    client_ended: bool,
    guest_ended: bool,
}

pub struct Bridges {
    listener: Listener,
    last: u32,
    bridges: Vec<Bridge>,
}

impl Bridges {
    /// The listener must not block.
    pub fn new(listener: UnixListener) -> Bridges {
        Bridges { listener: Listener::new(listener), last: 0, bridges: Vec::new() }
    }

    pub fn watch(&self, set: &mut PollSet, ports: &[Port; 2]) {
        if self.bridges.len() < MAX_BRIDGES {
            self.listener.watch(set, Token::GuestListener);
        }
        for bridge in &self.bridges {
            let token = Token::Bridge(bridge.id);
            match bridge.state {
                State::Greeting => set.watch(&bridge.socket, libc::POLLIN, token),
                // Only to see that the client has gone.
                State::Waiting { .. } => set.watch(&bridge.socket, 0, token),
                State::Open { index, stream } => {
                    let readable = !bridge.client_ended && ports[index].link.writable(stream) > 0;
                    set.watch_if(&bridge.socket, readable, !bridge.to_client.is_empty(), token);
                }
                State::Over => {}
            }
        }
    }

    /// Whether there may be one connection of the loopback more: they never keep hakod's out.
    pub fn has_room(&self) -> bool {
        self.bridges.iter().filter(|bridge| bridge.of_loopback).count() < MAX_OF_LOOPBACK
    }

    pub fn accept(&mut self) -> Result<(), String> {
        let failed = |error: io::Error| format!("Cannot accept a connection to the guest: {error}.");
        if let Some(socket) = self.listener.accept().map_err(failed)? {
            self.add(socket.into(), false, State::Greeting);
        }
        Ok(())
    }

    fn add(&mut self, socket: OwnedFd, of_loopback: bool, state: State) {
        self.last += 1;
        self.bridges.push(Bridge {
            id: self.last,
            socket,
            of_loopback,
            state,
            to_client: Queue::new(WINDOW),
            client_ended: false,
            guest_ended: false,
        });
    }

    /// Joins a connection of the pod's loopback to a guest port. Without a session, or where it has too many streams, it is
    /// refused, which dropping it is. The link must have room.
    pub fn join(&mut self, socket: OwnedFd, port: u32, link: &mut Link) {
        if let Ok(stream) = link.open(port) {
            self.add(socket, true, State::Open { index: DATA, stream });
        }
    }

    /// Does what a ready connection allows.
    pub fn serve(&mut self, id: u32, events: i16, ports: &mut [Port; 2]) {
        let Some(bridge) = self.bridges.iter_mut().find(|bridge| bridge.id == id) else {
            return;
        };
        match bridge.state {
            State::Greeting => {
                bridge.greet();
                if let State::Waiting { index, .. } = bridge.state {
                    bridge.open(&mut ports[index].link);
                }
            }
            State::Waiting { .. } => bridge.state = State::Over,
            State::Open { index, stream } => {
                let link = &mut ports[index].link;
                if events & !libc::POLLIN != 0 {
                    bridge.write(stream, link);
                }
                if events & libc::POLLIN != 0 {
                    bridge.read(stream, link);
                }
            }
            State::Over => {}
        }
        self.sweep();
    }

    /// A session has begun on a link: earlier streams are gone, those who wait are served.
    pub fn open_waiting(&mut self, index: usize, link: &mut Link) {
        self.lost(index);
        for bridge in &mut self.bridges {
            if matches!(bridge.state, State::Waiting { index: wanted, .. } if wanted == index) {
                bridge.open(link);
            }
        }
        self.sweep();
    }

    /// The session of a link has ended.
    pub fn lost(&mut self, index: usize) {
        self.bridges.retain(|bridge| !matches!(bridge.state, State::Open { index: at, .. } if at == index));
    }

    /// Bytes of the guest; false where the stream is nobody's here.
    pub fn data(&mut self, index: usize, stream: u32, bytes: &[u8], link: &mut Link) -> bool {
        let Some(bridge) = self.find(index, stream) else {
            return false;
        };
        bridge.to_client.push(bytes);
        bridge.write(stream, link);
        self.sweep();
        true
    }

    pub fn finished(&mut self, index: usize, stream: u32, link: &mut Link) -> bool {
        let Some(bridge) = self.find(index, stream) else {
            return false;
        };
        bridge.guest_ended = true;
        bridge.write(stream, link);
        self.sweep();
        true
    }

    pub fn reset(&mut self, index: usize, stream: u32) -> bool {
        let Some(bridge) = self.find(index, stream) else {
            return false;
        };
        bridge.state = State::Over;
        self.sweep();
        true
    }

    fn find(&mut self, index: usize, stream: u32) -> Option<&mut Bridge> {
        self.bridges
            .iter_mut()
            .find(|bridge| matches!(bridge.state, State::Open { index: at, stream: of } if (at, of) == (index, stream)))
    }

    fn sweep(&mut self) {
        self.bridges.retain(|bridge| !matches!(bridge.state, State::Over));
    }
}

impl Bridge {
    /// Reads the line, and nothing behind it.
    fn greet(&mut self) {
        let mut peeked = [0u8; LONGEST_LINE];
        // SAFETY: the buffer is valid for writes of its length.
        let count =
            unsafe { libc::recv(self.socket.as_raw_fd(), peeked.as_mut_ptr().cast(), peeked.len(), libc::MSG_PEEK) };
        if count < 0 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock {
            return;
        }
        let line = &peeked[..count.max(0) as usize];
        // A client writes its line at once; a part of one would be peeked at for ever.
        let end = line.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let port =
            std::str::from_utf8(&line[..end]).ok().and_then(|line| line.strip_prefix("CONNECT ")?.parse::<u32>().ok());
        let Some((port, index)) = ROUTES.iter().find(|(known, _)| Some(*known) == port) else {
            return self.refuse("a line CONNECT 1024 or CONNECT 1025 is expected");
        };
        let _ = hako_pump::read(self.socket.as_fd(), &mut Vec::new(), end + 1);
        self.state = State::Waiting { port: *port, index: *index };
    }

    fn refuse(&mut self, why: &str) {
        let _ = hako_pump::write(self.socket.as_fd(), format!("ERROR {why}\n").as_bytes());
        self.state = State::Over;
    }

    fn open(&mut self, link: &mut Link) {
        let State::Waiting { port, index } = self.state else {
            return;
        };
        if !link.is_up() {
            return;
        }
        let Ok(stream) = link.open(port) else {
            return self.refuse("too many streams are open");
        };
        let answer = format!("OK {port}\n");
        // The first bytes to a client always find room.
        match hako_pump::write(self.socket.as_fd(), answer.as_bytes()) {
            Ok(Progress::Moved(count)) if count == answer.len() => self.state = State::Open { index, stream },
            _ => self.abandon(stream, link),
        }
    }

    /// From the client to the guest, as much as its credit allows.
    fn read(&mut self, stream: u32, link: &mut Link) {
        let mut bytes = Vec::new();
        let count = link.writable(stream).min(CHUNK);
        if count == 0 || self.client_ended {
            return;
        }
        match hako_pump::read(self.socket.as_fd(), &mut bytes, count) {
            Ok(Progress::Moved(_)) => {
                link.write(stream, &bytes);
            }
            Ok(Progress::Blocked) => {}
            Ok(Progress::Ended) => {
                self.client_ended = true;
                link.finish(stream);
                self.close_if_ended();
            }
            Err(_) => self.abandon(stream, link),
        }
    }

    /// From the guest to the client.
    fn write(&mut self, stream: u32, link: &mut Link) {
        while !self.to_client.is_empty() {
            match self.to_client.drain(self.socket.as_fd(), usize::MAX) {
                Ok(Progress::Moved(count)) => link.consumed(stream, count),
                Ok(Progress::Blocked) => return,
                Ok(Progress::Ended) | Err(_) => return self.abandon(stream, link),
            }
        }
        if self.guest_ended {
            // SAFETY: plain integers.
            unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_WR) };
            self.close_if_ended();
        }
    }

    fn abandon(&mut self, stream: u32, link: &mut Link) {
        link.reset(stream, Reason::Closed);
        self.state = State::Over;
    }

    fn close_if_ended(&mut self) {
        if self.client_ended && self.guest_ended && self.to_client.is_empty() {
            sys::set_reset_on_close(self.socket.as_fd(), false);
            self.state = State::Over;
        }
    }
}
