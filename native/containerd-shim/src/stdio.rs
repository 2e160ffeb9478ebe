// SPDX-License-Identifier: Apache-2.0
//! Containers' standard streams: fifos, files and loggers on this side, streams of the data port on the other.

mod joining;

use crate::flow::{Channel, Output, State};
use crate::joined::Process;
use crate::loggers::{Failure, Loggers};
use crate::poll::{PollSet, Token};
use hako_link::{Link, Reason};
use hako_protocols::shim::StreamFailed;
use hako_ttrpc::Status;

/// How far the output of a process is.
pub struct Drain {
    /// Nothing more will be written.
    pub ended: bool,
    /// Nothing was lost, as far as is known here.
    pub intact: bool,
    /// Changes with each byte written, or read by a logger.
    pub moved: u64,
    /// Bytes received from the guest and not written, or not read by a logger.
    pub undelivered: u64,
    /// Whether a logger has yet to read what was written, which nothing but asking tells.
    pub being_read: bool,
}

#[derive(Default)]
pub struct Stdio {
    processes: Vec<Process>,
    loggers: Loggers,
    last_key: u32,
    failures: Vec<StreamFailed>,
    /// Processes whose loggers were not ready, until it is told.
    refused: Vec<Failure>,
}

impl Stdio {
    fn channel(&mut self, token: u64) -> Channel {
        self.last_key += 1;
        Channel::new(self.last_key, token)
    }

    pub fn close_stdin(&mut self, container_id: &str, exec_id: &str) -> Result<(), Status> {
        match &mut self.find(container_id, exec_id)?.input {
            Some(input) => input.close().map_err(|error| {
                Status::internal(format!("Cannot close the standard input of {container_id} {exec_id}: {error}."))
            }),
            None => Ok(()),
        }
    }

    /// Ends all streams of a process and closes its files. One that was never joined has none.
    pub fn leave(&mut self, container_id: &str, exec_id: &str, link: &mut Link) {
        for process in self.processes.iter().filter(|process| process.is(container_id, exec_id)) {
            process.channels().filter_map(Channel::stream).for_each(|stream| link.reset(stream, Reason::Closed));
        }
        self.processes.retain(|process| !process.is(container_id, exec_id));
        self.loggers.leave((container_id, exec_id));
    }

    pub fn drain(&mut self, container_id: &str, exec_id: &str) -> Result<Drain, Status> {
        let process = self.find(container_id, exec_id)?;
        let outputs = &process.outputs;
        let over = outputs.iter().all(Output::is_over);
        let unread: u64 = outputs.iter().map(|output| output.sink.unread()).sum();
        Ok(Drain {
            ended: over && unread == 0,
            intact: outputs.iter().all(|output| output.channel.state != State::Failed && !output.lossy),
            moved: outputs.iter().map(|output| output.moved).sum::<u64>().wrapping_sub(unread),
            undelivered: outputs.iter().map(|output| output.queue.len() as u64).sum::<u64>() + unread,
            being_read: over && unread > 0,
        })
    }

    pub fn watch(&self, set: &mut PollSet, link: &Link) {
        self.loggers.watch(set);
        for process in &self.processes {
            if let Some(input) = process.input.as_ref().filter(|input| input.can_send(link)) {
                set.watch(&input.fifo, libc::POLLIN, Token::Stdio(input.channel.key));
            }
            for output in &process.outputs {
                if let Some(file) = output.sink.waits_for() {
                    set.watch_if(file, false, !output.queue.is_empty(), Token::Stdio(output.channel.key));
                }
            }
        }
    }

    /// Opens streams that wait for the link, and says on them whose they are.
    pub fn advance(&mut self, link: &mut Link) {
        if link.is_up() {
            self.processes.iter_mut().flat_map(Process::channels_mut).for_each(|channel| channel.advance(link));
        }
    }

    /// A fifo is ready.
    pub fn serve(&mut self, key: u32, link: &mut Link) {
        for process in &mut self.processes {
            if let Some(input) = process.input.as_mut().filter(|input| input.channel.key == key) {
                input.read(link);
            }
            process.with_output(
                |output| output.channel.key == key,
                &mut self.failures,
                |output, logs| output.write(link, logs),
            );
        }
    }

    /// Output of a process.
    pub fn data(&mut self, stream: u32, bytes: &[u8], link: &mut Link) {
        for process in &mut self.processes {
            process.with_output(
                |output| output.channel.stream() == Some(stream),
                &mut self.failures,
                |output, logs| {
                    output.queue.push(bytes);
                    output.write(link, logs)
                },
            );
        }
    }

    pub fn finished(&mut self, stream: u32, link: &mut Link) {
        for process in &mut self.processes {
            process.with_output(
                |output| output.channel.stream() == Some(stream),
                &mut self.failures,
                |output, logs| {
                    output.guest_ended = true;
                    output.write(link, logs)
                },
            );
        }
    }

    pub fn reset(&mut self, stream: u32, reason: Reason) {
        for process in &mut self.processes {
            process.end_input(
                |input| input.channel.stream() == Some(stream),
                |process| {
                    // A process may close its standard input when it likes.
                    if reason != Reason::Closed {
                        self.failures.push(process.failure(format!("The guest refused stdin ({reason:?}).")));
                    }
                },
            );
            process.with_output(
                |output| output.channel.stream() == Some(stream),
                &mut self.failures,
                |output, _| {
                    output.fail();
                    Err(format!("The guest refused or dropped {} ({reason:?}).", output.name))
                },
            );
        }
    }

    /// The session of the link has ended. A standard input that is still open then has no reader any more, which is no news.
    pub fn lost(&mut self) {
        for process in &mut self.processes {
            process.end_input(|input| input.channel.stream().is_some(), |_| {});
            process.with_output(
                |output| output.channel.stream().is_some(),
                &mut self.failures,
                |output, _| {
                    output.fail();
                    Err("The link to the guest ended before the output did.".into())
                },
            );
        }
    }

    pub fn take_failures(&mut self) -> Vec<StreamFailed> {
        std::mem::take(&mut self.failures)
    }

    fn find(&mut self, container_id: &str, exec_id: &str) -> Result<&mut Process, Status> {
        let found = self.processes.iter_mut().find(|process| process.is(container_id, exec_id));
        found.ok_or_else(|| {
            Status::not_found(format!("The streams of container {container_id:?} process {exec_id:?} were not joined."))
        })
    }
}
