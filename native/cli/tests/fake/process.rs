// SPDX-License-Identifier: Apache-2.0
//! Containers as processes, with the shim's manners: it holds the writing end of a standard input until CloseIO, and
//! its ends of the output fifos until all is written.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use hako_ttrpc::{Code, Status};
use serde_json::Value;

use super::pty::{self, Pty};

/// (container, exec id; empty for the first process)
pub type Key = (String, String);

#[derive(Default)]
pub struct Processes {
    all: Mutex<HashMap<Key, Entry>>,
    changed: Condvar,
}

#[derive(Clone, Default)]
pub struct Entry {
    pub process: Value,
    pub stdin: String,
    pub stdout: String,
    pub stderr: String,
    pub pid: Option<u32>,
    pub exit: Option<u32>,
    pub terminal: bool,
    /// Held for the process as the shim holds it.
    writing_end: Option<Arc<File>>,
    master: Option<Arc<File>>,
}

struct Spawned {
    child: Child,
    writers: Vec<thread::JoinHandle<()>>,
    master: Option<Arc<File>>,
}

impl Entry {
    /// stdin, stdout and stderr are paths as the Task interface has them.
    pub fn new(process: Value, terminal: bool, stdin: String, stdout: String, stderr: String) -> Self {
        Self { process, terminal, stdin, stdout, stderr, ..Self::default() }
    }
}

impl Processes {
    pub fn create(&self, key: Key, entry: Entry) {
        self.all.lock().unwrap().insert(key, entry);
    }

    pub fn get(&self, key: &Key) -> Result<Entry, Status> {
        self.all.lock().unwrap().get(key).cloned().ok_or_else(|| Status::not_found(format!("There is no {key:?}.")))
    }

    fn update(&self, key: &Key, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.all.lock().unwrap().get_mut(key) {
            change(entry);
        }
        self.changed.notify_all();
    }

    pub fn start(self: &Arc<Self>, key: &Key) -> Result<u32, Status> {
        let entry = self.get(key)?;
        let words: Vec<String> = serde_json::from_value(entry.process["args"].clone()).unwrap();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear();
        for variable in entry.process["env"].as_array().unwrap() {
            let (name, value) = variable.as_str().unwrap().split_once('=').unwrap();
            command.env(name, value);
        }
        let writing_end = match entry.stdin.as_str() {
            "" => None,
            path => Some(Arc::new(OpenOptions::new().read(true).write(true).open(path).unwrap())),
        };
        let spawned =
            if entry.terminal { spawn_in_terminal(&mut command, &entry) } else { spawn(&mut command, &entry) };
        let Spawned { mut child, writers, master } =
            spawned.map_err(|error| Status::not_found(format!("Command not found: {} ({error}).", words[0])))?;
        let pid = child.id();
        self.update(key, |entry| (entry.pid, entry.writing_end, entry.master) = (Some(pid), writing_end, master));
        let (all, key) = (Arc::clone(self), key.clone());
        thread::spawn(move || {
            let status = child.wait().unwrap();
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
            all.update(&key, |entry| entry.exit = Some(status as u32));
        });
        Ok(pid)
    }

    /// Rows and columns of the only terminal.
    pub fn size(&self) -> Option<(u16, u16)> {
        let all = self.all.lock().unwrap();
        let size = rustix::termios::tcgetwinsize(all.values().find_map(|entry| entry.master.as_ref())?).unwrap();
        Some((size.ws_row, size.ws_col))
    }

    pub fn resize(&self, key: &Key, rows: u32, columns: u32) {
        if let Ok(Entry { master: Some(master), .. }) = self.get(key) {
            pty::resize(&master, rows as u16, columns as u16);
        }
    }

    pub fn wait(&self, key: &Key) -> Result<u32, Status> {
        let mut all = self.all.lock().unwrap();
        loop {
            match all.get(key) {
                None => return Err(Status::not_found(format!("There is no {key:?}."))),
                Some(Entry { exit: Some(status), .. }) => return Ok(*status),
                Some(_) => all = self.changed.wait(all).unwrap(),
            }
        }
    }

