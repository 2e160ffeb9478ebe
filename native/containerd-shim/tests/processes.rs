// SPDX-License-Identifier: Apache-2.0
//! Launched processes: what they get, what they are kept from, how they end.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::passed_file::File;
use hako_protocols::shim::{
    Confinement, ConnectedSocket, Empty, EventsRequest, EventsResponse, KeptResponse, ListeningSocket, Memfd,
    NameRequest, OpenedFile, OutputResponse, OwnRoot, PassedFile, PathRequest, Process, ProcessesResponse, Rlimit,
    RoleRequest, SignalProcessRequest, TapQueue, event::What, exit_status::How,
};
use hako_ttrpc::Code;
use harness::await_condition::pass;
use harness::{Hakod, Link, Pod, is_running, kill, script, until};
use std::fs;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// Waits for the end of a role's process.
fn ended(link: &mut Link, role: &str) -> Process {
    let mut found = None;
    until("the process ends", || {
        let all: ProcessesResponse = link.call("Processes", &Empty {}).unwrap();
        found = all.processes.into_iter().find(|process| process.role == role && process.exit.is_some());
        found.is_some()
    });
    found.unwrap()
}

fn output(link: &mut Link, role: &str) -> String {
    ended(link, role);
    let output: OutputResponse = link.call("Output", &RoleRequest { role: role.into() }).unwrap();
    String::from_utf8(output.newest).unwrap()
}

/// Runs a script to its end and returns what it wrote.
fn said(link: &mut Link, request: hako_protocols::shim::LaunchRequest) -> String {
    let role = request.role.clone();
    link.launch(request).unwrap();
    output(link, &role)
}

fn file(name: &str, file: File) -> PassedFile {
    PassedFile { name: name.into(), file: Some(file) }
}

#[test]
fn exits_are_exact_and_told_once_and_outlive_hakod() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let events = link.ask("Events", &EventsRequest { after: 0 });
    let launched = link.launch(script("one", "exit 42")).unwrap();
    assert!(launched.pid > 0 && launched.start_time > 0 && launched.exit.is_none());
    let told: EventsResponse = link.answer(events).unwrap();
    let [event] = &told.events[..] else { panic!("{told:?}") };
    let Some(What::ProcessExited(process)) = &event.what else { panic!("{event:?}") };
    assert_eq!((process.pid, process.exit.unwrap().how), (launched.pid, Some(How::Exited(42))));
    let parked = link.ask("Events", &EventsRequest { after: event.sequence });

    link.launch(script("two", "exec sleep 1000")).unwrap();
    link.launch(script("three", "read line; exit 7")).unwrap();
    link.call::<Empty>("SignalProcess", &SignalProcessRequest { role: "two".into(), signal: 9 }).unwrap();
    link.answer::<EventsResponse>(parked).unwrap();
    drop(link);
    let mut link = hakod.accept(2);
    assert_eq!(ended(&mut link, "one").exit.unwrap().how, Some(How::Exited(42)));
    assert_eq!(ended(&mut link, "two").exit.unwrap().how, Some(How::Signalled(9)));
    assert_eq!(ended(&mut link, "three").exit.unwrap().how, Some(How::Exited(7)));
    link.call::<Empty>("SignalProcess", &SignalProcessRequest { role: "two".into(), signal: 9 }).unwrap();
}

#[test]
fn a_role_is_launched_once_until_it_is_forgotten() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let first = link.launch(script("vmm", "exec sleep 1000")).unwrap();
    assert_eq!(link.launch(script("vmm", "exit 1")).unwrap(), first);
    let role = RoleRequest { role: "vmm".into() };
    let refusal = link.call::<Empty>("Forget", &role).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (Code::FailedPrecondition, "The process vmm lives; end it before it is forgotten.")
    );
    kill(first.pid, libc::SIGTERM);
    assert_eq!(ended(&mut link, "vmm").exit.unwrap().how, Some(How::Signalled(15)));
    link.call::<Empty>("Forget", &role).unwrap();
    assert_eq!(link.call::<OutputResponse>("Output", &role).unwrap_err().code, Code::NotFound);
    assert_ne!(link.launch(script("vmm", "exit 1")).unwrap().pid, first.pid);
}

