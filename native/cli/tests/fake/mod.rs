// SPDX-License-Identifier: Apache-2.0
//! A machine without machines: hakod's control socket and a shim whose containers are processes of this host. The
//! command line under test cannot tell: it meets sockets, fifos, logs and the shim's program only.
#![allow(dead_code, clippy::unwrap_used)] // Each test file is a crate of its own and uses a part; helpers of tests may unwrap.

mod process;
pub mod pty;
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};

use hako_protocols::control;
use hako_ttrpc::Status;
use tempfile::TempDir;

pub use process::Processes;

/// What the fake does and has seen.
#[derive(Default)]
pub struct Behaviour {
    /// Refuses Create with this.
    pub refuse_create: Option<Status>,
    /// Says that Create has come, and holds its answer back until something is sent.
    pub hold_create: Option<(Sender<()>, Receiver<()>)>,
    /// The options of the last Create: type and value.
    pub options: Option<(String, Vec<u8>)>,
    /// The method at whose call the server is killed, as it seems from outside.
    pub die_at: &'static str,
    /// What hakod says of why a sandbox stopped.
    pub reason: String,
    /// What hakod has told so far, from number 1.
    pub events: Vec<control::Event>,
    /// Told when a reader of them has come.
    pub listened: Option<Sender<()>>,
    /// How many of the first of them it keeps no more.
    pub forgotten: usize,
}

pub struct Fake {
    pub home: TempDir,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub processes: Arc<Processes>,
}

impl Fake {
    pub fn new() -> Self {
        let home = TempDir::new().unwrap();
        for directory in ["run", "state", "rootfs/etc"] {
            fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        let fake = Self { home, behaviour: Arc::default(), processes: Arc::default() };
        fake.install_shim();
        for socket in ["run/api.sock", "run/shim.sock"] {
            server::serve(&fake.path(socket), &fake.behaviour, &fake.processes);
        }
        fake
    }

    /// `start` prints the one socket's address, `delete` notes that it was called.
    fn install_shim(&self) {
        let script = format!(
            "#!/bin/sh\nfor action; do :; done\ncase $action in start) echo unix://{0}/run/shim.sock;; delete) echo >> {0}/deleted;; esac\n",
            self.home.path().display()
        );
        let path = self.path("shim");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn image(&self) -> String {
        format!("rootfs:{}", self.path("rootfs").display())
    }

    /// How often the shim's `delete` was run.
    pub fn deletions(&self) -> usize {
        fs::read_to_string(self.path("deleted")).map_or(0, |text| text.lines().count())
    }

    /// What is left of containers, in the run directory and in the state directory.
    pub fn left(&self) -> Vec<String> {
        let list =
            |name: &str| fs::read_dir(self.path(name)).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        list("run/bundles").chain(list("state/containers")).map(|name| name.into_string().unwrap()).collect()
    }

    pub fn hako(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hako"));
        command
            .args(words)
            .env("HAKO_RUN_DIR", self.path("run"))
            .env("HAKO_STATE_DIR", self.path("state"))
            .env("HAKO_SHIM", self.path("shim"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn output(&self, words: &[&str]) -> Said {
        Said::from(self.hako(words).output().unwrap())
    }

    /// `hako run OPTIONS IMAGE sh -c SCRIPT`.
    pub fn run(&self, options: &[&str], script: &str) -> Said {
        Said::from(self.run_command(options, script).output().unwrap())
    }

    pub fn spawn(&self, options: &[&str], script: &str) -> Child {
        self.run_command(options, script).spawn().unwrap()
    }

    pub fn run_command(&self, options: &[&str], script: &str) -> Command {
        let image = self.image();
        self.hako(&[&["run"], options, &[&image, "/bin/sh", "-c", script]].concat())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.processes.kill_all();
    }
}

/// What a command printed and ended with.
#[derive(Debug, PartialEq)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub status: Option<i32>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { out: text(output.stdout), err: text(output.stderr), status: output.status.code() }
    }
}
