// SPDX-License-Identifier: Apache-2.0
//! The two ports of the guest and their links.

use crate::bridge::Bridges;
use crate::poll::{PollSet, Token};
use crate::stdio::Stdio;
use crate::sys;
use hako_link::{Event, Link};
use hako_pump::Progress;
use std::os::fd::{AsFd, OwnedFd};

/// Index of the port that carries calls to the agent.
pub const CONTROL: usize = 0;
/// Index of the port that carries the containers' bytes.
pub const DATA: usize = 1;

const CHUNK: usize = 16 * 1024;
/// New sessions after the guest broke the protocol. An honest guest needs none.
const MAX_RESTARTS: u32 = 8;

/// One port. Without a socket there is no VMM, and the link is down.
pub struct Port {
    socket: Option<OwnedFd>,
    pub link: Link,
    restarts: u32,
}

/// What is new about the links.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// Both links have a session, or no longer.
    Link { up: bool },
    /// For the log.
    Remark(String),
}

pub struct Guest {
    ports: [Port; 2],
    was_up: bool,
    pub bridges: Bridges,
}

impl Guest {
    pub fn new(bridges: Bridges) -> Guest {
        let port = || Port { socket: None, link: Link::host(1), restarts: 0 };
        Guest { ports: [port(), port()], was_up: false, bridges }
    }

    /// Begins to speak on the shim's end of a port. What an earlier VMM had there is gone.
    pub fn attach(&mut self, index: usize, socket: OwnedFd, nonce: u64, stdio: &mut Stdio) {
        self.lost(index, stdio);
        self.ports[index] = Port { socket: Some(socket), link: Link::host(nonce), restarts: 0 };
    }

    pub fn watch(&mut self, set: &mut PollSet) {
        for (index, port) in self.ports.iter_mut().enumerate() {
            let waiting = !port.link.output().is_empty();
            if let Some(socket) = &port.socket {
                set.watch_if(socket, true, waiting, Token::Port(index));
            }
        }
        self.bridges.watch(set, &self.ports);
    }

    /// The link of the data port.
    pub fn data_link(&mut self) -> &mut Link {
        &mut self.ports[DATA].link
    }

    pub fn accept(&mut self) -> Result<(), String> {
        self.bridges.accept()
    }

    /// Whether a connection of the loopback can be joined now, or else be refused for good: one that comes while the guest is
    /// slow to read waits to be accepted.
    pub fn takes_loopback(&self) -> bool {
        let link = &self.ports[DATA].link;
        self.bridges.has_room() && (!link.is_up() || link.has_room())
    }

    /// Joins a connection to a guest port of the loopback.
    pub fn join_loopback(&mut self, socket: OwnedFd, port: u32) {
        let Guest { ports, bridges, .. } = self;
        bridges.join(socket, port, &mut ports[DATA].link);
    }

    pub fn serve_bridge(&mut self, id: u32, events: i16) {
        self.bridges.serve(id, events, &mut self.ports);
    }

    /// Reads a port once and hands on what came.
    pub fn read(&mut self, index: usize, stdio: &mut Stdio) -> Vec<News> {
        let mut news = Vec::new();
        let Some(socket) = &self.ports[index].socket else {
            return news;
        };
        let mut bytes = Vec::new();
        match hako_pump::read(socket.as_fd(), &mut bytes, CHUNK) {
            Ok(Progress::Moved(_)) => self.take(index, &bytes, stdio, &mut news),
            Ok(Progress::Blocked) => {}
            Ok(Progress::Ended) | Err(_) => {
                self.ports[index] = Port { socket: None, link: Link::host(1), restarts: 0 };
                self.lost(index, stdio);
            }
        }
        self.tell_change(&mut news);
        news
    }

    fn take(&mut self, index: usize, mut input: &[u8], stdio: &mut Stdio, news: &mut Vec<News>) {
        while let Some(event) = self.ports[index].link.next_event(&mut input) {
            let link = &mut self.ports[index].link;
            match event {
                Event::Up => self.bridges.open_waiting(index, link),
                Event::Opened { .. } => {}
                Event::Data { stream, bytes } => {
                    if !self.bridges.data(index, stream, bytes, link) && index == DATA {
                        stdio.data(stream, bytes, link);
                    }
                }
                Event::Finished { stream } => {
                    if !self.bridges.finished(index, stream, link) && index == DATA {
                        stdio.finished(stream, link);
                    }
                }
                Event::Reset { stream, reason } => {
                    if !self.bridges.reset(index, stream) && index == DATA {
                        stdio.reset(stream, reason);
                    }
                }
                Event::Down(violation) => {
                    let port = if index == CONTROL { "control" } else { "data" };
                    news.push(News::Remark(format!("The guest's {port} link broke: {violation}.")));
                    self.lost(index, stdio);
                    self.restart(index);
                }
            }
        }
    }

    fn restart(&mut self, index: usize) {
        let port = &mut self.ports[index];
        port.restarts += 1;
        if port.restarts <= MAX_RESTARTS
            && let Ok(nonce) = sys::random()
        {
            port.link.restart(nonce);
        }
    }

    fn lost(&mut self, index: usize, stdio: &mut Stdio) {
        self.bridges.lost(index);
        if index == DATA {
            stdio.lost();
        }
    }

    fn tell_change(&mut self, news: &mut Vec<News>) {
        let up = self.ports.iter().all(|port| port.link.is_up());
        if std::mem::replace(&mut self.was_up, up) != up {
            news.push(News::Link { up });
        }
    }

    /// Writes what waits for the ports.
    pub fn flush(&mut self) {
        for Port { socket, link, .. } in &mut self.ports {
            let Some(socket) = socket else { continue };
            while !link.output().is_empty() {
                match hako_pump::write(socket.as_fd(), link.output()) {
                    Ok(Progress::Moved(count)) => link.sent(count),
                    // A closed port is seen when it is read.
                    _ => break,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_connection_of_the_loopback_waits_while_the_guest_does_not_read() {
        let path = std::env::temp_dir().join(format!("hako-guest-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut guest = Guest::new(Bridges::new(listener));
        assert!(guest.takes_loopback(), "it is refused while there is no session");
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        guest.attach(DATA, ours.into(), 7, &mut Stdio::default());
        let link = guest.data_link();
        let mut agent = Link::guest();
        let mut hello = link.output();
        assert_eq!(agent.next_event(&mut hello), Some(Event::Up));
        let mut answer = agent.output();
        assert_eq!(link.next_event(&mut answer), Some(Event::Up));
        let fill = |guest: &mut Guest| {
            while guest.data_link().has_room() {
                let stream = guest.data_link().open(1025).unwrap();
                guest.data_link().write(stream, &[0; CHUNK]);
            }
            guest.flush();
        };
        // What the socket holds, and then what the link does.
        (0..64).for_each(|_| fill(&mut guest));
        assert!(!guest.takes_loopback());
        let mut taken = vec![0; 1 << 20];
        loop {
            match theirs.read(&mut taken) {
                Ok(count) => {
                    assert_ne!(count, 0, "the port is closed");
                    guest.flush();
                }
                Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        assert!(guest.takes_loopback());
    }
}
