// SPDX-License-Identifier: Apache-2.0
//! Exactly once: a request that is repeated under its key gets the first one's answer, also while that one is under way.

use std::collections::{BTreeMap, VecDeque};

use hako_ttrpc::Status;

/// How many answers are remembered.
const REMEMBERED: usize = 256;

/// An encoded response message, or why there is none.
pub type Answer = Result<Vec<u8>, Status>;

/// Where an answer goes: which connection, and its stream there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub connection: u64,
    pub stream: u32,
}

/// A request that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

#[derive(Debug, PartialEq)]
pub enum Begin {
    /// To be carried out, then ended with [`Requests::finish`].
    Fresh(Ticket),
    /// The same request is under way; the caller gets its answer.
    Joined,
    Answered(Answer),
}

struct UnderWay {
    key: String,
    callers: Vec<Caller>,
}

#[derive(Default)]
pub struct Requests {
    tickets: u64,
    under_way: BTreeMap<Ticket, UnderWay>,
    answered: VecDeque<(String, Answer)>,
}

impl Requests {
    /// `key` is empty for a request that is carried out each time.
    pub fn begin(&mut self, key: String, caller: Caller) -> Begin {
        if !key.is_empty() {
            if let Some((_, answer)) = self.answered.iter().find(|(known, _)| *known == key) {
                return Begin::Answered(answer.clone());
            }
            if let Some(same) = self.under_way.values_mut().find(|request| request.key == key) {
                same.callers.push(caller);
                return Begin::Joined;
            }
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.under_way.insert(ticket, UnderWay { key, callers: vec![caller] });
        Begin::Fresh(ticket)
    }

    /// Remembers the answer and says who wants it.
    pub fn finish(&mut self, ticket: Ticket, answer: &Answer) -> Vec<Caller> {
        let Some(request) = self.under_way.remove(&ticket) else { return Vec::new() };
        if !request.key.is_empty() {
            if self.answered.len() == REMEMBERED {
                self.answered.pop_front();
            }
            self.answered.push_back((request.key, answer.clone()));
        }
        request.callers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(stream: u32) -> Caller {
        Caller { connection: 1, stream }
    }

    fn fresh(requests: &mut Requests, key: &str, stream: u32) -> Ticket {
        match requests.begin(key.into(), caller(stream)) {
            Begin::Fresh(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeated_request_joins_and_later_gets_the_same_answer() {
        let mut requests = Requests::default();
        let ticket = fresh(&mut requests, "k", 1);
        assert_eq!(requests.begin("k".into(), caller(3)), Begin::Joined);
        let answer = Ok(vec![7]);
        assert_eq!(requests.finish(ticket, &answer), [caller(1), caller(3)]);
        assert_eq!(requests.begin("k".into(), caller(5)), Begin::Answered(answer));
    }

    #[test]
    fn a_failure_is_remembered_too() {
        let mut requests = Requests::default();
        let ticket = fresh(&mut requests, "k", 1);
        let answer = Err(Status::not_found("no"));
        requests.finish(ticket, &answer);
        assert_eq!(requests.begin("k".into(), caller(3)), Begin::Answered(answer));
    }

    #[test]
    fn a_request_without_key_is_carried_out_each_time() {
        let mut requests = Requests::default();
        let first = fresh(&mut requests, "", 1);
        let second = fresh(&mut requests, "", 3);
        assert_ne!(first, second);
        requests.finish(first, &Ok(Vec::new()));
        fresh(&mut requests, "", 5);
    }

    #[test]
    fn the_oldest_of_257_answers_is_forgotten() {
        let mut requests = Requests::default();
        for number in 0..=REMEMBERED {
            let ticket = fresh(&mut requests, &number.to_string(), 1);
            requests.finish(ticket, &Ok(Vec::new()));
        }
        assert!(matches!(requests.begin("0".into(), caller(1)), Begin::Fresh(_)));
        assert!(matches!(requests.begin("1".into(), caller(1)), Begin::Answered(_)));
    }
}
