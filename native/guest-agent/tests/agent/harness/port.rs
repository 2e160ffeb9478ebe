// SPDX-License-Identifier: Apache-2.0
//! The host's end of a port: the link protocol over a unix socket, with blocking streams.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use hako_link::{Event, Link};

/// How long a test waits for what must come. A virtual machine without KVM is slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What has come on a stream.
#[derive(Default)]
struct Inbox {
    bytes: Vec<u8>,
    finished: bool,
    reset: bool,
}

struct State {
    link: Link,
    socket: UnixStream,
    inboxes: HashMap<u32, Inbox>,
    /// The agent, or its machine, has gone.
    closed: bool,
}

impl State {
    fn flush(&mut self) {
        loop {
            let output = self.link.output().to_vec();
            if output.is_empty() {
                return;
            }
            // Fails when the agent has gone, which the test sees by what does not come.
            if self.socket.write_all(&output).is_err() {
                return;
            }
            self.link.sent(output.len());
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Data { stream, bytes } => self.inboxes.entry(stream).or_default().bytes.extend_from_slice(bytes),
            Event::Finished { stream } => self.inboxes.entry(stream).or_default().finished = true,
            Event::Reset { stream, .. } => self.inboxes.entry(stream).or_default().reset = true,
            Event::Up => {}
            Event::Opened { .. } | Event::Down(_) => panic!("the agent broke the link protocol: {event:?}"),
        }
    }
}

#[derive(Clone)]
pub struct Port {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Port {
    /// Begins a session and starts the thread that reads the socket.
    pub fn over(socket: UnixStream) -> Port {
        let mut reader = socket.try_clone().unwrap();
        let state = State { link: Link::host(0x5eed), socket, inboxes: HashMap::new(), closed: false };
        let port = Port { shared: Arc::new((Mutex::new(state), Condvar::new())) };
        port.lock().flush();
        let shared = Arc::clone(&port.shared);
        thread::spawn(move || {
            let mut buffer = [0; 16384];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut state = shared.0.lock().unwrap();
                let mut input = &buffer[..count];
                while let Some(event) = state.link.next_event(&mut input) {
                    state.take(event);
                }
                state.flush();
                shared.1.notify_all();
            }
            shared.0.lock().unwrap().closed = true;
            shared.1.notify_all();
        });
        port.until("a session on the port", |state| state.link.is_up().then_some(()));
        port
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    /// Waits until `ready` gives something.
    fn until<T>(&self, what: &str, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let give_up = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if let Some(found) = ready(&mut state) {
                state.flush();
                return found;
            }
            assert!(!state.closed, "{what} did not come before the agent went");
            let left = give_up.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come within {PATIENCE:?}");
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Begins a new session, as a host that has restarted does.
    pub fn restart(&self, nonce: u64) {
        let mut state = self.lock();
        state.inboxes.clear();
        state.link.restart(nonce);
        state.flush();
        drop(state);
        self.until("a new session on the port", |state| state.link.is_up().then_some(()));
    }

    pub fn open(&self, guest_port: u32) -> Stream {
        let mut state = self.lock();
        let number = state.link.open(guest_port).unwrap();
        state.inboxes.insert(number, Inbox::default());
        state.flush();
        Stream { port: self.clone(), number }
    }

    /// A socket whose bytes go to and come from a new stream.
    pub fn socket(&self, guest_port: u32) -> UnixStream {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (stream, mut writer) = (Arc::new(self.open(guest_port)), far.try_clone().unwrap());
        let incoming = Arc::clone(&stream);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = far.read(&mut buffer) {
                stream.write(&buffer[..count]);
            }
            stream.finish();
        });
        thread::spawn(move || {
            while let Some(bytes) = incoming.next_or_end() {
                if writer.write_all(&bytes).is_err() {
                    return;
                }
            }
            // The other thread reads the same socket, which would keep it open.
            let _ = writer.shutdown(Shutdown::Both);
        });
        near
    }
}

pub struct Stream {
    port: Port,
    number: u32,
}

impl Stream {
    /// Sends all bytes, as fast as the stream's credit allows. Stops at a reset.
    pub fn write(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = self.port.until("credit", |state| {
                if state.inboxes.get(&self.number).is_none_or(|inbox| inbox.reset) {
                    return Some(bytes.len());
                }
                Some(state.link.write(self.number, bytes)).filter(|&count| count > 0)
            });
            bytes = &bytes[count..];
        }
    }

    pub fn finish(&self) {
        let mut state = self.port.lock();
        state.link.finish(self.number);
        state.flush();
    }

    /// The bytes that came since the last call, `None` at the stream's end.
    pub fn next(&self) -> Option<Vec<u8>> {
        self.port.until("output", |state| self.take(state))
    }

    /// Like [`Stream::next`], for as long as it takes; the end of the agent is an end.
    fn next_or_end(&self) -> Option<Vec<u8>> {
        let mut state = self.port.lock();
        loop {
            if let Some(taken) = self.take(&mut state) {
                state.flush();
                return taken;
            }
            if state.closed {
                return None;
            }
            state = self.port.shared.1.wait(state).unwrap();
        }
    }

    fn take(&self, state: &mut State) -> Option<Option<Vec<u8>>> {
        let inbox = state.inboxes.get_mut(&self.number)?;
        if inbox.bytes.is_empty() {
            return (inbox.finished || inbox.reset).then_some(None);
        }
        let bytes = std::mem::take(&mut inbox.bytes);
        state.link.consumed(self.number, bytes.len());
        Some(Some(bytes))
    }

    /// Everything until the stream's end.
    pub fn read_all(&self) -> Vec<u8> {
        std::iter::from_fn(|| self.next()).flatten().collect()
    }

    /// Reads until the bytes end with `expected`.
    pub fn read_until(&self, expected: &str) -> String {
        let mut seen = String::new();
        while !seen.ends_with(expected) {
            let bytes = self.next().unwrap_or_else(|| panic!("the stream ended after {seen:?}, without {expected:?}"));
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        seen
    }

    pub fn is_reset(&self) -> bool {
        self.port.lock().inboxes.get(&self.number).is_some_and(|inbox| inbox.reset)
    }

    pub fn wait_for_reset(&self) {
        self.port
            .until("a reset", |state| state.inboxes.get(&self.number).is_some_and(|inbox| inbox.reset).then_some(()));
    }
}
