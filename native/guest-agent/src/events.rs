// SPDX-License-Identifier: Apache-2.0
//! What has happened in the guest, kept until the host has acknowledged it.

use std::collections::VecDeque;

use hako_protocols::agent::event::What;
use hako_protocols::agent::{Event, EventsResponse};

use crate::requests::Ticket;
use crate::sys;

/// How many events are kept; beyond it the oldest goes, and the gap in the sequence tells the host.
const KEPT: usize = 1024;

#[derive(Default)]
pub struct Events {
    last: u64,
    kept: VecDeque<Event>,
    /// Calls that wait for an event later than the number.
    pub parked: Vec<(u64, Ticket)>,
}

impl Events {
    pub fn push(&mut self, what: What) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.last += 1;
        self.kept.push_back(Event { sequence: self.last, time_ns: sys::realtime_ns(), what: Some(what) });
    }

    /// Forgets what is acknowledged and gives what is later, if there is anything.
    pub fn after(&mut self, acknowledged: u64) -> Option<EventsResponse> {
        while self.kept.front().is_some_and(|event| event.sequence <= acknowledged) {
            self.kept.pop_front();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
            return None;
        }
        Some(EventsResponse { events: self.kept.iter().cloned().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hako_protocols::agent::Farewell;

    fn farewell(reason: &str) -> What {
        What::Farewell(Farewell { reason: reason.into() })
    }

    fn sequences(response: Option<EventsResponse>) -> Vec<u64> {
        response.map_or(Vec::new(), |response| response.events.iter().map(|event| event.sequence).collect())
    }

    #[test]
    fn events_stay_until_they_are_acknowledged() {
        let mut events = Events::default();
        assert_eq!(events.after(0), None);
        events.push(farewell("a"));
        events.push(farewell("b"));
        assert_eq!(sequences(events.after(0)), [1, 2]);
        assert_eq!(sequences(events.after(1)), [2]);
        assert!(events.after(2).is_none());
        events.push(farewell("c"));
        assert_eq!(sequences(events.after(2)), [3]);
    }

    #[test]
    fn the_oldest_goes_when_nobody_acknowledges() {
        let mut events = Events::default();
        (0..KEPT + 2).for_each(|_| events.push(farewell("x")));
        let kept = sequences(events.after(0));
        assert_eq!((kept.len(), kept[0]), (KEPT, 3));
    }
}
