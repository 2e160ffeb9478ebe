// SPDX-License-Identifier: Apache-2.0
//! The fifos between this program and the shim.

use std::fs::DirBuilder;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use hako_pump::Copier;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::failure::{Doing, Result};
use crate::session::Output;
use crate::task::Stdio;

/// `in`, `out` and `err` in one directory; a terminal has no `err`.
#[derive(Debug)]
pub struct Fifos {
    directory: PathBuf,
    interactive: bool,
    terminal: bool,
}

impl Fifos {
    /// Those of a process for which they were made.
    pub fn of(directory: &Path, interactive: bool, terminal: bool) -> Self {
        Self { directory: directory.to_owned(), interactive, terminal }
    }

    /// Makes them, and the directory if it is missing.
    pub fn make(&self) -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .doing(|| format!("Making {}", self.directory.display()))?;
        let names = [self.interactive.then_some("in"), Some("out"), (!self.terminal).then_some("err")];
        names.into_iter().flatten().try_for_each(|name| self.make_one(name))
    }

    /// Makes the input alone, where output goes to a log.
    pub fn make_input(&self) -> Result<()> {
        self.make_one("in")
    }

    fn make_one(&self, name: &str) -> Result<()> {
        let path = self.directory.join(name);
        rustix::fs::mkfifoat(CWD, &path, Mode::from(0o600)).doing(|| format!("Making the fifo {}", path.display()))
    }

    /// What the shim is told of them.
    pub fn stdio(&self) -> Stdio {
        let path = |name| self.directory.join(name).display().to_string();
        Stdio {
            terminal: self.terminal,
            stdin: if self.interactive { path("in") } else { String::new() },
            stdout: path("out"),
            stderr: if self.terminal { String::new() } else { path("err") },
        }
    }

    /// Joins the outputs to this program's. Before the shim opens them or after: neither waits for the other.
    pub fn outputs(&self) -> Result<Vec<Output>> {
        let mut outputs = vec![self.output("out", rustix::stdio::stdout().try_clone_to_owned())?];
        if !self.terminal {
            outputs.push(self.output("err", rustix::stdio::stderr().try_clone_to_owned())?);
        }
        Ok(outputs)
    }

    fn output(&self, name: &str, sink: std::io::Result<OwnedFd>) -> Result<Output> {
        let path = self.directory.join(name);
        let source = rustix::fs::open(&path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
        let source = source.doing(|| format!("Opening {}", path.display()))?;
        let sink = sink.doing(|| "Duplicating an output".into())?;
        Output::new(source, sink).doing(|| format!("Reading {}", path.display()))
    }

    /// Joins this program's input, once the shim has the fifo open. `None`: nobody reads it (any more).
    pub fn input(&self) -> Result<Option<Copier>> {
        if !self.interactive {
            return Ok(None);
        }
        let path = self.directory.join("in");
        let sink = match rustix::fs::open(&path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NXIO | Errno::NOENT) => return Ok(None),
            opened => opened.doing(|| format!("Opening {}", path.display()))?,
        };
        let source = rustix::stdio::stdin().try_clone_to_owned().doing(|| "Duplicating the input".into())?;
        Copier::new(source, sink).map(Some).doing(|| format!("Writing {}", path.display()))
    }
}
