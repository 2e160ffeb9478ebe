// SPDX-License-Identifier: Apache-2.0
//! Calls of containerd's shim v2 Task interface to one container's shim.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use hako_protocols::task::*;
use hako_ttrpc::{CallError, Client, Code, Pending, Status};
use prost::Message;

use crate::container::Container;
use crate::failure::{Doing, Failure, Result, is_not_found};
use crate::poll::poll;
use crate::session::{Ended, Steering};
use crate::signals::Signal;
use crate::terminal::Size;

const SERVICE: &str = "containerd.task.v2.Task";
/// For calls that take no time by themselves. While hakod is away they wait for it in the shim; not for ever.
const LIMIT: Duration = Duration::from_secs(60);

/// Which process of the container: its first one, or one of `hako exec`.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a>(pub &'a str);

impl Which<'static> {
    pub const FIRST: Self = Which("");
}

pub struct Task {
    client: Client,
    id: String,
    name: String,
}

/// Paths that the shim opens; empty: nothing there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stdio {
    pub terminal: bool,
    pub stdin: String,
    pub stdout: String,
    pub stderr: String,
}

/// A profile is named as containerd's CRI plugin names it.
fn options(profile: &str) -> prost_types::Any {
    let options = RuntimeOptions { config_path: profile.to_owned(), ..RuntimeOptions::default() };
    prost_types::Any { type_url: "runtimeoptions.v1.Options".to_owned(), value: options.encode_to_vec() }
}

impl Task {
    pub fn connect(container: &Container) -> Result<Self> {
        let gone = || {
            Failure::new(format!(
                "Container {} has lost its shim, and with it its virtual machine: remove it (hako rm {0}).",
                container.id()
            ))
        };
        let address = container.shim_address().ok_or_else(gone)?;
        let client = match Client::connect(&address) {
            Err(error)
                if [std::io::ErrorKind::NotFound, std::io::ErrorKind::ConnectionRefused].contains(&error.kind()) =>
            {
                return Err(gone());
            }
            connected => connected.doing(|| format!("Connecting to the shim at {}", address.display()))?,
        };
        Ok(Self { client, id: container.id().to_owned(), name: container.meta.name.clone() })
    }

    /// Starts making the container: boots its virtual machine, which takes seconds.
    pub fn create(
        &self,
        container: &Container,
        rootfs: Mount,
        stdio: Stdio,
        profile: Option<&str>,
    ) -> Result<Answer<CreateTaskResponse>> {
        let request = CreateTaskRequest {
            id: self.id.clone(),
            bundle: container.bundle.display().to_string(),
            rootfs: vec![rootfs],
            terminal: stdio.terminal,
            stdin: stdio.stdin,
            stdout: stdio.stdout,
            stderr: stdio.stderr,
            options: profile.map(options),
            ..CreateTaskRequest::default()
        };
        self.send("Create", &request)
    }

    /// Makes a further process, which `start` then runs.
    pub fn exec(&self, exec: Which<'_>, process: Vec<u8>, stdio: Stdio) -> Result<Answer<Empty>> {
        let request = ExecProcessRequest {
            id: self.id.clone(),
            exec_id: exec.0.to_owned(),
            terminal: stdio.terminal,
            stdin: stdio.stdin,
            stdout: stdio.stdout,
            stderr: stdio.stderr,
            spec: Some(prost_types::Any {
                type_url: "types.containerd.io/opencontainers/runtime-spec/1/Process".to_owned(),
                value: process,
            }),
        };
        self.send("Exec", &request)
    }

    pub fn start(&self, which: Which<'_>) -> Result<Answer<StartResponse>> {
        self.send("Start", &StartRequest { id: self.id.clone(), exec_id: which.0.to_owned() })
    }

    /// Answered when the process has ended and its output has been handed on.
    pub fn wait(&self, which: Which<'_>) -> Result<Answer<WaitResponse>> {
        self.send("Wait", &WaitRequest { id: self.id.clone(), exec_id: which.0.to_owned() })
    }

    pub fn kill(&self, which: Which<'_>, signal: Signal) -> std::result::Result<(), CallError> {
        self.call::<Empty>("Kill", &self.killing(which, signal)).map(drop)
    }

    /// Sends a signal and does not wait for the answer: one that comes too late has no one to tell.
    fn kill_later(&self, which: Which<'_>, signal: Signal) {
        self.send_only("Kill", &self.killing(which, signal));
    }

    fn resize_later(&self, which: Which<'_>, size: Size) {
        let (width, height) = (size.columns.into(), size.rows.into());
        self.send_only(
            "ResizePty",
            &ResizePtyRequest { id: self.id.clone(), exec_id: which.0.to_owned(), width, height },
        );
    }

