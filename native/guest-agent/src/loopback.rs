// SPDX-License-Identifier: Apache-2.0
//! Streams of the data port that end in a server of the guest's loopback: guest port 65536 + N is TCP port N of 127.0.0.1, and
//! 131072 + N that of ::1. Where nobody listens on one, the other is tried, as clients do that dial "localhost"; where nobody
//! listens on either, the stream is reset with NoSuchPort. Bytes wait only here: a stream's credit is their bound.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use hako_link::Reason;

use crate::agent::Agent;
use crate::poll::Source;
use crate::sockets;

const IPV4: u32 = 1 << 16;
const IPV6: u32 = 2 << 16;
/// Connections at a time: each may hold a stream's window of bytes.
const MOST: usize = 64;
const CHUNK: usize = 16 * 1024;

pub struct Connection {
    socket: TcpStream,
    /// Tried if nobody listens on the first.
    other: Option<SocketAddr>,
    connected: bool,
    /// From the host, not yet taken by the server.
    waiting: Vec<u8>,
    host_ended: bool,
    server_ended: bool,
    watched: i32,
}

/// By their streams.
#[derive(Default)]
pub struct Connections {
    open: BTreeMap<u32, Connection>,
}

/// The addresses that a guest port stands for, in the order in which they are tried.
fn addresses(port: u32) -> Option<[SocketAddr; 2]> {
    let number = (port & 0xffff) as u16;
    let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
    let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, number));
    match port & !0xffff {
        _ if number == 0 => None,
        IPV4 => Some([ipv4, ipv6]),
        IPV6 => Some([ipv6, ipv4]),
        _ => None,
    }
}

impl Connection {
    fn new(addresses: [SocketAddr; 2]) -> io::Result<Connection> {
        let [first, other] = addresses;
        let (socket, other) = match sockets::connect(first) {
            Ok(socket) => (socket, Some(other)),
            Err(_) => (sockets::connect(other)?, None),
        };
        let (connected, host_ended, server_ended) = (false, false, false);
        Ok(Connection { socket, other, connected, waiting: Vec::new(), host_ended, server_ended, watched: 0 })
    }

    /// Whether it stands; asked when the socket has something to say.
    fn establish(&mut self) -> io::Result<()> {
        match sockets::error(&self.socket) {
            Ok(()) => self.connected = true,
            Err(error) => {
                let other = self.other.take().ok_or(error)?;
                // The former is closed by that, and so no longer watched.
                self.socket = sockets::connect(other)?;
                self.watched = 0;
            }
        }
        Ok(())
    }

    /// How many waiting bytes the server took.
    fn flush(&mut self) -> io::Result<usize> {
        let mut count = 0;
        while self.connected && count < self.waiting.len() {
            match (&self.socket).write(&self.waiting[count..]) {
                Ok(written) => count += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.waiting.drain(..count);
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
            if self.connected && self.host_ended {
                sockets::end_output(&self.socket)?;
            }
        }
        Ok(count)
    }

    fn is_over(&self) -> bool {
        self.host_ended && self.server_ended && self.waiting.is_empty()
    }

    /// What is to be waited for: a hung-up socket that nobody wants to hear of would be reported for ever.
    fn interest(&self, room: usize) -> i32 {
        let input = if self.connected && !self.server_ended && room > 0 { libc::EPOLLIN } else { 0 };
        let output = if !self.connected || !self.waiting.is_empty() { libc::EPOLLOUT } else { 0 };
        input | output
    }
}

impl Agent {
    /// Whether the guest port is one of the loopback's; then the stream is taken care of.
    pub fn open_loopback(&mut self, stream: u32, port: u32) -> bool {
        let Some(addresses) = addresses(port) else { return false };
        if self.loopback.open.len() >= MOST {
            self.data.link.reset(stream, Reason::TooManyStreams);
            return true;
        }
        match Connection::new(addresses) {
            Ok(connection) => drop(self.loopback.open.insert(stream, connection)),
            Err(_) => self.data.link.reset(stream, Reason::NoSuchPort),
        }
        true
    }

