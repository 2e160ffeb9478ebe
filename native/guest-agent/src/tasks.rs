// SPDX-License-Identifier: Apache-2.0
//! Worker processes under way, what each is for, and what its end means.

use std::fs;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use hako_protocols::agent::{Empty, ProcessResponse};
use hako_ttrpc::{Code, Status};
use prost::Message;

use crate::agent::{Agent, ByPid};
use crate::process::{Number, State};
use crate::requests::{Answer, Ticket};
use crate::worker::{Report, Worker};
use crate::{cgroups, jobs, paths, pod, sys};

/// How long a worker may take if the caller does not say.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(60);
/// The longest that a caller may ask for.
const LONGEST: Duration = Duration::from_secs(600);

/// What a worker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Answered with an empty message.
    Plain(Ticket),
    Create(Ticket, Number),
    Start(Ticket, Number),
    Exec(Ticket, Number),
    Delete(Ticket, Number),
    Pause(Ticket, Number, bool),
    PausePod(Ticket, bool),
    PreparePod(Ticket),
    /// The creation was cut off; nobody waits, but until it is through the id is taken.
    CleanUp(Number),
    Sync,
}

#[derive(Default)]
pub struct Tasks {
    under_way: ByPid<(Worker, Task)>,
}

impl Tasks {
    pub fn deadline(&self) -> Option<Instant> {
        self.under_way.values().map(|(worker, _)| worker.deadline).min()
    }

    pub fn take(&mut self, pid: i32) -> Option<(Worker, Task)> {
        self.under_way.remove(&pid)
    }

    fn overdue(&self, now: Instant) -> Vec<i32> {
        self.under_way.iter().filter(|(_, (worker, _))| worker.deadline <= now).map(|(&pid, _)| pid).collect()
    }
}

/// What a caller's timeout means for a worker.
pub fn limit(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(DEFAULT_LIMIT).min(LONGEST)
}

impl Agent {
    /// Starts a worker; if that fails the task ends at once.
    pub fn spawn(
        &mut self,
        task: Task,
        keep: &[RawFd],
        limit: Duration,
        body: impl FnOnce() -> Result<Report, Status>,
    ) {
        match Worker::spawn(keep, limit, body) {
            Ok(worker) => {
                self.tasks.under_way.insert(worker.pid, (worker, task));
            }
            Err(error) => {
                let message = format!("The guest agent cannot fork a worker process: {error}.");
                self.task_ended(task, Err(Status::new(Code::ResourceExhausted, message)));
            }
        }
    }

    pub fn end_overdue_tasks(&mut self, now: Instant) {
        for pid in self.tasks.overdue(now) {
            if let Some((_, task)) = self.tasks.take(pid) {
                end(pid);
                let message = "The guest did not finish this within the call's time limit; a file system may hang.";
                self.task_ended(task, Err(Status::new(Code::DeadlineExceeded, message)));
            }
        }
    }

    pub fn task_ended(&mut self, task: Task, outcome: Result<Report, Status>) {
        match task {
            Task::Plain(ticket) => self.finish(ticket, empty(outcome)),
            Task::Create(ticket, number) => self.created(ticket, number, outcome),
            Task::Start(ticket, number) => self.start_passed_on(ticket, number, outcome),
            Task::Exec(ticket, number) => self.executed(ticket, number, outcome),
            Task::Delete(ticket, number) => self.deleted(ticket, number, outcome),
            Task::Pause(ticket, number, paused) => self.paused(ticket, number, paused, outcome),
            Task::PausePod(ticket, paused) => self.pod_paused(ticket, paused, outcome),
            Task::PreparePod(ticket) => self.finish(ticket, outcome.map(|_| pod::namespaces().encode_to_vec())),
            Task::CleanUp(number) => drop(self.forget(number)),
            Task::Sync => self.synced(),
        }
    }

    fn created(&mut self, ticket: Ticket, number: Number, outcome: Result<Report, Status>) {
        let answer = match self.begun(number, outcome) {
            Ok(pid) => {
                self.watch_memory(number);
                Ok(ProcessResponse { pid }.encode_to_vec())
            }
            Err(status) => {
                self.clean_up(number);
                Err(status)
            }
        };
        self.finish(ticket, answer);
    }

