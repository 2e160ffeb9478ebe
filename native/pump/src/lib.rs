// SPDX-License-Identifier: Apache-2.0
//! Moves bytes between descriptors in a poll loop, with bounded memory.
//!
//! Nothing here waits: the owner calls poll(2) with the events that [`Copier::interests`] names and tells what was ready.
//! [`Queue`] alone is for bytes that come from or go to something that is no descriptor.

mod copier;
mod descriptor;
mod queue;

pub use copier::Copier;
pub use descriptor::{Progress, is_nonblocking, read, set_nonblocking, write};
pub use queue::Queue;
