// SPDX-License-Identifier: Apache-2.0
//! containerd on one side, a hakod that comes and goes on the other.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{EventsRequest, LeaveAnswersRequest, ProcessesResponse, ReadyAnswer};
use hako_protocols::task::{Empty, KillRequest, StateRequest, StateResponse, WaitResponse};
use hako_protocols::ttrpc::{Request, Response};
use hako_ttrpc::{CallError, Client, Code, Frame, FrameKind};
use harness::await_condition::pass;
use harness::{CLOSED, Hakod, LIMIT, Pod, REQUEST, script, until};
use prost::Message;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

const TASK: &str = "containerd.task.v2.Task";

fn envelope(method: &str, timeout_nano: i64) -> Vec<u8> {
    let request = Request {
        service: TASK.into(),
        method: method.into(),
        payload: vec![1, 2, 3],
        timeout_nano,
        metadata: Vec::new(),
    };
    request.encode_to_vec()
}

fn frame(stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Frame::append(stream, FrameKind::Request, payload, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_call_goes_up_verbatim_and_its_answer_comes_down() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let client = Client::connect(&pod.shim_socket()).unwrap();
    let calling = thread::spawn(move || {
        client.call::<StateResponse>(TASK, "State", &StateRequest { id: "a1".into(), ..Default::default() }, None)
    });
    let request = link.relayed();
    assert_eq!((request.connection, request.stream, request.kind), (1, 1, REQUEST));
    let asked = Request::decode(&request.payload[..]).unwrap();
    assert_eq!((asked.service.as_str(), asked.method.as_str()), (TASK, "State"));
    link.respond(&request, &StateResponse { id: "a1".into(), pid: 77, ..Default::default() }.encode_to_vec());
    assert_eq!(calling.join().unwrap().unwrap().pid, 77);
    let closed = link.relayed();
    assert_eq!((closed.connection, closed.kind), (1, CLOSED));
    let _second =
        Client::connect(&pod.shim_socket()).unwrap().send::<Empty>(TASK, "Kill", &KillRequest::default(), None);
    assert_eq!(link.relayed().connection, 2);
}

#[test]
fn large_frames_pass_both_ways() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let client = Client::connect(&pod.shim_socket()).unwrap();
    let id = "x".repeat(3 << 20);
    let wanted = id.clone();
    let calling = thread::spawn(move || {
        client.call::<StateResponse>(TASK, "State", &StateRequest { id, ..Default::default() }, None)
    });
    let request = link.relayed();
    let payload = Request::decode(&request.payload[..]).unwrap().payload;
    assert_eq!(StateRequest::decode(&payload[..]).unwrap().id, wanted);
    link.respond(&request, &StateResponse { id: wanted.clone(), ..Default::default() }.encode_to_vec());
    assert_eq!(calling.join().unwrap().unwrap().id, wanted);
}

#[test]
fn unanswered_requests_are_sent_again_in_order_and_answered_ones_are_not() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let mut containerd = UnixStream::connect(pod.shim_socket()).unwrap();
    for (stream, method) in [(1, "Create"), (3, "Wait"), (5, "Kill")] {
        containerd.write_all(&frame(stream, &envelope(method, 0))).unwrap();
    }
    let first = [link.relayed(), link.relayed(), link.relayed()];
    link.respond(&first[0], b"");
    let mut answer = [0; 10];
    containerd.read_exact(&mut answer).unwrap();
    drop(link);
    drop(hakod);
    // Asked while nobody is there; the second is no longer waited for when hakod is back.
    containerd.write_all(&frame(7, &envelope("Update", 0))).unwrap();
    containerd.write_all(&frame(9, &envelope("State", 1))).unwrap();

    let mut link = Hakod::listen(&pod.run).accept(2);
    assert_eq!(link.hello.highest_epoch, 1);
    for (stream, method) in [(3, "Wait"), (5, "Kill"), (7, "Update")] {
        let again = link.relayed();
        assert_eq!((again.connection, again.stream), (1, stream));
        assert_eq!(again.payload, envelope(method, 0));
        link.respond(&again, &WaitResponse { exit_status: 7, exited_at: None }.encode_to_vec());
    }
    let mut client = hako_ttrpc::Splitter::default();
    containerd.set_read_timeout(Some(LIMIT)).unwrap();
    let mut streams = Vec::new();
    while streams.len() < 3 {
        let mut bytes = [0; 4096];
        let count = containerd.read(&mut bytes).unwrap();
        client.push(&bytes[..count]);
        while let Some(frame) = client.next_frame().unwrap() {
            streams.push(frame.stream);
        }
    }
    assert_eq!(streams, [3, 5, 7]);
}

