// SPDX-License-Identifier: Apache-2.0
//! Answers that hakod has left for the time that it is away. containerd gives Connect, Pids, State and Shutdown 2 to 5 s, also
//! when it restarts, and drops a task that does not answer.

use hako_protocols::shim::{LeaveAnswersRequest, ReadyAnswer};
use hako_protocols::ttrpc::Request;
use hako_ttrpc::{Code, Status};
use prost::Message;
use prost_types::Timestamp;

/// Of containerd's services containerd.task.v2.Task and containerd.task.v3.Task.
const SERVICES: &str = "containerd.task.";
/// More than a pod of 1000 processes needs.
const MAX_BYTES: usize = 1 << 20;

#[derive(Default)]
pub struct Ready {
    left: LeaveAnswersRequest,
}

impl Ready {
    /// # Errors
    /// ResourceExhausted where they are too large; the earlier ones stay then.
    pub fn leave(&mut self, answers: LeaveAnswersRequest) -> Result<(), Status> {
        let size = answers.encoded_len();
        if size > MAX_BYTES {
            let sentence = format!("The ready answers have {size} bytes, the limit is {MAX_BYTES}.");
            return Err(Status::new(Code::ResourceExhausted, sentence));
        }
        self.left = answers;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.left.alive.is_empty()
    }

    /// The payload of the answer to a request, if there is one. `ended_ns`: when the first of the pod's processes ended, in
    /// nanoseconds since the epoch.
    pub fn find(&self, request: &Request, ended_ns: Option<i64>) -> Option<Vec<u8>> {
        let answers = if ended_ns.is_some() { &self.left.dead } else { &self.left.alive };
        let fits = |answer: &&ReadyAnswer| answer.method == request.method && answer.request == request.payload;
        let answer = answers.iter().filter(|_| request.service.starts_with(SERVICES)).find(fits)?;
        let mut payload = answer.response.clone();
        if let (Some(nanos), true) = (ended_ns, answer.exit_time_field > 0) {
            let time =
                Timestamp { seconds: nanos.div_euclid(1_000_000_000), nanos: nanos.rem_euclid(1_000_000_000) as i32 };
            // A field that is appended to a message is part of it (protobuf encoding, "Last One Wins").
            prost::encoding::message::encode(answer.exit_time_field, &time, &mut payload);
        }
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hako_protocols::task::StateResponse;

    fn ready() -> Ready {
        let answer = |pid: u32, exit_time_field| ReadyAnswer {
            method: "State".into(),
            request: vec![1],
            response: StateResponse { id: "a".into(), pid, ..Default::default() }.encode_to_vec(),
            exit_time_field,
        };
        let mut ready = Ready::default();
        ready.leave(LeaveAnswersRequest { alive: vec![answer(7, 0)], dead: vec![answer(8, 10)] }).unwrap();
        ready
    }

    fn request(service: &str, method: &str, payload: &[u8]) -> Request {
        Request { service: service.into(), method: method.into(), payload: payload.into(), ..Default::default() }
    }

    #[test]
    fn the_end_of_a_process_changes_the_set_and_is_dated() {
        let ask = request("containerd.task.v3.Task", "State", &[1]);
        let state = |ended| StateResponse::decode(&ready().find(&ask, ended).unwrap()[..]).unwrap();
        assert_eq!((state(None).pid, state(None).exited_at), (7, None));
        let dead = state(Some(5_000_000_006));
        assert_eq!((dead.pid, dead.exited_at), (8, Some(Timestamp { seconds: 5, nanos: 6 })));
    }

    #[test]
    fn only_the_very_request_is_answered() {
        for (service, method, payload) in [
            ("containerd.task.v2.Task", "Kill", [1]),
            ("containerd.task.v2.Task", "State", [2]),
            ("other.Service", "State", [1]),
        ] {
            assert_eq!(ready().find(&request(service, method, &payload), None), None, "{service} {method}");
        }
    }

    #[test]
    fn too_much_is_refused_and_the_earlier_answers_stay() {
        let mut ready = ready();
        let huge = ReadyAnswer { response: vec![0; MAX_BYTES], ..Default::default() };
        let refused = ready.leave(LeaveAnswersRequest { alive: vec![huge], dead: vec![] }).unwrap_err();
        assert_eq!(refused.code, Code::ResourceExhausted);
        assert!(ready.find(&request("containerd.task.v2.Task", "State", &[1]), None).is_some());
    }
}
