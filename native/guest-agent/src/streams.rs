// SPDX-License-Identifier: Apache-2.0
//! The data port: streams to guest port 1025 that carry the processes' standard streams (those to the loopback: [`crate::loopback`]). A stream's first 8 bytes are
//! the big-endian token that CreateContainer or Exec gave to the process's stream.

use std::collections::BTreeMap;
use std::time::Instant;

use hako_link::{Event, MAX_PAYLOAD, Reason};

use crate::agent::Agent;
use crate::poll::{Source, Which};
use crate::process::{Number, Process};
use crate::stdio::{Read, Taken};

const STREAM_PORT: u32 = 1025;
const TOKEN_BYTES: usize = 8;
/// How much is read at a time: on the stack, so that idle memory stays small.
const CHUNK: usize = 16 * 1024;
const _: () = assert!(CHUNK <= MAX_PAYLOAD);

/// What a stream of the data port is.
pub enum DataStream {
    /// Its token has not come completely.
    Unnamed(Vec<u8>),
    Of(Number, Which),
}

#[derive(Default)]
pub struct DataStreams {
    open: BTreeMap<u32, DataStream>,
}

impl Agent {
    pub fn data_ready(&mut self) {
        let mut buffer = [0; CHUNK];
        while let Some(mut input) = self.data.read(&mut buffer) {
            while let Some(event) = self.data.link.next_event(&mut input) {
                self.on_data(event);
            }
        }
    }

    fn on_data(&mut self, event: Event<'_>) {
        match event {
            Event::Up | Event::Down(_) => self.detach_all(),
            Event::Opened { stream, port: STREAM_PORT } => {
                self.streams.open.insert(stream, DataStream::Unnamed(Vec::new()));
            }
            Event::Opened { stream, port } => {
                if !self.open_loopback(stream, port) {
                    self.data.link.reset(stream, Reason::NoSuchPort);
                }
            }
            Event::Data { stream, bytes } if self.is_loopback(stream) => self.loopback_bytes(stream, bytes),
            Event::Finished { stream } if self.is_loopback(stream) => self.loopback_finished(stream),
            Event::Reset { stream, .. } if self.is_loopback(stream) => self.drop_loopback(stream),
            Event::Data { stream, bytes } => self.on_bytes(stream, bytes),
            Event::Finished { stream } => self.on_finished(stream),
            Event::Reset { stream, .. } => self.detach(stream),
        }
    }

    fn on_bytes(&mut self, stream: u32, mut bytes: &[u8]) {
        if let Some(DataStream::Unnamed(token)) = self.streams.open.get_mut(&stream) {
            let (head, rest) = bytes.split_at(bytes.len().min(TOKEN_BYTES - token.len()));
            token.extend_from_slice(head);
            bytes = rest;
            self.data.link.consumed(stream, head.len());
            let Some(&token) = token.first_chunk::<TOKEN_BYTES>() else { return };
            self.attach(stream, u64::from_be_bytes(token));
        }
        match self.streams.open.get(&stream) {
            Some(&DataStream::Of(number, Which::Stdin)) if !bytes.is_empty() => self.on_input(number, stream, bytes),
            // Nobody sends bytes to an output; they are taken off the stream's account and dropped.
            _ => self.data.link.consumed(stream, bytes.len()),
        }
    }

    fn attach(&mut self, stream: u32, token: u64) {
        let Some((number, which)) = self.table.by_token(token) else {
            self.streams.open.remove(&stream);
            self.data.link.reset(stream, Reason::NoSuchToken);
            return;
        };
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let slot = match which {
            Which::Stdin => &mut process.input.stream,
            Which::Stdout => &mut process.stdout.stream,
            Which::Stderr => &mut process.stderr.stream,
        };
        // The newer stream wins: the older one is of a host that has lost it.
        if let Some(older) = slot.replace(stream) {
            self.streams.open.remove(&older);
            self.data.link.reset(older, Reason::Closed);
        }
        self.streams.open.insert(stream, DataStream::Of(number, which));
        if which == Which::Stdin && process.exit().is_some() {
            self.drop_input(number);
        }
    }

