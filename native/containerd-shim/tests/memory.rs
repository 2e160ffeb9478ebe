// SPDX-License-Identifier: Apache-2.0
//! What a shim costs.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{Empty, EventsRequest, Input, JoinStdioRequest, Output, output::To};
use harness::await_condition::pass;
use harness::guest::Guest;
use harness::{Pod, shim, until};
use std::fs;

/// Bytes of a line of /proc/PID/smaps_rollup.
fn rollup(pid: u32, line: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let found = text.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    found.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

fn switches(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap().trim().parse().unwrap()
}

#[test]
fn an_idle_shim_has_one_thread_sleeps_and_holds_at_most_100_kb_of_its_own() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut guest = Guest::up(&mut link);
    let log = |token| {
        Some(Output {
            token,
            to: Some(To::Log(hako_protocols::shim::LogFile {
                path: pod.bundle.join("log").to_str().unwrap().into(),
                bound: 65536,
            })),
        })
    };
    let stdin = pod.bundle.join("in");
    let made = std::process::Command::new("mkfifo").arg(&stdin).status().unwrap();
    assert!(made.success());
    for container in ["c1", "c2"] {
        let stdin = (container == "c1").then(|| Input { path: stdin.to_str().unwrap().into(), token: 9 });
        let request = JoinStdioRequest {
            container_id: container.into(),
            stdin,
            stdout: log(1),
            stderr: log(2),
            ..JoinStdioRequest::default()
        };
        link.call::<Empty>("JoinStdio", &request).unwrap();
    }
    let stream = guest.data.stream_of(1);
    guest.data.write_all(stream, &vec![b'x'; 10 << 20]);
    let events = link.ask("Events", &EventsRequest { after: 0 });
    link.answer::<hako_protocols::shim::EventsResponse>(events).unwrap();
    link.ask("Events", &EventsRequest { after: 1000 });
    let pid = pod.shim_pid();
    until("all credit is back", || {
        guest.data.turn();
        guest.data.link.writable(stream) >= 32 * 1024 - 8
    });
    // The promise is for the build that is shipped; unoptimised code has larger frames and larger tables.
    let limit = if shim().contains("/debug/") { 160_000 } else { 100_000 };
    until("memory of work past is given back", || rollup(pid, "Anonymous:") <= limit);
    println!("anonymous {}, pss {}, rss {}", rollup(pid, "Anonymous:"), rollup(pid, "Pss:"), rollup(pid, "Rss:"));
    assert_eq!(fs::read_dir(format!("/proc/{pid}/task")).unwrap().count(), 1);
    // Asleep: nothing but the passing of time happens here.
    until("the shim sleeps", || {
        let before = switches(pid);
        pass(std::time::Duration::from_millis(1500));
        switches(pid) == before
    });
}
