// SPDX-License-Identifier: Apache-2.0
//! Containers and their processes, as the agent keeps them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use hako_protocols::agent::{ProcessState, ProcessStatus, Stdio, WaitResponse};
use hako_ttrpc::Status;

use crate::jobs::Ends;
use crate::poll::Which;
use crate::requests::Ticket;
use crate::stdio::{Input, Output};
use crate::{cgroups, debug, program, sys};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// 0..255; 128 and the signal's number where a signal ended the process.
    pub status: u32,
    pub at_ns: i64,
    pub oom_killed: bool,
}

impl Exit {
    pub fn response(self) -> WaitResponse {
        WaitResponse { exit_status: self.status, exited_at_ns: self.at_ns, oom_killed: self.oom_killed }
    }
}

/// wait(2) status to exit status.
pub fn exit_status(wait_status: i32) -> u32 {
    if libc::WIFSIGNALED(wait_status) {
        128 + libc::WTERMSIG(wait_status) as u32
    } else {
        libc::WEXITSTATUS(wait_status) as u32
    }
}

/// How far a process has come; `Creating` until its worker has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Creating,
    Created,
    /// Start was asked; the program is not running yet.
    Starting(Ticket),
    Running,
    Stopped(Exit),
}

pub struct Process {
    pub container: String,
    /// Empty for a container's first process.
    pub exec: String,
    /// In the agent's pid namespace; 0 until known.
    pub pid: i32,
    pub state: State,
    pub stdio: Stdio,
    pub input: Input,
    pub stdout: Output,
    pub stderr: Output,
    /// Read end of the report pipe, while the program has not been started.
    pub report: Option<OwnedFd>,
    pub waiters: Vec<Ticket>,
    /// `oom_kill` of the container's memory.events before this process was made.
    pub oom_kills_before: u64,
    /// The host has sent it SIGKILL.
    pub is_killed: bool,
    /// After the exit: until when Wait is held back for output that its stream does not take.
    pub patience: Option<Instant>,
}

impl Process {
    pub fn exit(&self) -> Option<Exit> {
        match self.state {
            State::Stopped(exit) => Some(exit),
            _ => None,
        }
    }

    pub fn is_first(&self) -> bool {
        self.exec.is_empty()
    }

    pub fn outputs(&mut self) -> [(Which, &mut Output); 2] {
        [(Which::Stdout, &mut self.stdout), (Which::Stderr, &mut self.stderr)]
    }

    /// Whether nothing more is to be handed to a stream that somebody reads.
    pub fn is_drained(&self) -> bool {
        [&self.stdout, &self.stderr].into_iter().all(|output| output.is_done() || output.stream.is_none())
    }

    pub fn name(&self) -> String {
        if self.container == debug::GUEST {
            format!("process {} of the guest", self.exec)
        } else if self.is_first() {
            format!("container {}", self.container)
        } else {
            format!("process {} of container {}", self.exec, self.container)
        }
    }

    pub fn status(&self, paused: bool) -> ProcessStatus {
        let exit = self.exit();
        let state = match self.state {
            State::Creating | State::Created | State::Starting(_) => ProcessState::Created,
            State::Running if paused => ProcessState::Paused,
            State::Running => ProcessState::Running,
            State::Stopped(_) => ProcessState::Stopped,
        };
        ProcessStatus {
            container_id: self.container.clone(),
            exec_id: self.exec.clone(),
            pid: self.pid as u32,
            state: state.into(),
            exit_status: exit.map_or(0, |exit| exit.status),
            exited_at_ns: exit.map_or(0, |exit| exit.at_ns),
            oom_killed: exit.is_some_and(|exit| exit.oom_killed),
            stdio: Some(self.stdio),
        }
    }
}

impl Process {
    /// A process about to be made, with pipes unless it is to have a terminal.
    pub fn with_streams(container: &str, exec: &str, stdio: Stdio) -> io::Result<(Process, Ends)> {
        let (report, reporter) = sys::pipe()?;
        sys::set_nonblocking(&report)?;
        let (mut input, mut outputs) = (Input::default(), [Output::default(), Output::default()]);
        let mut ends = Ends { stdin: None, stdout: None, stderr: None, report: reporter, terminal: None };
        if stdio.terminal {
            ends.terminal = Some((stdio.rows, stdio.columns));
        } else {
            if stdio.stdin != 0 {
                let (theirs, ours) = sys::pipe()?;
                (input.fd, ends.stdin) = (Some(nonblocking(ours)?), Some(theirs));
            }
            let wanted = [(stdio.stdout, &mut ends.stdout), (stdio.stderr, &mut ends.stderr)];
            for (output, (token, end)) in outputs.iter_mut().zip(wanted) {
                if token != 0 {
                    let (ours, theirs) = sys::pipe()?;
                    (output.fd, *end) = (Some(nonblocking(ours)?), Some(theirs));
                }
            }
        }
        let [stdout, stderr] = outputs;
        let process = Process {
            container: container.into(),
            exec: exec.into(),
            pid: 0,
            state: State::Creating,
            stdio,
            input,
            stdout,
            stderr,
            report: Some(report),
            waiters: Vec::new(),
            oom_kills_before: cgroups::oom_kills(container),
            is_killed: false,
            patience: None,
        };
        Ok((process, ends))
    }

