// SPDX-License-Identifier: Apache-2.0
//! `-it`: hako runs in a pseudo terminal, and so does the command.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fake;

use std::io::{Read, Write};
use std::process::Child;

use fake::Fake;
use fake::pty::{Pty, resize};

/// hako in a terminal of 24 rows and 80 columns.
struct Terminal {
    pty: Pty,
    child: Child,
    seen: String,
}

impl Terminal {
    fn run(fake: &Fake, words: &[&str]) -> Self {
        let pty = Pty::open(24, 80);
        let mut command = fake.hako(words);
        pty.give_to(&mut command);
        let child = command.spawn().unwrap();
        Self { pty, child, seen: String::new() }
    }

    fn shell(fake: &Fake, script: &str) -> Self {
        Self::run(fake, &["run", "--rm", "-it", &fake.image(), "/bin/sh", "-c", script])
    }

    /// Reads until a text has come, and forgets all up to its end.
    fn expect(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let mut chunk = [0; 4096];
            let count = self.pty.master.read(&mut chunk).unwrap();
            self.seen.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
        }
    }

    fn type_in(&mut self, text: &str) {
        self.pty.master.write_all(text.as_bytes()).unwrap();
    }

    fn end(mut self) -> (Option<i32>, Pty) {
        (self.child.wait().unwrap().code(), self.pty)
    }
}

#[test]
fn the_command_has_a_terminal_of_the_same_size_and_follows_its_changes() {
    let fake = Fake::new();
    let mut terminal = Terminal::shell(&fake, "stty size; read go; stty size; tty; exit 5");
    terminal.expect("24 80\r\n");
    resize(&terminal.pty.master, 40, 132);
    // The command's terminal has the new size as soon as the call for it is served; what is typed then comes after.
    while fake.processes.size() != Some((40, 132)) {
        std::thread::yield_now();
    }
    terminal.type_in("\r");
    terminal.expect("40 132\r\n/dev/pts/");
    assert_eq!(terminal.end().0, Some(5));
}

#[test]
fn ctrl_c_is_for_the_command_and_each_key_is_echoed_once() {
    let fake = Fake::new();
    let script = "trap 'echo caught; got=1' INT; echo ready; while [ -z $got ]; do sleep 0.05; done; read a; echo \"<$a>\"; exit 6";
    let mut terminal = Terminal::shell(&fake, script);
    terminal.expect("ready\r\n");
    terminal.type_in("\x03");
    terminal.expect("caught\r\n");
    terminal.type_in("word\r");
    let seen = terminal.expect("<word>\r\n");
    assert_eq!(seen.matches("word").count(), 2, "{seen:?}");
    assert_eq!(terminal.end().0, Some(6));
}

#[test]
fn the_terminal_is_left_as_it_was_found() {
    let fake = Fake::new();
    let mut terminal = Terminal::shell(&fake, "echo ready; read line");
    let before = Pty::open(24, 80).flags();
    terminal.expect("ready\r\n");
    assert_ne!(terminal.pty.flags(), before);
    terminal.type_in("\r");
    let (status, pty) = terminal.end();
    assert_eq!((status, pty.flags()), (Some(0), before));
    assert_eq!(fake.left(), [""; 0]);
}

#[test]
fn exec_has_a_terminal_too() {
    let fake = Fake::new();
    let id = fake.run(&["-d"], "sleep 1000").out;
    let mut terminal =
        Terminal::run(&fake, &["exec", "-it", id.trim(), "/bin/sh", "-c", "stty size; echo $TERM; read x; exit 7"]);
    terminal.expect("24 80\r\nxterm\r\n");
    terminal.type_in("\r");
    assert_eq!(terminal.end().0, Some(7));
}

#[test]
fn attach_joins_a_terminal_again() {
    let fake = Fake::new();
    let mut first = Terminal::run(
        &fake,
        &["run", "-it", "--name", "web", &fake.image(), "/bin/sh", "-c", "echo ready; read a; echo \"<$a>\"; exit 8"],
    );
    first.expect("ready\r\n");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let mut second = Terminal::run(&fake, &["attach", "web"]);
    second.type_in("again\r");
    second.expect("<again>\r\n");
    assert_eq!(second.end().0, Some(8));
}
