// SPDX-License-Identifier: Apache-2.0
//! The verbs of containers and processes.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use hako_protocols::agent::{
    CreateContainerRequest, DeleteRequest, Empty, ExecRequest, ResizeTerminalRequest, SignalRequest,
    StartContainerRequest, Stdio, UpdateRequest,
};
use hako_ttrpc::{Code, Status};
use prost::Message;

use crate::agent::Agent;
use crate::jobs::{self, Ends};
use crate::paths::{self, check_name};
use crate::poll::Source;
use crate::process::{Number, Process, State};
use crate::requests::Ticket;
use crate::tasks::Task;
use crate::worker::Report;
use crate::{cgroups, debug, limits, sys};

/// A verb's answer, or `None` if it comes later under the ticket.
pub type Handled = Result<Option<Vec<u8>>, Status>;

fn done() -> Handled {
    Ok(Some(Empty {}.encode_to_vec()))
}

impl Agent {
    pub fn create(&mut self, request: CreateContainerRequest, ticket: Ticket, limit: Duration) -> Handled {
        check_name("container id", &request.container_id)?;
        if self.table.containers.contains_key(&request.container_id) {
            let message = format!("There is already a container {} in this guest.", request.container_id);
            return Err(Status::new(Code::AlreadyExists, message));
        }
        self.check_thawed(&request.container_id)?;
        let (process, ends) = self.process_for(&request.container_id, "", request.stdio.unwrap_or_default())?;
        let number = self.table.add(process);
        let keep = ends.kept();
        let body = || jobs::create(&request.container_id, &request.spec, &request.rootfs, ends);
        self.spawn(Task::Create(ticket, number), &keep, limit, body);
        Ok(None)
    }

    pub fn exec(&mut self, request: ExecRequest, ticket: Ticket, limit: Duration) -> Handled {
        check_name("process id", &request.exec_id)?;
        let (container, exec) = (&request.container_id, &request.exec_id);
        self.check_thawed(container)?;
        let paused = self.table.container(container)?.paused;
        let (_, first) = self.table.process(container, "")?;
        if paused || first.state != State::Running {
            let state = if paused { "is paused" } else { "is not running" };
            return Err(Status::precondition(format!(
                "Container {container} {state}: no process can be started in it."
            )));
        }
        if self.table.find(container, exec).is_ok() {
            let message = format!("There is already a process {exec} in container {container}.");
            return Err(Status::new(Code::AlreadyExists, message));
        }
        let (process, ends) = self.process_for(container, exec, request.stdio.unwrap_or_default())?;
        let number = self.table.add(process);
        let keep = ends.kept();
        self.spawn(Task::Exec(ticket, number), &keep, limit, || jobs::exec(container, &request.process, ends));
        Ok(None)
    }

    /// A frozen cgroup would hold up whoever enters it.
    fn check_thawed(&self, container: &str) -> Result<(), Status> {
        if !self.pod_paused {
            return Ok(());
        }
        let message = format!("The pod of container {container} is paused: no process can be started in it.");
        Err(Status::precondition(message))
    }

    pub fn process_for(&self, container: &str, exec: &str, stdio: Stdio) -> Result<(Process, Ends), Status> {
        let tokens = [stdio.stdin, stdio.stdout, stdio.stderr];
        if let Some(taken) = tokens.into_iter().find(|&token| self.table.by_token(token).is_some()) {
            return Err(Status::invalid(format!("The stream token {taken:#x} belongs to another process already.")));
        }
        let name = if exec.is_empty() { container } else { exec };
        Process::with_streams(container, exec, stdio)
            .map_err(|error| Status::new(Code::ResourceExhausted, format!("No pipes can be made for {name}: {error}.")))
    }

    pub fn start(&mut self, request: &StartContainerRequest, ticket: Ticket, limit: Duration) -> Handled {
        self.check_thawed(&request.container_id)?;
        let (number, process) = self.table.process(&request.container_id, "")?;
        if process.state != State::Created {
            return Err(Status::precondition(format!("{} is not waiting to be started.", capital(&process.name()))));
        }
        process.state = State::Starting(ticket);
        self.spawn(Task::Start(ticket, number), &[], limit, || jobs::start(&request.container_id));
        Ok(None)
    }

