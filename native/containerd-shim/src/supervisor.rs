// SPDX-License-Identifier: Apache-2.0
//! The launched processes: their exits, signals and output.

use crate::clock;
use crate::output::Output;
use crate::poll::{PollSet, Token};
use crate::record::ProcessIdentity;
use crate::sys;
use hako_protocols::shim::{ExitStatus, OutputResponse, Process, exit_status::How};
use hako_ttrpc::Status;
use std::os::fd::{AsFd, OwnedFd};

struct Child {
    role: String,
    identity: ProcessIdentity,
    exit: Option<ExitStatus>,
    output: Output,
}

/// Children by role, also ended ones, until they are forgotten.
#[derive(Default)]
pub struct Supervisor {
    children: Vec<Child>,
}

impl Supervisor {
    pub fn add(&mut self, role: String, identity: ProcessIdentity, output: OwnedFd, kept: usize) -> Process {
        self.children.push(Child { role, identity, exit: None, output: Output::new(output, kept) });
        self.children[self.children.len() - 1].describe()
    }

    pub fn watch(&self, set: &mut PollSet) {
        for child in &self.children {
            if let Some(output) = child.output.pipe() {
                set.watch(output, libc::POLLIN, Token::Output(child.identity.pid));
            }
        }
    }

    /// Reads a process's output once.
    pub fn read_output(&mut self, pid: u32) {
        // One that has ended may have had the same pid.
        for child in self.children.iter_mut().filter(|child| child.identity.pid == pid) {
            child.output.read();
        }
    }

    /// Takes the statuses of processes that have ended, with their last output.
    pub fn reap(&mut self) -> Vec<Process> {
        let mut ended = Vec::new();
        for child in self.children.iter_mut().filter(|child| child.exit.is_none()) {
            let mut status = 0;
            // SAFETY: the status is valid for writes, and the pid that of an unreaped child.
            let pid = unsafe { libc::waitpid(child.identity.pid as i32, &mut status, libc::WNOHANG) };
            if pid > 0 {
                let how = if libc::WIFSIGNALED(status) {
                    How::Signalled(libc::WTERMSIG(status) as u32)
                } else {
                    How::Exited(libc::WEXITSTATUS(status) as u32)
                };
                child.exit = Some(ExitStatus { time_ns: clock::now_ns(), how: Some(how) });
                child.output.read_rest();
                ended.push(child.describe());
            }
        }
        ended
    }

    pub fn find(&self, role: &str) -> Option<Process> {
        self.children.iter().find(|child| child.role == role).map(Child::describe)
    }

    pub fn all(&self) -> Vec<Process> {
        self.children.iter().map(Child::describe).collect()
    }

    /// A role whose process lives, if there is one.
    pub fn living(&self) -> Option<&str> {
        self.children.iter().find(|child| child.exit.is_none()).map(|child| child.role.as_str())
    }

    /// When the first process ended of those that are not forgotten, in nanoseconds since the epoch.
    pub fn first_end(&self) -> Option<i64> {
        self.children.iter().filter_map(|child| child.exit.as_ref()).map(|exit| exit.time_ns).min()
    }

    /// Signals a process; one that has ended is past caring.
    pub fn signal(&self, role: &str, signal: u32) -> Result<(), Status> {
        let child = self.child(role)?;
        if child.exit.is_some() {
            return Ok(());
        }
        let sent = sys::pidfd(child.identity.pid).and_then(|pidfd| sys::signal(pidfd.as_fd(), signal as i32));
        sent.map_err(|error| Status::internal(format!("Cannot send signal {signal} to {role}: {error}.")))
    }

    pub fn forget(&mut self, role: &str) -> Result<(), Status> {
        if self.child(role)?.exit.is_none() {
            return Err(Status::precondition(format!("The process {role} lives; end it before it is forgotten.")));
        }
        self.children.retain(|child| child.role != role);
        Ok(())
    }

    pub fn output(&self, role: &str) -> Result<OutputResponse, Status> {
        let output = &self.child(role)?.output;
        Ok(OutputResponse { newest: output.newest(), dropped: output.dropped() })
    }

    fn child(&self, role: &str) -> Result<&Child, Status> {
        let known = self.children.iter().find(|child| child.role == role);
        known.ok_or_else(|| Status::not_found(format!("No process was launched as {role:?}.")))
    }
}

impl Child {
    fn describe(&self) -> Process {
        let ProcessIdentity { pid, start_time } = self.identity;
        Process { role: self.role.clone(), pid, exit: self.exit, start_time }
    }
}
