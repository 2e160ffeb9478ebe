// SPDX-License-Identifier: Apache-2.0
//! A program that is given the output of a process: what containerd calls a binary logger (its
//! cmd/containerd-shim-runc-v2/process/io.go `NewBinaryIO`, core/runtime/v2/logging). It has standard output on descriptor 3,
//! standard error on 4, and on 5 a pipe that it closes or writes to when it is ready.

use crate::cgroup::Cgroup;
use crate::child::{self, Plan};
use crate::output::Output;
use crate::poll::{PollSet, Token};
use crate::record::{ProcessIdentity, Record};
use crate::sys;
use hako_protocols::shim::{self, Confinement};
use hako_pump::Progress;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// What it said last is kept, for the sentence about its end.
const WORDS_KEPT: usize = 512;
/// After both outputs have ended it has this long to end by itself, then that long after SIGTERM (as under containerd's own
/// shim, `binaryIOProcTermTimeout`).
const PATIENCE: Duration = Duration::from_secs(10);
const LAST_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting {
        until: Instant,
    },
    Ready,
    /// The process that it was for is gone.
    Left {
        terminate_at: Option<Instant>,
        kill_at: Instant,
    },
}

/// One logger, until it is reaped.
pub struct Logger {
    pub key: u32,
    pub container_id: String,
    pub exec_id: String,
    program: String,
    ready_limit: Duration,
    identity: ProcessIdentity,
    phase: Phase,
    ready: Option<OwnedFd>,
    /// What it writes to its own standard output and error.
    words: Output,
}

/// The ends to write to: standard output, standard error.
pub type Pipes = [OwnedFd; 2];

impl Logger {
    /// Starts it; it is not ready then.
    ///
    /// # Errors
    /// A sentence.
    pub fn start(
        key: u32,
        (container_id, exec_id): (&str, &str),
        wanted: &shim::Logger,
        record: &Record,
    ) -> Result<(Logger, Pipes), String> {
        let failed = |why: String| format!("Cannot start the logger {}: {why}", wanted.path);
        let made = |error: io::Error| failed(format!("no pipe can be made: {error}."));
        let ((stdout, to_stdout), (stderr, to_stderr)) = (sys::pipe_to().map_err(made)?, sys::pipe_to().map_err(made)?);
        let ((ready, say_ready), (words, say)) = (sys::pipe_from().map_err(made)?, sys::pipe_from().map_err(made)?);
        // It holds an end to read, too: what it says after the shim has died must not kill it with what it still has to store.
        let say = OwnedFd::from(
            File::options().read(true).write(true).open(format!("/proc/self/fd/{}", say.as_raw_fd())).map_err(made)?,
        );
        let mut plan = plan(wanted, vec![stdout, stderr, say_ready], say)
            .map_err(|error| failed(format!("a word of it has a zero byte: {error}.")))?;
        // The pod's cgroup ends with the pod, and with all that is in it.
        plan.outside = record.cgroup().and_then(|path| Cgroup::at(&path).ok());
        let pid = child::start(plan, None).map_err(failed)?;
        let identity = ProcessIdentity { pid, start_time: sys::start_time(pid).unwrap_or(0) };
        if let Err(error) = record.add_logger(identity) {
            child::end(pid);
            return Err(failed(format!("it cannot be recorded: {error}.")));
        }
        let ready_limit = Duration::from_millis(wanted.ready_limit_ms.into());
        let logger = Logger {
            key,
            container_id: container_id.to_owned(),
            exec_id: exec_id.to_owned(),
            program: wanted.path.clone(),
            ready_limit,
            identity,
            phase: Phase::Starting { until: Instant::now() + ready_limit },
            ready: Some(ready),
            words: Output::new(words, WORDS_KEPT),
        };
        Ok((logger, [to_stdout, to_stderr]))
    }

    /// Whether it is that of this process, and not of an earlier one of the same name.
    pub fn serves(&self, container_id: &str, exec_id: &str) -> bool {
        self.container_id == container_id && self.exec_id == exec_id && !self.is_left()
    }

    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub fn is_left(&self) -> bool {
        matches!(self.phase, Phase::Left { .. })
    }

