// SPDX-License-Identifier: Apache-2.0
//! Frames: u32 payload length, u32 stream, u8 kind, u8 flags, all big endian, then the payload
//! (containerd/ttrpc PROTOCOL.md, "Protocol").

use std::fmt;

/// Bytes before the payload of each frame.
pub const HEADER_BYTES: usize = 10;
/// The longest payload in bytes (4 MiB, containerd/ttrpc channel.go `messageLengthMax`).
pub const MAX_PAYLOAD_BYTES: usize = 4 << 20;
/// A buffer larger than this is given back to the allocator once it is empty.
const KEPT_BYTES: usize = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    Request,
    Response,
    /// Part of a stream; hako's services have none.
    Data,
}

impl FrameKind {
    fn number(self) -> u8 {
        match self {
            FrameKind::Request => 1,
            FrameKind::Response => 2,
            FrameKind::Data => 3,
        }
    }

    fn of(number: u8) -> Result<Self, FrameError> {
        match number {
            1 => Ok(FrameKind::Request),
            2 => Ok(FrameKind::Response),
            3 => Ok(FrameKind::Data),
            other => Err(FrameError::UnknownKind(other)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub stream: u32,
    pub kind: FrameKind,
    pub flags: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Appends header and payload to `out`.
    ///
    /// # Errors
    /// [`FrameError::TooLong`]: nothing was appended.
    pub fn append(stream: u32, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLong(payload.len()));
        }
        out.reserve(HEADER_BYTES + payload.len());
        out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        out.extend_from_slice(&stream.to_be_bytes());
        out.extend_from_slice(&[kind.number(), 0]);
        out.extend_from_slice(payload);
        Ok(())
    }
}

/// After any of these the byte stream has no known frame boundary: the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    TooLong(usize),
    UnknownKind(u8),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong(length) => {
                write!(f, "A ttrpc frame has a payload of {length} bytes, the limit is {MAX_PAYLOAD_BYTES}.")
            }
            FrameError::UnknownKind(number) => {
                write!(f, "A ttrpc frame has the unknown type {number}; 1, 2 and 3 are known.")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// Cuts a byte stream into frames. Does no input or output; memory stays below one frame and what was pushed.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    taken: usize,
}

impl Splitter {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes are pushed.
    ///
    /// # Errors
    /// The header is refused as soon as it is complete, without waiting for the payload.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = &self.buffer[self.taken..];
        let Some(&[l0, l1, l2, l3, s0, s1, s2, s3, kind, flags]) = rest.first_chunk::<HEADER_BYTES>() else {
            self.compact();
            return Ok(None);
        };
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if length > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLong(length));
        }
        let kind = FrameKind::of(kind)?;
        let Some(payload) = rest[HEADER_BYTES..].get(..length) else {
            self.compact();
            return Ok(None);
        };
        let frame = Frame { stream: u32::from_be_bytes([s0, s1, s2, s3]), kind, flags, payload: payload.to_vec() };
        self.taken += HEADER_BYTES + length;
        Ok(Some(frame))
    }

    fn compact(&mut self) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BYTES {
            self.buffer = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Frame::append(stream, FrameKind::Request, payload, &mut out).unwrap();
        out
    }

    fn drain(splitter: &mut Splitter) -> Vec<Frame> {
        std::iter::from_fn(|| splitter.next_frame().unwrap()).collect()
    }

    #[test]
    fn the_layout_is_that_of_ttrpc() {
        assert_eq!(wire(0x01020304, b"ab"), [0, 0, 0, 2, 1, 2, 3, 4, 1, 0, b'a', b'b']);
    }

    #[test]
    fn frames_arrive_whole_however_the_bytes_are_cut() {
        let bytes = [wire(1, b"first"), wire(3, b""), wire(5, &[7; 5000])].concat();
        for cut in [1, 2, 9, 10, 11, 4096, bytes.len()] {
            let mut splitter = Splitter::default();
            let mut frames = Vec::new();
            for part in bytes.chunks(cut) {
                splitter.push(part);
                frames.extend(drain(&mut splitter));
            }
            let seen: Vec<_> = frames.iter().map(|frame| (frame.stream, frame.payload.len())).collect();
            assert_eq!(seen, [(1, 5), (3, 0), (5, 5000)], "cut at {cut}");
        }
    }

    #[test]
    fn a_partial_frame_is_kept_until_its_rest_comes() {
        let bytes = wire(1, b"payload");
        let mut splitter = Splitter::default();
        splitter.push(&bytes[..bytes.len() - 1]);
        assert_eq!(splitter.next_frame(), Ok(None));
        splitter.push(&bytes[bytes.len() - 1..]);
        assert_eq!(drain(&mut splitter)[0].payload, b"payload");
    }

    #[test]
    fn the_longest_payload_passes_and_one_byte_more_is_refused_by_its_header() {
        let mut splitter = Splitter::default();
        splitter.push(&wire(1, &vec![1; MAX_PAYLOAD_BYTES]));
        assert_eq!(drain(&mut splitter)[0].payload.len(), MAX_PAYLOAD_BYTES);
        splitter.push(&[0, 0x40, 0, 1, 0, 0, 0, 1, 1, 0]);
        assert_eq!(splitter.next_frame(), Err(FrameError::TooLong(MAX_PAYLOAD_BYTES + 1)));
        let long = vec![0; MAX_PAYLOAD_BYTES + 1];
        let mut out = Vec::new();
        assert!(Frame::append(1, FrameKind::Response, &long, &mut out).is_err() && out.is_empty());
    }

    #[test]
    fn an_unknown_type_is_refused() {
        let mut splitter = Splitter::default();
        splitter.push(&[0, 0, 0, 0, 0, 0, 0, 1, 9, 0]);
        assert_eq!(splitter.next_frame(), Err(FrameError::UnknownKind(9)));
    }

    #[test]
    fn a_large_buffer_is_given_back_once_empty() {
        let mut splitter = Splitter::default();
        splitter.push(&wire(1, &vec![1; 1 << 20]));
        drain(&mut splitter);
        assert_eq!(splitter.buffer.capacity(), 0);
    }
}
