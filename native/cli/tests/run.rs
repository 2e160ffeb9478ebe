// SPDX-License-Identifier: Apache-2.0
//! `hako run` and `hako exec` in the foreground: bytes, signals, exit codes, and what is left.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fake;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use fake::{Fake, Said};
use hako_ttrpc::{Code, Status};

const MANY: usize = 10 << 20;

fn signal(child: &Child, signal: i32) {
    // SAFETY: kill(2) takes plain numbers; the child has not been reaped.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

/// Whether a signal was sent to a process that has not taken it yet (proc_pid_status(5), ShdPnd).
fn has_pending_signal(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    u64::from_str_radix(pending.trim(), 16).unwrap() != 0
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

#[test]
fn exit_codes_come_back_exactly_and_nothing_is_left() {
    let fake = Fake::new();
    for (script, status) in [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("exit 255", 255), ("kill -9 $$", 137)] {
        assert_eq!(
            fake.run(&["--rm"], script),
            Said { out: String::new(), err: String::new(), status: Some(status) },
            "{script}"
        );
    }
    assert_eq!(fake.left(), [""; 0]);
    assert_eq!(fake.deletions(), 5);
}

#[test]
fn the_streams_stay_apart_and_complete() {
    let fake = Fake::new();
    let said = fake.run(&["--rm", "-e", "WORD=two words"], "echo \"out $WORD\"; echo err >&2; printf tail");
    assert_eq!(said, Said { out: "out two words\ntail".into(), err: "err\n".into(), status: Some(0) });
}

#[test]
fn ten_mebibytes_pass_in_each_direction() {
    let fake = Fake::new();
    let output = fake.run_command(&["--rm"], "seq 1500000 | head -c 10485760").output().unwrap();
    let expected: Vec<u8> = (1..=1_500_000).flat_map(|n: u32| format!("{n}\n").into_bytes()).take(MANY).collect();
    assert!(output.stdout == expected, "{} bytes came", output.stdout.len());

    let mut child = fake.run_command(&["--rm", "-i"], "cat").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let sent = expected.clone();
    let writer = thread::spawn(move || input.write_all(&sent).unwrap());
    let mut received = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert!(received == expected, "{} bytes came back", received.len());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_end_of_the_input_reaches_the_command_while_its_output_goes_on() {
    let fake = Fake::new();
    let mut child = fake.run_command(&["--rm", "-i"], "wc -c; echo after").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"12345").unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.out.as_str(), said.status), ("5\nafter\n", Some(0)));
}

#[test]
fn without_i_the_command_has_no_input() {
    let fake = Fake::new();
    let mut child = fake.run_command(&["--rm"], "cat; echo done").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"unread").unwrap();
    assert_eq!(Said::from(child.wait_with_output().unwrap()).out, "done\n");
}

#[test]
fn signals_are_passed_on_and_the_commands_answer_is_the_exit_code() {
    let fake = Fake::new();
    for (name, number, status) in [("TERM", libc::SIGTERM, 7), ("INT", libc::SIGINT, 8), ("USR1", libc::SIGUSR1, 9)] {
        let mut child =
            fake.spawn(&["--rm"], &format!("trap 'exit {status}' {name}; echo ready; while :; do sleep 0.05; done"));
        assert_eq!(first_line(&mut child), "ready\n");
        signal(&child, number);
        assert_eq!(child.wait().unwrap().code(), Some(status), "{name}");
    }
    assert_eq!(fake.left(), [""; 0]);
}

#[test]
fn a_command_that_heeds_no_signal_is_killed_by_the_third() {
    let fake = Fake::new();
    let mut child = fake.spawn(&["--rm"], "trap 'echo no' INT; echo ready; while :; do sleep 0.05; done");
    for expected in ["ready\n", "no\n", "no\n"] {
        assert_eq!(first_line(&mut child), expected);
        signal(&child, libc::SIGINT);
    }
    assert_eq!(child.wait().unwrap().code(), Some(137));
    assert_eq!(fake.left(), [""; 0]);
}

#[test]
fn a_signal_during_the_start_ends_it_and_leaves_nothing() {
    let fake = Fake::new();
    let ((come, has_come), (go, may_go)) = (channel(), channel());
    fake.behaviour.lock().unwrap().hold_create = Some((come, may_go));
    let child = fake.spawn(&[], "true");
    has_come.recv().unwrap();
    signal(&child, libc::SIGINT);
    while has_pending_signal(&child) {
        thread::yield_now();
    }
    go.send(()).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.status, fake.left(), fake.deletions()), (Some(130), vec![], 1));
}

#[test]
fn output_that_nobody_reads_ends_the_command_as_a_broken_pipe_would() {
    let fake = Fake::new();
    let mut child = fake.spawn(&["--rm"], "while :; do echo y; done");
    assert_eq!(first_line(&mut child), "y\n");
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(fake.left(), [""; 0]);
}

#[test]
fn a_refused_start_has_dockers_exit_codes_and_leaves_nothing() {
    let fake = Fake::new();
    for (code, sentence, status) in [
        (Code::NotFound, "Command not found: nope.", 127),
        (Code::FailedPrecondition, "Command cannot be executed: /etc.", 126),
        (Code::ResourceExhausted, "The machine has no memory.", 125),
    ] {
        fake.behaviour.lock().unwrap().refuse_create = Some(Status::new(code, sentence));
        let said = fake.run(&[], "true");
        assert_eq!((said.err, said.status), (format!("hako: {sentence}\n"), Some(status)));
        assert_eq!(fake.left(), [""; 0]);
    }
}

