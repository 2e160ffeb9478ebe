// SPDX-License-Identifier: Apache-2.0
//! containerd's connections and the requests that hakod has not answered yet.

use crate::connection::{Connection, Pending};
use crate::frames::Frame;
use crate::listener::Listener;
use crate::poll::{PollSet, Token};
use hako_protocols::ttrpc::Request;
use hako_ttrpc::{Code, Status};
use std::io;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

/// What became of reading a connection.
pub struct Received {
    /// Requests to forward, already kept here.
    pub requests: Vec<Vec<u8>>,
    /// Why the connection is gone, if it is; empty for an orderly end.
    pub closed: Option<String>,
}

/// Accepts connections, numbers them from 1 and never uses a number twice.
pub struct Relay {
    listener: Listener,
    last: u32,
    connections: Vec<Connection>,
    patience: Duration,
}

impl Relay {
    /// `patience`: how long a request waits for hakod before it is answered Unavailable.
    pub fn new(listener: UnixListener, patience: Duration) -> Relay {
        Relay { listener: Listener::new(listener), last: 0, connections: Vec::new(), patience }
    }

    pub fn watch(&self, set: &mut PollSet, away_since: Option<Instant>) {
        self.listener.watch(set, Token::Listener);
        for connection in &self.connections {
            set.watch_if(&connection.socket, true, !connection.output.is_empty(), Token::Containerd(connection.number));
        }
        if let Some(since) = away_since {
            let pending = self.connections.iter().flat_map(|connection| &connection.pending);
            if let Some(first) = pending.filter_map(|pending| self.gives_up(pending, since)).min() {
                set.wake_at(first);
            }
        }
    }

    /// Whether a connection was ever accepted.
    pub fn was_used(&self) -> bool {
        self.last > 0
    }

    /// Whether nothing waits to be written to containerd.
    pub fn is_flushed(&self) -> bool {
        self.connections.iter().all(|connection| connection.output.is_empty())
    }

    /// Takes the connections that wait.
    pub fn accept(&mut self) -> Result<(), String> {
        let failed = |error: io::Error| format!("Cannot accept a connection of containerd: {error}.");
        while let Some(socket) = self.listener.accept().map_err(failed)? {
            self.last += 1;
            self.connections.push(Connection::new(self.last, socket));
        }
        Ok(())
    }

    /// Reads and writes what a ready connection allows.
    pub fn serve(&mut self, number: u32, events: i16) -> Received {
        let (count, bytes) = self.held();
        let mut received = Received { requests: Vec::new(), closed: None };
        let Some(connection) = self.connections.iter_mut().find(|connection| connection.number == number) else {
            return received;
        };
        let outcome =
            connection.flush().and_then(|()| if events & !libc::POLLOUT == 0 { Ok(true) } else { connection.read() });
        let outcome =
            outcome.and_then(|open| connection.keep_requests(&mut received.requests, count, bytes).map(|()| open));
        match outcome {
            Ok(true) => {}
            Ok(false) => received.closed = Some(String::new()),
            Err(sentence) => received.closed = Some(sentence),
        }
        if received.closed.is_some() {
            self.close(number);
        }
        received
    }

    /// Hands an answer of hakod on; one that nobody waits for is dropped.
    pub fn answer(&mut self, frame: &Frame) -> Result<(), String> {
        let Some(connection) = self.connections.iter_mut().find(|connection| connection.number == frame.connection)
        else {
            return Ok(());
        };
        let Some(index) = connection.pending.iter().position(|pending| pending.stream == frame.stream) else {
            return Ok(());
        };
        connection.pending.remove(index);
        let outcome = connection.send(&frame.bytes);
        if outcome.is_err() {
            self.close(frame.connection);
        }
        outcome
    }

    /// Answers waiting requests, where `find` has the payload of an answer.
    pub fn answer_by(&mut self, find: impl Fn(&Request) -> Option<Vec<u8>>) {
        for connection in &mut self.connections {
            for pending in std::mem::take(&mut connection.pending) {
                match pending.request().and_then(|request| find(&request)) {
                    // A connection that cannot take this is closed when it is next served.
                    Some(payload) => drop(connection.respond(pending.stream, payload)),
                    None => connection.pending.push(pending),
                }
            }
        }
    }

    pub fn close(&mut self, number: u32) {
        self.connections.retain(|connection| connection.number != number);
    }

    /// What to send again after hakod has returned, oldest first. Forgets what containerd no longer waits for.
    pub fn unanswered(&mut self) -> Vec<(u32, &[u8])> {
        let now = Instant::now();
        for connection in &mut self.connections {
            connection.pending.retain(|pending| pending.until.is_none_or(|until| until > now));
        }
        let mut all: Vec<(u32, &Pending)> = self
            .connections
            .iter()
            .flat_map(|connection| connection.pending.iter().map(|pending| (connection.number, pending)))
            .collect();
        all.sort_by_key(|(_, pending)| pending.arrived);
        all.into_iter().map(|(number, pending)| (number, &pending.frame[..])).collect()
    }

    /// What is due by time. `away_since`: since when hakod is not there, if it is not.
    pub fn tick(&mut self, now: Instant, away_since: Option<Instant>) {
        let Some(since) = away_since else { return };
        let seconds = self.patience.as_secs();
        for index in 0..self.connections.len() {
            let overdue = |pending: &Pending| self.gives_up(pending, since).is_some_and(|time| time <= now);
            let streams: Vec<u32> = self.connections[index]
                .pending
                .iter()
                .filter(|pending| overdue(pending))
                .map(|pending| pending.stream)
                .collect();
            let connection = &mut self.connections[index];
            connection.pending.retain(|pending| !streams.contains(&pending.stream));
            for stream in streams {
                let sentence = format!(
                    "hakod has not been there for {seconds} s; start it (the pod runs on meanwhile) and ask again."
                );
                // A connection that cannot take this is closed when it is next served.
                let _ = connection.refuse(stream, Status::new(Code::Unavailable, sentence));
            }
        }
    }

    /// When a request is answered Unavailable, if hakod stays away.
    fn gives_up(&self, pending: &Pending, away_since: Instant) -> Option<Instant> {
        (!pending.endless).then(|| pending.arrived.max(away_since) + self.patience)
    }

    fn held(&self) -> (usize, usize) {
        let all = self.connections.iter().flat_map(|connection| &connection.pending);
        all.fold((0, 0), |(count, bytes), pending| (count + 1, bytes + pending.frame.len()))
    }
}