    pub fn kill(&self, key: &Key, signal: u32) -> Result<(), Status> {
        match self.get(key)? {
            Entry { pid: Some(pid), exit: None, .. } => {
                // SAFETY: kill(2) takes plain numbers; the group is that of a child which has not been reaped.
                unsafe { libc::kill(-(pid as i32), signal as i32) };
                Ok(())
            }
            Entry { pid: None, .. } => Err(Status::precondition("The process has not been started.")),
            _ => Err(Status::not_found("The process has finished.")),
        }
    }

    pub fn close_stdin(&self, key: &Key) {
        self.update(key, |entry| entry.writing_end = None);
    }

    pub fn delete(&self, key: &Key) -> Result<(), Status> {
        if matches!(self.get(key)?, Entry { pid: Some(_), exit: None, .. }) {
            return Err(Status::new(Code::FailedPrecondition, "The process runs."));
        }
        self.all.lock().unwrap().remove(key);
        Ok(())
    }

    /// The first processes of all containers: id, whether started, exit status.
    pub fn containers(&self) -> Vec<(String, bool, Option<u32>)> {
        let all = self.all.lock().unwrap();
        all.iter()
            .filter(|(key, _)| key.1.is_empty())
            .map(|(key, entry)| (key.0.clone(), entry.pid.is_some(), entry.exit))
            .collect()
    }

    pub fn kill_all(&self) {
        let keys: Vec<_> = self.all.lock().unwrap().keys().cloned().collect();
        for key in keys {
            let _ = self.kill(&key, libc::SIGKILL as u32);
        }
    }
}

fn spawn(command: &mut Command, entry: &Entry) -> io::Result<Spawned> {
    // A group of its own: the terminal's signals are not for a container.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    match entry.stdin.as_str() {
        "" => command.stdin(Stdio::null()),
        path => command.stdin(File::open(path).unwrap()),
    };
    let mut child = command.spawn()?;
    let writers = vec![
        write_to(&entry.stdout, "stdout", child.stdout.take().unwrap()),
        write_to(&entry.stderr, "stderr", child.stderr.take().unwrap()),
    ];
    Ok(Spawned { child, writers, master: None })
}

fn spawn_in_terminal(command: &mut Command, entry: &Entry) -> io::Result<Spawned> {
    let size = |name: &str| entry.process["consoleSize"][name].as_u64().unwrap_or(0) as u16;
    let pty = Pty::open(size("height"), size("width"));
    pty.give_to(command);
    let child = command.spawn()?;
    if !entry.stdin.is_empty() {
        let (mut from, mut to) = (File::open(&entry.stdin).unwrap(), pty.master.try_clone().unwrap());
        // Ends with the fifo's last writer, or with the process's last reader.
        thread::spawn(move || drop(io::copy(&mut from, &mut to)));
    }
    let writers = vec![write_to(&entry.stdout, "stdout", pty.master.try_clone().unwrap())];
    Ok(Spawned { child, writers, master: Some(Arc::new(pty.master)) })
}

fn write_to(path: &str, stream: &'static str, mut from: impl Read + Send + 'static) -> thread::JoinHandle<()> {
    let path = path.to_owned();
    thread::spawn(move || match path.strip_prefix("cri-log://") {
        _ if path.is_empty() => drop(io::copy(&mut from, &mut io::sink())),
        Some(log) => {
            let mut log = OpenOptions::new().create(true).append(true).open(log).unwrap();
            for line in BufReader::new(from).split(b'\n') {
                let record = [format!("2026-01-01T00:00:00.0Z {stream} F ").as_bytes(), &line.unwrap(), b"\n"].concat();
                log.write_all(&record).unwrap();
            }
        }
        None => {
            let mut fifo = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            drop(io::copy(&mut from, &mut fifo));
        }
    })
}
