// SPDX-License-Identifier: Apache-2.0
//! `delete`: leaves nothing of a pod, with shim and hakod both dead if need be.
//!
//! containerd calls it when a shim's connection is lost, when a shim could not be loaded, and after each orderly end; it
//! deletes the bundle next. So a shim that still lives serves nobody any more, and is ended too.

use crate::cgroup::Cgroup;
use crate::clock;
use crate::flags::Flags;
use crate::member;
use crate::mounter;
use crate::mountinfo;
use crate::place::Place;
use crate::pod_of::sandbox_of;
use crate::record::{ProcessIdentity, Record};
use crate::sys;
use hako_protocols::task::DeleteResponse;
use prost::Message;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// For all of it: containerd gives 5 s.
const LIMIT: Duration = Duration::from_secs(4);
/// Of it, for loggers to end by themselves, and after SIGTERM.
const LOGGERS_LIMIT: Duration = Duration::from_millis(2000);
const LOGGERS_LAST_LIMIT: Duration = Duration::from_millis(500);
/// 128 and SIGKILL
const KILLED: u32 = 137;
/// The role whose pid is the task's.
const VMM: &str = "vmm";

/// # Errors
/// A sentence that names what is left.
pub fn run(flags: &Flags) -> Result<(), String> {
    let until = Instant::now() + LIMIT;
    if let Some(id) = sandbox_of_member(flags) {
        // Its machine and all that is mounted for it are the sandbox's. containerd hears the status of one that is gone only if it
        // has not seen the end of it.
        let ended = member::end(&flags.id, &Place::of(&Flags { id, ..flags.clone() })?, until)?;
        return print(&ended.unwrap_or_else(|| response(0, KILLED))).map_err(unprinted);
    }
    let place = Place::of(flags)?;
    let record = Record::of(&place.pod);
    let processes = record.processes();
    let shim = record.shim();
    // A shim that did not take its leave was cut off, and with it what it had started.
    let cut_off = shim.is_some();
    if let Some(shim) = shim {
        end(shim, until);
    }
    end_loggers(&record.loggers(), until);
    let survivors = processes.iter().filter(|(_, process)| end(*process, until)).count();
    let cgroup_survivors = match record.cgroup().map(|path| Cgroup::at(&path)) {
        Some(Ok(cgroup)) => {
            let killed = cgroup.kill(until);
            cgroup.remove().map_err(|error| format!("Cannot remove the cgroup {}: {error}.", cgroup.path))?;
            killed
        }
        _ => false,
    };
    remove(&place)?;
    let exit_status = if cut_off || survivors > 0 || cgroup_survivors { KILLED } else { 0 };
    let pid = processes.iter().rfind(|(role, _)| role == VMM).map_or(0, |(_, process)| process.pid);
    print(&response(pid, exit_status)).map_err(unprinted)
}

/// What a shim leaves that ends in order: nothing, for CRI-O ends its shims by Shutdown alone and never calls `delete`. Loggers
/// may still read what is left for them, and wait for who asked for them.
///
/// # Errors
/// A sentence that names what is left.
pub fn after_quit(place: &Place, record: &Record) -> Result<(), String> {
    if record.loggers().is_empty() { remove(place) } else { Ok(()) }
}

/// The sandbox, if a further container of a pod is meant. A bundle that is damaged or gone does not keep a pod from being cleaned
/// up.
fn sandbox_of_member(flags: &Flags) -> Option<String> {
    let bundle = flags.bundle.as_ref().map(PathBuf::from).or_else(|| std::env::current_dir().ok())?;
    sandbox_of(&bundle, &flags.id).ok().flatten()
}

/// Kills a process and waits until it is gone; false if it was already.
fn end(process: ProcessIdentity, until: Instant) -> bool {
    let Some(pidfd) = living(process).filter(|pidfd| sys::signal(pidfd.as_fd(), libc::SIGKILL).is_ok()) else {
        return false;
    };
    wait(&pidfd, until);
    true
}

/// The process, unless it is gone. A pid that means another process now is left alone.
fn living(process: ProcessIdentity) -> Option<OwnedFd> {
    let pidfd = sys::pidfd(process.pid).ok()?;
    // Compared after the pidfd was opened: it cannot come to mean another process any more.
    (sys::start_time(process.pid).ok() == Some(process.start_time)).then_some(pidfd)
}

fn wait(process: &OwnedFd, until: Instant) {
    let limit = until.saturating_duration_since(Instant::now()).as_millis() as i32;
    let _ = sys::wait_readable(process.as_fd(), limit);
}

/// Lets loggers read what is left for them, then ends them. The shim is gone, so that each has seen the end of its outputs.
fn end_loggers(loggers: &[ProcessIdentity], until: Instant) {
    let by_themselves = Instant::now() + LOGGERS_LIMIT;
    let told = by_themselves + LOGGERS_LAST_LIMIT;
    for (signal, until) in [(None, by_themselves), (Some(libc::SIGTERM), told), (Some(libc::SIGKILL), until)] {
        let left: Vec<_> = loggers.iter().filter_map(|logger| living(*logger)).collect();
        for pidfd in &left {
            let _ = signal.map(|signal| sys::signal(pidfd.as_fd(), signal));
        }
        for pidfd in &left {
            wait(pidfd, until);
        }
    }
}

/// Unmounts everything below the pod's directory, then removes it. Never removes through a mount. hakod may do the same at
/// this moment: what it was quicker at is done.
fn remove(place: &Place) -> Result<(), String> {
    let pod = place.real(&place.pod);
    let below = || mountinfo::below(&pod).map_err(|error| format!("Cannot read the mount table: {error}."));
    for target in below()? {
        match mounter::detach(&target) {
            // Not mounted any more, or not even there (umount(2)).
            Err(error) if ![Some(libc::EINVAL), Some(libc::ENOENT)].contains(&error.raw_os_error()) => {
                return Err(format!("Cannot unmount {}: {error}.", target.display()));
            }
            _ => {}
        }
    }
    if let Some(left) = below()?.first() {
        return Err(format!("{} is mounted again; {} is left as it is.", left.display(), pod.display()));
    }
    match fs::remove_dir_all(&pod) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("Cannot remove {}: {error}.", pod.display()))
        }
        _ => Ok(()),
    }
}

fn response(pid: u32, exit_status: u32) -> DeleteResponse {
    let now = clock::now_ns();
    let exited_at =
        prost_types::Timestamp { seconds: now.div_euclid(1_000_000_000), nanos: now.rem_euclid(1_000_000_000) as i32 };
    DeleteResponse { pid, exit_status, exited_at: Some(exited_at) }
}

fn print(response: &DeleteResponse) -> io::Result<()> {
    io::stdout().write_all(&response.encode_to_vec())
}

fn unprinted(error: io::Error) -> String {
    format!("Cannot print the answer: {error}.")
}