#[test]
fn a_launch_that_fails_says_at_which_step_and_leaves_the_role_free() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut missing = script("vmm", "");
    missing.command[0] = "/usr/bin/no-such-vmm".into();
    missing.files =
        vec![file("qmp", File::ListeningSocket(ListeningSocket { path: pod.path("qmp.sock"), mode: 0o600 }))];
    let status = link.launch(missing).unwrap_err();
    assert_eq!(
        status.message,
        "Launch of vmm (/usr/bin/no-such-vmm): Cannot execute it: No such file or directory (os error 2)."
    );
    assert!(
        link.call::<KeptResponse>("Kept", &Empty {}).unwrap().names.is_empty(),
        "files of a failed launch are kept"
    );
    let mut nowhere = script("vmm", "");
    nowhere.working_directory = "/nowhere".into();
    let status = link.launch(nowhere).unwrap_err();
    assert_eq!(
        status.message,
        "Launch of vmm (/bin/sh): Cannot enter its working directory: No such file or directory (os error 2)."
    );
    let mut limited = script("vmm", "");
    limited.rlimits = vec![Rlimit { resource: 999, soft: 1, hard: 1 }];
    let status = link.launch(limited).unwrap_err();
    assert_eq!(
        status.message,
        "Launch of vmm (/bin/sh): Cannot set its resource limits: Invalid argument (os error 22)."
    );
    let mut relative = script("vmm", "");
    relative.command[0] = "sh".into();
    assert_eq!(link.launch(relative).unwrap_err().code, Code::InvalidArgument);
    assert_eq!(said(&mut link, script("vmm", "echo fine")), "fine\n");
}

#[test]
fn a_process_gets_its_files_in_order_and_nothing_else() {
    let pod = Pod::new();
    fs::write(pod.root.join("disk"), "contents").unwrap();
    let (_hakod, mut link) = pod.linked();
    let mut request = script("vmm", "read word <&5; echo $word; env; pwd; ulimit -n; exec /bin/ls -l /proc/self/fd");
    request.files = vec![
        file("qmp", File::ListeningSocket(ListeningSocket { path: pod.path("qmp.sock"), mode: 0o640 })),
        file("ram", File::Memfd(Memfd { size: 1 << 20 })),
        file(
            "disk",
            File::OpenedFile(OpenedFile {
                path: pod.root.join("disk").to_str().unwrap().into(),
                write: false,
                keep: true,
            }),
        ),
    ];
    request.environment = [("A".to_owned(), "b c".to_owned())].into();
    request.rlimits = vec![Rlimit { resource: libc::RLIMIT_NOFILE, soft: 100, hard: 200 }];
    link.launch(request).unwrap();
    let text = output(&mut link, "vmm");
    assert!(text.starts_with("contents\n") && text.contains("\n/\n100\n"), "{text}");
    assert!(text.contains("A=b c\n") && !text.contains("HAKO_RUN_DIR"), "{text}");
    let open: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(" -> ")).collect();
    let targets: Vec<&str> = open.iter().map(|(_, target)| *target).collect();
    let [null, out, err, socket, memory, disk, directory] = targets[..] else { panic!("{text}") };
    assert!(open.iter().enumerate().all(|(number, (name, _))| name.ends_with(&format!(" {number}"))), "{text}");
    assert!(out.starts_with("pipe:") && err == out && socket.starts_with("socket:"), "{text}");
    assert_eq!((null, memory, disk), ("/dev/null", "/memfd:ram (deleted)", pod.root.join("disk").to_str().unwrap()));
    assert!(directory.starts_with("/proc/"), "the last one is that of ls: {text}");

    let kept: KeptResponse = link.call("Kept", &Empty {}).unwrap();
    assert_eq!(kept.names, ["qmp", "ram", "disk"]);
    assert_eq!(kept.files.len(), 3);
    let connects = || UnixStream::connect(pod.directory.join("qmp.sock")).is_ok();
    assert!(connects(), "the shim keeps the socket listening");
    link.call::<Empty>("Release", &NameRequest { name: "qmp".into() }).unwrap();
    assert!(!connects());
}

#[test]
fn a_socket_outside_the_pod_is_refused() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    for path in [pod.root.join("x.sock").to_str().unwrap().to_owned(), pod.path("../x.sock")] {
        let mut request = script("vmm", "");
        request.files = vec![file("x", File::ListeningSocket(ListeningSocket { path: path.clone(), mode: 0o600 }))];
        let message = link.launch(request).unwrap_err().message;
        assert_eq!(message, format!("The socket {path} must be below the pod directory {}.", pod.directory.display()));
    }
}

