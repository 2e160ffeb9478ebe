// SPDX-License-Identifier: Apache-2.0
//! The standard streams of one process.

use crate::cri_log::CriLog;
use crate::flow::{Channel, Input, Output, State};
use crate::sink::Sink;
use hako_protocols::shim::{LogFile, StreamFailed};
use std::io;
use std::path::Path;

/// The streams of one process.
pub struct Process {
    pub container_id: String,
    pub exec_id: String,
    pub input: Option<Input>,
    pub outputs: Vec<Output>,
    logs: Vec<CriLog>,
}

impl Process {
    pub fn new(container_id: String, exec_id: String) -> Process {
        Process { container_id, exec_id, input: None, outputs: Vec::new(), logs: Vec::new() }
    }

    pub fn is(&self, container_id: &str, exec_id: &str) -> bool {
        self.container_id == container_id && self.exec_id == exec_id
    }

    /// The sink of a log, which both streams may share; it must then rotate as one.
    pub fn log(&mut self, wanted: &LogFile) -> Result<Sink, String> {
        let failed = |error: io::Error| format!("Cannot open the log {}: {error}.", wanted.path);
        let opened = self.logs.iter().position(|known| known.path() == Path::new(&wanted.path));
        if opened.is_none() {
            self.logs.push(CriLog::open(wanted).map_err(failed)?);
        }
        Ok(Sink::Log(opened.unwrap_or(self.logs.len() - 1)))
    }

    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.input.iter().map(|input| &input.channel).chain(self.outputs.iter().map(|output| &output.channel))
    }

    pub fn channels_mut(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.input
            .iter_mut()
            .map(|input| &mut input.channel)
            .chain(self.outputs.iter_mut().map(|output| &mut output.channel))
    }

    /// Ends the input if it is meant.
    pub fn end_input(&mut self, meant: impl Fn(&Input) -> bool, then: impl FnOnce(&Process)) {
        if let Some(input) = self.input.as_mut().filter(|input| meant(input)) {
            input.channel.state = State::Ended;
            then(self);
        }
    }

    pub fn failure(&self, sentence: String) -> StreamFailed {
        StreamFailed { container_id: self.container_id.clone(), exec_id: self.exec_id.clone(), sentence }
    }

    /// Does something with the outputs that are meant, and notes where that fails.
    pub fn with_output(
        &mut self,
        meant: impl Fn(&Output) -> bool,
        failures: &mut Vec<StreamFailed>,
        mut act: impl FnMut(&mut Output, &mut [CriLog]) -> Result<(), String>,
    ) {
        for output in self.outputs.iter_mut().filter(|output| meant(output)) {
            if let Err(sentence) = act(output, &mut self.logs) {
                failures.push(StreamFailed {
                    container_id: self.container_id.clone(),
                    exec_id: self.exec_id.clone(),
                    sentence,
                });
            }
        }
    }
}