/// A request for State that waits at most 20 s, and what became of it.
fn state(client: &Client) -> StateResponse {
    let request = StateRequest { id: "a1".into(), ..Default::default() };
    client.call(TASK, "State", &request, Some(LIMIT)).unwrap()
}

#[test]
fn while_hakod_is_away_its_answers_are_given_for_a_living_machine_and_for_a_dead_one() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let vmm = link.launch(script("vmm", "exec sleep 1000")).unwrap();
    let left = |status: i32, exit_time_field| ReadyAnswer {
        method: "State".into(),
        request: StateRequest { id: "a1".into(), ..Default::default() }.encode_to_vec(),
        response: StateResponse { id: "a1".into(), status, ..Default::default() }.encode_to_vec(),
        exit_time_field,
    };
    let answers = LeaveAnswersRequest { alive: vec![left(2, 0)], dead: vec![left(3, 10)] };
    link.call::<hako_protocols::shim::Empty>("LeaveAnswers", &answers).unwrap();
    let client = std::sync::Arc::new(Client::connect(&pod.shim_socket()).unwrap());
    // Asked while hakod is there: it is hakod's to answer until hakod is gone.
    let asking = client.clone();
    let early = thread::spawn(move || state(&asking));
    assert_eq!(link.relayed().kind, REQUEST);
    drop(link);
    drop(hakod);
    assert_eq!((early.join().unwrap().status, state(&client).status), (2, 2));

    harness::kill(vmm.pid, libc::SIGKILL);
    let mut dead = StateResponse::default();
    until("the machine is dead", || {
        dead = state(&client);
        dead.status == 3
    });
    assert!(dead.exited_at.unwrap().seconds > 1_600_000_000);
}

#[test]
fn a_hakod_of_an_older_epoch_is_not_listened_to() {
    let pod = Pod::new();
    let hakod = Hakod::listen(&pod.run);
    pod.start();
    drop(hakod.accept(5));
    let mut older = hakod.accept(4);
    assert!(older.is_dropped());
    let same = hakod.accept(5);
    assert_eq!(same.hello.highest_epoch, 5);
}

#[test]
fn hello_says_who_the_shim_is() {
    let mut pod = Pod::new();
    pod.environment.push(("TTRPC_ADDRESS", "/run/containerd.ttrpc".into()));
    let (_hakod, link) = pod.linked();
    let hello = &link.hello;
    assert_eq!((hello.version, hello.namespace.as_str(), hello.sandbox_id.as_str()), (1, "test", "a1"));
    assert_eq!(hello.bundle, pod.bundle.to_str().unwrap());
    assert_eq!(hello.pod_directory, pod.directory.to_str().unwrap());
    assert_eq!(hello.events_address, "/run/containerd.ttrpc");
    assert_eq!(hello.shim_pid, pod.shim_pid());
    assert_eq!(hello.instance.len(), 16);
    let own = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata("/proc/self/ns/mnt").unwrap());
    assert_eq!(hello.mount_namespace, own);
}

#[test]
fn without_hakod_a_request_is_answered_unavailable_and_a_wait_goes_on_waiting() {
    let mut pod = Pod::new();
    pod.environment.push(("HAKO_SHIM_PATIENCE_S", "1".into()));
    pod.start();
    let client = Client::connect(&pod.shim_socket()).unwrap();
    let wait = client.send::<WaitResponse>(TASK, "Wait", &StateRequest::default(), None).unwrap();
    let refusal = client.call::<StateResponse>(TASK, "State", &StateRequest::default(), Some(LIMIT)).unwrap_err();
    let CallError::Status(status) = refusal else { panic!("{refusal}") };
    assert_eq!(status.code, Code::Unavailable);
    assert_eq!(status.message, "hakod has not been there for 1 s; start it (the pod runs on meanwhile) and ask again.");
    let mut link = Hakod::listen(&pod.run).accept(1);
    let again = link.relayed();
    assert_eq!(Request::decode(&again.payload[..]).unwrap().method, "Wait");
    link.respond(&again, &WaitResponse { exit_status: 3, exited_at: None }.encode_to_vec());
    assert_eq!(wait.wait().unwrap().exit_status, 3);
}

