// SPDX-License-Identifier: Apache-2.0
//! Joining a process's streams: opening what they go to, and waiting for loggers.

use super::Stdio;
use crate::flow::{Input, Output};
use crate::joined::Process;
use crate::loggers::{Failure, Fresh};
use crate::record::Record;
use crate::sink::Sink;
use hako_link::Link;
use hako_protocols::shim::{self, JoinStdioRequest, StreamFailed, output::To};
use hako_ttrpc::{Code, Status};
use std::time::Instant;

impl Stdio {
    /// Opens the files of a process's streams, and starts its loggers, which are not ready then; the guest's ends are opened as
    /// soon as the link allows.
    pub fn join(&mut self, request: JoinStdioRequest, record: &Record) -> Result<(), Status> {
        if self.find(&request.container_id, &request.exec_id).is_ok() {
            return Ok(());
        }
        let mut process = Process::new(request.container_id.clone(), request.exec_id.clone());
        match self.open(&mut process, &request, record) {
            Ok(()) => {
                self.processes.push(process);
                Ok(())
            }
            Err(sentence) => {
                self.loggers.kill((&request.container_id, &request.exec_id));
                Err(Status::precondition(sentence))
            }
        }
    }

    fn open(&mut self, process: &mut Process, request: &JoinStdioRequest, record: &Record) -> Result<(), String> {
        if let Some(input) = &request.stdin {
            process.input = Some(Input::open(&input.path, self.channel(input.token))?);
        }
        let mut fresh = Fresh::default();
        for (number, (name, wanted)) in
            [("stdout", &request.stdout), ("stderr", &request.stderr)].into_iter().enumerate()
        {
            if let Some(wanted) = wanted {
                let sink = match &wanted.to {
                    Some(To::Fifo(path)) => Sink::fifo(path)?,
                    Some(To::File(path)) => Sink::file(path)?,
                    Some(To::Log(log)) => process.log(log)?,
                    Some(To::Logger(logger)) => self.logger(&mut fresh, number, (process, logger), record)?,
                    None => return Err("An output stream does not say where it goes.".into()),
                };
                process.outputs.push(Output::new(name, sink, self.channel(wanted.token)));
            }
        }
        Ok(())
    }

    fn logger(
        &mut self,
        fresh: &mut Fresh,
        output: usize,
        (process, wanted): (&Process, &shim::Logger),
        record: &Record,
    ) -> Result<Sink, String> {
        self.last_key += 1;
        self.loggers.pipe(fresh, (self.last_key, output), (&process.container_id, &process.exec_id), wanted, record)
    }

    /// Whether a process's loggers are ready; why it has been left again, where one is not and will not be.
    pub fn is_joined(&mut self, container_id: &str, exec_id: &str) -> Result<bool, Status> {
        let refused =
            self.refused.iter().find(|failure| failure.container_id == container_id && failure.exec_id == exec_id);
        match refused {
            Some(failure) => Err(Status::new(Code::FailedPrecondition, failure.sentence.clone())),
            None => {
                self.find(container_id, exec_id)?;
                Ok(self.loggers.are_ready((container_id, exec_id)))
            }
        }
    }

    /// Those who asked have been told.
    pub fn forget_refused(&mut self) {
        self.refused.clear();
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.loggers.deadline()
    }

    pub fn tick(&mut self, now: Instant, link: &mut Link) {
        let late = self.loggers.tick(now);
        self.refuse(late, link);
    }

    fn refuse(&mut self, failures: Vec<Failure>, link: &mut Link) {
        for failure in failures {
            self.loggers.kill((&failure.container_id, &failure.exec_id));
            self.leave(&failure.container_id, &failure.exec_id, link);
            self.refused.push(failure);
        }
    }

    /// A logger says something.
    pub fn read_logger(&mut self, key: u32) {
        self.loggers.read(key);
    }

    /// Takes the statuses of loggers that have ended.
    pub fn reap(&mut self, link: &mut Link) {
        let (unready, ready) = self.loggers.reap();
        self.refuse(unready, link);
        for failure in ready {
            let mut needed = false;
            for process in &mut self.processes {
                process.with_output(
                    |_| true,
                    &mut self.failures,
                    |output, logs| {
                        needed |= output.lose_logger(failure.key);
                        output.write(link, logs)
                    },
                );
            }
            if needed {
                self.failures.push(StreamFailed {
                    container_id: failure.container_id,
                    exec_id: failure.exec_id,
                    sentence: format!(
                        "{} What it has not read is lost, and further output is dropped.",
                        failure.sentence
                    ),
                });
            }
        }
    }
}
