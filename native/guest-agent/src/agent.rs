// SPDX-License-Identifier: Apache-2.0
//! The agent's state and its one loop. No threads: whatever happens, happens in a turn of this loop, and a turn never
//! waits (see [`crate::worker`]).

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use hako_protocols::agent::{HelloRequest, HelloResponse};
use hako_ttrpc::Status;

use crate::calls::Servers;
use crate::cgroups::OomWatch;
use crate::events::Events;
use crate::loopback::Connections;
use crate::poll::{Poll, Source, Which};
use crate::port::Port;
use crate::power::PowerOff;
use crate::process::{Number, Table};
use crate::requests::Requests;
use crate::streams::DataStreams;
use crate::sys;
use crate::tasks::Tasks;

/// The versions of the agent's protocol that this agent speaks.
const PROTOCOL_OLDEST: u32 = 1;
const PROTOCOL_NEWEST: u32 = 1;

pub struct Agent {
    pub poll: Poll,
    children: OwnedFd,
    pub control: Port,
    pub data: Port,
    pub table: Table,
    pub requests: Requests,
    pub events: Events,
    pub tasks: Tasks,
    pub servers: Servers,
    pub streams: DataStreams,
    pub loopback: Connections,
    pub oom: OomWatch,
    /// New at each start of the agent, so that the host sees a machine that is not the one it knew.
    instance: String,
    pub identity_set: bool,
    /// All containers stand still, whatever each one's own state is.
    pub pod_paused: bool,
    pub power_off: Option<PowerOff>,
    #[cfg(feature = "test-build")]
    pub flooding: Option<u64>,
}

impl Agent {
    pub fn new(control: OwnedFd, data: OwnedFd) -> io::Result<Self> {
        let agent = Agent {
            poll: Poll::new()?,
            children: sys::child_signals()?,
            control: Port::new(control)?,
            data: Port::new(data)?,
            table: Table::default(),
            requests: Requests::default(),
            events: Events::default(),
            tasks: Tasks::default(),
            servers: Servers::default(),
            streams: DataStreams::default(),
            loopback: Connections::default(),
            oom: OomWatch::new()?,
            instance: random_name()?,
            identity_set: false,
            pod_paused: false,
            power_off: None,
            #[cfg(feature = "test-build")]
            flooding: None,
        };
        agent.poll.watch_input(&agent.children, Source::Children)?;
        agent.poll.watch_input(agent.oom.descriptor(), Source::CgroupEvents)?;
        agent.poll.watch_edges(&agent.control.fd, Source::ControlPort)?;
        agent.poll.watch_edges(&agent.data.fd, Source::DataPort)?;
        Ok(agent)
    }

    /// Runs until the machine is to be powered off.
    pub fn run(mut self) -> io::Result<()> {
        while !self.is_over() {
            for source in self.poll.wait(self.time_left())? {
                self.handle(source);
            }
            self.tick(Instant::now());
        }
        Ok(())
    }

    fn handle(&mut self, source: Source) {
        match source {
            Source::Children => self.children_changed(),
            Source::CgroupEvents => self.cgroups_changed(),
            Source::ControlPort => self.control_ready(),
            Source::DataPort => self.data_ready(),
            Source::Report(number) => self.report_ready(number),
            Source::Stream(number, Which::Stdin) => self.flush_input(number),
            Source::Stream(number, which) => self.output_ready(number, which),
            Source::Loopback(stream) => self.loopback_ready(stream),
        }
    }

    fn children_changed(&mut self) {
        // The content does not matter: several signals may have become one.
        while sys::read(&self.children, &mut [0; size_of::<libc::signalfd_siginfo>()]).is_ok() {}
        self.reap();
    }

    /// What follows from the events of a turn, and from time.
    fn tick(&mut self, now: Instant) {
        self.end_overdue_tasks(now);
        // Ports first: room in the link decides which outputs are watched.
        self.data.flush();
        let numbers: Vec<Number> = self.table.processes.keys().copied().collect();
        for number in numbers {
            self.settle_streams(number, now);
            self.answer_waiters(number, now);
        }
        #[cfg(feature = "test-build")]
        self.flood_events();
        self.settle_loopback();
        self.answer_events();
        self.advance_power_off(now);
        self.send_answers();
        self.control.flush();
        self.data.flush();
    }

    fn time_left(&self) -> Option<Duration> {
        let processes = self
            .table
            .processes
            .values()
            .flat_map(|process| [process.stdout.deadline(), process.stderr.deadline(), process.waiting_until()]);
        let others = [self.tasks.deadline(), self.power_off.as_ref().map(PowerOff::deadline)];
        let next = processes.chain(others).flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    pub fn hello(&mut self, request: &HelloRequest) -> Result<HelloResponse, Status> {
        let protocol = request.protocol_newest.min(PROTOCOL_NEWEST);
        if protocol < request.protocol_oldest.max(PROTOCOL_OLDEST) {
            return Err(Status::precondition(format!(
                "The daemon speaks versions {} to {} of the agent protocol, this agent {PROTOCOL_OLDEST} to {PROTOCOL_NEWEST}; \
                 use a daemon and a guest image of neighbouring releases.",
                request.protocol_oldest, request.protocol_newest
            )));
        }
        Ok(HelloResponse {
            protocol,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            kernel_release: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().into(),
            instance: self.instance.clone(),
            identity_set: self.identity_set,
        })
    }
}

fn random_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    sys::random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Tables of workers by process id are small; this is only a name for the type.
pub type ByPid<T> = BTreeMap<i32, T>;
