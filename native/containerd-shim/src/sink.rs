// SPDX-License-Identifier: Apache-2.0
//! Where the output of a process goes, and how what is named there is opened.

use crate::cri_log::CriLog;
use crate::sys;
use hako_pump::{Progress, Queue};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Where output goes.
pub enum Sink {
    /// Open for reading and writing: containerd may go away and come back without an EPIPE here or an end there.
    Fifo(OwnedFd),
    /// All is written. Held for reading alone: readers see the end, and what they have not read yet is not lost with them.
    Written { _fifo: OwnedFd },
    /// Appended to.
    File(OwnedFd),
    /// One of the process's logs.
    Log(usize),
    /// The end to write to of a pipe to a logger, and the logger's key.
    Logger(OwnedFd, u32),
    /// All is written, and the logger sees the end. Held for reading alone, to tell how much it has not read yet.
    Handed(OwnedFd, u32),
    /// There is no logger any more, or its part is done.
    Gone,
}

impl Sink {
    pub fn fifo(path: &str) -> Result<Sink, String> {
        open_fifo(path).map(Sink::Fifo)
    }

    /// Made if it is missing, with its directories, as containerd does (its `file://`). containerd truncates and bounds nothing.
    pub fn file(path: &str) -> Result<Sink, String> {
        let failed = |error: io::Error| format!("Cannot open the output file {path}: {error}.");
        if let Some(directory) = Path::new(path).parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed)?;
        }
        // A fifo must not hold the shim up.
        if fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            return Err(format!("Cannot append to {path}: it is a fifo, which is named without file://."));
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path);
        file.map(|file| Sink::File(file.into())).map_err(failed)
    }

    /// The descriptor to wait for until it takes more.
    pub fn waits_for(&self) -> Option<&OwnedFd> {
        match self {
            Sink::Fifo(file) | Sink::File(file) | Sink::Logger(file, _) => Some(file),
            Sink::Written { .. } | Sink::Log(_) | Sink::Handed(..) | Sink::Gone => None,
        }
    }

    /// Writes the front of a queue and drops from it what was written.
    pub fn write(&self, name: &str, queue: &mut Queue, logs: &mut [CriLog]) -> io::Result<Progress> {
        match self {
            Sink::Fifo(file) | Sink::File(file) | Sink::Logger(file, _) => queue.drain(file.as_fd(), usize::MAX),
            Sink::Written { .. } | Sink::Handed(..) | Sink::Gone => Ok(Progress::Ended),
            Sink::Log(index) => {
                logs[*index].write(name, queue.front())?;
                let count = queue.len();
                queue.pop(count);
                Ok(Progress::Moved(count))
            }
        }
    }

    /// Lets readers see the end. What cannot be opened anew for it stays as it is.
    pub fn finish(&mut self) {
        let finished = match self {
            Sink::Fifo(fifo) => reading_end(fifo).map(|fifo| Sink::Written { _fifo: fifo }),
            Sink::Logger(pipe, key) => reading_end(pipe).map(|pipe| Sink::Handed(pipe, *key)),
            _ => return,
        };
        if let Ok(finished) = finished {
            *self = finished;
        }
    }

    /// Bytes that a logger has not read yet.
    pub fn unread(&self) -> u64 {
        match self {
            Sink::Logger(pipe, _) | Sink::Handed(pipe, _) => sys::unread(pipe.as_fd()).unwrap_or(0),
            _ => 0,
        }
    }
}

/// Opened for reading and writing, so that neither waits for another side.
pub fn open_fifo(path: &str) -> Result<OwnedFd, String> {
    let failed = |error: io::Error| format!("Cannot open the fifo {path}: {error}.");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.file_type().is_fifo() {
        return Err(format!("Cannot use {path} as a stream: it is not a fifo."));
    }
    Ok(file.into())
}

/// The same fifo or pipe, opened for reading alone.
pub fn reading_end(fifo: &OwnedFd) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fifo.as_raw_fd());
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).map(OwnedFd::from)
}
