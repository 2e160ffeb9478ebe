// SPDX-License-Identifier: Apache-2.0
//! Questions to hakod, over its control socket.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use hako_protocols::control::*;
use hako_ttrpc::{CallError, Client, Code, Status};
use prost::Message;

use crate::failure::{Failure, Result, cause};
use crate::places::Places;
use crate::task::Answer;

const SERVICE: &str = "hako.control.v1.Control";
/// hakod answers from memory; a swap moves every container and may take longer.
const LIMIT: Duration = Duration::from_secs(30);
/// Two mebibytes go into a guest whose processor may be emulated.
const DEBUG_LIMIT: Duration = Duration::from_secs(60);
const SWAP_LIMIT: Duration = Duration::from_secs(600);

pub struct Control(Client);

/// Makes sure that hakod is there, without a thread: one that exists before signals are caught would still take them.
pub fn require(places: &Places) -> Result<()> {
    UnixStream::connect(places.api_socket()).map(drop).map_err(|error| absent(places, &error))
}

fn absent(places: &Places, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "hakod does not answer at {} ({}): start it (systemctl start hakod, or ./dev hako in a source tree), or set HAKO_RUN_DIR to its run directory.",
        places.api_socket().display(),
        cause(error)
    ))
}

impl Control {
    pub fn connect(places: &Places) -> Result<Self> {
        Client::connect(&places.api_socket()).map(Self).map_err(|error| absent(places, &error))
    }

    pub fn version(&self) -> Result<VersionResponse> {
        self.ask("Version", &Empty {}, LIMIT)
    }

    pub fn sandboxes(&self) -> Result<Vec<Sandbox>> {
        Ok(self.ask::<ListSandboxesResponse>("ListSandboxes", &Empty {}, LIMIT)?.sandboxes)
    }

    pub fn inspect(&self, id: &str) -> Result<String> {
        Ok(self.ask::<JsonResponse>("Inspect", &SandboxRequest { sandbox: id.to_owned() }, LIMIT)?.json)
    }

    pub fn overhead(&self, id: &str) -> Result<OverheadResponse> {
        self.ask("Overhead", &SandboxRequest { sandbox: id.to_owned() }, LIMIT)
    }

    pub fn plugins(&self) -> Result<Vec<Plugin>> {
        Ok(self.ask::<ListPluginsResponse>("ListPlugins", &Empty {}, LIMIT)?.plugins)
    }

    pub fn swap(&self, kind: &str, name: &str, jar: String) -> Result<SwapPluginResponse> {
        self.ask("SwapPlugin", &SwapPluginRequest { kind: kind.to_owned(), name: name.to_owned(), jar }, SWAP_LIMIT)
    }

    pub fn why(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        Ok(self
            .ask::<WhyResponse>("WhyPlugin", &PluginRequest { kind: kind.to_owned(), name: name.to_owned() }, LIMIT)?
            .lines)
    }

    pub fn doctor(&self) -> Result<Vec<Finding>> {
        Ok(self.ask::<DoctorResponse>("Doctor", &Empty {}, LIMIT)?.findings)
    }

    pub fn metrics(&self) -> Result<String> {
        Ok(self.ask::<MetricsResponse>("Metrics", &Empty {}, LIMIT)?.text)
    }

    pub fn debug(&self, request: &DebugRequest) -> Result<()> {
        self.ask::<Empty>("Debug", request, DEBUG_LIMIT).map(drop)
    }

    /// Answered when the program has ended. It ends with this connection.
    pub fn await_debug(&self, session: &str) -> Result<Answer<AwaitDebugResponse>> {
        let request = AwaitDebugRequest { session: session.to_owned() };
        let pending = self.0.send(SERVICE, "AwaitDebug", &request, None)?;
        Answer::to(pending, |error| match error {
            CallError::Connection(_) => CallError::Status(Status::new(
                Code::Unavailable,
                "hakod has ended, and the debug session with it: start another once hakod is back.",
            )),
            refused => refused,
        })
    }

    pub fn steer_debug_later(&self, session: &str, what: steer_debug_request::What) {
        let request = SteerDebugRequest { session: session.to_owned(), what: Some(what) };
        // A connection that has failed shows in the answer that is waited for.
        let _ = self.0.send::<Empty>(SERVICE, "SteerDebug", &request, None);
    }

    /// Waits as long as the request says. Nothing: the connection is gone, and hakod maybe restarts.
    pub fn events(&self, request: &EventsRequest) -> Result<Option<EventsResponse>> {
        let limit = LIMIT + Duration::from_millis(request.wait_ms.into());
        match self.0.call(SERVICE, "Events", request, Some(limit)) {
            Ok(answer) => Ok(Some(answer)),
            Err(CallError::Connection(_)) => Ok(None),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Why hakod says that a sandbox stopped; nothing if it stopped as any does.
    pub fn reason(&self, id: &str) -> Result<String> {
        let found = self
            .sandboxes()?
            .into_iter()
            .find(|sandbox| sandbox.id == id && sandbox.namespace == crate::shim::NAMESPACE);
        Ok(found.map(|sandbox| sandbox.reason).unwrap_or_default())
    }

    fn ask<A: Message + Default>(&self, method: &str, request: &impl Message, limit: Duration) -> Result<A> {
        self.0.call(SERVICE, method, request, Some(limit)).map_err(|error| match error {
            CallError::Connection(_) => {
                Failure::new("hakod ended before it had answered: start it if it does not run, and ask again.")
            }
            refused => refused.into(),
        })
    }
}