    fn on_input(&mut self, number: Number, stream: u32, bytes: &[u8]) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        if process.exit().is_some() {
            return self.data.link.consumed(stream, bytes.len());
        }
        process.input.receive(bytes);
        self.flush_input(number);
    }

    /// Gives the process what it takes, and the stream credit for that.
    pub fn flush_input(&mut self, number: Number) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        match process.input.flush() {
            Taken::Bytes(count) => {
                if let Some(stream) = process.input.stream {
                    self.data.link.consumed(stream, count);
                }
            }
            Taken::Refused => self.drop_input(number),
        }
    }

    /// Nobody reads the input any more: the host should not send on.
    pub fn drop_input(&mut self, number: Number) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        if let Some(fd) = &process.input.fd {
            self.poll.forget(fd);
        }
        process.input.armed = false;
        process.input.abandon();
        if let Some(stream) = process.input.stream.take() {
            self.streams.open.remove(&stream);
            self.data.link.reset(stream, Reason::Closed);
        }
    }

    fn on_finished(&mut self, stream: u32) {
        match self.streams.open.get(&stream) {
            Some(&DataStream::Of(number, Which::Stdin)) => {
                if let Some(process) = self.table.processes.get_mut(&number) {
                    process.input.end();
                }
            }
            Some(DataStream::Unnamed(_)) => {
                self.streams.open.remove(&stream);
                self.data.link.reset(stream, Reason::NoSuchToken);
            }
            // The host has nothing to say on an output; the output goes on.
            _ => {}
        }
    }

    fn detach(&mut self, stream: u32) {
        if let Some(DataStream::Of(number, which)) = self.streams.open.remove(&stream)
            && let Some(process) = self.table.processes.get_mut(&number)
        {
            let slot = match which {
                Which::Stdin => &mut process.input.stream,
                Which::Stdout => &mut process.stdout.stream,
                Which::Stderr => &mut process.stderr.stream,
            };
            *slot = slot.filter(|&attached| attached != stream);
        }
    }

    fn detach_all(&mut self) {
        self.drop_all_loopback();
        self.streams.open.clear();
        for process in self.table.processes.values_mut() {
            process.input.stream = None;
            process.stdout.stream = None;
            process.stderr.stream = None;
        }
    }

    /// Ends what a deleted process's streams still have open.
    pub fn forget_streams(&mut self, number: Number) {
        let link = &mut self.data.link;
        self.streams.open.retain(|&stream, state| {
            let gone = matches!(state, DataStream::Of(of, _) if *of == number);
            if gone {
                link.reset(stream, Reason::Closed);
            }
            !gone
        });
    }

    /// One turn of an output: what its stream may carry, at most one chunk.
    pub fn output_ready(&mut self, number: Number, which: Which) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let output = if which == Which::Stderr { &mut process.stderr } else { &mut process.stdout };
        let Some(stream) = output.stream else { return };
        let mut buffer = [0; CHUNK];
        let room = self.data.link.writable(stream).min(CHUNK);
        let read = if room == 0 { Read::Nothing } else { output.read(&mut buffer[..room]) };
        match read {
            Read::Bytes(count) => {
                self.data.link.write(stream, &buffer[..count]);
            }
            Read::End => self.end_output(number, which),
            Read::Nothing => {}
        }
    }

    fn end_output(&mut self, number: Number, which: Which) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let output = if which == Which::Stderr { &mut process.stderr } else { &mut process.stdout };
        if let Some(fd) = &output.fd {
            self.poll.forget(fd);
        }
        output.armed = false;
        output.end();
    }

    /// Brings what is watched in line with what can go on: an output is watched only while its stream has room (a
    /// hung-up pipe would be reported for ever), an input only while bytes wait for it.
    pub fn settle_streams(&mut self, number: Number, now: Instant) {
        self.settle_input(number);
        for which in [Which::Stdout, Which::Stderr] {
            let Some(process) = self.table.processes.get_mut(&number) else { return };
            let output = if which == Which::Stderr { &mut process.stderr } else { &mut process.stdout };
            if output.stream.is_some() && output.is_exhausted(now) {
                self.end_output(number, which);
            }
            self.settle_output(number, which);
        }
    }

    fn settle_output(&mut self, number: Number, which: Which) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let output = if which == Which::Stderr { &mut process.stderr } else { &mut process.stdout };
        if output.has_ended()
            && let Some(stream) = output.stream.take()
        {
            self.data.link.finish(stream);
            self.streams.open.remove(&stream);
        }
        let wanted = output.stream.is_some_and(|stream| self.data.link.writable(stream) > 0);
        let Some(fd) = &output.fd else { return };
        if !wanted && output.armed {
            self.poll.forget(fd);
            output.armed = false;
        } else if wanted && !output.armed && self.poll.watch_input(fd, Source::Stream(number, which)).is_ok() {
            output.arm();
        }
    }

    fn settle_input(&mut self, number: Number) {
        let Some(process) = self.table.processes.get_mut(&number) else { return };
        let Process { input, stdio, .. } = process;
        if input.is_due() {
            if !stdio.terminal
                && let Some(fd) = &input.fd
            {
                self.poll.forget(fd);
                input.armed = false;
            }
            input.close(stdio.terminal);
            if let Some(stream) = input.stream.filter(|_| input.fd.is_none()) {
                input.stream = None;
                self.streams.open.remove(&stream);
                self.data.link.reset(stream, Reason::Closed);
            }
            return self.flush_input(number);
        }
        let wanted = input.wants_room();
        let Some(fd) = &input.fd else { return };
        if wanted && !input.armed {
            input.armed = self.poll.watch_output(fd, Source::Stream(number, Which::Stdin)).is_ok();
        } else if !wanted && input.armed {
            self.poll.forget(fd);
            input.armed = false;
        }
    }
}
