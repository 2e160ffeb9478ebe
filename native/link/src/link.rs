// SPDX-License-Identifier: Apache-2.0
//! The state machine of one end.

use crate::event::{Event, OpenError, Violation};
use crate::frame::{Hello, Kind, MAX_PAYLOAD, Reason, VERSION};
use crate::output::{OUTPUT_BOUND, Output};
use crate::parser::{Parser, Piece};
use crate::stream::Stream;

/// Streams that one link carries at a time; a further one is refused.
const MAX_STREAMS: usize = 256;
/// Refusals that may wait for the port beyond [`OUTPUT_BOUND`] before the peer counts as broken.
const SLACK: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// With the nonce of the session that was begun last.
    Host(u64),
    Guest,
}

/// One end of a link. Single-threaded; holds no descriptor.
pub struct Link {
    side: Side,
    up: bool,
    parser: Parser,
    streams: Vec<Stream>,
    /// The highest stream number of this session.
    newest: u32,
    /// The stream of the DATA frame under way; None if it is to be skipped.
    receiving: Option<u32>,
    output: Output,
}

impl Link {
    /// The host's end, with HELLO ready to be sent. The nonce must be random and not 0.
    pub fn host(nonce: u64) -> Link {
        let mut link = Link::new(Side::Host(nonce));
        link.output.raw(&Hello { version: VERSION, nonce }.encode());
        link
    }

    /// The guest's end: waits for the host's HELLO.
    pub fn guest() -> Link {
        Link::new(Side::Guest)
    }

    fn new(side: Side) -> Link {
        let (parser, output) = (Parser::seeking(), Output::default());
        Link { side, up: false, parser, streams: Vec::new(), newest: 0, receiving: None, output }
    }

    /// Begins a new session from the host's end, whatever state the port and the guest's end are in. Does nothing at the guest's end.
    pub fn restart(&mut self, nonce: u64) {
        if matches!(self.side, Side::Host(_)) {
            *self = Link::new(Side::Host(nonce));
            self.output.zeros(MAX_PAYLOAD + 16);
            self.output.raw(&Hello { version: VERSION, nonce }.encode());
        }
    }

    /// Whether there is a session.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Whether the port has taken enough of what was written before for one more stream to be opened.
    pub fn has_room(&self) -> bool {
        self.output.room() > 0
    }

    /// Opens a stream to a guest port; the host's end only.
    pub fn open(&mut self, port: u32) -> Result<u32, OpenError> {
        if !self.up || self.side == Side::Guest {
            return Err(OpenError::Down);
        }
        if self.streams.len() >= MAX_STREAMS || !self.has_room() || self.newest == u32::MAX {
            return Err(OpenError::TooMany);
        }
        self.newest += 1;
        self.streams.push(Stream::new(self.newest));
        self.output.frame(self.newest, Kind::Open, &port.to_be_bytes());
        Ok(self.newest)
    }

    /// How many bytes [`Link::write`] would accept now. 0 too where the stream is gone or finished.
    pub fn writable(&self, stream: u32) -> usize {
        match self.streams.iter().find(|known| known.id == stream) {
            Some(known) if !known.sent_fin => known.credit.min(self.output.room()),
            _ => 0,
        }
    }

    /// Sends the first bytes of `bytes` and says how many: as much as the stream's credit and the output's bound allow.
    pub fn write(&mut self, stream: u32, bytes: &[u8]) -> usize {
        let count = self.writable(stream).min(bytes.len()).min(MAX_PAYLOAD);
        if count > 0 {
            self.output.frame(stream, Kind::Data, &bytes[..count]);
            if let Some(known) = self.find(stream) {
                known.credit -= count;
            }
        }
        count
    }

    /// Ends this side of a stream, after what was written.
    pub fn finish(&mut self, stream: u32) {
        let Some(known) = self.find(stream) else {
            return;
        };
        if !std::mem::replace(&mut known.sent_fin, true) {
            self.output.frame(stream, Kind::Fin, &[]);
            self.forget_ended(stream);
        }
    }

    /// Voids a stream both ways.
    pub fn reset(&mut self, stream: u32, reason: Reason) {
        if self.find(stream).is_some() {
            self.streams.retain(|known| known.id != stream);
            self.output.frame(stream, Kind::Reset, &(reason as u32).to_be_bytes());
        }
    }

    /// Says that `bytes` bytes of a stream's [`Event::Data`] were handed on, so that as many more may come.
    pub fn consumed(&mut self, stream: u32, bytes: usize) {
        if let Some(known) = self.find(stream) {
            known.consumed(bytes);
        }
    }

    /// What waits to be written to the port. Ask anew after each call to the link.
    pub fn output(&mut self) -> &[u8] {
        let Link { streams, output, .. } = self;
        for stream in streams {
            if output.waiting().len() >= OUTPUT_BOUND {
                break;
            }
            if let Some(bytes) = stream.grant() {
                output.frame(stream.id, Kind::Credit, &bytes.to_be_bytes());
            }
        }
        self.output.waiting()
    }

