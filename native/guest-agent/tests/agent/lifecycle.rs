// SPDX-License-Identifier: Apache-2.0
//! Create, start, wait, signal, delete.

use std::time::Duration;

use hako_protocols::agent::event::What;
use hako_protocols::agent::{
    ContainerRequest, CreateContainerRequest, Empty, EventsRequest, EventsResponse, HelloRequest, HelloResponse,
    ListRequest, ListResponse, PidsResponse, PowerOffRequest, ProcessResponse, ProcessState,
};
use hako_ttrpc::{Client, Code};
use serde_json::json;

use crate::harness::{Agent, Command, await_condition};

#[test]
fn hello_chooses_the_version_that_both_speak() {
    let agent = Agent::start();
    let hello = |oldest, newest| {
        agent.try_call::<HelloResponse>("Hello", &HelloRequest { protocol_oldest: oldest, protocol_newest: newest })
    };
    let response = hello(1, 7).unwrap();
    assert_eq!((response.protocol, response.identity_set, response.instance.len()), (1, false, 32));
    assert_eq!(hello(2, 7).unwrap_err().code, Code::FailedPrecondition);
}

#[test]
fn a_container_runs_and_its_output_and_exit_status_arrive() {
    let agent = Agent::start();
    let process = Command::shell("echo out; echo err >&2; exit 7").run(&agent, "web");
    assert_eq!(process.finish(), (7, "out\n".into(), "err\n".into()));
}

#[test]
fn the_program_does_not_run_before_start() {
    let agent = Agent::start();
    let process = Command::new(&["echo", "started"]).create(&agent, "web").unwrap();
    assert_eq!(state(&agent, "web"), ProcessState::Created);
    process.start().unwrap();
    assert_eq!(process.finish(), (0, "started\n".into(), String::new()));
}

#[test]
fn an_exit_before_wait_is_kept_until_delete() {
    let agent = Agent::start();
    let process = Command::shell("exit 3").run(&agent, "web");
    assert_eq!(process.wait().exit_status, 3);
    let again = process.wait();
    assert!(again.exit_status == 3 && again.exited_at_ns > 0 && !again.oom_killed);
    assert_eq!(state(&agent, "web"), ProcessState::Stopped);
    assert_eq!(process.delete().unwrap().exit_status, 3);
    assert_eq!(process.delete().unwrap_err().code, Code::NotFound);
    assert_eq!(agent.call::<ListResponse>("List", &ListRequest {}).processes, []);
}

#[test]
fn an_id_can_be_used_again_after_delete() {
    let agent = Agent::start();
    for round in 0..3 {
        let process = Command::shell(&format!("exit {round}")).run(&agent, "web");
        assert_eq!(process.wait().exit_status, round);
        process.delete().unwrap();
    }
}

#[test]
fn signals_end_a_container_with_128_and_their_number() {
    let agent = Agent::start();
    let process = Command::shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done").run(&agent, "polite");
    process.stdout.read_until("ready\n");
    process.signal(libc_signal::TERM).unwrap();
    assert_eq!(process.wait().exit_status, 9);
    let process = Command::new(&["sleep", "1000"]).run(&agent, "killed");
    let waiting = process.send_wait();
    process.signal(libc_signal::KILL).unwrap();
    assert_eq!(waiting.wait().unwrap().exit_status, 137);
    assert_eq!(process.signal(libc_signal::KILL).unwrap_err().code, Code::NotFound);
}

/// The numbers of signal(7).
mod libc_signal {
    pub const KILL: i32 = 9;
    pub const TERM: i32 = 15;
}

#[test]
fn a_running_container_is_not_deleted_and_a_created_one_is() {
    let agent = Agent::start();
    let running = Command::new(&["sleep", "1000"]).run(&agent, "running");
    let status = running.delete().unwrap_err();
    assert_eq!(status.message, "Container running has not ended; send it SIGKILL first.");
    let created = Command::new(&["sleep", "1000"]).create(&agent, "created").unwrap();
    created.delete().unwrap();
    assert_eq!(created.start().unwrap_err().code, Code::NotFound);
}

#[test]
fn commands_that_cannot_run_are_told_apart() {
    let agent = Agent::start();
    let refusal = |command: &str| {
        let id = command.replace('/', "-").trim_start_matches('-').to_owned();
        let refused = match Command::new(&[command]).create(&agent, &id) {
            Ok(created) => created.start().unwrap_err(),
            Err(status) => status,
        };
        (refused.code, refused.message)
    };
    let (code, message) = refusal("nonsense");
    assert!(code == Code::NotFound && message.starts_with("Command not found: nonsense"), "{code:?} {message}");
    let (code, message) = refusal("/bin/absent");
    assert!(code == Code::NotFound && message.starts_with("Command not found: /bin/absent"), "{code:?} {message}");
    for command in ["/bin/data", "/bin/garbage", "/bin"] {
        let (code, message) = refusal(command);
        let expected = format!("Command cannot be executed: {command}");
        assert!(code == Code::FailedPrecondition && message.starts_with(&expected), "{code:?} {message}");
    }
}

