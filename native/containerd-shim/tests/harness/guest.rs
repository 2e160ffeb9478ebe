// SPDX-License-Identifier: Apache-2.0
//! A guest on the VMM's ends of the two ports.

use super::{LIMIT, Link as HakodLink, script};
use hako_link::{Event, Link, MAX_PAYLOAD, Reason};
use hako_protocols::shim::guest_port::Port as PortName;
use hako_protocols::shim::passed_file::File;
use hako_protocols::shim::{GuestPort, PassedFile};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What a stream has brought.
#[derive(Default)]
pub struct Stream {
    pub port: u32,
    pub bytes: Vec<u8>,
    pub finished: bool,
    pub reset: Option<Reason>,
}

/// The guest's end of one port.
pub struct Port {
    socket: UnixStream,
    pub link: Link,
    pub streams: BTreeMap<u32, Stream>,
    pub sessions: u32,
}

/// The agent's ends. The process that holds them as a VMM would is only a sleep.
pub struct Guest {
    pub pid: u32,
    pub control: Port,
    pub data: Port,
}

impl Guest {
    /// Launches the VMM's stand-in and takes over its ends; the links are not up yet.
    pub fn boot(link: &mut HakodLink) -> Guest {
        let mut request = script("vmm", "exec sleep 1000");
        let port = |name: &str, port: PortName| PassedFile {
            name: name.into(),
            file: Some(File::GuestPort(GuestPort { port: port as i32 })),
        };
        request.files = vec![port("control", PortName::Control), port("data", PortName::Data)];
        let pid = link.launch(request).unwrap().pid;
        Guest { pid, control: Port::take(pid, 3), data: Port::take(pid, 4) }
    }

    /// Boots and waits until both links are up.
    pub fn up(link: &mut HakodLink) -> Guest {
        let mut guest = Guest::boot(link);
        guest.control.until("control is up", |port| port.link.is_up());
        guest.data.until("data is up", |port| port.link.is_up());
        guest
    }
}

impl Port {
    fn take(pid: u32, number: i32) -> Port {
        // SAFETY: plain integers; both descriptors are fresh and owned by nothing else.
        let socket: UnixStream = unsafe {
            let process = OwnedFd::from_raw_fd(libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32);
            let copy = libc::syscall(libc::SYS_pidfd_getfd, std::os::fd::AsRawFd::as_raw_fd(&process), number, 0);
            assert!(copy >= 0, "pidfd_getfd: {}", std::io::Error::last_os_error());
            OwnedFd::from_raw_fd(copy as i32).into()
        };
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        Port { socket, link: Link::guest(), streams: BTreeMap::new(), sessions: 0 }
    }

    /// Sends what waits, reads what came, until the condition holds.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&mut Port) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < LIMIT, "waited {LIMIT:?} in vain: {what}");
            self.turn();
        }
    }

    pub fn turn(&mut self) {
        self.flush();
        let mut buffer = [0; 16 * 1024];
        let count = match self.socket.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        };
        let mut input = &buffer[..count];
        while let Some(event) = self.link.next_event(&mut input) {
            match event {
                Event::Up => {
                    self.sessions += 1;
                    self.streams.clear();
                }
                Event::Opened { stream, port } => {
                    drop(self.streams.insert(stream, Stream { port, ..Stream::default() }))
                }
                Event::Data { stream, bytes } => {
                    self.streams.get_mut(&stream).unwrap().bytes.extend(bytes);
                    self.link.consumed(stream, bytes.len());
                }
                Event::Finished { stream } => self.streams.get_mut(&stream).unwrap().finished = true,
                Event::Reset { stream, reason } => self.streams.get_mut(&stream).unwrap().reset = Some(reason),
                // What ends a torn frame before a new session.
                Event::Down(_) => self.streams.clear(),
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        while !self.link.output().is_empty() {
            let count = self.socket.write(self.link.output()).unwrap();
            self.link.sent(count);
        }
    }

    /// Writes all of it, as credit comes.
    pub fn write_all(&mut self, stream: u32, mut bytes: &[u8]) {
        self.until("all is written", |port| {
            let count = port.link.write(stream, &bytes[..bytes.len().min(MAX_PAYLOAD)]);
            bytes = &bytes[count..];
            bytes.is_empty()
        });
        self.flush();
    }

    /// Breaks the protocol.
    pub fn write_raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The stream that presented a token.
    pub fn stream_of(&mut self, token: u64) -> u32 {
        let mut found = None;
        self.until("a stream presents its token", |port| {
            found = port
                .streams
                .iter()
                .find(|(_, stream)| stream.bytes.starts_with(&token.to_be_bytes()))
                .map(|(id, _)| *id);
            found.is_some()
        });
        found.unwrap()
    }

    /// What a stream has brought after its token.
    pub fn received(&self, stream: u32) -> &[u8] {
        &self.streams[&stream].bytes[8..]
    }
}
