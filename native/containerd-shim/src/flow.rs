// SPDX-License-Identifier: Apache-2.0
//! One standard stream: its file here, its stream to the guest.

use crate::cri_log::CriLog;
use crate::sink::{self, Sink};
use crate::sys;
use hako_link::{Link, Reason, WINDOW};
use hako_pump::{Progress, Queue};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Guest port of the standard streams (protocols/agent/agent.proto, Stdio).
const STDIO_PORT: u32 = 1025;
const CHUNK: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// For the link.
    Waiting,
    Open(u32),
    Ended,
    /// Ended before its time.
    Failed,
}

/// The stream to the guest. It begins with the token that tells the agent whose it is.
pub struct Channel {
    pub key: u32,
    pub state: State,
    token: [u8; 8],
    token_sent: usize,
}

impl Channel {
    pub fn new(key: u32, token: u64) -> Channel {
        Channel { key, state: State::Waiting, token: token.to_be_bytes(), token_sent: 0 }
    }

    /// The number on the link while it is open.
    pub fn stream(&self) -> Option<u32> {
        if let State::Open(stream) = self.state { Some(stream) } else { None }
    }

    /// Whether the whole token was sent.
    pub fn is_greeted(&self) -> bool {
        self.token_sent == self.token.len()
    }

    /// Opens the stream and sends the token, as far as the link takes it now.
    pub fn advance(&mut self, link: &mut Link) {
        if self.state == State::Waiting {
            self.state = link.open(STDIO_PORT).map_or(State::Waiting, State::Open);
        }
        if let State::Open(stream) = self.state {
            self.token_sent += link.write(stream, &self.token[self.token_sent..]);
        }
    }
}

/// Standard input: from a fifo to the guest.
pub struct Input {
    pub channel: Channel,
    pub fifo: OwnedFd,
}

impl Input {
    /// Opened for writing too, so that only [`Input::close`] can bring the end.
    pub fn open(path: &str, channel: Channel) -> Result<Input, String> {
        Ok(Input { channel, fifo: sink::open_fifo(path)? })
    }

    /// Lets go of the writing end: the input ends when all other writers have, and what they wrote has been read.
    pub fn close(&mut self) -> io::Result<()> {
        self.fifo = sink::reading_end(&self.fifo)?;
        Ok(())
    }

    /// Whether a byte from the fifo could go on its way.
    pub fn can_send(&self, link: &Link) -> bool {
        let stream = self.channel.stream().filter(|_| self.channel.is_greeted());
        stream.is_some_and(|stream| link.writable(stream) > 0)
    }

    /// Moves once, as much as the stream's credit allows.
    pub fn read(&mut self, link: &mut Link) {
        let State::Open(stream) = self.channel.state else {
            return;
        };
        let count = link.writable(stream).min(CHUNK);
        let mut bytes = Vec::new();
        match if count == 0 { Ok(Progress::Blocked) } else { hako_pump::read(self.fifo.as_fd(), &mut bytes, count) } {
            Ok(Progress::Moved(_)) => {
                link.write(stream, &bytes);
            }
            Ok(Progress::Blocked) => {}
            Ok(Progress::Ended) => {
                self.channel.state = State::Ended;
                link.finish(stream);
            }
            Err(_) => {
                self.channel.state = State::Failed;
                link.reset(stream, Reason::Failed);
            }
        }
    }
}

/// Standard output or error: from the guest to a sink.
pub struct Output {
    pub name: &'static str,
    pub channel: Channel,
    pub sink: Sink,
    pub queue: Queue,
    pub guest_ended: bool,
    pub moved: u64,
    /// Something was dropped.
    pub lossy: bool,
    /// The last write failed.
    refused: bool,
}

impl Output {
    pub fn new(name: &'static str, sink: Sink, channel: Channel) -> Output {
        Output {
            name,
            channel,
            sink,
            queue: Queue::new(WINDOW),
            guest_ended: false,
            moved: 0,
            lossy: false,
            refused: false,
        }
    }

    /// Whether nothing more will be written.
    pub fn is_over(&self) -> bool {
        matches!(self.channel.state, State::Ended | State::Failed) && self.queue.is_empty()
    }

    /// Writes what the sink takes, and ends the stream after the last byte. What the sink refuses is dropped, since a full
    /// disk must not hold the container up.
    ///
    /// # Errors
    /// A sentence, on the first refusal after a success.
    pub fn write(&mut self, link: &mut Link, logs: &mut [CriLog]) -> Result<(), String> {
        let mut outcome = Ok(());
        while !self.queue.is_empty() {
            let waiting = self.queue.len();
            let count = match self.sink.write(self.name, &mut self.queue, logs) {
                Ok(Progress::Moved(count)) => {
                    self.refused = false;
                    count
                }
                Ok(Progress::Blocked) => return outcome,
                Ok(Progress::Ended) => self.drop_waiting(waiting, "nobody can read it", &mut outcome),
                Err(error) => self.drop_waiting(waiting, &error.to_string(), &mut outcome),
            };
            self.moved += count as u64;
            if let State::Open(stream) = self.channel.state {
                link.consumed(stream, count);
            }
        }
        if let (true, State::Open(stream)) = (self.guest_ended, self.channel.state) {
            link.finish(stream);
            self.channel.state = State::Ended;
        }
        self.close_when_over();
        outcome
    }

    /// Nothing more comes from the guest; what was received is still written.
    pub fn fail(&mut self) {
        self.channel.state = State::Failed;
        self.close_when_over();
    }

    fn drop_waiting(&mut self, waiting: usize, why: &str, outcome: &mut Result<(), String>) -> usize {
        self.queue.clear();
        self.lossy = true;
        if !std::mem::replace(&mut self.refused, true) {
            *outcome = Err(format!("Cannot write {}: {why}; it is dropped until that works again.", self.name));
        }
        waiting
    }

    fn close_when_over(&mut self) {
        if self.is_over() {
            self.sink.finish();
        }
    }

    /// A logger has ended. Whether it is this output's, and was still needed: for the output, or for what it has not read.
    pub fn lose_logger(&mut self, ended: u32) -> bool {
        let needed = match &self.sink {
            Sink::Logger(pipe, key) if *key == ended => {
                if !sys::has_no_reader(pipe.as_fd()) {
                    // What it has started reads on.
                    return false;
                }
                true
            }
            Sink::Handed(_, key) if *key == ended => self.sink.unread() > 0,
            _ => return false,
        };
        self.lossy |= self.sink.unread() > 0;
        self.refused = needed;
        self.sink = Sink::Gone;
        needed
    }
}
