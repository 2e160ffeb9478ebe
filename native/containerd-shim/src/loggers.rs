// SPDX-License-Identifier: Apache-2.0
//! The loggers of all processes.

use crate::logger::{Logger, Pipes};
use crate::poll::PollSet;
use crate::record::Record;
use crate::sink::Sink;
use hako_protocols::shim;
use std::os::fd::OwnedFd;
use std::time::Instant;

/// Whose a logger is: container and exec.
pub type Owner<'a> = (&'a str, &'a str);

/// A logger that has ended, or was not ready in time.
pub struct Failure {
    pub key: u32,
    pub container_id: String,
    pub exec_id: String,
    pub sentence: String,
}

#[derive(Default)]
pub struct Loggers {
    all: Vec<Logger>,
}

/// The pipes of the loggers of one process, while its outputs are being joined: outputs that name the same share one.
#[derive(Default)]
pub struct Fresh {
    known: Vec<(shim::Logger, u32, [Option<OwnedFd>; 2])>,
}

impl Loggers {
    /// The pipe for an output (0 or 1) to a logger, which is started unless another output has.
    ///
    /// # Errors
    /// A sentence.
    pub fn pipe(
        &mut self,
        fresh: &mut Fresh,
        (key, output): (u32, usize),
        owner: Owner<'_>,
        wanted: &shim::Logger,
        record: &Record,
    ) -> Result<Sink, String> {
        let index = match fresh.known.iter().position(|(known, ..)| known == wanted) {
            Some(index) => index,
            None => {
                let (logger, pipes): (Logger, Pipes) = Logger::start(key, owner, wanted, record)?;
                self.all.push(logger);
                fresh.known.push((wanted.clone(), key, pipes.map(Some)));
                fresh.known.len() - 1
            }
        };
        let (_, key, pipes) = &mut fresh.known[index];
        let pipe =
            pipes[output].take().ok_or_else(|| format!("The logger {} has that output already.", wanted.path))?;
        Ok(Sink::Logger(pipe, *key))
    }

    pub fn watch(&self, set: &mut PollSet) {
        self.all.iter().for_each(|logger| logger.watch(set));
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.all.iter().filter_map(Logger::deadline).min()
    }

    pub fn read(&mut self, key: u32) {
        self.all.iter_mut().filter(|logger| logger.key == key).for_each(Logger::read);
    }

    /// Whether all of a process's are ready.
    pub fn are_ready(&self, (container_id, exec_id): Owner<'_>) -> bool {
        self.all.iter().filter(|logger| logger.serves(container_id, exec_id)).all(Logger::is_ready)
    }

    /// Does what is due. Those that were not ready in time.
    pub fn tick(&mut self, now: Instant) -> Vec<Failure> {
        let failed = |logger: &mut Logger| logger.tick(now).map(|sentence| failure(logger, sentence));
        self.all.iter_mut().filter_map(failed).collect()
    }

    /// Takes the statuses of those that have ended: those that were not ready yet, and those that were needed.
    pub fn reap(&mut self) -> (Vec<Failure>, Vec<Failure>) {
        let (mut unready, mut ready) = (Vec::new(), Vec::new());
        self.all.retain_mut(|logger| {
            let Some(sentence) = logger.reap() else { return true };
            match (logger.is_left(), logger.is_ready()) {
                (true, _) => {}
                (_, true) => ready.push(failure(logger, sentence)),
                (_, false) => unready.push(failure(logger, sentence)),
            }
            false
        });
        (unready, ready)
    }

    /// Their process is gone.
    pub fn leave(&mut self, owner: Owner<'_>) {
        self.of(owner).for_each(|logger| logger.leave(Instant::now()));
    }

    /// They were started in vain.
    pub fn kill(&mut self, owner: Owner<'_>) {
        self.of(owner).for_each(Logger::kill);
    }

    fn of(&mut self, (container_id, exec_id): Owner<'_>) -> impl Iterator<Item = &mut Logger> {
        self.all.iter_mut().filter(move |logger| logger.serves(container_id, exec_id))
    }
}

fn failure(logger: &Logger, sentence: String) -> Failure {
    Failure { key: logger.key, container_id: logger.container_id.clone(), exec_id: logger.exec_id.clone(), sentence }
}
