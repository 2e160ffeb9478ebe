// SPDX-License-Identifier: Apache-2.0
//! What hakod asks of the shim: service hako.shim.v1.Shim (protocols/shim/shim.proto).

use crate::cgroup::Cgroup;
use crate::frames::{self, Frame, RESPONSE};
use crate::mounter;
use crate::mountinfo;
use crate::serve::Shim;
use hako_protocols::shim::{
    DrainStdioRequest, DrainStdioResponse, Empty, EventsRequest, JoinStdioRequest, MountsResponse, NameRequest,
    PathRequest, ProcessesResponse, RoleRequest, RunHookRequest, SignalProcessRequest, StdioRequest, UnmountRequest,
};
use hako_protocols::ttrpc::{Request, Response};
use hako_ttrpc::Status;
use prost::Message;
use std::path::Path;
use std::time::{Duration, Instant};

const SERVICE: &str = "hako.shim.v1.Shim";
/// How long a Quit may take to reach those who wait for an answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a logger is left to read before it is looked at how far it is.
const ASK_AFTER: Duration = Duration::from_millis(5);

/// Calls that are answered later; gone with the link that they came on.
#[derive(Default)]
pub struct Parked {
    events: Vec<(u32, u64)>,
    joins: Vec<(u32, StdioRequest)>,
    drains: Vec<Drain>,
}

struct Drain {
    stream: u32,
    request: DrainStdioRequest,
    moved: u64,
    until: Instant,
    /// Set while nothing but asking tells how far a logger is.
    ask_at: Option<Instant>,
}

impl Parked {
    pub fn forget(&mut self) {
        *self = Parked::default();
    }

    /// When the first drain is out of patience, or to be looked at.
    pub fn deadline(&self) -> Option<Instant> {
        self.drains.iter().map(|drain| drain.ask_at.map_or(drain.until, |time| time.min(drain.until))).min()
    }
}

fn decode<M: Message + Default>(payload: &[u8]) -> Result<M, Status> {
    M::decode(payload).map_err(|error| Status::invalid(format!("The request cannot be decoded: {error}.")))
}

fn now<M: Message>(message: M) -> Result<Option<Vec<u8>>, Status> {
    Ok(Some(message.encode_to_vec()))
}

impl Shim {
    /// Serves one request of hakod.
    pub fn serve_call(&mut self, frame: &Frame) {
        let answer = match decode::<Request>(frame.payload()) {
            Ok(request) if request.service == SERVICE => self.call(frame.stream, &request.method, &request.payload),
            Ok(request) => Err(Status::unimplemented(&request.service, &request.method)),
            Err(status) => Err(status),
        };
        match answer {
            Ok(Some(payload)) => self.answer(frame.stream, Ok(payload)),
            Ok(None) => {}
            Err(status) => self.answer(frame.stream, Err(status)),
        }
    }

    pub fn answer(&mut self, stream: u32, result: Result<Vec<u8>, Status>) {
        let response = match result {
            Ok(payload) => Response { status: None, payload },
            Err(status) => Response { status: Some(status.into()), payload: Vec::new() },
        };
        self.uplink.send(0, &frames::encode(stream, RESPONSE, &response.encode_to_vec()));
    }

    /// None: answered later.
    fn call(&mut self, stream: u32, method: &str, payload: &[u8]) -> Result<Option<Vec<u8>>, Status> {
        match method {
            "Launch" => now(self.launch(decode(payload)?)?),
            "Processes" => now(ProcessesResponse { processes: self.supervisor.all() }),
            "SignalProcess" => {
                let SignalProcessRequest { role, signal } = decode(payload)?;
                now(self.supervisor.signal(&role, signal).map(|()| Empty {})?)
            }
            "Forget" => now(self.supervisor.forget(&decode::<RoleRequest>(payload)?.role).map(|()| Empty {})?),
            "Output" => now(self.supervisor.output(&decode::<RoleRequest>(payload)?.role)?),
            "Release" => {
                self.keeper.release(&decode::<NameRequest>(payload)?.name);
                now(Empty {})
            }
            "Kept" => now(self.keeper.describe()),
            "Mount" => now(mounter::mount(&self.place, &decode(payload)?).map(|()| Empty {})?),
            "Unmount" => {
                let UnmountRequest { target, remove } = decode(payload)?;
                now(mounter::unmount(&self.place, Path::new(&target), remove).map(|()| Empty {})?)
            }
            "Mounts" => now(self.mounts(&decode::<PathRequest>(payload)?.path)?),
            "ForwardLoopback" => now(self.forward.set(&decode(payload)?)?),
            "PrepareCgroup" => now(self.prepare_cgroup(&decode::<PathRequest>(payload)?.path).map(|()| Empty {})?),
            "RemoveCgroup" => now(self.remove_cgroup(&decode::<PathRequest>(payload)?.path).map(|()| Empty {})?),
            "JoinStdio" => self.join(stream, decode(payload)?),
            "CloseStdin" => {
                let StdioRequest { container_id, exec_id } = decode(payload)?;
                now(self.stdio.close_stdin(&container_id, &exec_id).map(|()| Empty {})?)
            }
            "DrainStdio" => self.park_drain(stream, decode(payload)?),
            "LeaveStdio" => {
                let StdioRequest { container_id, exec_id } = decode(payload)?;
                self.stdio.leave(&container_id, &exec_id, self.guest.data_link());
                now(Empty {})
            }
            "LeaveAnswers" => now(self.ready.leave(decode(payload)?).map(|()| Empty {})?),
            "Events" => {
                let EventsRequest { after } = decode(payload)?;
                self.parked.events.push((stream, after));
                Ok(None)
            }
            "RunHook" => {
                let request: RunHookRequest = decode(payload)?;
                self.log.say(&format!("Runs the hook {}.", request.path));
                self.hooks.run(stream, request, &self.record).map(|()| None)
            }
            "Quit" => now(self.quit()?),
            _ => Err(Status::unimplemented(SERVICE, method)),
        }
    }

