// SPDX-License-Identifier: Apache-2.0
//! Cuts received bytes into frames, holding back at most one header or one small payload.

use crate::frame::{HEADER, HELLO_PAYLOAD, HELLO_START, Header, Hello, Kind};

const LONGEST: usize = HEADER + HELLO_PAYLOAD;

/// What was cut off the input.
pub(crate) enum Piece<'i> {
    Hello(Hello),
    /// The header of a DATA frame; its payload follows as `Data`.
    Begin(Header),
    /// Some bytes of the DATA frame under way.
    Data(&'i [u8]),
    /// Any other frame, with the number in its payload (0 if it has none).
    Control(Header, u32),
    /// No frame begins so.
    Malformed,
}

enum State {
    /// Skipping all but a HELLO.
    Seeking,
    Header,
    Small(Header),
    Data(usize),
}

pub(crate) struct Parser {
    state: State,
    held: [u8; LONGEST],
    have: usize,
}

impl Parser {
    pub fn seeking() -> Parser {
        Parser { state: State::Seeking, held: [0; LONGEST], have: 0 }
    }

    pub fn seek(&mut self) {
        *self = Parser::seeking();
    }

    /// The next piece; None when the input is used up.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Piece<'i>> {
        match self.state {
            State::Seeking => self.next_hello(input).map(Piece::Hello),
            State::Header => self.take(input, HEADER).then(|| self.header()).and_then(|piece| match piece {
                Some(piece) => Some(piece),
                None => self.next(input),
            }),
            State::Small(header) => self.take(input, header.length).then(|| self.small(header)),
            State::Data(remaining) => self.data(input, remaining),
        }
    }

    /// Fills `held` up to `length` bytes; false while they are not all there.
    fn take(&mut self, input: &mut &[u8], length: usize) -> bool {
        let count = (length - self.have).min(input.len());
        let (taken, rest) = input.split_at(count);
        self.held[self.have..self.have + count].copy_from_slice(taken);
        self.have += count;
        *input = rest;
        self.have == length
    }

    fn header(&mut self) -> Option<Piece<'static>> {
        let mut bytes = [0; HEADER];
        bytes.copy_from_slice(&self.held[..HEADER]);
        self.have = 0;
        let Some(header) = Header::decode(bytes) else {
            return Some(Piece::Malformed);
        };
        match header.kind {
            Kind::Data => {
                self.state = State::Data(header.length);
                Some(Piece::Begin(header))
            }
            Kind::Fin => Some(Piece::Control(header, 0)),
            _ => {
                self.state = State::Small(header);
                None
            }
        }
    }

    fn small(&mut self, header: Header) -> Piece<'static> {
        (self.state, self.have) = (State::Header, 0);
        if header.kind == Kind::Hello {
            let mut payload = [0; HELLO_PAYLOAD];
            payload.copy_from_slice(&self.held[..HELLO_PAYLOAD]);
            return Hello::decode(&payload).map_or(Piece::Malformed, Piece::Hello);
        }
        let [a, b, c, d, ..] = self.held;
        Piece::Control(header, u32::from_be_bytes([a, b, c, d]))
    }

    fn data<'i>(&mut self, input: &mut &'i [u8], remaining: usize) -> Option<Piece<'i>> {
        let (taken, rest) = input.split_at(remaining.min(input.len()));
        if taken.is_empty() {
            return None;
        }
        *input = rest;
        let left = remaining - taken.len();
        self.state = if left == 0 { State::Header } else { State::Data(left) };
        Some(Piece::Data(taken))
    }

    /// Skips to the next HELLO; afterwards frames are expected.
    fn next_hello(&mut self, input: &mut &[u8]) -> Option<Hello> {
        while let [byte, rest @ ..] = *input {
            *input = rest;
            self.held[self.have] = *byte;
            self.have += 1;
            let known = |held: &[u8]| held.iter().zip(&HELLO_START).all(|(byte, wanted)| byte == wanted);
            while !known(&self.held[..self.have]) {
                self.held.copy_within(1..self.have, 0);
                self.have -= 1;
            }
            if self.have == LONGEST {
                let mut payload = [0; HELLO_PAYLOAD];
                payload.copy_from_slice(&self.held[HEADER..]);
                (self.state, self.have) = (State::Header, 0);
                return Hello::decode(&payload);
            }
        }
        None
    }
}
