// SPDX-License-Identifier: Apache-2.0
//! What a link tells its owner.

use crate::frame::{Reason, VERSION};
use std::fmt;

/// What the peer did. `Data` borrows from the input, never from the link.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A session has begun: streams of an earlier one are gone without further events.
    Up,
    /// The host opened a stream to a guest port (only at the guest's end).
    Opened { stream: u32, port: u32 },
    /// Bytes of a stream, in order. The owner holds them until it could hand them on, then calls [`crate::Link::consumed`].
    Data { stream: u32, bytes: &'i [u8] },
    /// The peer will send no more on this stream.
    Finished { stream: u32 },
    /// The stream is gone.
    Reset { stream: u32, reason: Reason },
    /// The session has ended and every stream with it. The guest's end waits for a new one by itself; the host's end
    /// begins one with [`crate::Link::restart`], and until then skips whatever it receives.
    Down(Violation),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// No frame begins with the bytes that were received.
    Malformed,
    /// A frame that this side must not send, or on a stream that was never opened.
    Unexpected,
    /// More data or more credit than the stream allows, or data after its end.
    Credit,
    /// A version that this end does not speak.
    Version(u32),
    /// The peer opens and does not read.
    Congested,
    /// The guest asks for a new session.
    Asked,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Malformed => out.write_str("malformed frame"),
            Violation::Unexpected => out.write_str("frame out of place"),
            Violation::Credit => out.write_str("more data or credit than allowed"),
            Violation::Version(version) => {
                write!(out, "version {version} of the link protocol, not {VERSION}")
            }
            Violation::Congested => out.write_str("streams opened faster than refusals are read"),
            Violation::Asked => out.write_str("the guest asked for a new session"),
        }
    }
}

/// Why [`crate::Link::open`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// There is no session now.
    Down,
    /// 256 streams are open, or the port does not take what waits for it.
    TooMany,
}
