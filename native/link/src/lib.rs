// SPDX-License-Identifier: Apache-2.0
//! Streams with credit, half-close and reset over one byte pipe that has none of them: a virtio-serial port.
//!
//! [`Link`] is the protocol alone: it does no I/O, never blocks, and is driven from a poll loop of its owner:
//!
//! ```
//! # use hako_link::{Event, Link};
//! # fn turn(link: &mut Link, mut received: &[u8]) -> Vec<u8> {
//! while let Some(event) = link.next_event(&mut received) {
//!     match event {
//!         Event::Data { stream, bytes } => link.consumed(stream, bytes.len()), // once they have been handed on
//!         _ => {}
//!     }
//! }
//! let sent = link.output().to_vec(); // write(2) to the port
//! link.sent(sent.len());
//! # sent
//! # }
//! # turn(&mut Link::host(7), &[]);
//! ```
//!
//! # The protocol, version 1
//!
//! A frame is a header of 8 bytes and a payload; integers are big endian:
//!
//! | bytes | field | |
//! | --- | --- | --- |
//! | 4 | stream | 0 for HELLO; else 1 and up, rising with each OPEN, never used twice in a session |
//! | 1 | type | |
//! | 3 | length | of the payload, in bytes |
//!
//! | type | payload | sent by | meaning |
//! | --- | --- | --- | --- |
//! | 1 HELLO | `hakolink`, u32 version, u64 nonce | both | begins a session: every earlier stream is void |
//! | 2 OPEN | u32 guest port | host | a new stream, open both ways, with 64 KiB of credit each way |
//! | 3 DATA | 1 to 32768 bytes | both | takes that much of the sender's credit |
//! | 4 CREDIT | u32 bytes | both | gives back credit for bytes that were handed on; never more than was taken |
//! | 5 FIN | - | both | no more DATA from this side |
//! | 6 RESET | u32 reason | both | the stream is void both ways, at once |
//!
//! **Session.** The host sends HELLO with a random nonce and skips whatever it receives until a HELLO echoes that nonce.
//! The guest skips whatever it receives until a HELLO comes, answers with the same nonce, and takes any later HELLO as a
//! new session. A guest that received something malformed sends HELLO with nonce 0, which asks for a new session.
//! To begin a new session on a port whose far end may be inside a torn frame, the host first sends more zero bytes than
//! a frame can hold: they end that frame, and are no valid header. What a stream receives after a tear is void
//! like the stream.
//!
//! **Trust.** A peer that breaks a rule above ends the session ([`Event::Down`]); it cannot make this end panic or hold
//! more memory than [`OUTPUT_BOUND`] and the entries of its streams. Frames for a stream that has
//! ended are normal (they crossed its RESET) and are skipped.

mod event;
mod frame;
mod link;
mod output;
mod parser;
mod stream;

pub use event::{Event, OpenError, Violation};
pub use frame::{MAX_PAYLOAD, Reason, VERSION};
pub use link::Link;
pub use output::OUTPUT_BOUND;
pub use stream::WINDOW;