    pub fn is_loopback(&self, stream: u32) -> bool {
        self.loopback.open.contains_key(&stream)
    }

    pub fn loopback_bytes(&mut self, stream: u32, bytes: &[u8]) {
        if let Some(connection) = self.loopback.open.get_mut(&stream) {
            connection.waiting.extend_from_slice(bytes);
            self.flush_loopback(stream);
        }
    }

    pub fn loopback_finished(&mut self, stream: u32) {
        if let Some(connection) = self.loopback.open.get_mut(&stream) {
            connection.host_ended = true;
            self.flush_loopback(stream);
        }
    }

    /// The host has gone from a stream.
    pub fn drop_loopback(&mut self, stream: u32) {
        if let Some(connection) = self.loopback.open.remove(&stream) {
            self.poll.forget(&connection.socket);
        }
    }

    pub fn drop_all_loopback(&mut self) {
        let streams: Vec<u32> = self.loopback.open.keys().copied().collect();
        streams.into_iter().for_each(|stream| self.drop_loopback(stream));
    }

    /// One turn of a socket: at most one chunk from it.
    pub fn loopback_ready(&mut self, stream: u32) {
        let Some(connection) = self.loopback.open.get_mut(&stream) else { return };
        if !connection.connected {
            match connection.establish() {
                Ok(()) if connection.connected => {}
                Ok(()) => return,
                Err(_) => return self.fail_loopback(stream, Reason::NoSuchPort),
            }
        }
        self.flush_loopback(stream);
        self.read_loopback(stream);
    }

    fn flush_loopback(&mut self, stream: u32) {
        let Some(connection) = self.loopback.open.get_mut(&stream) else { return };
        match connection.flush() {
            Ok(count) => self.data.link.consumed(stream, count),
            Err(_) => self.fail_loopback(stream, Reason::Closed),
        }
    }

    fn read_loopback(&mut self, stream: u32) {
        let Some(connection) = self.loopback.open.get_mut(&stream) else { return };
        let room = self.data.link.writable(stream).min(CHUNK);
        if !connection.connected || connection.server_ended || room == 0 {
            return;
        }
        let mut buffer = [0; CHUNK];
        match (&connection.socket).read(&mut buffer[..room]) {
            Ok(0) => {
                connection.server_ended = true;
                self.data.link.finish(stream);
            }
            Ok(count) => drop(self.data.link.write(stream, &buffer[..count])),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.fail_loopback(stream, Reason::Closed),
        }
    }

    fn fail_loopback(&mut self, stream: u32, reason: Reason) {
        self.drop_loopback(stream);
        self.data.link.reset(stream, reason);
    }

    /// Brings what is watched in line with what can go on.
    pub fn settle_loopback(&mut self) {
        let mut over = Vec::new();
        for (&stream, connection) in &mut self.loopback.open {
            let wanted = connection.interest(self.data.link.writable(stream));
            if connection.watched != wanted {
                self.poll.forget(&connection.socket);
                let added =
                    wanted == 0 || self.poll.watch(&connection.socket, Source::Loopback(stream), wanted).is_ok();
                connection.watched = if added { wanted } else { 0 };
            }
            if connection.is_over() {
                over.push(stream);
            }
        }
        over.into_iter().for_each(|stream| self.drop_loopback(stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_port_is_a_port_of_either_loopback_address_first() {
        let text = |port| addresses(port).map(|both| both.map(|address| address.to_string()));
        assert_eq!(text(IPV4 + 80), Some(["127.0.0.1:80".to_owned(), "[::1]:80".to_owned()]));
        assert_eq!(text(IPV6 + 65535), Some(["[::1]:65535".to_owned(), "127.0.0.1:65535".to_owned()]));
        for port in [80, 1025, IPV4, IPV6, 3 << 16 | 80] {
            assert_eq!(text(port), None, "{port}");
        }
    }
}