#[test]
fn a_process_gets_a_connection_to_a_socket_that_it_may_not_reach() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let listener = UnixListener::bind(pod.path("backend.sock")).unwrap();
    let connection = |path: String| file("backend", File::ConnectedSocket(ConnectedSocket { path }));
    let mut request = script("one", "echo hello >&3");
    request.files = vec![connection(pod.path("backend.sock"))];
    request.confinement = Some(Confinement { uid: Some(65534), gid: Some(65534), ..Default::default() });
    link.launch(request.clone()).unwrap();
    let mut heard = String::new();
    listener.accept().unwrap().0.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello\n", "and its end is seen: the shim keeps no copy");
    let kept: KeptResponse = link.call("Kept", &Empty {}).unwrap();
    assert_eq!(kept.names, Vec::<String>::new());

    // Not by a drop: a copy lives on for a moment in whatever another test is just forking.
    // SAFETY: a system call on a descriptor that the listener keeps open.
    assert_eq!(unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) }, 0);
    for (path, sentence) in
        [(pod.path("backend.sock"), "Cannot connect to "), ("/elsewhere".into(), "The socket /elsewhere ")]
    {
        request.role = "two".into();
        request.files = vec![connection(path)];
        let refusal = link.launch(request.clone()).unwrap_err();
        assert_eq!(refusal.code, Code::FailedPrecondition);
        assert!(refusal.message.starts_with(sentence), "{refusal:?}");
    }
}

#[test]
fn the_newest_output_is_kept_and_the_rest_counted() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    link.launch(script("vmm", "yes 0123456 | head -c 80000; printf end >&2")).unwrap();
    ended(&mut link, "vmm");
    let output: OutputResponse = link.call("Output", &RoleRequest { role: "vmm".into() }).unwrap();
    assert_eq!(output.newest.len(), 4096);
    assert!(output.newest.ends_with(b"0123456\nend"));
    assert_eq!(output.dropped, 80_003 - 4096);
}

#[test]
fn signals_are_as_after_a_login() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let text = said(&mut link, script("vmm", "grep -E 'SigBlk|SigIgn' /proc/self/status"));
    assert_eq!(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

#[test]
fn limits_are_as_asked_and_descriptors_up_to_the_hard_limit() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut request = script("one", "test $(ulimit -Sn) = $(ulimit -Hn) && ulimit -Sc; ulimit -Hc");
    request.rlimits = vec![Rlimit { resource: libc::RLIMIT_CORE, soft: 512, hard: 1024 }];
    assert_eq!(said(&mut link, request), "1\n2\n");
    let mut beyond = script("two", "ulimit -Sn");
    beyond.rlimits = vec![Rlimit { resource: libc::RLIMIT_NOFILE, soft: 1 << 20, hard: 1 << 40 }];
    let text = said(&mut link, beyond);
    assert!(text.trim().parse::<u64>().is_ok_and(|limit| (1024..=1 << 20).contains(&limit)), "{text}");
}

#[test]
fn confinement_is_what_was_asked_for() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut request = script(
        "vmm",
        "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm|CapBnd|NoNewPrivs):' /proc/self/status; echo $$; cat /proc/self/uid_map; grep -c : /proc/net/dev",
    );
    request.confinement = Some(Confinement {
        new_network_namespace: true,
        new_mount_namespace: true,
        new_pid_namespace: true,
        new_ipc_namespace: true,
        new_uts_namespace: true,
        new_user_namespace: true,
        uid: Some(12345),
        gid: Some(23456),
        no_new_privileges: true,
        drop_capabilities: true,
        ..Confinement::default()
    });
    let process = link.launch(request).unwrap();
    let text = output(&mut link, "vmm");
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["Uid:", "12345", "12345", "12345", "12345"]);
    assert_eq!(words[1], ["Gid:", "23456", "23456", "23456", "23456"]);
    assert_eq!(words[2], ["Groups:"]);
    for capabilities in &words[3..6] {
        assert_eq!(capabilities[1], "0000000000000000", "{text}");
    }
    assert_eq!(words[6], ["NoNewPrivs:", "1"]);
    assert_eq!(words[7], ["1"], "its pid in its own namespace");
    assert_eq!(words[8], ["12345", "12345", "1"]);
    assert_eq!(words[9], ["1"], "only lo");
    assert!(process.pid > 1);

    let mut mapped = script("virtiofsd-0", "id -u; cat /proc/self/uid_map");
    mapped.confinement = Some(Confinement { new_user_namespace: true, ..Confinement::default() });
    let text = said(&mut link, mapped);
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["0", "0", "0", "4294967295"]);
}

