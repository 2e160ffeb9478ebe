// SPDX-License-Identifier: Apache-2.0
//! One connection of containerd's.

use crate::frames::{self, Cutter, Frame, REQUEST, RESPONSE};
use hako_protocols::ttrpc::{Request, Response};
use hako_pump::{Progress, Queue};
use hako_ttrpc::{Code, HEADER_BYTES, Status};
use prost::Message;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Unanswered requests of all connections together.
const MAX_PENDING: usize = 1024;
const MAX_PENDING_BYTES: usize = 16 << 20;
/// Answers that one connection may leave unread.
const MAX_UNREAD: usize = 16 << 20;

/// A request that waits for its answer.
pub struct Pending {
    pub stream: u32,
    pub frame: Vec<u8>,
    pub arrived: Instant,
    /// When containerd stops waiting, if it said so.
    pub until: Option<Instant>,
    /// Wait: it has no deadline by its nature and is kept however long hakod is away.
    pub endless: bool,
}

impl Pending {
    /// None where it cannot be decoded.
    pub fn request(&self) -> Option<Request> {
        Request::decode(self.frame.get(HEADER_BYTES..)?).ok()
    }
}

pub struct Connection {
    pub number: u32,
    pub socket: UnixStream,
    input: Cutter,
    pub output: Queue,
    pub pending: Vec<Pending>,
}

impl Connection {
    /// The socket must not block.
    pub fn new(number: u32, socket: UnixStream) -> Connection {
        Connection { number, socket, input: Cutter::plain(), output: Queue::new(MAX_UNREAD), pending: Vec::new() }
    }

    /// False at the end of the stream.
    pub fn read(&mut self) -> Result<bool, String> {
        match self.input.fill(self.socket.as_fd()) {
            Ok(Progress::Ended) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) => Err(format!("Cannot read from containerd: {error}.")),
        }
    }

    pub fn keep_requests(
        &mut self,
        requests: &mut Vec<Vec<u8>>,
        mut count: usize,
        mut bytes: usize,
    ) -> Result<(), String> {
        while let Some(frame) = self.input.next()? {
            if frame.kind != REQUEST {
                return Err(format!(
                    "containerd sent a ttrpc frame of type {}; only requests (1) are served.",
                    frame.kind
                ));
            }
            (count, bytes) = (count + 1, bytes + frame.bytes.len());
            if count > MAX_PENDING || bytes > MAX_PENDING_BYTES {
                let sentence =
                    format!("{MAX_PENDING} requests or {MAX_PENDING_BYTES} bytes of requests wait for hakod already.");
                self.refuse(frame.stream, Status::new(Code::ResourceExhausted, sentence))?;
                continue;
            }
            self.keep(&frame);
            requests.push(frame.bytes);
        }
        Ok(())
    }

    /// The envelope alone is looked at. One that cannot be decoded is hakod's to refuse.
    fn keep(&mut self, frame: &Frame) {
        let request = Request::decode(frame.payload()).unwrap_or_default();
        let arrived = Instant::now();
        let limit = u64::try_from(request.timeout_nano).ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos);
        let until = limit.and_then(|limit| arrived.checked_add(limit));
        let endless = request.method == "Wait";
        self.pending.push(Pending { stream: frame.stream, frame: frame.bytes.clone(), arrived, until, endless });
    }

    pub fn refuse(&mut self, stream: u32, status: Status) -> Result<(), String> {
        self.send_response(stream, Response { status: Some(status.into()), payload: Vec::new() })
    }

    pub fn respond(&mut self, stream: u32, payload: Vec<u8>) -> Result<(), String> {
        self.send_response(stream, Response { status: None, payload })
    }

    fn send_response(&mut self, stream: u32, response: Response) -> Result<(), String> {
        self.send(&frames::encode(stream, RESPONSE, &response.encode_to_vec()))
    }

    pub fn send(&mut self, frame: &[u8]) -> Result<(), String> {
        if self.output.room() < frame.len() {
            return Err(format!("containerd leaves {} bytes of answers unread.", self.output.len()));
        }
        self.output.push(frame);
        self.flush()
    }

    pub fn flush(&mut self) -> Result<(), String> {
        while !self.output.is_empty() {
            match self.output.drain(self.socket.as_fd(), usize::MAX) {
                Ok(Progress::Moved(_)) => {}
                Ok(Progress::Blocked) => return Ok(()),
                Ok(Progress::Ended) => {
                    return Err("containerd has closed its connection with answers under way.".into());
                }
                Err(error) => return Err(format!("Cannot write to containerd: {error}.")),
            }
        }
        Ok(())
    }
}
