// SPDX-License-Identifier: Apache-2.0
//! The agent as its host sees it: every test starts one and speaks to it over the two ports.
//!
//! By default the agent is PID 1 of namespaces on this machine, which needs root and takes some 50 ms. With
//! HAKO_TEST_GUEST=DIRECTORY (vmlinux and initramfs.cpio, made by guest-image/build with this agent) it is PID 1 of a
//! virtual machine, and the tests that need a machine of their own run too.

#![allow(clippy::unwrap_used, reason = "the harness is test code too")]

mod debug;
mod exec;
mod guest;
mod harness;
mod lifecycle;
mod mounts;
mod network;
mod pod;
mod security;
mod streams;