    /// The worker has let the process go on; the report pipe tells what comes of that.
    pub fn start_passed_on(&mut self, ticket: Ticket, number: Number, outcome: Result<Report, Status>) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        if process.state != State::Starting(ticket) {
            return;
        }
        let watched = outcome.and_then(|_| match &process.report {
            Some(report) => self
                .poll
                .watch_input(report, Source::Report(number))
                .map_err(|error| Status::internal(format!("The start cannot be observed: {error}."))),
            None => Ok(()),
        });
        if let Err(status) = watched {
            process.state = State::Created;
            self.finish(ticket, Err(status));
        }
    }

    /// The program runs (the pipe was closed by its execve), or it cannot.
    pub fn report_ready(&mut self, number: Number) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let failure = process.take_report();
        if let Some(report) = process.report.take() {
            self.poll.forget(&report);
        }
        let State::Starting(ticket) = process.state else { return };
        // After a failure the process ends by itself and is reaped as stopped.
        process.state = State::Running;
        let answer = failure.map_or_else(|| Ok(Empty {}.encode_to_vec()), Err);
        self.finish(ticket, answer);
    }

    pub fn signal(&mut self, request: &SignalRequest) -> Handled {
        let signal = i32::try_from(request.signal).ok().filter(|signal| (1..=64).contains(signal));
        let signal =
            signal.ok_or_else(|| Status::invalid(format!("{} is no Linux signal: 1 to 64 are.", request.signal)))?;
        let (_, process) = self.table.process(&request.container_id, &request.exec_id)?;
        let name = process.name();
        let gone = || Status::not_found(format!("{} has ended already.", capital(&name)));
        process.is_killed |= signal == libc::SIGKILL;
        if request.all && request.exec_id.is_empty() {
            if signal == libc::SIGKILL {
                self.table.mark_killed(&request.container_id);
            }
            let failed = |error| Status::internal(format!("Signal {signal} cannot be sent to all of {name}: {error}."));
            return cgroups::signal_all(&paths::cgroup(&request.container_id), signal)
                .map_err(failed)
                .and_then(|()| done());
        }
        if process.exit().is_some() || process.pid == 0 {
            return Err(gone());
        }
        match sys::kill(process.pid, signal) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Err(gone()),
            Err(error) => Err(Status::internal(format!("Signal {signal} cannot be sent to {name}: {error}."))),
            Ok(()) => done(),
        }
    }

    pub fn wait(&mut self, container: &str, exec: &str, ticket: Ticket) -> Handled {
        let (_, process) = self.table.process(container, exec)?;
        process.waiters.push(ticket);
        Ok(None)
    }

    pub fn answer_waiters(&mut self, number: Number, now: Instant) {
        let Some(process) = self.table.processes.get_mut(&number).filter(|process| !process.waiters.is_empty()) else {
            return;
        };
        let Some(exit) = process.exit().filter(|_| process.is_drained() || process.waiting_until() <= Some(now)) else {
            return;
        };
        // Waits of later callers are not held back again.
        process.patience = None;
        for ticket in std::mem::take(&mut process.waiters) {
            self.finish(ticket, Ok(exit.response().encode_to_vec()));
        }
    }

    pub fn resize(&mut self, request: &ResizeTerminalRequest) -> Handled {
        let (_, process) = self.table.process(&request.container_id, &request.exec_id)?;
        let name = process.name();
        let Some(master) = process.input.fd.as_ref().or(process.stdout.fd.as_ref()).filter(|_| process.stdio.terminal)
        else {
            return Err(Status::precondition(format!("{} has no terminal now.", capital(&name))));
        };
        sys::set_window(master.as_raw_fd(), request.rows, request.columns)
            .map_err(|error| Status::internal(format!("The terminal of {name} cannot be resized: {error}.")))
            .and_then(|()| done())
    }

    pub fn delete(&mut self, request: &DeleteRequest, ticket: Ticket, limit: Duration) -> Handled {
        let (number, process) = self.table.process(&request.container_id, &request.exec_id)?;
        let exit = process.exit();
        if exit.is_none() && (process.state != State::Created || !process.is_first()) {
            return Err(Status::precondition(format!(
                "{} has not ended; send it SIGKILL first.",
                capital(&process.name())
            )));
        }
        if process.is_first() {
            self.spawn(Task::Delete(ticket, number), &[], limit, || jobs::delete(&request.container_id));
            return Ok(None);
        }
        if request.container_id == debug::GUEST {
            self.spawn(Task::Delete(ticket, number), &[], limit, || debug::scrub(&request.exec_id));
            return Ok(None);
        }
        self.forget(number);
        Ok(Some(exit.map(|exit| exit.response()).unwrap_or_default().encode_to_vec()))
    }

    pub fn pause(&mut self, container: &str, paused: bool, ticket: Ticket, limit: Duration) -> Handled {
        if container.is_empty() {
            self.spawn(Task::PausePod(ticket, paused), &[], limit, || jobs::freeze(&paths::pod_cgroup(), paused));
            return Ok(None);
        }
        let (number, process) = self.table.process(container, "")?;
        if process.state != State::Running {
            return Err(Status::precondition(format!("Container {container} is not running.")));
        }
        let cgroup = paths::cgroup(container);
        self.spawn(Task::Pause(ticket, number, paused), &[], limit, || jobs::freeze(&cgroup, paused));
        Ok(None)
    }

    pub fn update(&mut self, request: &UpdateRequest, ticket: Ticket, limit: Duration) -> Handled {
        let container = &request.container_id;
        let (_, process) = self.table.process(container, "")?;
        if process.exit().is_some() || process.state == State::Creating {
            return Err(Status::precondition(format!("Container {container} is not running.")));
        }
        self.spawn(Task::Plain(ticket), &[], limit, || limits::update(container, &request.resources));
        Ok(None)
    }

    /// Removes a process from every table; with a first process also the others of its container.
    pub fn forget(&mut self, number: Number) -> Option<Process> {
        let container = &self.table.processes.get(&number)?.container;
        if self.table.processes.get(&number).is_some_and(Process::is_first) {
            let others: Vec<Number> =
                self.table.containers.get(container).map_or(Vec::new(), |c| c.execs.values().copied().collect());
            self.unwatch_memory(number);
            others.into_iter().for_each(|other| drop(self.forget(other)));
        }
        self.drop_input(number);
        self.forget_streams(number);
        let mut process = self.table.remove(number)?;
        for output in process.outputs() {
            output.1.fd.iter().for_each(|fd| self.poll.forget(fd));
        }
        process.report.iter().for_each(|fd| self.poll.forget(fd));
        let exit = process.exit().map(|exit| exit.response());
        for ticket in std::mem::take(&mut process.waiters) {
            let gone = || Status::not_found(format!("{} was deleted.", capital(&process.name())));
            self.finish(ticket, exit.map(|exit| exit.encode_to_vec()).ok_or_else(gone));
        }
        Some(process)
    }
}

fn capital(name: &str) -> String {
    name.replacen(|first: char| first.is_ascii_lowercase(), &name[..1].to_uppercase(), 1)
}
