// SPDX-License-Identifier: Apache-2.0
//! What a shim costs.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{
    Empty, EventsRequest, EventsResponse, Input, JoinStdioRequest, KeptResponse, LogFile, MountRequest, MountsResponse,
    Output, PathRequest, ProcessesResponse, StdioRequest, output::To,
};
use hako_protocols::task::{CreateTaskRequest, StateResponse, WaitRequest};
use hako_ttrpc::Client;
use harness::await_condition::pass;
use harness::guest::{Guest, Port};
use harness::{Link, Pod, script, shim, until};
use prost::Message;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

const TASK: &str = "containerd.task.v2.Task";

/// The promise is for the build that is shipped; unoptimised code has larger frames and larger tables.
fn limit() -> u64 {
    if shim().contains("/debug/") { 160_000 } else { 100_000 }
}

fn holds_little(pid: u32) {
    until("memory of work past is given back", || {
        pass(std::time::Duration::from_millis(100));
        rollup(pid, "Anonymous:") <= limit()
    });
    println!("anonymous {}, pss {}, rss {}", rollup(pid, "Anonymous:"), rollup(pid, "Pss:"), rollup(pid, "Rss:"));
}

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

fn log(pod: &Pod, token: u64) -> Option<Output> {
    let path = pod.bundle.join("log").to_str().unwrap().into();
    Some(Output { token, to: Some(To::Log(LogFile { path, bound: 65536 })) })
}

#[test]
fn an_idle_shim_has_one_thread_sleeps_and_holds_at_most_100_kb_of_its_own() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut guest = Guest::up(&mut link);
    let log = |token| log(&pod, token);
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
    link.answer::<EventsResponse>(events).unwrap();
    link.ask("Events", &EventsRequest { after: 1000 });
    let pid = pod.shim_pid();
    until("all credit is back", || {
        guest.data.turn();
        guest.data.link.writable(stream) >= 32 * 1024 - 8
    });
    holds_little(pid);
    assert_eq!(fs::read_dir(format!("/proc/{pid}/task")).unwrap().count(), 1);
    // Asleep: nothing but the passing of time happens here.
    until("the shim sleeps", || {
        let before = switches(pid);
        pass(std::time::Duration::from_millis(1500));
        switches(pid) == before
    });
}

/// What is of the program itself they share.
#[test]
fn each_of_ten_shims_is_answerable_for_at_most_400_kb() {
    if shim().contains("/debug/") {
        return; // the promise is for the build that is shipped
    }
    let pods: Vec<Pod> = (0..10).map(|_| Pod::new()).collect();
    let _links: Vec<_> = pods.iter().map(Pod::linked).collect();
    until("memory of their starts is given back", || {
        pass(std::time::Duration::from_millis(100));
        pods.iter().all(|pod| rollup(pod.shim_pid(), "Pss:") <= 400_000)
    });
    let each: Vec<u64> = pods.iter().map(|pod| rollup(pod.shim_pid(), "Pss:")).collect();
    println!("pss of ten, bytes: {each:?}");
}

/// All kinds of work that a pod has brought by the time that its container idles, in no good order for an allocator.
#[test]
fn a_shim_with_a_live_container_holds_at_most_100_kb_of_its_own() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut waiting = Vec::new();
    link.launch(script("virtiofsd-0", "yes 0123456789 | head -c 20000; exec sleep 1000")).unwrap();
    let mut guest = Guest::up(&mut link);
    for container in 1..=3 {
        create(&pod, &mut link, container, &mut waiting);
        for (exec, first) in [("", 0), ("e1", 10), ("e2", 20)] {
            let token = container * 100 + first;
            let (container_id, exec_id) = (format!("c{container}"), exec.to_owned());
            let (stdout, stderr) = (log(&pod, token + 1), log(&pod, token + 2));
            let request = JoinStdioRequest { container_id, exec_id, stdout, stderr, ..Default::default() };
            link.call::<Empty>("JoinStdio", &request).unwrap();
            let stream = guest.data.stream_of(token + 1);
            guest.data.write_all(stream, &vec![b'x'; 1 << 20]);
            calls(&pod, &mut guest.control);
            question(&pod, &mut link);
        }
        for exec_id in ["e1", "e2"].map(str::to_owned) {
            let container_id = format!("c{container}");
            link.call::<Empty>("LeaveStdio", &StdioRequest { container_id, exec_id }).unwrap();
        }
    }
    link.ask("Events", &EventsRequest { after: 1000 });

    holds_little(pod.shim_pid());
}

/// As containerd: one connection, which stays, a large request that is answered, and a Wait that is not.
fn create(pod: &Pod, link: &mut Link, container: u64, waiting: &mut Vec<Client>) {
    let client = Client::connect(&pod.shim_socket()).unwrap();
    let create = CreateTaskRequest { id: format!("c{container}"), bundle: "x".repeat(9000), ..Default::default() };
    let answer = client.send::<StateResponse>(TASK, "Create", &create, None).unwrap();
    let request = link.relayed();
    link.respond(&request, &StateResponse { stdout: "y".repeat(700), ..Default::default() }.encode_to_vec());
    drop(answer);
    let wait = WaitRequest { id: format!("c{container}"), exec_id: String::new() };
    drop(client.send::<StateResponse>(TASK, "Wait", &wait, None).unwrap());
    link.relayed();
    waiting.push(client);
    let target = pod.path(&format!("share/c{container}/rootfs"));
    let mount =
        MountRequest { r#type: "tmpfs".into(), source: "tmpfs".into(), target, options: vec!["size=64k".into()] };
    link.call::<Empty>("Mount", &mount).unwrap();
}

/// As hakod's calls to the agent: a connection through the bridge, which ends.
fn calls(pod: &Pod, control: &mut Port) {
    let mut socket = UnixStream::connect(pod.directory.join("guest.sock")).unwrap();
    socket.write_all(b"CONNECT 1024\n").unwrap();
    let mut answers = BufReader::new(socket.try_clone().unwrap());
    let mut line = String::new();
    answers.read_line(&mut line).unwrap();
    assert_eq!(line, "OK 1024\n");
    for size in [40, 3000, 16_000, 200] {
        socket.write_all(&vec![b'q'; size]).unwrap();
        let mut came = None;
        control.until("the call comes", |port| {
            came = port.streams.iter().find(|(_, stream)| stream.bytes.len() == size).map(|(id, _)| *id);
            came.is_some()
        });
        let stream = came.unwrap();
        control.streams.get_mut(&stream).unwrap().bytes.clear();
        control.write_all(stream, &vec![b'a'; size]);
        answers.read_exact(&mut vec![0; size]).unwrap();
    }
    drop((socket, answers));
    control.until("the call is over", |port| {
        port.streams.values().all(|stream| stream.finished || stream.reset.is_some())
    });
    let over: Vec<u32> = control.streams.keys().copied().collect();
    over.into_iter().for_each(|stream| drop((control.link.finish(stream), control.streams.remove(&stream))));
    control.turn();
}

/// As hakod, again and again.
fn question(pod: &Pod, link: &mut Link) {
    for _ in 0..10 {
        assert_eq!(link.call::<ProcessesResponse>("Processes", &Empty {}).unwrap().processes.len(), 2);
        link.call::<KeptResponse>("Kept", &Empty {}).unwrap();
        let mounts: MountsResponse = link.call("Mounts", &PathRequest { path: pod.path("share") }).unwrap();
        assert!(!mounts.targets.is_empty());
    }
}
