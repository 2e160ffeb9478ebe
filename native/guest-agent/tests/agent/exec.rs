// SPDX-License-Identifier: Apache-2.0
//! Further processes in a container.

use std::time::Duration;

use hako_protocols::agent::{ContainerRequest, PidsResponse};
use hako_ttrpc::Code;

use crate::harness::{Agent, Command, await_condition};

#[test]
fn a_further_process_runs_in_the_container() {
    let agent = Agent::start();
    let first = Command::new(&["sleep", "1000"]).run(&agent, "web");
    let exec =
        Command::shell("hostname; ps -o pid,args | grep -c 'sleep 1000$'; exit 5").exec(&agent, "web", "e1").unwrap();
    assert_eq!(exec.finish(), (5, "inside\n1\n".into(), String::new()));
    first.signal(9).unwrap();
    assert_eq!(first.wait().exit_status, 137);
}

#[test]
fn a_process_is_signalled_alone() {
    let agent = Agent::start();
    let first = Command::new(&["sleep", "1000"]).run(&agent, "web");
    let exec = Command::new(&["sleep", "1000"]).exec(&agent, "web", "e1").unwrap();
    exec.signal(15).unwrap();
    assert_eq!(exec.wait().exit_status, 143);
    exec.delete().unwrap();
    assert_eq!(exec.delete().unwrap_err().code, Code::NotFound);
    first.signal(9).unwrap();
    assert_eq!(first.wait().exit_status, 137);
}

#[test]
fn commands_that_cannot_run_are_told_apart() {
    let agent = Agent::start();
    let _first = Command::new(&["sleep", "1000"]).run(&agent, "web");
    let refusal = |command: &str| Command::new(&[command]).exec(&agent, "web", "e").err().expect("refused");
    let missing = refusal("nonsense");
    assert!(missing.code == Code::NotFound && missing.message.starts_with("Command not found: nonsense"), "{missing}");
    for command in ["/bin/data", "/bin/garbage"] {
        let refused = refusal(command);
        let expected = format!("Command cannot be executed: {command}");
        assert!(refused.code == Code::FailedPrecondition && refused.message.starts_with(&expected), "{refused}");
    }
}

#[test]
fn nothing_is_started_where_nothing_runs() {
    let agent = Agent::start();
    assert_eq!(Command::new(&["true"]).exec(&agent, "absent", "e").err().unwrap().code, Code::NotFound);
    let created = Command::new(&["true"]).create(&agent, "web").unwrap();
    assert_eq!(Command::new(&["true"]).exec(&agent, "web", "e").err().unwrap().code, Code::FailedPrecondition);
    created.start().unwrap();
    created.wait();
    let status = Command::new(&["true"]).exec(&agent, "web", "e").err().unwrap();
    assert_eq!(status.message, "Container web is not running: no process can be started in it.");
}

#[test]
fn a_process_that_ends_at_once_has_its_status() {
    let agent = Agent::start();
    let first = Command::new(&["sleep", "1000"]).run(&agent, "web");
    for round in 0..20 {
        let exec = Command::shell(&format!("exit {round}")).exec(&agent, "web", &format!("e{round}")).unwrap();
        assert_eq!(exec.wait().exit_status, round);
    }
    first.signal(9).unwrap();
}

#[test]
fn a_stopped_container_takes_its_processes_with_it() {
    let agent = Agent::start();
    let first = Command::new(&["cat"]).with_stdin().run(&agent, "web");
    let exec = Command::new(&["sleep", "1000"]).exec(&agent, "web", "e").unwrap();
    let waiting = exec.send_wait();
    first.stdin().finish();
    assert_eq!(first.wait().exit_status, 0);
    assert_eq!(waiting.wait().unwrap().exit_status, 137);
}

/// What a process does to the others of its container cannot keep them from being ended.
#[test]
fn a_process_that_is_not_made_in_time_does_not_stay() {
    let agent = Agent::start();
    let first = Command::shell("echo ready; while :; do kill -STOP -1 2>/dev/null; done").run(&agent, "web");
    first.stdout.read_until("ready\n");
    let sleep = Command::new(&["sleep", "1000"]);
    let make = |name: String| sleep.exec_within(&agent, "web", &name, Duration::from_secs(1));
    // One that is stopped only once its program runs has been made in time.
    let late = (0..100).find_map(|round| make(format!("e{round}")).err().map(|status| (round, status)));
    let (in_time, late) = late.expect("a process that was stopped before its program ran");
    assert_eq!(late.code, Code::DeadlineExceeded);
    let pids = || agent.call::<PidsResponse>("Pids", &ContainerRequest { container_id: "web".into() }).pids;
    await_condition("only what was made in time", || (pids().len() == 1 + in_time).then_some(()));
    assert_eq!(first.signal(9).map(drop), Ok(()));
}
