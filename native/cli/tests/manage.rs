// SPDX-License-Identifier: Apache-2.0
//! Containers in the background: ps, logs, attach, wait, stop, kill, rm, and `--rm` without anybody there.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fake;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use fake::{Fake, Said};
use serde_json::Value;

fn detached(fake: &Fake, options: &[&str], script: &str) -> String {
    let said = fake.run(&[&["-d"], options].concat(), script);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
    let id = said.out.trim().to_owned();
    assert!(id.len() == 12 && id.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    id
}

fn ps(fake: &Fake, words: &[&str]) -> Vec<Value> {
    let said = fake.output(&[&["ps", "--format", "json"], words].concat());
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn ps_lists_what_runs_and_with_a_what_has_ended() {
    let fake = Fake::new();
    let running = detached(&fake, &["--name", "web"], "sleep 1000");
    let ended = detached(&fake, &[], "exit 3");
    assert_eq!(fake.output(&["wait", &ended]).out, "3\n");
    let listed = ps(&fake, &[]);
    assert_eq!((listed.len(), &listed[0]["name"], &listed[0]["state"]), (1, &"web".into(), &"running".into()));
    let listed = ps(&fake, &["-a"]);
    assert_eq!((listed.len(), &listed[1]["exit_status"], &listed[1]["state"]), (2, &3.into(), &"stopped".into()));
    assert_eq!(fake.output(&["ps", "-aq"]).out, format!("{running}\n{ended}\n"));
    let table = fake.output(&["ps", "-a"]).out;
    assert!(table.starts_with("CONTAINER") && table.contains("stopped (3)") && table.contains("web\n"), "{table}");
}

#[test]
fn logs_give_both_streams_and_the_last_lines() {
    let fake = Fake::new();
    let id = detached(&fake, &[], "for i in 1 2 3; do echo line $i; done; echo oops >&2");
    fake.output(&["wait", &id]);
    assert_eq!(
        fake.output(&["logs", &id]),
        Said { out: "line 1\nline 2\nline 3\n".into(), err: "oops\n".into(), status: Some(0) }
    );
    let last = fake.output(&["logs", "--tail", "2", &id]);
    assert_eq!(last.out.lines().count() + last.err.lines().count(), 2);
}

#[test]
fn following_a_log_ends_with_the_container() {
    let fake = Fake::new();
    let id = detached(&fake, &["-i"], "echo first; read line; echo got $line");
    let mut child = fake.hako(&["logs", "-f", &id]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    let mut attached = fake.hako(&["attach", &id]).stdin(Stdio::piped()).spawn().unwrap();
    attached.stdin.take().unwrap().write_all(b"it\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "got it");
    assert!(lines.next().is_none());
    assert!(child.wait().unwrap().success());
    assert_eq!(Said::from(attached.wait_with_output().unwrap()).out, "got it\n");
}

#[test]
fn a_container_outlives_the_command_line_and_attach_rejoins_it() {
    let fake = Fake::new();
    let mut child = fake
        .run_command(&["-i", "--name", "web"], "echo ready; read line; echo got $line; exit 5")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::with_capacity(1, child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let refused = fake.output(&["attach", "web"]);
    assert_eq!(refused.err, "hako: Another hako is joined to the streams of web: end it first.\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ps(&fake, &[])[0]["state"], "running");
    let mut attached = fake.hako(&["attach", "web"]).stdin(Stdio::piped()).spawn().unwrap();
    attached.stdin.take().unwrap().write_all(b"it\n").unwrap();
    let said = Said::from(attached.wait_with_output().unwrap());
    assert_eq!((said.out.as_str(), said.status), ("got it\n", Some(5)));
    assert!(fake.output(&["attach", "web"]).err.contains("does not run"));
}

#[test]
fn stop_gives_a_grace_period() {
    let fake = Fake::new();
    let polite = detached(&fake, &["--name", "polite"], "trap 'exit 4' TERM; while :; do sleep 0.05; done");
    let deaf = detached(&fake, &["--name", "deaf"], "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    let mut log = fake.hako(&["logs", "-f", "deaf"]).spawn().unwrap();
    log.stdout.take().unwrap().read_exact(&mut [0; 6]).unwrap();
    assert_eq!(fake.output(&["stop", "-t", "60", "polite"]).out, "polite\n");
    assert_eq!(fake.output(&["stop", "-t", "0", "deaf"]).out, "deaf\n");
    assert_eq!(fake.output(&["wait", &polite, &deaf]).out, "4\n137\n");
    log.wait().unwrap();
}

#[test]
fn rm_refuses_what_runs_unless_forced() {
    let fake = Fake::new();
    let id = detached(&fake, &["--name", "web"], "sleep 1000");
    let said = fake.output(&["rm", "web"]);
    assert_eq!(said.err, "hako: Container web runs: stop it first (hako stop web), or remove it with -f.\n");
    assert_eq!((said.status, fake.left().len()), (Some(125), 2));
    assert_eq!(fake.output(&["rm", "-f", &id[..6]]).out, "web\n");
    assert_eq!((fake.left(), fake.deletions()), (vec![], 1));
    assert!(fake.output(&["rm", "web"]).err.contains("There is no container \"web\""));
}

#[test]
fn one_that_cannot_be_found_does_not_keep_the_others() {
    let fake = Fake::new();
    detached(&fake, &["--name", "web"], "sleep 1000");
    let said = fake.output(&["kill", "nope", "web", "nor this"]);
    assert_eq!((said.out.as_str(), said.status), ("web\n", Some(125)));
    assert_eq!(said.err.lines().count(), 2);
    assert_eq!(fake.output(&["wait", "web"]).out, "137\n");
    assert!(fake.output(&["kill", "web"]).err.contains("does not run, so no signal reaches it"));
}

#[test]
fn a_signal_is_sent_by_name() {
    let fake = Fake::new();
    detached(&fake, &["--name", "web"], "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done");
    let mut log = fake.hako(&["logs", "-f", "web"]).spawn().unwrap();
    log.stdout.take().unwrap().read_exact(&mut [0; 6]).unwrap();
    assert_eq!(fake.output(&["kill", "-s", "usr1", "web"]).status, Some(0));
    assert_eq!(fake.output(&["wait", "web"]).out, "9\n");
    log.wait().unwrap();
}

#[test]
fn rm_in_the_background_happens_when_the_end_is_seen() {
    let fake = Fake::new();
    let waited = detached(&fake, &["--rm"], "exit 3");
    assert_eq!(fake.output(&["wait", &waited]).out, "3\n");
    assert_eq!(fake.left(), [""; 0]);
    let id = detached(&fake, &["--rm"], "exit 0");
    fake.processes.wait(&(id, String::new())).unwrap();
    assert_eq!(fake.output(&["ps", "-aq"]).out, "");
    assert_eq!((fake.left(), fake.deletions()), (vec![], 2));
}

#[test]
fn a_name_is_given_once() {
    let fake = Fake::new();
    detached(&fake, &["--name", "web"], "sleep 1000");
    let said = fake.run(&["--name", "web"], "true");
    assert!(said.err.contains("The name \"web\" belongs to container"), "{}", said.err);
    assert_eq!((said.status, fake.left().len()), (Some(125), 2));
}

#[test]
fn a_container_whose_machine_is_gone_is_shown_as_lost_and_can_be_removed() {
    let fake = Fake::new();
    let id = detached(&fake, &["--name", "web"], "exit 0");
    fake.processes.wait(&(id.clone(), String::new())).unwrap();
    fake.processes.delete(&(id.clone(), String::new())).unwrap();
    std::fs::write(fake.path("run/bundles").join(&id).join("address"), "unix:///nowhere/shim.sock").unwrap();
    assert_eq!(ps(&fake, &["-a"])[0]["state"], "lost");
    let said = fake.output(&["exec", "web", "true"]);
    assert!(
        said.err.contains("has lost its shim, and with it its virtual machine: remove it (hako rm"),
        "{}",
        said.err
    );
    assert_eq!(fake.output(&["rm", "web"]).status, Some(0));
    assert_eq!(fake.left(), [""; 0]);
}

#[test]
fn a_hakod_that_dies_while_it_is_asked_is_named() {
    let fake = Fake::new();
    fake.behaviour.lock().unwrap().die_at = "ListSandboxes";
    let said = fake.output(&["ps"]);
    assert_eq!(said.err, "hako: hakod ended before it had answered: start it if it does not run, and ask again.\n");
    assert_eq!(said.status, Some(125));
}

#[test]
fn the_doctor_says_what_is_there_and_what_is_missing() {
    let fake = Fake::new();
    let findings = |said: &Said| -> Vec<Value> { serde_json::from_str(&said.out).unwrap() };
    let level = |findings: &[Value], subject: &str| {
        findings.iter().find(|finding| finding["subject"] == subject).map(|finding| finding["level"].clone())
    };
    let healthy = fake.output(&["doctor", "--format", "json"]);
    assert_eq!(healthy.status, Some(0));
    assert_eq!(level(&findings(&healthy), "shim"), Some("ok".into()));
    assert_eq!(level(&findings(&healthy), "/dev/kvm"), Some("warning".into()));
    std::fs::remove_file(fake.path("shim")).unwrap();
    std::fs::remove_file(fake.path("run/api.sock")).unwrap();
    let ill = fake.output(&["doctor", "--format", "json"]);
    assert_eq!(ill.status, Some(1));
    assert_eq!(level(&findings(&ill), "shim"), Some("missing".into()));
    assert_eq!(level(&findings(&ill), "hakod"), Some("missing".into()));
    assert!(fake.output(&["doctor"]).out.contains("set HAKO_SHIM to its path"));
}

#[test]
fn a_volume_that_is_not_there_is_refused_and_leaves_nothing() {
    let fake = Fake::new();
    let said = fake.run(&["-v", "/nowhere/at/all:/data"], "true");
    assert!(said.err.starts_with("hako: The volume /nowhere/at/all cannot be shown in the container"), "{}", said.err);
    assert_eq!((said.status, fake.left()), (Some(125), vec![]));
}