#[test]
fn a_process_dies_with_the_shim_whatever_identity_it_has() {
    let whole = Confinement {
        new_pid_namespace: true,
        new_user_namespace: true,
        new_mount_namespace: true,
        uid: Some(65534),
        gid: Some(65534),
        ..Confinement::default()
    };
    let other_user = Confinement {
        uid: Some(65534),
        gid: Some(65534),
        no_new_privileges: true,
        drop_capabilities: true,
        ..Confinement::default()
    };
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut pids = Vec::new();
    for (role, confinement) in [("plain", Confinement::default()), ("other-user", other_user), ("whole", whole)] {
        let mut request = script(role, "exec sleep 1000");
        request.confinement = Some(confinement);
        pids.push(link.launch(request).unwrap().pid);
    }
    pod.kill_shim();
    until("the processes are gone", || pids.iter().all(|pid| !is_running(*pid)));
    assert_eq!(pod.delete().exit_status, 137);
}

#[test]
fn a_shim_killed_at_any_moment_of_a_launch_leaves_no_process() {
    for step in 0..24 {
        let pod = Pod::new();
        let (_hakod, mut link) = pod.linked();
        let marker = format!("{}.{step}", 100_000 + std::process::id());
        let mut request = script("vmm", &format!("exec sleep {marker}"));
        request.confinement = Some(Confinement {
            new_mount_namespace: true,
            new_pid_namespace: true,
            new_user_namespace: true,
            uid: Some(65534),
            gid: Some(65534),
            drop_capabilities: true,
            own_root: Some(OwnRoot::default()),
            ..Confinement::default()
        });
        link.ask("Launch", &request);
        pass(Duration::from_micros(100 * step));
        pod.kill_shim();
        until("no process of the launch is left", || {
            let all = fs::read_dir("/proc")
                .unwrap()
                .flatten()
                .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
            !all.into_iter().any(|line| String::from_utf8_lossy(&line).contains(&marker))
        });
    }
}

#[test]
fn a_process_can_be_put_into_another_network_namespace_and_taps_made_there() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut holder = script("holder", "exec sleep 1000");
    holder.confinement = Some(Confinement { new_network_namespace: true, ..Confinement::default() });
    let namespace = format!("/proc/{}/ns/net", link.launch(holder).unwrap().pid);
    let wanted = fs::read_link(&namespace).unwrap();
    let mut inside = script("inside", "readlink /proc/self/ns/net");
    inside.network_namespace = namespace.clone();
    assert_eq!(said(&mut link, inside).trim(), wanted.to_str().unwrap());
    let mut outside = script("outside", "readlink /proc/self/ns/net; readlink /proc/self/fd/3");
    let tap = TapQueue {
        interface: "hako0".into(),
        network_namespace: namespace.clone(),
        vnet_header: true,
        multi_queue: false,
    };
    outside.files = vec![file("tap", File::TapQueue(tap))];
    let own = fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(said(&mut link, outside), format!("{}\n/dev/net/tun\n", own.display()));
    let devices = fs::read_to_string(namespace.replace("ns/net", "net/dev")).unwrap();
    assert!(devices.contains("hako0:"), "{devices}");
}

#[test]
fn a_process_is_in_the_cgroup_from_its_first_instruction() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = format!("/hako/test-member-{}", std::process::id());
    link.call::<Empty>("PrepareCgroup", &PathRequest { path: path.clone() }).unwrap();
    let mut request = script("vmm", "cat /proc/self/cgroup");
    request.cgroup = path.clone();
    let text = said(&mut link, request);
    let joined = text.lines().filter(|line| line.ends_with(&path)).count();
    assert!(joined > 0 && joined == text.lines().count(), "{text}");
    link.call::<Empty>("RemoveCgroup", &PathRequest { path: path.clone() }).unwrap();
    link.call::<Empty>("RemoveCgroup", &PathRequest { path }).unwrap();
    let refusal = link.call::<Empty>("PrepareCgroup", &PathRequest { path: "/a/../b".into() }).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidArgument);
}

#[test]
fn a_hakod_that_comes_and_goes_finds_the_same_processes() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let process = link.launch(script("vmm", "exec sleep 1000")).unwrap();
    drop(link);
    drop(hakod);
    let mut link = Hakod::listen(&pod.run).accept(2);
    let all: ProcessesResponse = link.call("Processes", &Empty {}).unwrap();
    assert_eq!(all.processes, [process]);
}