#[test]
fn a_hakod_that_accepts_nobody_does_not_hold_the_shim_up() {
    let mut pod = Pod::new();
    pod.environment.push(("HAKO_SHIM_PATIENCE_S", "1".into()));
    let deaf = UnixListener::bind(pod.run.join("shims.sock")).unwrap();
    // SAFETY: plain integers. A queue of one connection, which the next line fills.
    assert_eq!(unsafe { libc::listen(deaf.as_raw_fd(), 0) }, 0);
    let _queued = UnixStream::connect(pod.run.join("shims.sock")).unwrap();
    pod.start();
    let client = Client::connect(&pod.shim_socket()).unwrap();
    let refusal = client.call::<StateResponse>(TASK, "State", &StateRequest::default(), Some(LIMIT)).unwrap_err();
    let CallError::Status(status) = refusal else { panic!("{refusal}") };
    assert_eq!(status.code, Code::Unavailable);
}

#[test]
fn a_frame_over_the_limit_closes_that_connection_alone() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut good = UnixStream::connect(pod.shim_socket()).unwrap();
    good.write_all(&frame(1, &envelope("State", 0))).unwrap();
    let request = link.relayed();
    let mut bad = UnixStream::connect(pod.shim_socket()).unwrap();
    bad.set_read_timeout(Some(LIMIT)).unwrap();
    bad.write_all(&[0, 0x40, 0, 1, 0, 0, 0, 1, 1, 0]).unwrap();
    assert_eq!(bad.read(&mut [0; 1]).unwrap(), 0);
    let closed = link.relayed();
    assert_eq!((closed.connection, closed.kind), (2, CLOSED));
    link.respond(&request, b"");
    good.read_exact(&mut [0; 10]).unwrap();
}

#[test]
fn requests_beyond_the_bound_are_refused_at_once() {
    let pod = Pod::new();
    pod.start();
    let mut containerd = UnixStream::connect(pod.shim_socket()).unwrap();
    containerd.set_read_timeout(Some(LIMIT)).unwrap();
    for stream in 0..1025u32 {
        containerd.write_all(&frame(2 * stream + 1, &envelope("State", 0))).unwrap();
    }
    let mut header = [0; 10];
    containerd.read_exact(&mut header).unwrap();
    let mut payload = vec![0; u32::from_be_bytes(header[..4].try_into().unwrap()) as usize];
    containerd.read_exact(&mut payload).unwrap();
    assert_eq!(u32::from_be_bytes(header[4..8].try_into().unwrap()), 2049);
    let status = Response::decode(&payload[..]).unwrap().status.unwrap();
    assert_eq!(Code::from(status.code), Code::ResourceExhausted);
}

#[test]
fn hakod_is_found_within_moments_of_its_return() {
    let pod = Pod::new();
    pod.start();
    // Long enough for the pauses between attempts to have grown to a second.
    pass(Duration::from_millis(1600));
    let listening = std::time::Instant::now();
    let _link = Hakod::listen(&pod.run).accept(1);
    assert!(listening.elapsed() < Duration::from_millis(300), "it took {:?}", listening.elapsed());
}

#[test]
fn a_call_of_hakod_ends_with_its_link_and_is_not_answered_on_the_next() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let parked = link.ask("Events", &EventsRequest { after: 0 });
    link.call::<Empty>("Kept", &Empty {}).unwrap();
    drop(link);
    let mut link = hakod.accept(2);
    // What the parked call waited for happens now; the same stream number means another call meanwhile.
    link.launch(script("one", "exit 1")).unwrap();
    until("its end is known", || {
        let all: ProcessesResponse = link.call("Processes", &Empty {}).unwrap();
        all.processes[0].exit.is_some()
    });
    assert_eq!(link.count(parked), 1, "the first call on the new link was answered twice");
}
