// SPDX-License-Identifier: Apache-2.0
//! What happened, kept until hakod has acknowledged it.

use crate::clock;
use hako_protocols::shim::{Event, EventsResponse, event::What};
use std::collections::VecDeque;

/// More than a pod can bring about while hakod is away; process exits can be asked for by Processes too.
const KEPT: usize = 1024;

#[derive(Default)]
pub struct Events {
    last: u64,
    kept: VecDeque<Event>,
}

impl Events {
    pub fn add(&mut self, what: What) {
        self.last += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Event { sequence: self.last, time_ns: clock::now_ns(), what: Some(what) });
    }

    /// Forgets events up to `after` and answers with the others; None if there are none.
    pub fn after(&mut self, after: u64) -> Option<EventsResponse> {
        self.kept.retain(|event| event.sequence > after);
        (!self.kept.is_empty()).then(|| EventsResponse { events: self.kept.iter().cloned().collect() })
    }
}
