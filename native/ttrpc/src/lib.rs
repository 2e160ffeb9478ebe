// SPDX-License-Identifier: Apache-2.0
//! ttrpc (containerd/ttrpc PROTOCOL.md): frames, the call envelope, status codes, a blocking client for
//! command-line programs and tests, and a server side that does no input or output of its own.
//!
//! Only unary calls: a call that waits (Wait, Events) is answered late, by its stream number.

mod client;
mod frame;
mod server;
mod status;

pub use client::{CallError, Client, Pending};
pub use frame::{Frame, FrameError, FrameKind, HEADER_BYTES, MAX_PAYLOAD_BYTES, Splitter};
pub use server::{Call, Connection};
pub use status::{Code, Status};
