// SPDX-License-Identifier: Apache-2.0
//! The one place where these tests pause.

use super::LIMIT;
use std::thread;
use std::time::{Duration, Instant};

/// Waits for a condition of the outside world, which sends no signal.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "waited {LIMIT:?} in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Lets time pass where the passing of time is what is tested, and nothing is waited for.
pub fn pass(time: Duration) {
    thread::sleep(time);
}