#[test]
fn the_cause_of_a_machines_death_is_told() {
    let fake = Fake::new();
    fake.behaviour.lock().unwrap().reason = "The virtual machine crashed: killed by signal 9.".into();
    let said = fake.run(&["--rm"], "exit 137");
    assert_eq!(
        (said.err.as_str(), said.status),
        ("hako: The virtual machine crashed: killed by signal 9.\n", Some(137))
    );
    assert_eq!(fake.run(&["--rm"], "true").err, "");
}

#[test]
fn a_shim_that_fails_is_quoted_and_leaves_nothing() {
    let fake = Fake::new();
    std::fs::write(fake.path("shim"), "#!/bin/sh\necho 'The path is too long.' >&2; exit 1\n").unwrap();
    let said = fake.run(&[], "true");
    assert_eq!(
        said.err,
        format!("hako: The shim {} did not start: The path is too long.\n", fake.path("shim").display())
    );
    assert_eq!((said.status, fake.left()), (Some(125), vec![]));
    std::fs::remove_file(fake.path("shim")).unwrap();
    let said = fake.run(&[], "true");
    assert!(said.err.contains("cannot be run") && said.err.contains("set HAKO_SHIM"), "{}", said.err);
    assert_eq!(fake.left(), [""; 0]);
}

#[test]
fn a_shim_that_dies_is_named_with_its_container() {
    for (method, options, left) in [("Create", &[][..], 0), ("Wait", &[], 2), ("Wait", &["--rm"], 0)] {
        let fake = Fake::new();
        fake.behaviour.lock().unwrap().die_at = method;
        let said = fake.run(&[&["--name", "web"], options].concat(), "sleep 1000");
        assert_eq!(
            said.err,
            "hako: Container web has lost its shim, and with it its virtual machine: remove it (hako rm web) if hako ps -a still lists it.\n"
        );
        assert_eq!((said.status, fake.left().len()), (Some(125), left), "{method}");
        assert_eq!(fake.output(&["rm", "web"]).status, Some(if left == 0 { 125 } else { 0 }));
    }
}

#[test]
fn without_hakod_one_sentence_says_what_to_do() {
    let fake = Fake::new();
    std::fs::remove_file(fake.path("run/api.sock")).unwrap();
    for verb in [&["run", "demo"][..], &["ps"], &["exec", "x", "true"], &["rm", "x"]] {
        let said = fake.output(verb);
        assert!(
            said.err.starts_with("hako: hakod does not answer at ") && said.err.contains("start it"),
            "{}",
            said.err
        );
        assert_eq!((said.status, said.err.lines().count()), (Some(125), 1));
    }
}

#[test]
fn an_image_that_is_none_is_refused_before_anything_is_made() {
    let fake = Fake::new();
    let (plain, absent) =
        (format!("oci:{}", fake.path("rootfs").display()), format!("rootfs:{}", fake.path("absent").display()));
    for (image, part) in [
        ("alpine", "is no image: write oci:DIR[:TAG]"),
        (&plain, "is no OCI image layout"),
        (&absent, "Looking for the root file system"),
    ] {
        let said = fake.output(&["run", image, "true"]);
        assert!(said.err.contains(part), "{}", said.err);
        assert_eq!((said.status, fake.left()), (Some(125), vec![]));
    }
    let said = fake.output(&["run", &fake.image()]);
    assert_eq!(said.err, "hako: The image names no command: give one behind it.\n");
}

#[test]
fn a_profile_is_named_as_containerd_names_it() {
    let fake = Fake::new();
    assert_eq!(fake.run(&["--profile", "large"], "true").status, Some(0));
    // Field 2, config_path, of containerd's runtimeoptions.v1.Options.
    let expected = Some(("runtimeoptions.v1.Options".to_owned(), b"\x12\x05large".to_vec()));
    assert_eq!(fake.behaviour.lock().unwrap().options, expected);
    fake.run(&[], "true");
    assert_eq!(fake.behaviour.lock().unwrap().options, None);
}

#[test]
fn a_terminal_needs_one_to_join() {
    let fake = Fake::new();
    let said = fake.run(&["-it"], "true");
    assert_eq!(
        (said.err.as_str(), said.status),
        ("hako: Standard input is no terminal, so -t with -i has nothing to join: leave out -t.\n", Some(125))
    );
}

#[test]
fn exec_has_streams_and_exit_code_of_its_own() {
    let fake = Fake::new();
    let id = fake.run(&["-d", "-e", "A=1"], "sleep 1000").out;
    let said = fake.output(&["exec", "-e", "B=2", id.trim(), "/bin/sh", "-c", "echo $A$B; echo e >&2; exit 3"]);
    assert_eq!(said, Said { out: "12\n".into(), err: "e\n".into(), status: Some(3) });
    let mut child = fake.hako(&["exec", "-i", id.trim(), "cat"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"piped").unwrap();
    assert_eq!(Said::from(child.wait_with_output().unwrap()).out, "piped");
    let said = fake.output(&["exec", id.trim(), "/nope"]);
    assert!(said.err.starts_with("hako: Command not found: /nope"), "{}", said.err);
    assert_eq!(said.status, Some(127));
    let bundle = fake.path("run/bundles").join(id.trim());
    let left: Vec<_> = std::fs::read_dir(bundle)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("exec"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