    /// Ends the process's standard input, after what lies in its fifo.
    fn close_stdin_later(&self, which: Which<'_>) {
        self.send_only("CloseIO", &CloseIoRequest { id: self.id.clone(), exec_id: which.0.to_owned(), stdin: true });
    }

    pub fn state(&self) -> std::result::Result<StateResponse, CallError> {
        self.call("State", &StateRequest { id: self.id.clone(), exec_id: String::new() })
    }

    /// Forgets an ended process; the container's first one takes the container with it.
    pub fn delete(&self, which: Which<'_>) -> std::result::Result<(), CallError> {
        match self.call::<DeleteResponse>("Delete", &DeleteRequest { id: self.id.clone(), exec_id: which.0.to_owned() })
        {
            Err(error) if !is_not_found(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends the shim, if no container is left.
    pub fn shutdown(&self) -> std::result::Result<(), CallError> {
        let request = ShutdownRequest { id: self.id.clone(), now: false };
        match self.client.call::<Empty>(SERVICE, "Shutdown", &request, Some(LIMIT)) {
            // The shim may end before its answer has been read.
            Err(CallError::Connection(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    fn killing(&self, which: Which<'_>, signal: Signal) -> KillRequest {
        KillRequest { id: self.id.clone(), exec_id: which.0.to_owned(), signal: signal.0, all: false }
    }

    fn call<A: prost::Message + Default>(
        &self,
        method: &str,
        request: &impl prost::Message,
    ) -> std::result::Result<A, CallError> {
        let answer = self.client.call(SERVICE, method, request, Some(LIMIT));
        answer.map_err(|error| lost(&self.name, error))
    }

    fn send<A: prost::Message + Default + 'static>(
        &self,
        method: &str,
        request: &impl prost::Message,
    ) -> Result<Answer<A>> {
        let pending = self.client.send(SERVICE, method, request, None).map_err(|error| lost(&self.name, error))?;
        let name = self.name.clone();
        Answer::to(pending, move |error| lost(&name, error))
    }

    fn send_only(&self, method: &str, request: &impl prost::Message) {
        // A connection that has failed shows in the answer that is waited for.
        let _ = self.client.send::<Empty>(SERVICE, method, request, None);
    }
}

/// One process of a task.
pub struct TaskProcess<'a>(pub &'a Task, pub Which<'a>);

impl Steering for TaskProcess<'_> {
    fn kill_later(&self, signal: Signal) {
        self.0.kill_later(self.1, signal);
    }

    fn resize_later(&self, size: Size) {
        self.0.resize_later(self.1, size);
    }

    fn close_stdin_later(&self) {
        self.0.close_stdin_later(self.1);
    }
}

impl Ended for WaitResponse {
    fn exit_status(&self) -> u32 {
        self.exit_status
    }
}

/// A shim does not end before its container: where it has, there is a container to name, and no connection.
fn lost(container: &str, error: CallError) -> CallError {
    match error {
        CallError::Connection(_) => CallError::Status(Status::new(
            Code::Unavailable,
            format!(
                "Container {container} has lost its shim, and with it its virtual machine: remove it (hako rm {container}) if hako ps -a still lists it."
            ),
        )),
        refused => refused,
    }
}

/// An answer that is due, as a descriptor to poll: readable once it is there.
pub struct Answer<A> {
    ready: UnixStream,
    answer: Receiver<std::result::Result<A, CallError>>,
}

impl<A: prost::Message + Default + 'static> Answer<A> {
    /// `explain`: what a failure means.
    pub fn to(pending: Pending<A>, explain: impl FnOnce(CallError) -> CallError + Send + 'static) -> Result<Self> {
        let (ready, tell) = UnixStream::pair().doing(|| "Making a socket pair".into())?;
        let (sender, answer) = mpsc::channel();
        let wait = move || {
            // Nobody listens any more once the caller has given up.
            let _ = sender.send(pending.wait().map_err(explain));
            drop(tell);
        };
        thread::Builder::new().name("answer".into()).spawn(wait).doing(|| "Starting a thread".into())?;
        Ok(Self { ready, answer })
    }

    /// Waits for the answer.
    pub fn take(self) -> std::result::Result<A, CallError> {
        self.answer.recv().unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()))
    }

    /// Waits for the answer for a limited time. `None`: it has not come.
    pub fn take_within(self, limit: Duration) -> Option<std::result::Result<A, CallError>> {
        // Readable, as at an end, when the thread drops the other socket.
        let ready = poll(&[(self.ready.as_raw_fd(), libc::POLLIN)], Some(limit)).is_ok_and(|ready| !ready.is_empty());
        ready.then(|| self.take())
    }
}

impl<A> AsFd for Answer<A> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
