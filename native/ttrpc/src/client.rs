// SPDX-License-Identifier: Apache-2.0
//! A blocking client over a unix socket, for programs that can afford one thread per connection.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use hako_protocols::ttrpc;
use prost::Message;

use crate::frame::{Frame, FrameKind, Splitter};
use crate::status::{Code, Status};

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// The server refused the call.
    Status(Status),
    /// The connection failed or the server closed it; whether the call took effect is unknown.
    Connection(io::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Status(status) => status.message.fmt(f),
            CallError::Connection(error) => write!(f, "The connection to the server failed: {error}."),
        }
    }
}

impl std::error::Error for CallError {}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        CallError::Status(status)
    }
}

impl From<io::Error> for CallError {
    fn from(error: io::Error) -> Self {
        CallError::Connection(error)
    }
}

/// One connection. Calls may be made from any thread; a parked call does not hold up the others.
/// Dropping the client closes the connection, calls still waiting fail.
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    socket: UnixStream,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_stream: u32,
    closed: bool,
    waiting: HashMap<u32, Sender<ttrpc::Response>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next odd stream number, or `None` once the connection has ended.
    fn enrol(state: &mut State, sender: Sender<ttrpc::Response>) -> Option<u32> {
        if state.closed {
            return None;
        }
        state.last_stream = if state.last_stream == 0 { 1 } else { state.last_stream.checked_add(2)? };
        state.waiting.insert(state.last_stream, sender);
        Some(state.last_stream)
    }

    fn read_responses(&self) -> io::Result<()> {
        let mut splitter = Splitter::default();
        let mut chunk = [0; 8192];
        loop {
            let count = (&self.socket).read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            splitter.push(&chunk[..count]);
            while let Some(frame) = splitter.next_frame().map_err(io::Error::other)? {
                self.deliver(&frame)?;
            }
        }
    }

    fn deliver(&self, frame: &Frame) -> io::Result<()> {
        let response = ttrpc::Response::decode(frame.payload.as_slice()).map_err(io::Error::other)?;
        if let Some(sender) = self.lock().waiting.remove(&frame.stream) {
            // The caller may have stopped waiting; then nobody wants the answer.
            let _ = sender.send(response);
        }
        Ok(())
    }

    fn close(&self) {
        // Fails only when the peer has closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
    }
}

impl Client {
    /// Connects to the unix socket at `path`.
    pub fn connect(path: &Path) -> io::Result<Self> {
        Self::over(UnixStream::connect(path)?)
    }

    /// Speaks ttrpc over a connected socket and starts the thread that reads it.
    pub fn over(socket: UnixStream) -> io::Result<Self> {
        let shared = Arc::new(Shared { socket, state: Mutex::default() });
        let reader = Arc::clone(&shared);
        thread::Builder::new().name("ttrpc".into()).spawn(move || {
            // The callers learn of a failure from their closed channels.
            let _ = reader.read_responses();
            reader.close();
        })?;
        Ok(Client { shared })
    }

