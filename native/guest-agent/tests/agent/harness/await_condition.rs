// SPDX-License-Identifier: Apache-2.0
//! Waiting for what announces itself by no descriptor.

use std::time::{Duration, Instant};

use super::port::PATIENCE;

/// Asks again and again until `ready` gives something; fails with `what` if that takes too long.
pub fn await_condition<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < give_up, "{what} did not come within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
