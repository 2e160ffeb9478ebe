// SPDX-License-Identifier: Apache-2.0
//! Starts agents and speaks to them.

mod await_condition;
mod machine;
mod port;
mod process;
mod rootfs;

pub use await_condition::await_condition;
pub use machine::{Agent, in_virtual_machine};
pub use process::{Command, Process, debug};
