// SPDX-License-Identifier: Apache-2.0
//! One stream's state: credit and ends.

/// Bytes that a sender may have under way on a stream: what the receiver must be able to hold.
pub const WINDOW: usize = 64 * 1024;
/// Credit is given back in amounts of at least this, so that small reads do not cost a frame each.
const GRANT: usize = WINDOW / 4;

pub(crate) struct Stream {
    pub id: u32,
    /// Bytes that may still be sent.
    pub credit: usize,
    pub sent_fin: bool,
    /// Bytes that the peer may still send.
    allowance: usize,
    /// Bytes handed on for which no CREDIT was sent yet.
    ungranted: usize,
    received_fin: bool,
}

impl Stream {
    pub fn new(id: u32) -> Stream {
        Stream { id, credit: WINDOW, sent_fin: false, allowance: WINDOW, ungranted: 0, received_fin: false }
    }

    pub fn is_over(&self) -> bool {
        self.sent_fin && self.received_fin
    }

    /// False if the peer was not allowed to send so much.
    pub fn receive(&mut self, length: usize) -> bool {
        if self.received_fin || length > self.allowance {
            return false;
        }
        self.allowance -= length;
        true
    }

    /// False if it had already come.
    pub fn receive_fin(&mut self) -> bool {
        !std::mem::replace(&mut self.received_fin, true)
    }

    /// False if the peer gives back more than was taken.
    pub fn receive_credit(&mut self, bytes: u32) -> bool {
        let taken = WINDOW - self.credit;
        let valid = (1..=taken).contains(&(bytes as usize));
        self.credit += if valid { bytes as usize } else { 0 };
        valid
    }

    pub fn consumed(&mut self, bytes: usize) {
        self.ungranted = (self.ungranted + bytes).min(WINDOW - self.allowance);
    }

    /// The credit to send now, if it is enough to be worth a frame.
    pub fn grant(&mut self) -> Option<u32> {
        if self.ungranted < GRANT || self.received_fin {
            return None;
        }
        let bytes = std::mem::take(&mut self.ungranted);
        self.allowance += bytes;
        Some(bytes as u32)
    }
}
