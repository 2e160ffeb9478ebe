// SPDX-License-Identifier: Apache-2.0
//! What `delete` must know where the shim is dead: small files in the pod's directory.

use crate::sys;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A process, told apart from a later one with the same pid by its start time (proc(5), field 22 of /proc/PID/stat).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessIdentity {
    pub pid: u32,
    pub start_time: u64,
}

/// The files of one pod.
pub struct Record {
    pod: PathBuf,
}

impl Record {
    pub fn of(pod: &Path) -> Record {
        Record { pod: pod.to_owned() }
    }

    fn shim_file(&self) -> PathBuf {
        self.pod.join("shim.pid")
    }

    fn processes_file(&self) -> PathBuf {
        self.pod.join("processes")
    }

    fn loggers_file(&self) -> PathBuf {
        self.pod.join("loggers")
    }

    fn cgroup_file(&self) -> PathBuf {
        self.pod.join("cgroup")
    }

    pub fn write_shim(&self) -> io::Result<()> {
        let pid = std::process::id();
        fs::write(self.shim_file(), format!("{pid} {}\n", sys::start_time(pid)?))
    }

    /// The serving shim; None once it has ended in order.
    pub fn shim(&self) -> Option<ProcessIdentity> {
        parse(fs::read_to_string(self.shim_file()).ok()?.trim())
    }

    /// Says that the shim has ended in order.
    pub fn forget_shim(&self) {
        let _ = fs::remove_file(self.shim_file());
    }

    pub fn add_process(&self, role: &str, process: ProcessIdentity) -> io::Result<()> {
        let line = format!("{role} {} {}\n", process.pid, process.start_time);
        OpenOptions::new().create(true).append(true).open(self.processes_file())?.write_all(line.as_bytes())
    }

    /// Every process that was launched, by role.
    pub fn processes(&self) -> Vec<(String, ProcessIdentity)> {
        let text = fs::read_to_string(self.processes_file()).unwrap_or_default();
        let line = |line: &str| line.split_once(' ').and_then(|(role, rest)| Some((role.to_owned(), parse(rest)?)));
        text.lines().filter_map(line).collect()
    }

    pub fn add_logger(&self, process: ProcessIdentity) -> io::Result<()> {
        let line = format!("{} {}\n", process.pid, process.start_time);
        OpenOptions::new().create(true).append(true).open(self.loggers_file())?.write_all(line.as_bytes())
    }

    /// Every logger that was started.
    pub fn loggers(&self) -> Vec<ProcessIdentity> {
        fs::read_to_string(self.loggers_file()).unwrap_or_default().lines().filter_map(parse).collect()
    }

    /// None forgets it.
    pub fn write_cgroup(&self, path: Option<&str>) -> io::Result<()> {
        match path {
            Some(path) => fs::write(self.cgroup_file(), path),
            None => fs::remove_file(self.cgroup_file()),
        }
    }

    pub fn cgroup(&self) -> Option<String> {
        fs::read_to_string(self.cgroup_file()).ok()
    }
}

fn parse(text: &str) -> Option<ProcessIdentity> {
    let (pid, start_time) = text.split_once(' ')?;
    Some(ProcessIdentity { pid: pid.parse().ok()?, start_time: start_time.parse().ok()? })
}
