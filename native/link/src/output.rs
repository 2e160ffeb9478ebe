// SPDX-License-Identifier: Apache-2.0
//! Bytes that wait to be written to the port.

use crate::frame::{HEADER, Header, Kind};

/// DATA is accepted while fewer than this many bytes wait for the port; frames without data may exceed it a little.
pub const OUTPUT_BOUND: usize = 32 * 1024;

/// An emptied buffer larger than this is given back.
const KEPT: usize = 512;

#[derive(Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    start: usize,
}

impl Output {
    /// How many bytes of payload one more DATA frame could carry now.
    pub fn room(&self) -> usize {
        OUTPUT_BOUND.saturating_sub(self.waiting().len() + HEADER)
    }

    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn frame(&mut self, stream: u32, kind: Kind, payload: &[u8]) {
        self.raw(&Header { stream, kind, length: payload.len() }.encode());
        self.raw(payload);
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.bytes.len() + bytes.len() > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    pub fn clear(&mut self) {
        *self = Output::default();
    }

    pub fn sent(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
        if self.start == self.bytes.len() {
            if self.bytes.capacity() > KEPT { self.clear() } else { (self.start, _) = (0, self.bytes.clear()) }
        }
    }
}
