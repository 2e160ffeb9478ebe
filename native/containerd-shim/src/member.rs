// SPDX-License-Identifier: Apache-2.0
//! The end of a further container of a pod, whose shim and machine live on for the others.

use crate::place::Place;
use hako_protocols::shim::Empty;
use hako_protocols::task::{DeleteRequest, DeleteResponse, KillRequest, WaitRequest, WaitResponse};
use hako_ttrpc::{CallError, Client, Code};
use prost::Message;
use std::time::Instant;

const SERVICE: &str = "containerd.task.v2.Task";

/// Kills a container and takes it away, by the shim of its sandbox. None: it is gone already, in order or with its pod.
///
/// # Errors
/// A sentence that says why the container may be there still.
pub fn end(container: &str, sandbox: &Place, until: Instant) -> Result<Option<DeleteResponse>, String> {
    let socket = sandbox.shim_socket();
    // Without a shim there is no machine that the container could run in.
    let Ok(client) = Client::connect(&socket) else { return Ok(None) };
    let calls = Calls { client, until };
    let id = || container.to_owned();
    let kill = KillRequest { id: id(), signal: libc::SIGKILL as u32, all: true, ..KillRequest::default() };
    let deleted = calls
        .unless_refused::<Empty>("Kill", &kill)
        .and_then(|()| {
            calls.unless_refused::<WaitResponse>("Wait", &WaitRequest { id: id(), ..WaitRequest::default() })
        })
        .and_then(|()| calls.call("Delete", &DeleteRequest { id: id(), ..DeleteRequest::default() }));
    match deleted {
        Ok(response) => Ok(Some(response)),
        Err(CallError::Connection(_)) => Ok(None),
        Err(CallError::Status(status)) if status.code == Code::NotFound => Ok(None),
        Err(CallError::Status(status)) => Err(format!(
            "Cannot end container {container} by the shim at {}: {} Remove the pod, or see that hakod runs.",
            socket.display(),
            status.message
        )),
    }
}

struct Calls {
    client: Client,
    until: Instant,
}

impl Calls {
    fn call<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A, CallError> {
        let left = self.until.saturating_duration_since(Instant::now());
        self.client.call(SERVICE, method, request, Some(left))
    }

    /// What has ended by itself, or is not there, can be neither killed nor waited for; Delete tells which it is.
    fn unless_refused<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<(), CallError> {
        match self.call::<A>(method, request) {
            Err(CallError::Status(status)) if [Code::NotFound, Code::FailedPrecondition].contains(&status.code) => {
                Ok(())
            }
            other => other.map(drop),
        }
    }
}