    /// The terminal's master serves as both ends; each gets a descriptor of its own.
    pub fn adopt_terminal(&mut self, master: OwnedFd) -> io::Result<()> {
        let master = nonblocking(master)?;
        if self.stdio.stdin != 0 {
            self.input.fd = Some(master.try_clone()?);
        }
        self.stdout.fd = Some(master);
        Ok(())
    }

    /// Why the program cannot be run, if the executor has said so.
    pub fn take_report(&mut self) -> Option<Status> {
        let mut bytes = [0; 4096];
        let count = sys::read(self.report.as_ref()?, &mut bytes).ok()?;
        program::decode(&bytes[..count])
    }

    /// Until when Wait is held back, once the process has ended.
    pub fn waiting_until(&self) -> Option<Instant> {
        self.patience.filter(|_| self.exit().is_some() && !self.waiters.is_empty() && !self.is_drained())
    }
}

fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    sys::set_nonblocking(&fd)?;
    Ok(fd)
}

/// Key of a process in the agent; never used twice.
pub type Number = u32;

#[derive(Default)]
pub struct Container {
    pub first: Number,
    pub execs: BTreeMap<String, Number>,
    pub paused: bool,
    /// `oom_kill` of the cgroup's memory.events when it was last read.
    pub oom_kills: u64,
    /// inotify watch on memory.events.
    pub watch: Option<i32>,
}

#[derive(Default)]
pub struct Table {
    last: Number,
    pub containers: BTreeMap<String, Container>,
    pub processes: BTreeMap<Number, Process>,
    /// Those that are in no container but in the guest itself (see [`crate::debug`]).
    guest: BTreeMap<String, Number>,
}

impl Table {
    pub fn add(&mut self, process: Process) -> Number {
        self.last += 1;
        if process.container == debug::GUEST {
            self.guest.insert(process.exec.clone(), self.last);
        } else if process.is_first() {
            self.containers.insert(process.container.clone(), Container { first: self.last, ..Container::default() });
        } else if let Some(container) = self.containers.get_mut(&process.container) {
            container.execs.insert(process.exec.clone(), self.last);
        }
        self.processes.insert(self.last, process);
        self.last
    }

    /// Removes one process from the table, and with a first process its container.
    pub fn remove(&mut self, number: Number) -> Option<Process> {
        let process = self.processes.remove(&number)?;
        if process.container == debug::GUEST {
            self.guest.remove(&process.exec);
        } else if process.is_first() {
            self.containers.remove(&process.container);
        } else if let Some(container) = self.containers.get_mut(&process.container) {
            container.execs.remove(&process.exec);
        }
        Some(process)
    }

    pub fn container(&mut self, id: &str) -> Result<&mut Container, Status> {
        self.containers
            .get_mut(id)
            .ok_or_else(|| Status::not_found(format!("There is no container {id} in this guest.")))
    }

    pub fn find(&mut self, container: &str, exec: &str) -> Result<Number, Status> {
        if container == debug::GUEST {
            let missing = || Status::not_found(format!("There is no process {exec:?} in the guest itself."));
            return self.guest.get(exec).copied().ok_or_else(missing);
        }
        let found = self.container(container)?;
        if exec.is_empty() {
            return Ok(found.first);
        }
        let missing = || Status::not_found(format!("There is no process {exec} in container {container}."));
        found.execs.get(exec).copied().ok_or_else(missing)
    }

    pub fn process(&mut self, container: &str, exec: &str) -> Result<(Number, &mut Process), Status> {
        let number = self.find(container, exec)?;
        let lost = || Status::internal(format!("The agent has lost process {number} of container {container}."));
        self.processes.get_mut(&number).map(|process| (number, process)).ok_or_else(lost)
    }

    /// The host ends every process of a container.
    pub fn mark_killed(&mut self, container: &str) {
        let all = self.processes.values_mut().filter(|process| process.container == container);
        all.for_each(|process| process.is_killed = true);
    }

    pub fn by_pid(&self, pid: i32) -> Option<Number> {
        let alive = |process: &Process| process.pid == pid && process.exit().is_none();
        self.processes.iter().find(|(_, process)| alive(process)).map(|(&number, _)| number)
    }

    pub fn by_token(&self, token: u64) -> Option<(Number, Which)> {
        let which = |process: &Process| match &process.stdio {
            _ if token == 0 => None,
            stdio if stdio.stdin == token => Some(Which::Stdin),
            stdio if stdio.stdout == token => Some(Which::Stdout),
            stdio if stdio.stderr == token => Some(Which::Stderr),
            _ => None,
        };
        self.processes.iter().find_map(|(&number, process)| Some((number, which(process)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_from_an_exit() {
        assert_eq!(exit_status(3 << 8), 3);
        assert_eq!(exit_status(255 << 8), 255);
        assert_eq!(exit_status(libc::SIGKILL), 137);
        assert_eq!(exit_status(libc::SIGSEGV | 0x80), 139, "with a core dump");
    }
}
