// SPDX-License-Identifier: Apache-2.0
//! The newest bytes of a process's output.

use std::collections::VecDeque;

/// Keeps the newest `bound` bytes of what was pushed.
pub struct Ring {
    bytes: VecDeque<u8>,
    bound: usize,
    dropped: u64,
}

impl Ring {
    pub fn new(bound: usize) -> Ring {
        Ring { bytes: VecDeque::new(), bound, dropped: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(self.bound)..];
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(self.bound);
        self.bytes.drain(..surplus);
        self.bytes.extend(kept);
        self.dropped += (surplus + bytes.len() - kept.len()) as u64;
    }

    pub fn newest(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }

    /// Bytes that were pushed and are no longer there.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn the_newest_bytes_stay_and_the_others_are_counted() {
        let mut ring = Ring::new(8);
        for part in ["abc", "", "defgh", "ij", "0123456789"] {
            ring.push(part.as_bytes());
        }
        assert_eq!(ring.newest(), b"23456789");
        assert_eq!(ring.dropped(), 12);
    }
}
