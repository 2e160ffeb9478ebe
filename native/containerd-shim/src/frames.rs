// SPDX-License-Identifier: Apache-2.0
//! Cuts ttrpc frames out of a byte stream and hands them on verbatim. On the link to hakod each follows a connection number.

use hako_pump::Progress;
use hako_ttrpc::{HEADER_BYTES, MAX_PAYLOAD_BYTES};
use std::io;
use std::os::fd::BorrowedFd;

/// ttrpc's types (containerd/ttrpc PROTOCOL.md) and the link's own.
pub const REQUEST: u8 = 1;
pub const RESPONSE: u8 = 2;
pub const HELLO: u8 = 0x80;
pub const CLOSED: u8 = 0x81;

/// Bytes of a connection number.
const NUMBER: usize = 4;
/// Asked for by one read.
const CHUNK: usize = 16 * 1024;

/// A whole frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// 0 where the stream carries no numbers.
    pub connection: u32,
    pub stream: u32,
    pub kind: u8,
    /// Header and payload.
    pub bytes: Vec<u8>,
}

impl Frame {
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..]
    }
}

/// Header and payload of a frame of any type.
pub fn encode(stream: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(&[kind, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// Collects bytes until frames are whole.
pub struct Cutter {
    prefix: usize,
    bytes: Vec<u8>,
    taken: usize,
}

impl Cutter {
    /// For frames alone.
    pub fn plain() -> Cutter {
        Cutter { prefix: 0, bytes: Vec::new(), taken: 0 }
    }

    /// For frames that follow a connection number.
    pub fn numbered() -> Cutter {
        Cutter { prefix: NUMBER, ..Cutter::plain() }
    }

    /// Reads once.
    pub fn fill(&mut self, fd: BorrowedFd<'_>) -> io::Result<Progress> {
        hako_pump::read(fd, &mut self.bytes, CHUNK)
    }

    /// The next whole frame; None until more was read.
    ///
    /// # Errors
    /// A sentence on a frame over 4 MiB; nothing after it can be read.
    pub fn next(&mut self) -> Result<Option<Frame>, String> {
        let rest = &self.bytes[self.taken..];
        let Some(header) = rest.get(self.prefix..self.prefix + HEADER_BYTES) else {
            return Ok(self.compact());
        };
        let length = number(header) as usize;
        if length > MAX_PAYLOAD_BYTES {
            return Err(format!("A ttrpc frame has a payload of {length} bytes, the limit is {MAX_PAYLOAD_BYTES}."));
        }
        let size = self.prefix + HEADER_BYTES + length;
        let Some(whole) = rest.get(..size) else {
            return Ok(self.compact());
        };
        let connection = if self.prefix == 0 { 0 } else { number(whole) };
        let (stream, kind) = (number(&header[4..]), header[8]);
        let frame = Frame { connection, stream, kind, bytes: whole[self.prefix..].to_vec() };
        self.taken += size;
        Ok(Some(frame))
    }

    fn compact(&mut self) -> Option<Frame> {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
        None
    }
}

/// The big-endian number at the start of at least four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_verbatim_however_they_were_cut() {
        let frames = [encode(1, REQUEST, b"one"), encode(3, HELLO, b""), encode(5, RESPONSE, &[9; 40_000])];
        let wire: Vec<u8> =
            frames.iter().zip(7u32..).flat_map(|(frame, number)| [&number.to_be_bytes()[..], frame].concat()).collect();
        for cut in [1, 3, 13, 14, 15, 5000, wire.len()] {
            let mut cutter = Cutter::numbered();
            let mut seen = Vec::new();
            for part in wire.chunks(cut) {
                cutter.bytes.extend_from_slice(part);
                while let Some(frame) = cutter.next().unwrap() {
                    seen.push((frame.connection, frame.stream, frame.kind, frame.bytes));
                }
            }
            let [one, two, three] = frames.clone();
            assert_eq!(seen, [(7, 1, REQUEST, one), (8, 3, HELLO, two), (9, 5, RESPONSE, three)], "cut at {cut}");
            assert_eq!(cutter.bytes.capacity(), 0);
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_header() {
        let mut cutter = Cutter::plain();
        cutter.bytes.extend_from_slice(&[0, 0x40, 0, 1, 0, 0, 0, 1, 1, 0]);
        assert_eq!(cutter.next().unwrap_err(), "A ttrpc frame has a payload of 4194305 bytes, the limit is 4194304.");
    }
}
