// SPDX-License-Identifier: Apache-2.0
//! A process in the foreground: its streams, its signals, its end. One poll loop.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use hako_pump::Copier;

use crate::failure::{Doing, Result};
use crate::poll::{Interest, poll};
use crate::progress::{PATIENCE, Progress};
use crate::signals::{Signal, Signals};
use crate::task::Answer;
use crate::terminal::{self, Size};

/// Once the process has ended, the shim closes its ends of the fifos. A descendant that holds the process's output open
/// keeps it from that: so long without a byte then ends the wait.
const QUIET: Duration = Duration::from_millis(300);
/// The third SIGINT or SIGTERM kills a process that does not heed them.
const INSISTENCE: u32 = 3;
/// The status of a command that SIGPIPE has ended.
const BROKEN_PIPE: u32 = 128 + libc::SIGPIPE as u32;
const WINDOW_CHANGED: Signal = Signal(libc::SIGWINCH as u32);

/// An answer, or the signal that told this program to end before it came; the call goes on, and its answer is due.
pub enum Awaited<A> {
    Answered(A),
    Interrupted(Answer<A>, Signal),
}

/// Waits for an answer, with progress on the terminal.
pub fn await_answer<A: prost::Message + Default + 'static>(
    answer: Answer<A>,
    signals: &Signals,
    what: &str,
) -> Result<Awaited<A>> {
    let mut progress = Progress::new();
    loop {
        let ready = wait(&[readable(signals), readable(&answer)], Some(PATIENCE / 2))?;
        if ready.contains(&answer.as_fd().as_raw_fd()) {
            return Ok(Awaited::Answered(answer.take()?));
        }
        while let Some(signal) = signals.next() {
            if signal != WINDOW_CHANGED {
                return Ok(Awaited::Interrupted(answer, signal));
            }
        }
        progress.say(what);
    }
}

/// An output fifo joined to an output of this program.
pub struct Output {
    copier: Copier,
    source: OwnedFd,
}

impl Output {
    pub fn new(source: OwnedFd, sink: OwnedFd) -> std::io::Result<Self> {
        Ok(Self { copier: Copier::new(source.try_clone()?, sink)?, source })
    }

    /// Goes on reading for nobody: the shim then is not held up by a full fifo.
    fn discard(&mut self) -> std::io::Result<()> {
        let nothing = File::options().write(true).open("/dev/null")?;
        self.copier = Copier::new(self.source.try_clone()?, nothing.into())?;
        Ok(())
    }
}

/// What can be done to the process from outside, without waiting for the answer.
pub trait Steering {
    fn kill_later(&self, signal: Signal);
    fn resize_later(&self, size: Size);
    /// Ends its standard input, after what lies in its fifo.
    fn close_stdin_later(&self);
}

/// The answer to who waits for a process.
pub trait Ended {
    fn exit_status(&self) -> u32;
}

pub struct Session<'a> {
    process: &'a dyn Steering,
    signals: &'a Signals,
    terminal: bool,
    input: Option<Copier>,
    outputs: Vec<Output>,
    insisted: u32,
    broken: bool,
}

impl<'a> Session<'a> {
    /// `terminal`: whether the process has one that shall have this one's size.
    pub fn new(process: &'a dyn Steering, signals: &'a Signals, terminal: bool) -> Self {
        Self { process, signals, terminal, input: None, outputs: Vec::new(), insisted: 0, broken: false }
    }

    /// Joins streams to it.
    pub fn joined(self, input: Option<Copier>, outputs: Vec<Output>) -> Self {
        Self { input, outputs, ..self }
    }

    /// Runs until the process has ended and its output is written; returns its exit status.
    pub fn run<A: Ended + prost::Message + Default + 'static>(mut self, exit: Answer<A>) -> Result<u32> {
        self.resize();
        loop {
            let ready = self.poll(Some(exit.as_fd()), None)?;
            self.serve(&ready);
            if ready.contains(&exit.as_fd().as_raw_fd()) {
                break;
            }
        }
        let status = exit.take()?.exit_status();
        self.input = None;
        self.drain()?;
        Ok(if self.broken { BROKEN_PIPE } else { status })
    }

    fn drain(&mut self) -> Result<()> {
        while !self.outputs.iter().all(|output| output.copier.is_finished()) {
            // A slow reader of this program's output may take any time.
            let unwritten = self.outputs.iter().any(|output| output.copier.interests()[1].is_some());
            let ready = self.poll(None, if unwritten { None } else { Some(QUIET) })?;
            if ready.is_empty() {
                break;
            }
            self.serve(&ready);
        }
        Ok(())
    }

    fn poll(&self, exit: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Result<Vec<RawFd>> {
        let streams = self
            .input
            .iter()
            .chain(self.outputs.iter().map(|output| &output.copier))
            .flat_map(Copier::interests)
            .flatten();
        let interests: Vec<_> = streams.chain([readable(self.signals)]).chain(exit.as_ref().map(readable)).collect();
        wait(&interests, limit)
    }

    fn serve(&mut self, ready: &[RawFd]) {
        if let Some(input) = &mut self.input {
            advance(input, ready);
            if input.is_finished() {
                self.input = None;
                self.process.close_stdin_later();
            }
        }
        let mut refused = false;
        for output in &mut self.outputs {
            if advance(&mut output.copier, ready).is_some() {
                refused = true;
                // Where even this fails, the shim gives up by itself after a while.
                let _ = output.discard();
            }
        }
        if refused && !self.broken {
            // Nobody reads the output any more: this is what SIGPIPE does to a local command.
            self.broken = true;
            self.process.kill_later(Signal::KILL);
        }
        while let Some(signal) = self.signals.next() {
            self.obey(signal);
        }
    }

    fn obey(&mut self, signal: Signal) {
        if signal == WINDOW_CHANGED {
            return self.resize();
        }
        self.insisted += u32::from([libc::SIGINT as u32, libc::SIGTERM as u32].contains(&signal.0));
        let signal = if self.insisted >= INSISTENCE { Signal::KILL } else { signal };
        self.process.kill_later(signal);
    }

    fn resize(&self) {
        if let (true, Some(size)) = (self.terminal, terminal::size()) {
            self.process.resize_later(size);
        }
    }
}

/// The sink takes no more although the source would give.
pub struct Refused;

/// Moves what can be moved. A read or write that fails ends its copy, as an end of the stream does.
pub fn advance(copier: &mut Copier, ready: &[RawFd]) -> Option<Refused> {
    let [source, sink] = copier.interests();
    let is_ready = |interest: Option<Interest>| interest.is_some_and(|(fd, _)| ready.contains(&fd));
    if is_ready(sink) {
        let open = copier.source().is_some();
        let failed = copier.sink_ready().is_err();
        if open && (failed || copier.is_finished()) {
            return Some(Refused);
        }
    }
    if is_ready(source) && copier.source_ready().is_err() {
        copier.stop();
    }
    None
}

/// Interest in something to read.
pub fn readable(fd: &impl AsFd) -> Interest {
    (fd.as_fd().as_raw_fd(), libc::POLLIN)
}

fn wait(interests: &[Interest], limit: Option<Duration>) -> Result<Vec<RawFd>> {
    poll(interests, limit).doing(|| "Waiting for input and output".into())
}
