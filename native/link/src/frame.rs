// SPDX-License-Identifier: Apache-2.0
//! The wire form of a frame.

/// The version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;
/// The longest payload of a frame, in bytes.
pub const MAX_PAYLOAD: usize = 32 * 1024;

pub(crate) const HEADER: usize = 8;
pub(crate) const MAGIC: [u8; 8] = *b"hakolink";
pub(crate) const HELLO_PAYLOAD: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hello = 1,
    Open = 2,
    Data = 3,
    Credit = 4,
    Fin = 5,
    Reset = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::Hello,
            2 => Kind::Open,
            3 => Kind::Data,
            4 => Kind::Credit,
            5 => Kind::Fin,
            6 => Kind::Reset,
            _ => return None,
        })
    }

    /// Whether a payload of `length` bytes fits this type.
    fn takes(self, length: usize) -> bool {
        match self {
            Kind::Hello => length == HELLO_PAYLOAD,
            Kind::Open | Kind::Credit | Kind::Reset => length == 4,
            Kind::Data => (1..=MAX_PAYLOAD).contains(&length),
            Kind::Fin => length == 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub stream: u32,
    pub kind: Kind,
    pub length: usize,
}

impl Header {
    pub fn encode(self) -> [u8; HEADER] {
        let [a, b, c, d] = self.stream.to_be_bytes();
        let [_, x, y, z] = (self.length as u32).to_be_bytes();
        [a, b, c, d, self.kind as u8, x, y, z]
    }

    /// None if no frame of version 1 begins so.
    pub fn decode(bytes: [u8; HEADER]) -> Option<Header> {
        let [a, b, c, d, kind, x, y, z] = bytes;
        let stream = u32::from_be_bytes([a, b, c, d]);
        let length = u32::from_be_bytes([0, x, y, z]) as usize;
        let kind = Kind::of(kind)?;
        let addressed = (kind == Kind::Hello) == (stream == 0);
        (addressed && kind.takes(length)).then_some(Header { stream, kind, length })
    }
}

/// What a HELLO says beside its constant part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub version: u32,
    pub nonce: u64,
}

impl Hello {
    pub fn encode(self) -> [u8; HEADER + HELLO_PAYLOAD] {
        let mut frame = [0; HEADER + HELLO_PAYLOAD];
        frame[..16].copy_from_slice(&HELLO_START);
        frame[16..20].copy_from_slice(&self.version.to_be_bytes());
        frame[20..].copy_from_slice(&self.nonce.to_be_bytes());
        frame
    }

    /// None if the magic word is missing.
    pub fn decode(payload: &[u8; HELLO_PAYLOAD]) -> Option<Hello> {
        let [m0, m1, m2, m3, m4, m5, m6, m7, v0, v1, v2, v3, nonce @ ..] = *payload;
        ([m0, m1, m2, m3, m4, m5, m6, m7] == MAGIC)
            .then_some(Hello { version: u32::from_be_bytes([v0, v1, v2, v3]), nonce: u64::from_be_bytes(nonce) })
    }
}

/// What every HELLO begins with: its header and the magic word.
pub(crate) const HELLO_START: [u8; 16] =
    [0, 0, 0, 0, Kind::Hello as u8, 0, 0, HELLO_PAYLOAD as u8, b'h', b'a', b'k', b'o', b'l', b'i', b'n', b'k'];

/// Why a stream was reset. The numbers are those of the wire; unknown ones read as `Closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The sender has no further use for the stream: its own end is closed.
    Closed = 0,
    /// Nothing listens on that guest port.
    NoSuchPort = 1,
    /// The stream's first bytes name nothing that the receiver knows, or nothing that is free.
    NoSuchToken = 2,
    /// The receiver has as many streams as it can hold.
    TooManyStreams = 3,
    /// The receiver failed.
    Failed = 4,
}

impl Reason {
    pub(crate) fn of(number: u32) -> Reason {
        match number {
            1 => Reason::NoSuchPort,
            2 => Reason::NoSuchToken,
            3 => Reason::TooManyStreams,
            4 => Reason::Failed,
            _ => Reason::Closed,
        }
    }
}