    /// Says that the first `count` bytes of [`Link::output`] were written to the port.
    pub fn sent(&mut self, count: usize) {
        self.output.sent(count);
    }

    /// Takes from the front of `input` what makes the next event; None when `input` is used up.
    pub fn next_event<'i>(&mut self, input: &mut &'i [u8]) -> Option<Event<'i>> {
        loop {
            let event = match self.parser.next(input)? {
                Piece::Hello(hello) => self.on_hello(hello),
                Piece::Begin(header) => self.on_data(header.stream, header.length),
                Piece::Data(bytes) => Ok(self.receiving.map(|stream| Event::Data { stream, bytes })),
                Piece::Control(header, number) => self.on_control(header.stream, header.kind, number),
                Piece::Malformed => Err(Violation::Malformed),
            };
            match event {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(violation) => return Some(self.fail(violation)),
            }
        }
    }

    fn on_hello<'i>(&mut self, hello: Hello) -> Result<Option<Event<'i>>, Violation> {
        match self.side {
            Side::Host(_) if self.up => {
                return Err(if hello.nonce == 0 { Violation::Asked } else { Violation::Unexpected });
            }
            // An answer to an earlier nonce, or a request that crossed this side's HELLO.
            Side::Host(nonce) if hello.nonce != nonce || nonce == 0 => return Ok(self.skip()),
            Side::Guest if hello.nonce == 0 => return Ok(self.skip()),
            _ => {}
        }
        if hello.version != VERSION {
            return Err(Violation::Version(hello.version));
        }
        if self.side == Side::Guest {
            self.streams.clear();
            self.newest = 0;
            self.output.raw(&hello.encode());
        }
        self.up = true;
        Ok(Some(Event::Up))
    }

    fn skip<'i>(&mut self) -> Option<Event<'i>> {
        self.parser.seek();
        None
    }

    fn on_data<'i>(&mut self, stream: u32, length: usize) -> Result<Option<Event<'i>>, Violation> {
        self.receiving = self.known(stream)?;
        let allowed = self.receiving.and_then(|id| self.find(id)).is_none_or(|known| known.receive(length));
        if allowed { Ok(None) } else { Err(Violation::Credit) }
    }

    fn on_control<'i>(&mut self, stream: u32, kind: Kind, number: u32) -> Result<Option<Event<'i>>, Violation> {
        if kind == Kind::Open {
            return self.on_open(stream, number);
        }
        let Some(id) = self.known(stream)? else {
            return Ok(None);
        };
        let Some(known) = self.find(id) else {
            return Ok(None);
        };
        match kind {
            Kind::Credit if known.receive_credit(number) => Ok(None),
            Kind::Fin if known.receive_fin() => {
                self.forget_ended(stream);
                Ok(Some(Event::Finished { stream }))
            }
            Kind::Reset => {
                self.streams.retain(|known| known.id != stream);
                Ok(Some(Event::Reset { stream, reason: Reason::of(number) }))
            }
            _ => Err(Violation::Credit),
        }
    }

    fn on_open<'i>(&mut self, stream: u32, port: u32) -> Result<Option<Event<'i>>, Violation> {
        if self.side != Side::Guest || stream <= self.newest {
            return Err(Violation::Unexpected);
        }
        self.newest = stream;
        if self.output.waiting().len() > OUTPUT_BOUND + SLACK {
            return Err(Violation::Congested);
        }
        if self.streams.len() >= MAX_STREAMS {
            self.output.frame(stream, Kind::Reset, &(Reason::TooManyStreams as u32).to_be_bytes());
            return Ok(None);
        }
        self.streams.push(Stream::new(stream));
        Ok(Some(Event::Opened { stream, port }))
    }

    /// The stream if it is open, None if it has ended.
    fn known(&mut self, stream: u32) -> Result<Option<u32>, Violation> {
        if stream > self.newest {
            return Err(Violation::Unexpected);
        }
        Ok(self.find(stream).map(|known| known.id))
    }

    fn find(&mut self, stream: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|known| known.id == stream)
    }

    fn forget_ended(&mut self, stream: u32) {
        self.streams.retain(|known| known.id != stream || !known.is_over());
    }

    fn fail<'i>(&mut self, violation: Violation) -> Event<'i> {
        let asks = self.up && self.side == Side::Guest;
        self.up = false;
        self.streams = Vec::new();
        self.receiving = None;
        match self.side {
            Side::Guest if asks => self.output.raw(&Hello { version: VERSION, nonce: 0 }.encode()),
            Side::Guest => {}
            // Until a restart nothing may pass for an answer.
            Side::Host(_) => self.side = Side::Host(0),
        }
        self.parser.seek();
        Event::Down(violation)
    }
}