    fn mounts(&self, path: &str) -> Result<MountsResponse, Status> {
        let mounts = mountinfo::below(&self.place.real(Path::new(path)));
        let targets = mounts.map_err(|error| Status::internal(format!("Cannot read the mount table: {error}.")))?;
        Ok(MountsResponse {
            targets: targets.into_iter().map(|target| target.to_string_lossy().into_owned()).collect(),
        })
    }

    fn prepare_cgroup(&mut self, path: &str) -> Result<(), Status> {
        let cgroup = Cgroup::at(path).map_err(Status::invalid)?;
        // Written first: `delete` must find what this makes.
        self.record
            .write_cgroup(Some(path))
            .map_err(|error| Status::internal(format!("Cannot record the cgroup {path}: {error}.")))?;
        cgroup.make().map_err(Status::precondition)?;
        // Not that of whoever started it, which may be ended with all that is in it.
        if cgroup.add(std::process::id()) == 0 {
            self.log.say(&format!("No hierarchy takes the shim into the cgroup {path}: it stays where it is."));
        }
        Ok(())
    }

    fn remove_cgroup(&mut self, path: &str) -> Result<(), Status> {
        let cgroup = Cgroup::at(path).map_err(Status::invalid)?;
        cgroup.release(std::process::id());
        cgroup.remove().map_err(|error| Status::precondition(format!("Cannot remove the cgroup {path}: {error}.")))?;
        let _ = self.record.write_cgroup(None);
        Ok(())
    }

    fn park_drain(&mut self, stream: u32, request: DrainStdioRequest) -> Result<Option<Vec<u8>>, Status> {
        let moved = self.stdio.drain(&request.container_id, &request.exec_id)?.moved;
        let until = Instant::now() + Duration::from_millis(u64::from(request.idle_limit_ms));
        self.parked.drains.push(Drain { stream, request, moved, until, ask_at: None });
        Ok(None)
    }

    /// Answered when the loggers, if there are any, are ready.
    fn join(&mut self, stream: u32, request: JoinStdioRequest) -> Result<Option<Vec<u8>>, Status> {
        let process = StdioRequest { container_id: request.container_id.clone(), exec_id: request.exec_id.clone() };
        self.stdio.join(request, &self.record)?;
        self.parked.joins.push((stream, process));
        Ok(None)
    }

    fn quit(&mut self) -> Result<Empty, Status> {
        if let Some(role) = self.supervisor.living() {
            return Err(Status::precondition(format!("The process {role} lives; end it before the shim.")));
        }
        self.log.say("Ends, as hakod asked.");
        self.record.forget_shim();
        self.ending = Some(Instant::now() + FAREWELL);
        Ok(Empty {})
    }

    /// Answers parked calls whose time has come.
    pub fn serve_parked(&mut self, time: Instant) {
        for (stream, after) in std::mem::take(&mut self.parked.events) {
            match self.events.after(after) {
                Some(events) => self.answer(stream, Ok(events.encode_to_vec())),
                None => self.parked.events.push((stream, after)),
            }
        }
        for (stream, process) in std::mem::take(&mut self.parked.joins) {
            match self.stdio.is_joined(&process.container_id, &process.exec_id) {
                Ok(false) => self.parked.joins.push((stream, process)),
                joined => self.answer(stream, joined.map(|_| Empty {}.encode_to_vec())),
            }
        }
        self.stdio.forget_refused();
        for drain in std::mem::take(&mut self.parked.drains) {
            self.serve_drain(drain, time);
        }
    }

    fn serve_drain(&mut self, mut drain: Drain, time: Instant) {
        let idle_limit = Duration::from_millis(u64::from(drain.request.idle_limit_ms));
        let state = match self.stdio.drain(&drain.request.container_id, &drain.request.exec_id) {
            Ok(state) => state,
            Err(status) => return self.answer(drain.stream, Err(status)),
        };
        if state.moved != drain.moved {
            (drain.moved, drain.until) = (state.moved, time + idle_limit);
        }
        if state.ended || drain.until <= time {
            let response = DrainStdioResponse { complete: state.ended && state.intact, undelivered: state.undelivered };
            return self.answer(drain.stream, Ok(response.encode_to_vec()));
        }
        drain.ask_at = state.being_read.then_some(time + ASK_AFTER);
        self.parked.drains.push(drain);
    }
}
