// SPDX-License-Identifier: Apache-2.0
//! The end of the machine: containers first, then the disks, then the last words.

use std::time::{Duration, Instant};

use hako_protocols::agent::event::What;
use hako_protocols::agent::{Empty, Farewell, PowerOffRequest};
use hako_ttrpc::Status;
use prost::Message;

use crate::agent::Agent;
use crate::cgroups;
use crate::lifecycle::Handled;
use crate::requests::Ticket;
use crate::tasks::Task;
use crate::worker::Report;

/// The longest that each stage may take.
const LONGEST_STAGE: Duration = Duration::from_secs(10);
/// How long the last answers may take to leave.
const LAST_WORDS: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Stopping,
    Syncing,
    Leaving,
}

pub struct PowerOff {
    stage: Stage,
    deadline: Instant,
    tickets: Vec<Ticket>,
    reason: String,
}

impl PowerOff {
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Agent {
    pub fn begin_power_off(&mut self, request: PowerOffRequest, ticket: Ticket) -> Handled {
        if let Some(power_off) = &mut self.power_off {
            power_off.tickets.push(ticket);
            return Ok(None);
        }
        cgroups::kill_everything()
            .map_err(|error| Status::internal(format!("The containers cannot be killed: {error}.")))?;
        let deadline = Instant::now() + LONGEST_STAGE;
        self.power_off =
            Some(PowerOff { stage: Stage::Stopping, deadline, tickets: vec![ticket], reason: request.reason });
        Ok(None)
    }

    pub fn advance_power_off(&mut self, now: Instant) {
        let quiet = self.table.processes.values().all(|process| process.pid == 0 || process.exit().is_some());
        let Some(power_off) = &mut self.power_off else { return };
        if power_off.stage == Stage::Stopping && (quiet || power_off.deadline <= now) {
            power_off.stage = Stage::Syncing;
            power_off.deadline = now + LONGEST_STAGE;
            self.spawn(Task::Sync, &[], LONGEST_STAGE, || {
                // SAFETY: takes no arguments.
                unsafe { libc::sync() };
                Ok(Report::default())
            });
        }
    }

    /// Done, or given up: a file system that hangs must not keep the machine.
    pub fn synced(&mut self) {
        let Some(power_off) = &mut self.power_off else { return };
        power_off.stage = Stage::Leaving;
        power_off.deadline = Instant::now() + LAST_WORDS;
        self.events.push(What::Farewell(Farewell { reason: power_off.reason.clone() }));
        for ticket in std::mem::take(&mut power_off.tickets) {
            self.finish(ticket, Ok(Empty {}.encode_to_vec()));
        }
    }

    /// Whether the machine is to be powered off now.
    pub fn is_over(&mut self) -> bool {
        let Some(PowerOff { stage: Stage::Leaving, deadline, .. }) = self.power_off else { return false };
        deadline <= Instant::now() || (self.is_all_answered() && self.data.is_flushed())
    }
}
