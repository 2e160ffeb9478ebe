// SPDX-License-Identifier: Apache-2.0
//! The link to hakod: connecting, greeting, frames (protocols/shim/shim.proto, header comment).

use crate::frames::{self, CLOSED, Cutter, Frame, HELLO};
use crate::poll::{PollSet, Token};
use crate::sys;
use hako_protocols::shim::{Hello, HelloAck};
use hako_pump::{Progress, Queue};
use prost::Message;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// All unanswered requests, the answers of the shim, and room to spare.
const MAX_WAITING: usize = 64 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A hakod that accepts and does not greet counts as away; it may still be loading.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

enum State {
    /// Nobody is there.
    Away {
        retry_at: Instant,
        pause: Duration,
    },
    /// HELLO was sent.
    Greeting {
        until: Instant,
    },
    Up,
}

struct Wire {
    socket: UnixStream,
    input: Cutter,
    output: Queue,
}

/// What to say in HELLO is made anew for each connection, for the highest epoch.
pub struct Uplink {
    path: PathBuf,
    state: State,
    wire: Option<Wire>,
    /// Since when there is no hakod.
    away_since: Option<Instant>,
    highest_epoch: u64,
    hello: Hello,
    watch: Option<OwnedFd>,
}

impl Uplink {
    pub fn new(path: PathBuf, hello: Hello) -> Uplink {
        let now = Instant::now();
        let state = State::Away { retry_at: now, pause: FIRST_PAUSE };
        Uplink { path, state, wire: None, away_since: Some(now), highest_epoch: 0, hello, watch: None }
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    pub fn away_since(&self) -> Option<Instant> {
        self.away_since
    }

    pub fn is_flushed(&self) -> bool {
        self.wire.as_ref().is_none_or(|wire| wire.output.is_empty())
    }

    pub fn watch(&self, set: &mut PollSet) {
        if let Some(wire) = &self.wire {
            set.watch_if(&wire.socket, true, !wire.output.is_empty(), Token::Hakod);
        }
        if let Some(watch) = &self.watch {
            set.watch(watch, libc::POLLIN, Token::RunDirectory);
        }
        match self.state {
            State::Away { retry_at, .. } => set.wake_at(retry_at),
            State::Greeting { until } => set.wake_at(until),
            State::Up => {}
        }
    }

    /// Connects and gives up as time demands.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Away { retry_at, pause } if retry_at <= now => self.connect(now, pause),
            State::Greeting { until } if until <= now => self.lose(),
            _ => {}
        }
    }

    /// Something appeared in the run directory: perhaps hakod's socket.
    pub fn run_directory_changed(&mut self) {
        let mut names = Vec::new();
        let seen = self.watch.as_ref().map(|watch| hako_pump::read(watch.as_fd(), &mut names, 4096));
        if !matches!(seen, Some(Ok(Progress::Moved(_) | Progress::Blocked))) {
            self.watch = None;
        }
        if let State::Away { .. } = self.state {
            self.state = State::Away { retry_at: Instant::now(), pause: FIRST_PAUSE };
        }
    }

    fn connect(&mut self, now: Instant, pause: Duration) {
        let Ok(socket) = sys::connect_now(&self.path) else {
            self.state = State::Away { retry_at: now + pause, pause: (pause * 2).min(LONGEST_PAUSE) };
            if self.watch.is_none() {
                self.watch = self.path.parent().and_then(|run| sys::watch_directory(run).ok());
            }
            return;
        };
        self.wire = Some(Wire { socket, input: Cutter::numbered(), output: Queue::new(MAX_WAITING) });
        self.state = State::Greeting { until: now + GREETING_LIMIT };
        self.hello.highest_epoch = self.highest_epoch;
        self.queue(0, &frames::encode(0, HELLO, &self.hello.encode_to_vec()));
    }

    /// Drops the link and everything under way on it; it is tried again soon.
    pub fn lose(&mut self) {
        let now = Instant::now();
        self.away_since.get_or_insert(now);
        self.wire = None;
        self.state = State::Away { retry_at: now + FIRST_PAUSE, pause: FIRST_PAUSE };
    }

    /// Takes HelloAck. The link is up afterwards if its epoch is not below the highest one seen.
    pub fn acknowledge(&mut self, frame: &Frame) -> Result<(), String> {
        let ack =
            HelloAck::decode(frame.payload()).map_err(|error| format!("hakod's HELLO cannot be decoded: {error}."))?;
        if ack.epoch < self.highest_epoch {
            return Err(format!(
                "A hakod of epoch {} answers, the newest was {}; it is not listened to.",
                ack.epoch, self.highest_epoch
            ));
        }
        self.highest_epoch = ack.epoch;
        self.state = State::Up;
        (self.away_since, self.watch) = (None, None);
        Ok(())
    }

    /// Sends a frame on behalf of a connection, where the link is up; requests are sent again when it comes up, and answers
    /// are void with the link that they were asked on.
    pub fn send(&mut self, connection: u32, frame: &[u8]) {
        if self.is_up() {
            self.queue(connection, frame);
        }
    }

    /// Says that containerd closed a connection.
    pub fn send_closed(&mut self, connection: u32) {
        self.send(connection, &frames::encode(0, CLOSED, &[]));
    }

    fn queue(&mut self, connection: u32, frame: &[u8]) {
        let Some(wire) = &mut self.wire else { return };
        if wire.output.room() < frame.len() + 4 {
            return self.lose();
        }
        wire.output.push(&connection.to_be_bytes());
        wire.output.push(frame);
    }

    /// Writes what waits. False if the link is lost by it.
    pub fn flush(&mut self) -> bool {
        while let Some(wire) = self.wire.as_mut().filter(|wire| !wire.output.is_empty()) {
            match wire.output.drain(wire.socket.as_fd(), usize::MAX) {
                Ok(Progress::Moved(_)) => {}
                Ok(Progress::Blocked) => break,
                Ok(Progress::Ended) | Err(_) => {
                    self.lose();
                    return false;
                }
            }
        }
        true
    }

    /// Reads once and cuts what is whole.
    ///
    /// # Errors
    /// A sentence, after which the link is to be lost; empty for an orderly end.
    pub fn read(&mut self) -> Result<Vec<Frame>, String> {
        let Some(wire) = &mut self.wire else {
            return Ok(Vec::new());
        };
        match wire.input.fill(wire.socket.as_fd()) {
            Ok(Progress::Ended) => return Err(String::new()),
            Ok(_) => {}
            Err(error) => return Err(format!("Cannot read from hakod: {error}.")),
        }
        let mut frames = Vec::new();
        while let Some(frame) = wire.input.next()? {
            frames.push(frame);
        }
        Ok(frames)
    }
}
