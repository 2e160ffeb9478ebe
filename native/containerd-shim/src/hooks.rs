// SPDX-License-Identifier: Apache-2.0
//! Hooks of the OCI runtime-spec (config.md, "POSIX-platform Hooks"): programs of the host's that run to their end while hakod
//! waits.

use crate::cgroup::Cgroup;
use crate::child::{self, Plan};
use crate::keeper;
use crate::output::Output;
use crate::poll::{PollSet, Token};
use crate::record::Record;
use crate::sys;
use hako_protocols::shim::{Confinement, RunHookRequest};
use hako_ttrpc::{Code, Status};
use std::ffi::{CString, NulError};
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Of what a hook writes, for the sentence about its failure.
const OUTPUT_KEPT: usize = 2048;

/// The running hooks.
#[derive(Default)]
pub struct Hooks {
    running: Vec<Hook>,
}

struct Hook {
    /// Who waits; none if its link is gone.
    stream: Option<u32>,
    path: String,
    pid: u32,
    output: Output,
    limit: Duration,
    until: Option<Instant>,
    /// Whether it was killed at its limit.
    late: bool,
    /// Let go with the hook.
    _holder: Option<Holder>,
}

/// A process that does nothing but be in a namespace.
struct Holder {
    pid: u32,
}

impl Drop for Holder {
    fn drop(&mut self) {
        child::end(self.pid);
    }
}

impl Hooks {
    /// Starts a hook, whose end [`Hooks::reap`] tells.
    pub fn run(&mut self, stream: u32, request: RunHookRequest, record: &Record) -> Result<(), Status> {
        let failed = |why: String| Status::precondition(format!("The hook {} could not be run: {why}", request.path));
        if !request.path.starts_with('/') {
            return Err(Status::invalid(format!("The path of a hook is absolute, but is {:?}.", request.path)));
        }
        let holder = match request.network_namespace.as_str() {
            "" => None,
            path => {
                let held = child::hold(path);
                Some(Holder { pid: held.map_err(|error| failed(format!("Cannot enter {path}: {error}.")))? })
            }
        };
        let input = input(&request, holder.as_ref()).map_err(failed)?;
        let (read, write) = sys::pipe_from().map_err(|error| failed(format!("Cannot make a pipe: {error}.")))?;
        let mut plan =
            plan(&request, input, write).map_err(|error| failed(format!("A word of it has a zero byte: {error}.")))?;
        // A hook is the host's program: the pod is not charged for it, nor held up by what it leaves running.
        plan.outside = record.cgroup().and_then(|path| Cgroup::at(&path).ok());
        let pid = child::start(plan, None).map_err(failed)?;
        let limit = Duration::from_millis(u64::from(request.limit_ms));
        self.running.push(Hook {
            stream: Some(stream),
            path: request.path,
            pid,
            output: Output::new(read, OUTPUT_KEPT),
            limit,
            until: (!limit.is_zero()).then(|| Instant::now() + limit),
            late: false,
            _holder: holder,
        });
        Ok(())
    }

    pub fn watch(&self, set: &mut PollSet) {
        for hook in &self.running {
            if let Some(pipe) = hook.output.pipe() {
                set.watch(pipe, libc::POLLIN, Token::Hook(hook.pid));
            }
        }
    }

    pub fn read_output(&mut self, pid: u32) {
        for hook in self.running.iter_mut().filter(|hook| hook.pid == pid) {
            hook.output.read();
        }
    }

    /// When the first is to be killed.
    pub fn deadline(&self) -> Option<Instant> {
        self.running.iter().filter_map(|hook| hook.until).min()
    }

    /// Kills those whose limit has come.
    pub fn tick(&mut self, now: Instant) {
        for hook in self.running.iter_mut().filter(|hook| hook.until.is_some_and(|until| until <= now)) {
            hook.until = None;
            hook.late = true;
            hook.kill();
        }
    }

    /// Who asked is gone, and asks again for all that it still wants.
    pub fn abandon(&mut self) {
        for hook in &mut self.running {
            hook.stream = None;
            hook.kill();
        }
    }

    /// Takes those that have ended: who waits, and for what.
    pub fn reap(&mut self) -> Vec<(u32, Result<(), Status>)> {
        let mut answers = Vec::new();
        self.running.retain_mut(|hook| match hook.ended() {
            None => true,
            Some(outcome) => {
                answers.extend(hook.stream.map(|stream| (stream, outcome)));
                false
            }
        });
        answers
    }
}

impl Hook {
    /// With all that it has started and that has not left its process group.
    fn kill(&self) {
        // SAFETY: plain integers; the group is that of an unreaped child, which made it before its exec.
        unsafe { libc::kill(-(self.pid as i32), libc::SIGKILL) };
    }

    fn ended(&mut self) -> Option<Result<(), Status>> {
        let mut status = 0;
        // SAFETY: the status is valid for writes, and the pid that of an unreaped child.
        if unsafe { libc::waitpid(self.pid as i32, &mut status, libc::WNOHANG) } <= 0 {
            return None;
        }
        self.output.read_rest();
        let how = match status {
            0 => return Some(Ok(())),
            _ if self.late => {
                return Some(Err(Status::new(
                    Code::DeadlineExceeded,
                    format!(
                        "The hook {} was killed after its limit of {} ms{}",
                        self.path,
                        self.limit.as_millis(),
                        self.said()
                    ),
                )));
            }
            _ if libc::WIFSIGNALED(status) => format!("was ended by signal {}", libc::WTERMSIG(status)),
            _ => format!("ended with exit code {}", libc::WEXITSTATUS(status)),
        };
        Some(Err(Status::precondition(format!("The hook {} {how}{}", self.path, self.said()))))
    }

    /// The end of a sentence.
    fn said(&self) -> String {
        match String::from_utf8_lossy(&self.output.newest()).trim() {
            "" => ".".into(),
            text => format!(": {text}"),
        }
    }
}

/// A file, since a pipe would hold only so much of it.
fn input(request: &RunHookRequest, holder: Option<&Holder>) -> Result<OwnedFd, String> {
    let mut file = File::from(keeper::memory("hook", 0)?);
    let pid = holder.map_or_else(String::new, |holder| holder.pid.to_string());
    let mut write = || {
        file.write_all(&[&request.input, pid.as_bytes(), &request.input_after_pid].concat())?;
        file.rewind()
    };
    write().map_err(|error| format!("Cannot write its input: {error}."))?;
    Ok(file.into())
}

fn plan(request: &RunHookRequest, input: OwnedFd, output: OwnedFd) -> Result<Plan, NulError> {
    let words = |words: &[String]| words.iter().map(|word| CString::new(word.as_str())).collect::<Result<Vec<_>, _>>();
    let program = CString::new(request.path.as_str())?;
    let directory = if request.working_directory.is_empty() { "/" } else { &request.working_directory };
    Ok(Plan {
        command: if request.arguments.is_empty() { vec![program.clone()] } else { words(&request.arguments)? },
        program,
        environment: words(&request.environment)?,
        working_directory: CString::new(directory)?,
        files: Vec::new(),
        input: Some(input),
        output,
        confinement: Confinement::default(),
        rlimits: Vec::new(),
        network_namespace: String::new(),
        outlives_shim: false,
        outside: None,
    })
}
