// SPDX-License-Identifier: Apache-2.0
//! hako.agent.v1.Agent: from a call to the verb, and its answer back.

use hako_protocols::agent::{self, Empty, ListResponse, PidsResponse, ProcessStatus};
use hako_ttrpc::{Call, Status};
use prost::Message;

use crate::agent::Agent;
use crate::lifecycle::Handled;
use crate::requests::{Begin, Caller, Ticket};
use crate::tasks::{Task, limit};
use crate::{cgroups, cpus, identity, mounts, network, paths, pod};

const SERVICE: &str = "hako.agent.v1.Agent";

impl Agent {
    pub fn dispatch(&mut self, caller: Caller, call: &Call) {
        if call.service != SERVICE {
            return self.answer(caller, Err(Status::unimplemented(&call.service, &call.method)));
        }
        let key = match key(call) {
            Ok(key) => key,
            Err(status) => return self.answer(caller, Err(status)),
        };
        match self.requests.begin(key, caller) {
            Begin::Answered(answer) => self.answer(caller, answer),
            Begin::Joined => {}
            Begin::Fresh(ticket) => match self.handle_call(call, ticket) {
                Ok(None) => {}
                Ok(Some(response)) => self.finish(ticket, Ok(response)),
                Err(status) => self.finish(ticket, Err(status)),
            },
        }
    }

    fn handle_call(&mut self, call: &Call, ticket: Ticket) -> Handled {
        let limit = limit(call.timeout);
        match call.method.as_str() {
            "Hello" => self.hello(&call.decode()?).and_then(now),
            "SetIdentity" => {
                identity::set(&call.decode()?)?;
                self.identity_set = true;
                now(Empty {})
            }
            "CreateContainer" => self.create(call.decode()?, ticket, limit),
            "StartContainer" => self.start(&call.decode()?, ticket, limit),
            "Debug" => self.debug(call.decode()?, ticket, limit),
            "Exec" => self.exec(call.decode()?, ticket, limit),
            "Signal" => self.signal(&call.decode()?),
            "Delete" => self.delete(&call.decode()?, ticket, limit),
            "Wait" => {
                let request: agent::WaitRequest = call.decode()?;
                self.wait(&request.container_id, &request.exec_id, ticket)
            }
            "ResizeTerminal" => self.resize(&call.decode()?),
            "Pause" | "Resume" => {
                let request: agent::ContainerRequest = call.decode()?;
                self.pause(&request.container_id, call.method == "Pause", ticket, limit)
            }
            "Update" => self.update(&call.decode()?, ticket, limit),
            _ => self.handle_guest_call(call, ticket),
        }
    }

    /// What concerns the guest as a whole.
    fn handle_guest_call(&mut self, call: &Call, ticket: Ticket) -> Handled {
        let limit = limit(call.timeout);
        match call.method.as_str() {
            "ConfigureNetwork" => {
                let request: agent::ConfigureNetworkRequest = call.decode()?;
                self.spawn(Task::Plain(ticket), &[], limit, || network::configure(&request));
                Ok(None)
            }
            "Mount" => {
                let request: agent::MountRequest = call.decode()?;
                self.spawn(Task::Plain(ticket), &[], limit, || mounts::mount(&request));
                Ok(None)
            }
            "Unmount" => {
                let request: agent::UnmountRequest = call.decode()?;
                self.spawn(Task::Plain(ticket), &[], limit, || mounts::unmount(&request.target));
                Ok(None)
            }
            "PreparePod" => {
                let request: agent::PreparePodRequest = call.decode()?;
                self.spawn(Task::PreparePod(ticket), &[], limit, || pod::prepare(&request));
                Ok(None)
            }
            "UseCpus" => {
                let request: agent::UseCpusRequest = call.decode()?;
                self.spawn(Task::Plain(ticket), &[], limit, || cpus::put_to_use(request.count));
                Ok(None)
            }
            "List" => now(self.list()),
            "Pids" => now(self.pids(&call.decode()?)?),
            "Stats" => {
                let request: agent::StatsRequest = call.decode()?;
                now(self.stats(&request.container_ids))
            }
            "Events" => {
                let request: agent::EventsRequest = call.decode()?;
                self.events.parked.push((request.after, ticket));
                Ok(None)
            }
            "PowerOff" => self.begin_power_off(call.decode()?, ticket),
            #[cfg(feature = "test-build")]
            "CrashGuest" | "Hang" | "Babble" | "Overstate" | "FloodEvents" | "CloseChannel" => {
                self.misbehave(&call.method)
            }
            _ => Err(Status::unimplemented(SERVICE, &call.method)),
        }
    }

    fn list(&self) -> ListResponse {
        let paused =
            |container: &str| self.table.containers.get(container).is_some_and(|found| found.paused) || self.pod_paused;
        let status =
            |process: &crate::process::Process| -> ProcessStatus { process.status(paused(&process.container)) };
        ListResponse { processes: self.table.processes.values().map(status).collect() }
    }

    fn pids(&mut self, request: &agent::ContainerRequest) -> Result<PidsResponse, Status> {
        let id = &request.container_id;
        self.table.container(id)?;
        let failed = |error| Status::internal(format!("The processes of container {id} cannot be read: {error}."));
        Ok(PidsResponse { pids: cgroups::pids(&paths::cgroup(id)).map_err(failed)? })
    }
}

fn now(response: impl Message) -> Handled {
    Ok(Some(response.encode_to_vec()))
}

/// The exactly-once key of a call, empty if it has none. One key of the caller's may cover several methods and mounts.
fn key(call: &Call) -> Result<String, Status> {
    let (key, object) = match call.method.as_str() {
        "Mount" => call.decode::<agent::MountRequest>().map(|request| (request.request_key, request.target))?,
        "Unmount" => call.decode::<agent::UnmountRequest>().map(|request| (request.request_key, request.target))?,
        "PreparePod" => call.decode::<agent::PreparePodRequest>().map(|r| (r.request_key, String::new()))?,
        "Update" => call.decode::<agent::UpdateRequest>().map(|r| (r.request_key, r.container_id))?,
        "CreateContainer" => call.decode::<agent::CreateContainerRequest>().map(|r| (r.request_key, r.container_id))?,
        "StartContainer" => call.decode::<agent::StartContainerRequest>().map(|r| (r.request_key, r.container_id))?,
        "Exec" => call.decode::<agent::ExecRequest>().map(|r| (r.request_key, r.container_id))?,
        "Debug" => call.decode::<agent::DebugRequest>().map(|r| (r.request_key, r.exec_id))?,
        "Signal" => call.decode::<agent::SignalRequest>().map(|r| (r.request_key, r.container_id))?,
        "Delete" => call.decode::<agent::DeleteRequest>().map(|r| (r.request_key, r.container_id))?,
        "PowerOff" => call.decode::<agent::PowerOffRequest>().map(|r| (r.request_key, String::new()))?,
        _ => return Ok(String::new()),
    };
    Ok(if key.is_empty() { key } else { format!("{} {object} {key}", call.method) })
}
