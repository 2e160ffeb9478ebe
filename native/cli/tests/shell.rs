// SPDX-License-Identifier: Apache-2.0
//! `hako shell`: a person at a terminal is greeted and prompted, a script gets answers alone.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fake;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread::{self, JoinHandle};

use fake::pty::Pty;
use fake::{Fake, Said};

/// Serves one session: says "served", and returns all that was sent once the other side has ended its input.
fn serve(fake: &Fake) -> JoinHandle<String> {
    let listener = UnixListener::bind(fake.path("run/shell.sock")).unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"served\n").unwrap();
        let mut received = String::new();
        socket.read_to_string(&mut received).unwrap();
        received
    })
}

#[test]
fn what_comes_through_a_pipe_is_sent_as_it_is() {
    let fake = Fake::new();
    let session = serve(&fake);
    let mut child = fake.hako(&["shell"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hako:list\nexit\n").unwrap();
    assert_eq!(session.join().unwrap(), "hako:list\nexit\n");
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said, Said { out: "served\n".into(), err: String::new(), status: Some(0) });
}

#[test]
fn a_person_at_a_terminal_is_greeted_first() {
    let fake = Fake::new();
    let session = serve(&fake);
    let pty = Pty::open(24, 80);
    let mut command = fake.hako(&["shell"]);
    pty.give_to(&mut command);
    let mut child = command.spawn().unwrap();
    let mut keyboard: &File = &pty.master;
    keyboard.write_all(b"hako:list\n\x04").unwrap();
    assert_eq!(session.join().unwrap(), "hako:greet\nhako:list\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn without_hakod_it_says_what_to_do() {
    let fake = Fake::new();
    let said = fake.output(&["shell"]);
    assert!(said.err.starts_with("hako: hakod's shell does not answer at ") && said.err.contains("start hakod"));
    assert_eq!((said.status, said.err.lines().count()), (Some(125), 1));
}
