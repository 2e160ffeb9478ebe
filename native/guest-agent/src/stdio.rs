// SPDX-License-Identifier: Apache-2.0
//! The agent's ends of a process's streams. Bytes are held only here and in pipes: a stream's credit is its bound.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::sys;

/// A terminal that has been silent for this long after its process ended has nothing more to say. (Its slave may be
/// held open by a process left behind, so that the end of file never comes.)
const QUIET: Duration = Duration::from_millis(100);

/// Standard input: from a stream to a pipe or terminal.
#[derive(Default)]
pub struct Input {
    pub fd: Option<OwnedFd>,
    pub stream: Option<u32>,
    pub armed: bool,
    /// Received, not yet taken by the process.
    waiting: Vec<u8>,
    ended: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// That many bytes went on.
    Bytes(usize),
    /// The process reads no more.
    Refused,
}

impl Input {
    pub fn receive(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The stream has ended: no more bytes will come, and the input ends after those that are waiting.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn wants_room(&self) -> bool {
        self.fd.is_some() && !self.waiting.is_empty()
    }

    /// Hands on what the process takes.
    pub fn flush(&mut self) -> Taken {
        let Some(fd) = &self.fd else { return Taken::Bytes(0) };
        let mut count = 0;
        while count < self.waiting.len() {
            match sys::write(fd, &self.waiting[count..]) {
                Ok(written) => count += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Taken::Refused,
            }
        }
        self.waiting.drain(..count);
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
        Taken::Bytes(count)
    }

    /// Whether the time to close has come.
    pub fn is_due(&self) -> bool {
        self.fd.is_some() && self.waiting.is_empty() && self.ended
    }

    /// Closes a pipe; gives a terminal its end-of-file character and keeps it.
    pub fn close(&mut self, terminal: bool) {
        self.ended = false;
        match &self.fd {
            Some(fd) if terminal => {
                if let Ok(character) = sys::end_of_file_character(fd) {
                    self.receive(&[character]);
                }
            }
            _ => self.abandon(),
        }
    }

    /// Closes whatever is held.
    pub fn abandon(&mut self) {
        self.fd = None;
        self.waiting = Vec::new();
    }
}

/// Standard output or error: from a pipe or terminal to a stream.
#[derive(Default)]
pub struct Output {
    pub fd: Option<OwnedFd>,
    pub stream: Option<u32>,
    pub armed: bool,
    rest: Option<Rest>,
    ended: bool,
}

/// What is still to be read after the process has ended.
enum Rest {
    Bytes(usize),
    /// Until the terminal hangs up, or has been silent until then.
    Quiet(Instant),
}

#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    Bytes(usize),
    Nothing,
    End,
}

impl Output {
    /// Reads at most `buffer`, and after the process's end not more than it left.
    pub fn read(&mut self, buffer: &mut [u8]) -> Read {
        let Some(fd) = &self.fd else { return Read::Nothing };
        let limit = match &self.rest {
            Some(Rest::Bytes(count)) => buffer.len().min(*count),
            _ => buffer.len(),
        };
        if limit == 0 && !buffer.is_empty() {
            return Read::End;
        }
        match sys::read(fd, &mut buffer[..limit]) {
            Ok(0) => Read::End,
            Ok(count) => {
                self.took(count);
                Read::Bytes(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Read::Nothing,
            // A terminal's master reads EIO once nobody has the terminal open (pty(7)).
            Err(_) => Read::End,
        }
    }

    fn took(&mut self, count: usize) {
        match &mut self.rest {
            Some(Rest::Bytes(left)) => *left -= count,
            Some(Rest::Quiet(until)) => *until = Instant::now() + QUIET,
            None => {}
        }
    }

    /// The process has ended: what it has written by now is all that counts, also where descendants hold the pipe.
    pub fn process_ended(&mut self, terminal: bool) {
        let Some(fd) = &self.fd else { return };
        self.rest = Some(match sys::unread(fd) {
            Ok(count) if !terminal => Rest::Bytes(count),
            _ => Rest::Quiet(Instant::now() + QUIET),
        });
    }

    /// Whether everything that counts has been read.
    pub fn is_exhausted(&self, now: Instant) -> bool {
        match &self.rest {
            Some(Rest::Bytes(left)) => *left == 0,
            // While the output is not being watched, what it holds is not known.
            Some(Rest::Quiet(until)) => self.armed && *until <= now,
            None => false,
        }
    }

    /// When [`Output::is_exhausted`] may change by itself.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.rest {
            Some(Rest::Quiet(until)) if self.armed => Some(*until),
            _ => None,
        }
    }

    /// The output is watched again.
    pub fn arm(&mut self) {
        self.armed = true;
        self.took(0);
    }

    /// Nothing more will come.
    pub fn end(&mut self) {
        self.fd = None;
        self.ended = true;
    }

    /// Whether nothing is left that the stream has not been given. True too for an output that the process does not have.
    pub fn is_done(&self) -> bool {
        self.fd.is_none()
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> (Output, OwnedFd) {
        let (reader, writer) = sys::pipe().unwrap();
        sys::set_nonblocking(&reader).unwrap();
        (Output { fd: Some(reader), ..Output::default() }, writer)
    }

    fn input() -> (Input, OwnedFd) {
        let (reader, writer) = sys::pipe().unwrap();
        sys::set_nonblocking(&writer).unwrap();
        sys::set_nonblocking(&reader).unwrap();
        (Input { fd: Some(writer), stream: Some(1), ..Input::default() }, reader)
    }

    #[test]
    fn output_after_the_end_of_the_process_does_not_count() {
        let (mut output, writer) = output();
        sys::write(&writer, b"tail").unwrap();
        output.process_ended(false);
        sys::write(&writer, b" of a descendant").unwrap();
        let mut buffer = [0; 64];
        assert_eq!(output.read(&mut buffer), Read::Bytes(4));
        assert_eq!(output.read(&mut buffer), Read::End);
        assert!(output.is_exhausted(Instant::now()));
    }

    #[test]
    fn a_closed_pipe_ends_the_output_and_an_empty_one_does_not() {
        let (mut output, writer) = output();
        assert_eq!(output.read(&mut [0; 8]), Read::Nothing);
        drop(writer);
        assert_eq!(output.read(&mut [0; 8]), Read::End);
    }

    #[test]
    fn input_beyond_the_pipe_waits_and_then_follows() {
        let (mut input, reader) = input();
        input.receive(&vec![b'x'; 100_000]);
        let Taken::Bytes(first) = input.flush() else { panic!("refused") };
        assert!(first < 100_000 && input.wants_room());
        let mut all = vec![0; 100_000];
        let mut count = sys::read(&reader, &mut all).unwrap();
        assert_eq!(input.flush(), Taken::Bytes(100_000 - first));
        while count < 100_000 {
            count += sys::read(&reader, &mut all[count..]).unwrap();
        }
        assert!(!input.wants_room());
    }

    #[test]
    fn a_half_closed_stream_closes_the_pipe_after_its_bytes() {
        let (mut input, reader) = input();
        input.receive(b"last");
        input.end();
        assert!(!input.is_due(), "bytes are still waiting");
        input.flush();
        assert!(input.is_due());
        input.close(false);
        let mut buffer = [0; 8];
        assert_eq!(sys::read(&reader, &mut buffer).unwrap(), 4);
        assert_eq!(sys::read(&reader, &mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_process_that_reads_no_more_refuses() {
        let (mut input, reader) = input();
        drop(reader);
        input.receive(b"x");
        // The test harness, like the agent, ignores SIGPIPE (the Rust runtime's default).
        assert_eq!(input.flush(), Taken::Refused);
    }
}
