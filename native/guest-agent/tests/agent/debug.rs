// SPDX-License-Identifier: Apache-2.0
//! An operator's programs in the guest itself.

use hako_protocols::agent::{ListRequest, ListResponse};
use hako_ttrpc::Code;

use crate::harness::{Agent, Command, Process, await_condition, debug};

#[test]
fn it_is_in_the_agents_namespaces_and_sees_the_containers() {
    let agent = Agent::start();
    let first = Command::new(&["sleep", "1000"]).run(&agent, "web");
    let script = "for n in mnt pid net uts ipc; do \
                  test $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) || echo $n; done; \
                  ps | grep -c '[s]leep 1000'; id -u; exit 3";
    let shell = debug(&agent, "d1", script, false).unwrap();
    assert_eq!(shell.finish(), (3, "1\n0\n".into(), String::new()));
    first.signal(9).unwrap();
    first.wait();
}

#[test]
fn it_is_no_container_and_none_is_needed() {
    let agent = Agent::start();
    let shell = debug(&agent, "d1", "read line; echo got $line", false).unwrap();
    let list: ListResponse = agent.call("List", &ListRequest {});
    assert_eq!((list.processes[0].container_id.as_str(), list.processes[0].exec_id.as_str()), ("", "d1"));
    assert!(agent.stats().containers.is_empty());
    assert_eq!(debug(&agent, "d1", "true", false).err().unwrap().code, Code::AlreadyExists);
    shell.stdin().write(b"it\n");
    assert_eq!(shell.finish(), (0, "got it\n".into(), String::new()));
}

#[test]
fn with_a_terminal_it_has_job_control_and_the_size() {
    let agent = Agent::start();
    let shell = debug(&agent, "d1", "exec sh -i", true).unwrap();
    read(&shell, "guest# ");
    shell.stdin().write(b"stty size; sh -c 'echo u\"\"p; exec sleep 1000'\n");
    read(&shell, "24 80");
    // From here on it is the terminal's foreground job.
    read(&shell, "up");
    shell.stdin().write(b"\x03");
    read(&shell, "guest# ");
    shell.stdin().write(b"exit 4\n");
    assert_eq!(shell.wait().exit_status, 4);
}

/// A shell at a terminal writes control sequences of its own around what it says.
fn read(shell: &Process<'_>, expected: &str) {
    let mut text = String::new();
    while !text.contains(expected) {
        text += &String::from_utf8(shell.stdout.next().unwrap_or_else(|| panic!("it ended after {text:?}"))).unwrap();
    }
}

#[test]
fn its_deletion_ends_what_it_left() {
    let agent = Agent::start();
    let shell = debug(&agent, "d1", "sleep 1234 >/dev/null 2>&1 & echo", false).unwrap();
    assert_eq!(shell.wait().exit_status, 0);
    shell.delete().unwrap();
    await_condition("the end of what was left", || {
        let look = debug(&agent, "d2", "ps | grep -c '[s]leep 1234'", false).unwrap();
        let left = look.wait().exit_status;
        look.delete().unwrap();
        (left == 1).then_some(())
    });
    assert_eq!(shell.delete().unwrap_err().code, Code::NotFound);
}

#[test]
fn the_agent_gives_the_programs_memory_back() {
    let agent = Agent::start();
    let shell = debug(&agent, "d1", "true", false).unwrap();
    shell.wait();
    shell.delete().unwrap();
    let anonymous = agent.stats().agent_anonymous_bytes;
    assert!(anonymous <= 256 * 1024 || cfg!(debug_assertions), "{anonymous} bytes");
}
