// SPDX-License-Identifier: Apache-2.0
//! Ends of processes. Every orphan of the guest is a child of PID 1 and is reaped here; only workers and the
//! processes of containers mean anything.

use std::time::{Duration, Instant};

use hako_protocols::agent::ProcessExited;
use hako_protocols::agent::event::What;

use crate::agent::Agent;
use crate::process::{Exit, Number, State, exit_status};
use crate::{cgroups, paths, sys};

/// How long Wait is held back, after the process's end or the last byte that its stream took, for a stream that takes
/// nothing.
pub const PATIENCE: Duration = Duration::from_secs(2);

impl Agent {
    pub fn reap(&mut self) {
        let ended: Vec<_> = std::iter::from_fn(sys::reap).collect();
        // Workers first: only their reports say which of the others are processes of containers. (A worker's child
        // becomes PID 1's own at the same instant as the worker becomes a zombie, so that both are in this list.)
        let mut others = Vec::new();
        for (pid, status) in ended {
            match self.tasks.take(pid) {
                Some((worker, task)) => self.task_ended(task, worker.outcome()),
                None => others.push((pid, status)),
            }
        }
        for (pid, status) in others {
            if let Some(number) = self.table.by_pid(pid) {
                self.process_ended(number, status);
            }
        }
    }

    fn process_ended(&mut self, number: Number, wait_status: i32) {
        let starting =
            |agent: &Agent| agent.table.processes.get(&number).is_some_and(|p| matches!(p.state, State::Starting(_)));
        if starting(self) {
            self.report_ready(number);
        }
        self.drop_input(number);
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let status = exit_status(wait_status);
        let first = process.is_first();
        // The kernel does not tell which processes it has killed for memory, but only how many.
        let oom_killed = status == 128 + libc::SIGKILL as u32
            && !process.is_killed
            && cgroups::oom_kills(&process.container) > process.oom_kills_before;
        process.state = State::Stopped(Exit { status, at_ns: sys::realtime_ns(), oom_killed });
        process.patience = Some(Instant::now() + PATIENCE);
        let terminal = process.stdio.terminal;
        process.outputs().into_iter().for_each(|(_, output)| output.process_ended(terminal));
        let exited = ProcessExited {
            container_id: process.container.clone(),
            exec_id: process.exec.clone(),
            pid: process.pid as u32,
            exit_status: status,
            oom_killed,
        };
        if first {
            // What shares no pid namespace with the first process would live on. A cgroup that is gone has nobody in it.
            self.table.mark_killed(&exited.container_id);
            let _ = cgroups::signal_all(&paths::cgroup(&exited.container_id), libc::SIGKILL);
        }
        self.events.push(What::Exited(exited));
    }

    pub fn answer_events(&mut self) {
        for (after, ticket) in std::mem::take(&mut self.events.parked) {
            match self.events.after(after) {
                Some(response) => self.finish(ticket, Ok(prost::Message::encode_to_vec(&response))),
                None => self.events.parked.push((after, ticket)),
            }
        }
    }
}