    pub fn watch(&self, set: &mut PollSet) {
        for file in [self.words.pipe(), self.ready.as_ref()].into_iter().flatten() {
            set.watch(file, libc::POLLIN, Token::Logger(self.key));
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Starting { until } => Some(until),
            Phase::Ready => None,
            Phase::Left { terminate_at, kill_at } => Some(terminate_at.unwrap_or(kill_at)),
        }
    }

    /// Reads what it said, and whether it is ready.
    pub fn read(&mut self) {
        self.words.read();
        let Some(ready) = &self.ready else { return };
        let said = match hako_pump::read(ready.as_fd(), &mut Vec::new(), 1) {
            Ok(Progress::Blocked) => return,
            Ok(Progress::Moved(_)) => true,
            // A process that ends closes its files before it can be waited for; that does not make it ready.
            Ok(Progress::Ended) | Err(_) => !sys::is_exiting(self.identity.pid),
        };
        self.ready = None;
        if said && matches!(self.phase, Phase::Starting { .. }) {
            self.phase = Phase::Ready;
        }
    }

    /// Does what is due; why the process must do without it, if it was not ready in time.
    pub fn tick(&mut self, now: Instant) -> Option<String> {
        match self.phase {
            Phase::Starting { until } if until <= now => {
                self.kill();
                Some(format!(
                    "The logger {} has not said within {} ms that it is ready: it has to close its descriptor 5 or write to it.",
                    self.program,
                    self.ready_limit.as_millis()
                ))
            }
            Phase::Left { terminate_at: Some(time), kill_at } if time <= now => {
                self.signal(libc::SIGTERM);
                self.phase = Phase::Left { terminate_at: None, kill_at };
                None
            }
            Phase::Left { terminate_at: None, kill_at } if kill_at <= now => {
                self.kill();
                None
            }
            _ => None,
        }
    }

    /// The process is gone: nothing more comes, and the logger ends once it has read what is there.
    pub fn leave(&mut self, now: Instant) {
        if !self.is_left() {
            let terminate_at = now + PATIENCE;
            self.phase = Phase::Left { terminate_at: Some(terminate_at), kill_at: terminate_at + LAST_PATIENCE };
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        // Should the signal not have been sent, it is sent again.
        let again = Instant::now() + LAST_PATIENCE;
        self.phase = Phase::Left { terminate_at: None, kill_at: again };
    }

    fn signal(&self, signal: i32) {
        // It is not reaped yet, so that its pid means it alone.
        let _ = sys::pidfd(self.identity.pid).and_then(|pidfd| sys::signal(pidfd.as_fd(), signal));
    }

    /// How it ended, if it has.
    pub fn reap(&mut self) -> Option<String> {
        let mut status = 0;
        // SAFETY: the status is valid for writes, and the pid that of an unreaped child.
        let pid = unsafe { libc::waitpid(self.identity.pid as i32, &mut status, libc::WNOHANG) };
        if pid <= 0 {
            return None;
        }
        self.words.read_rest();
        let how = if libc::WIFSIGNALED(status) {
            format!("signal {}", libc::WTERMSIG(status))
        } else {
            format!("exit status {}", libc::WEXITSTATUS(status))
        };
        let words = String::from_utf8_lossy(&self.words.newest()).trim().to_owned();
        let words = if words.is_empty() { words } else { format!("; it said {words:?}") };
        let when = if matches!(self.phase, Phase::Starting { .. }) { " before it was ready" } else { "" };
        Some(format!("The logger {} has ended{when} ({how}{words}).", self.program))
    }
}

fn plan(wanted: &shim::Logger, files: Vec<OwnedFd>, output: OwnedFd) -> Result<Plan, std::ffi::NulError> {
    let program = CString::new(wanted.path.as_str())?;
    let command = std::iter::once(&wanted.path).chain(&wanted.arguments).map(|word| CString::new(word.as_str()));
    let environment = wanted.environment.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
    Ok(Plan {
        program,
        command: command.collect::<Result<_, _>>()?,
        environment: environment.collect::<Result<_, _>>()?,
        working_directory: CString::from(c"/"),
        files,
        input: None,
        output,
        confinement: Confinement::default(),
        rlimits: Vec::new(),
        network_namespace: String::new(),
        outlives_shim: true,
        outside: None,
    })
}
