// SPDX-License-Identifier: Apache-2.0
//! Containers' standard streams: fifos and logs on this side, streams of the data port on the other.

use crate::flow::{Channel, Input, Output, Sink, State};
use crate::joined::Process;
use crate::poll::{PollSet, Token};
use hako_link::{Link, Reason};
use hako_protocols::shim::{JoinStdioRequest, StreamFailed};
use hako_ttrpc::Status;

/// How far the output of a process is.
pub struct Drain {
    /// Nothing more will be written.
    pub ended: bool,
    /// Nothing was lost, as far as is known here.
    pub intact: bool,
    /// Changes with each byte written.
    pub moved: u64,
    /// Bytes received from the guest and not written.
    pub undelivered: u64,
}

#[derive(Default)]
pub struct Stdio {
    processes: Vec<Process>,
    last_key: u32,
    failures: Vec<StreamFailed>,
}

impl Stdio {
    /// Opens the files of a process's streams; the guest's ends are opened as soon as the link allows.
    pub fn join(&mut self, request: JoinStdioRequest) -> Result<(), Status> {
        if self.find(&request.container_id, &request.exec_id).is_ok() {
            return Ok(());
        }
        let JoinStdioRequest { container_id, exec_id, stdin, stdout, stderr, .. } = request;
        let mut process = Process::new(container_id, exec_id);
        if let Some(input) = stdin {
            process.input = Some(Input::open(&input.path, self.channel(input.token)).map_err(Status::precondition)?);
        }
        for (name, wanted) in [("stdout", stdout), ("stderr", stderr)] {
            if let Some(wanted) = wanted {
                let sink = process.sink(&wanted).map_err(Status::precondition)?;
                process.outputs.push(Output::new(name, sink, self.channel(wanted.token)));
            }
        }
        self.processes.push(process);
        Ok(())
    }

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
    }

    pub fn drain(&mut self, container_id: &str, exec_id: &str) -> Result<Drain, Status> {
        let process = self.find(container_id, exec_id)?;
        let outputs = &process.outputs;
        Ok(Drain {
            ended: outputs.iter().all(|output| output.is_over()),
            intact: outputs.iter().all(|output| output.channel.state != State::Failed && !output.lossy),
            moved: outputs.iter().map(|output| output.moved).sum(),
            undelivered: outputs.iter().map(|output| output.queue.len() as u64).sum(),
        })
    }

    pub fn watch(&self, set: &mut PollSet, link: &Link) {
        for process in &self.processes {
            if let Some(input) = process.input.as_ref().filter(|input| input.can_send(link)) {
                set.watch(&input.fifo, libc::POLLIN, Token::Stdio(input.channel.key));
            }
            for output in &process.outputs {
                if let Sink::Fifo(fifo) = &output.sink {
                    set.watch_if(fifo, false, !output.queue.is_empty(), Token::Stdio(output.channel.key));
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