    fn executed(&mut self, ticket: Ticket, number: Number, outcome: Result<Report, Status>) {
        let answer = self.begun(number, outcome).map(|pid| ProcessResponse { pid }.encode_to_vec());
        match &answer {
            Ok(_) => {
                if let Some(process) = self.table.processes.get_mut(&number) {
                    process.state = State::Running;
                    process.report = None;
                }
            }
            Err(_) => drop(self.forget(number)),
        }
        self.finish(ticket, answer);
    }

    /// Takes over a new process. What the executor has reported is nearer to the cause than what libcontainer says.
    fn begun(&mut self, number: Number, outcome: Result<Report, Status>) -> Result<u32, Status> {
        let lost = || Status::internal("The container was removed while it was being made.");
        let process = self.table.processes.get_mut(&number).ok_or_else(lost)?;
        if let Some(status) = process.take_report() {
            return Err(status);
        }
        let report = outcome?;
        process.pid = report.pid;
        process.state = State::Created;
        if let Some(master) = report.descriptor {
            process.adopt_terminal(master).map_err(|error| {
                Status::internal(format!("The terminal of {} cannot be used: {error}.", process.name()))
            })?;
        }
        Ok(report.pid as u32)
    }

    fn deleted(&mut self, ticket: Ticket, number: Number, outcome: Result<Report, Status>) {
        let answer = outcome.map(|_| {
            let exit = self.table.processes.get(&number).and_then(|process| process.exit());
            exit.map(|exit| exit.response()).unwrap_or_default().encode_to_vec()
        });
        if answer.is_ok() {
            self.forget(number);
        }
        self.finish(ticket, answer);
    }

    fn paused(&mut self, ticket: Ticket, number: Number, paused: bool, outcome: Result<Report, Status>) {
        if let Some(process) = self.table.processes.get(&number)
            && let Some(container) = self.table.containers.get_mut(&process.container)
        {
            match &outcome {
                Ok(_) => container.paused = paused,
                Err(_) => cgroups::thaw(&paths::cgroup(&process.container)),
            }
        }
        self.finish(ticket, empty(outcome));
    }

    fn pod_paused(&mut self, ticket: Ticket, paused: bool, outcome: Result<Report, Status>) {
        match &outcome {
            Ok(_) => self.pod_paused = paused,
            Err(_) => cgroups::thaw(&paths::pod_cgroup()),
        }
        self.finish(ticket, empty(outcome));
    }

    /// Removes what a failed creation left. (A worker that fails has done so itself, one that was killed has not.)
    fn clean_up(&mut self, number: Number) {
        let Some(process) = self.table.processes.get(&number) else { return };
        let container = process.container.clone();
        if !paths::bundle(&container).exists() {
            return drop(self.forget(number));
        }
        self.spawn(Task::CleanUp(number), &[], DEFAULT_LIMIT, || jobs::scrub(&container));
    }

    /// Ends a request: everybody who asked gets the answer.
    pub fn finish(&mut self, ticket: Ticket, answer: Answer) {
        for caller in self.requests.finish(ticket, &answer) {
            self.answer(caller, answer.clone());
        }
    }
}

/// Kills a worker with all its group, and the process that it was making for a container, which leads a session of its
/// own by then. They are reaped like any orphans, whenever the kernel lets go of them.
fn end(worker: i32) {
    // Stopped, it makes no more of them.
    let _ = sys::kill(-worker, libc::SIGSTOP);
    let children = fs::read_to_string(format!("/proc/{worker}/task/{worker}/children")).unwrap_or_default();
    for pid in children.split_whitespace().filter_map(|pid| pid.parse().ok()).chain([-worker]) {
        let _ = sys::kill(pid, libc::SIGKILL);
    }
}

fn empty(outcome: Result<Report, Status>) -> Answer {
    outcome.map(|_| Empty {}.encode_to_vec())
}