    /// Sends a request and returns at once; the answer is taken with [`Pending::wait`].
    ///
    /// `timeout` is what the server is told; `None`: no limit.
    pub fn send<A: Message + Default>(
        &self,
        service: &str,
        method: &str,
        request: &impl Message,
        timeout: Option<Duration>,
    ) -> Result<Pending<A>, CallError> {
        let envelope = ttrpc::Request {
            service: service.into(),
            method: method.into(),
            payload: request.encode_to_vec(),
            timeout_nano: timeout.map_or(0, |limit| i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX)),
            metadata: Vec::new(),
        };
        let (sender, answer) = mpsc::channel();
        self.write(&envelope.encode_to_vec(), sender)?;
        Ok(Pending { answer, timeout, method: method.into(), message: PhantomData })
    }

    fn write(&self, envelope: &[u8], sender: Sender<ttrpc::Response>) -> Result<(), CallError> {
        // The lock is held while writing: frames must not mix, and stream numbers must ascend on the wire.
        let mut state = self.shared.lock();
        let stream = Shared::enrol(&mut state, sender).ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        let mut bytes = Vec::new();
        let written = Frame::append(stream, FrameKind::Request, envelope, &mut bytes)
            .map_err(|error| CallError::Status(Status::new(Code::ResourceExhausted, error.to_string())))
            .and_then(|()| (&self.shared.socket).write_all(&bytes).map_err(CallError::Connection));
        if written.is_err() {
            state.waiting.remove(&stream);
        }
        written
    }

    /// Sends a request and waits for its answer, at most `timeout` (`None`: for ever).
    pub fn call<A: Message + Default>(
        &self,
        service: &str,
        method: &str,
        request: &impl Message,
        timeout: Option<Duration>,
    ) -> Result<A, CallError> {
        self.send(service, method, request, timeout)?.wait()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// A call that has been sent.
pub struct Pending<A> {
    answer: Receiver<ttrpc::Response>,
    timeout: Option<Duration>,
    method: String,
    message: PhantomData<A>,
}

impl<A: Message + Default> Pending<A> {
    /// Waits for the answer, at most the timeout given to [`Client::send`] (counted from here).
    pub fn wait(self) -> Result<A, CallError> {
        let response = match self.timeout {
            Some(limit) => self.answer.recv_timeout(limit),
            None => self.answer.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match response {
            Ok(response) => Self::open(response),
            Err(RecvTimeoutError::Timeout) => Err(CallError::Status(Status::new(
                Code::DeadlineExceeded,
                format!("{} was not answered within {:?}.", self.method, self.timeout.unwrap_or_default()),
            ))),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }

    fn open(response: ttrpc::Response) -> Result<A, CallError> {
        match response.status.map(Status::from) {
            Some(status) if status.code != Code::Ok => Err(status.into()),
            _ => A::decode(response.payload.as_slice())
                .map_err(|error| Status::internal(format!("The answer cannot be decoded: {error}.")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Connection;
    use hako_protocols::agent::{Empty, HelloRequest, HelloResponse};

    /// Serves until the client closes: `Park` is answered with the next call, `Hello` at once, others are refused.
    fn server(mut socket: UnixStream) {
        let mut connection = Connection::default();
        let mut parked = Vec::new();
        let mut chunk = [0; 512];
        while let Ok(count @ 1..) = socket.read(&mut chunk) {
            connection.receive(&chunk[..count]);
            while let Ok(Some(call)) = connection.next_call() {
                match call.method.as_str() {
                    "Park" => parked.push(call.stream),
                    "Hello" => {
                        connection.answer(call.stream, Ok(HelloResponse { protocol: 1, ..Default::default() }));
                        parked.drain(..).for_each(|stream| connection.answer(stream, Ok(Empty {})));
                    }
                    "Close" => return,
                    _ => connection.answer::<()>(call.stream, Err(Status::unimplemented(&call.service, &call.method))),
                }
            }
            socket.write_all(&connection.take_output()).unwrap();
        }
    }

    fn client() -> Client {
        let (near, far) = UnixStream::pair().unwrap();
        thread::spawn(move || server(far));
        Client::over(near).unwrap()
    }

    #[test]
    fn a_parked_call_does_not_hold_up_the_next() {
        let client = client();
        let parked = client.send::<Empty>("s", "Park", &Empty {}, None).unwrap();
        let hello: HelloResponse = client.call("s", "Hello", &HelloRequest::default(), None).unwrap();
        assert_eq!(hello.protocol, 1);
        parked.wait().unwrap();
    }

    #[test]
    fn a_refusal_carries_code_and_sentence() {
        let error = client().call::<Empty>("s", "Nope", &Empty {}, None).unwrap_err();
        let CallError::Status(status) = error else { panic!("{error}") };
        assert_eq!(status, Status::unimplemented("s", "Nope"));
    }

    #[test]
    fn a_call_without_answer_ends_at_its_timeout() {
        let error = client().call::<Empty>("s", "Park", &Empty {}, Some(Duration::from_millis(20))).unwrap_err();
        assert!(matches!(error, CallError::Status(Status { code: Code::DeadlineExceeded, .. })), "{error}");
    }

    #[test]
    fn calls_fail_once_the_server_has_closed() {
        let client = client();
        let waiting = client.send::<Empty>("s", "Park", &Empty {}, None).unwrap();
        let closing = client.call::<Empty>("s", "Close", &Empty {}, None).unwrap_err();
        assert!(matches!(closing, CallError::Connection(_)), "{closing}");
        assert!(matches!(waiting.wait(), Err(CallError::Connection(_))));
        assert!(matches!(client.call::<Empty>("s", "Park", &Empty {}, None), Err(CallError::Connection(_))));
    }
}
