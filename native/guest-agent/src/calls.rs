// SPDX-License-Identifier: Apache-2.0
//! The control port: ttrpc connections on its streams, one per stream to guest port 1024.

use std::collections::BTreeMap;

use hako_link::{Event, Reason};
use hako_ttrpc::Connection;

use crate::agent::Agent;
use crate::requests::{Answer, Caller};

/// The guest port on which the agent's calls are served.
const CALL_PORT: u32 = 1024;

/// A connection and the link's stream that carries it.
struct Server {
    stream: u32,
    connection: Connection,
    /// Answer bytes that the stream has not taken.
    waiting: Vec<u8>,
}

/// Streams may be numbered anew in each session of the link, connections are not.
#[derive(Default)]
pub struct Servers {
    last: u64,
    open: BTreeMap<u64, Server>,
}

impl Servers {
    fn add(&mut self, stream: u32) {
        self.last += 1;
        self.open.insert(self.last, Server { stream, connection: Connection::default(), waiting: Vec::new() });
    }

    fn at(&mut self, stream: u32) -> Option<(u64, &mut Server)> {
        self.open.iter_mut().find(|(_, server)| server.stream == stream).map(|(&number, server)| (number, server))
    }

    fn close(&mut self, stream: u32) {
        self.open.retain(|_, server| server.stream != stream);
    }
}

impl Agent {
    pub fn control_ready(&mut self) {
        let mut buffer = [0; 4096];
        while let Some(mut input) = self.control.read(&mut buffer) {
            while let Some(event) = self.control.link.next_event(&mut input) {
                self.on_control(event);
            }
        }
    }

    fn on_control(&mut self, event: Event<'_>) {
        match event {
            Event::Up | Event::Down(_) => self.servers.open.clear(),
            Event::Opened { stream, port: CALL_PORT } => self.servers.add(stream),
            Event::Opened { stream, .. } => self.control.link.reset(stream, Reason::NoSuchPort),
            Event::Data { stream, bytes } => {
                self.control.link.consumed(stream, bytes.len());
                self.serve(stream, bytes);
            }
            // The caller has gone: a ttrpc connection has no use for one direction.
            Event::Finished { stream } => {
                self.servers.close(stream);
                self.control.link.finish(stream);
            }
            Event::Reset { stream, .. } => self.servers.close(stream),
        }
    }

    fn serve(&mut self, stream: u32, bytes: &[u8]) {
        let Some((number, server)) = self.servers.at(stream) else { return };
        server.connection.receive(bytes);
        loop {
            let Some((_, server)) = self.servers.at(stream) else { return };
            match server.connection.next_call() {
                Ok(Some(call)) => {
                    let caller = Caller { connection: number, stream: call.stream };
                    self.dispatch(caller, &call);
                }
                Ok(None) => return,
                Err(_) => {
                    self.servers.close(stream);
                    self.control.link.reset(stream, Reason::Failed);
                }
            }
        }
    }

    /// Queues an answer; a caller that has gone gets none.
    pub fn answer(&mut self, caller: Caller, answer: Answer) {
        if let Some(server) = self.servers.open.get_mut(&caller.connection) {
            server.connection.answer_encoded(caller.stream, answer);
        }
    }

    /// Hands queued answers to the link, as far as credit goes.
    pub fn send_answers(&mut self) {
        for server in self.servers.open.values_mut() {
            if server.connection.has_output() {
                server.waiting.append(&mut server.connection.take_output());
            }
            let mut sent = 0;
            while sent < server.waiting.len() {
                match self.control.link.write(server.stream, &server.waiting[sent..]) {
                    0 => break,
                    count => sent += count,
                }
            }
            server.waiting.drain(..sent);
            if server.waiting.is_empty() {
                server.waiting = Vec::new();
            }
        }
    }

    /// Whether every answer has left the guest.
    pub fn is_all_answered(&mut self) -> bool {
        self.control.is_flushed()
            && self.servers.open.values().all(|s| s.waiting.is_empty() && !s.connection.has_output())
    }
}