#[test]
fn a_failed_creation_leaves_nothing() {
    let agent = Agent::start();
    assert!(Command::new(&["nonsense"]).create(&agent, "web").is_err());
    assert_eq!(agent.call::<ListResponse>("List", &ListRequest {}).processes, []);
    Command::new(&["true"]).create(&agent, "web").expect("the id is free again").start().unwrap();
}

#[test]
fn a_creation_that_takes_too_long_is_ended_and_leaves_nothing() {
    let agent = Agent::start();
    let mut slow = Command::new(&["true"]);
    let busybox = format!("{}/bin/busybox", agent.rootfs());
    slow.hooks = json!({ "createRuntime": [{ "path": busybox, "args": ["busybox", "sleep", "1000"] }] });
    let status = slow.create_within(&agent, "web", Duration::from_secs(1)).err().unwrap();
    assert_eq!(status.code, Code::DeadlineExceeded);
    let created = await_condition("the free id", || match Command::new(&["true"]).create(&agent, "web") {
        Err(status) => {
            assert_eq!(status.code, Code::AlreadyExists, "{status}");
            None
        }
        Ok(created) => Some(created),
    });
    created.start().unwrap();
}

#[test]
fn a_repeated_request_is_carried_out_once() {
    let agent = Agent::start();
    let command = Command::new(&["sleep", "1000"]);
    let first = command.create(&agent, "web").unwrap();
    let request = |key: &str, id: &str| CreateContainerRequest {
        request_key: key.into(),
        container_id: id.into(),
        ..Default::default()
    };
    let refused = agent.try_call::<ProcessResponse>("CreateContainer", &request("k1", "web")).unwrap_err();
    assert_eq!(refused.code, Code::AlreadyExists);
    first.delete().unwrap();
    let again = agent.try_call::<ProcessResponse>("CreateContainer", &request("k1", "web")).unwrap_err();
    assert_eq!(again, refused, "the first answer, not a new attempt");
    let other = agent.try_call::<ProcessResponse>("CreateContainer", &request("k2", "web")).unwrap_err();
    assert_eq!(other.code, Code::InvalidArgument, "a new attempt, with a spec that is none");
}

#[test]
fn a_paused_container_stands_still() {
    let agent = Agent::start();
    let process = Command::shell("while read line; do echo $line; done").with_stdin().run(&agent, "web");
    let container = ContainerRequest { container_id: "web".into() };
    agent.call::<Empty>("Pause", &container);
    assert_eq!(state(&agent, "web"), ProcessState::Paused);
    assert_eq!(Command::new(&["true"]).exec(&agent, "web", "e").err().unwrap().code, Code::FailedPrecondition);
    process.stdin().write(b"hello\n");
    agent.call::<Empty>("Resume", &container);
    process.stdout.read_until("hello\n");
    assert_eq!(state(&agent, "web"), ProcessState::Running);
}

#[test]
fn the_processes_of_a_container_are_listed_and_end_with_it() {
    let agent = Agent::start();
    let process = Command::shell("sleep 1000 & sleep 1000 & echo ready; wait").run(&agent, "web");
    process.stdout.read_until("ready\n");
    let pids = || agent.call::<PidsResponse>("Pids", &ContainerRequest { container_id: "web".into() }).pids;
    assert!(pids().len() == 3 && pids().contains(&process.pid));
    process.signal(libc_signal::KILL).unwrap();
    process.wait();
    process.delete().unwrap();
}

#[test]
fn events_are_parked_until_something_happens() {
    let agent = Agent::start();
    let process = Command::new(&["cat"]).with_stdin().run(&agent, "web");
    let parked = agent.send::<EventsResponse>("Events", &EventsRequest { after: 0 });
    process.stdin().finish();
    let events = parked.wait().unwrap().events;
    assert_eq!(events[0].sequence, 1);
    let Some(What::Exited(exited)) = &events[0].what else { panic!("{events:?}") };
    assert_eq!((exited.container_id.as_str(), exited.pid, exited.exit_status), ("web", process.pid, 0));
}

#[test]
fn a_connection_that_closes_takes_no_other_with_it() {
    let agent = Agent::start();
    let process = Command::new(&["cat"]).with_stdin().run(&agent, "web");
    let waiting = process.send_wait();
    drop::<Client>(agent.connect());
    process.stdin().finish();
    assert_eq!(waiting.wait().unwrap().exit_status, 0);
}

#[test]
fn power_off_stops_the_containers_and_says_farewell() {
    let mut agent = Agent::start();
    {
        let process = Command::new(&["sleep", "1000"]).run(&agent, "web");
        let waiting = process.send_wait();
        let power_off = PowerOffRequest { request_key: "p".into(), reason: "test".into() };
        let answered = agent.send::<Empty>("PowerOff", &power_off);
        assert_eq!(waiting.wait().unwrap().exit_status, 137);
        answered.wait().unwrap();
    }
    agent.wait_for_end();
}

fn state(agent: &Agent, container: &str) -> ProcessState {
    let list: ListResponse = agent.call("List", &ListRequest {});
    list.processes.iter().find(|process| process.container_id == container).expect("the container is listed").state()
}
