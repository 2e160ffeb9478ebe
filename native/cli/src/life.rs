// SPDX-License-Identifier: Apache-2.0
//! What several commands do to a container: find out how it is, stop it, remove it.

use std::time::Duration;

use hako_protocols::control::Sandbox;
use hako_protocols::task::Status;

use crate::container::{Container, Containers};
use crate::control::Control;
use crate::failure::{Failure, Result, is_not_found, is_refused_in_this_state};
use crate::places::Places;
use crate::shim;
use crate::signals::Signal;
use crate::task::{Task, Which};

/// SIGKILL cannot be refused: what has not ended so long after it never will.
const KILLED_WITHIN: Duration = Duration::from_secs(30);

/// Removes a container whose process has ended, or was never started: its shim, its virtual machine, its files.
pub fn remove(places: &Places, container: &Container) -> Result<()> {
    if let Ok(task) = Task::connect(container) {
        let deleted = task.delete(Which::FIRST).and_then(|()| task.shutdown());
        drop(task);
        deleted?;
    }
    discard(places, container)
}

/// Removes a container in whatever state it is.
pub fn remove_by_force(places: &Places, container: &Container) -> Result<()> {
    if let Ok(task) = Task::connect(container) {
        let ended = end_at_once(&task);
        // What cannot be ended in order is ended with its shim, below.
        let _ = ended.and_then(|()| Ok(task.delete(Which::FIRST)?)).and_then(|()| Ok(task.shutdown()?));
    }
    discard(places, container)
}

fn discard(places: &Places, container: &Container) -> Result<()> {
    if container.shim_address().is_some() {
        shim::delete(places, container)?;
    }
    Containers::of(places).forget(container)
}

fn end_at_once(task: &Task) -> Result<()> {
    match task.kill(Which::FIRST, Signal::KILL) {
        // It has ended, or was never started: there is nothing to wait for.
        Err(error) if is_not_found(&error) || is_refused_in_this_state(&error) => return Ok(()),
        other => other?,
    }
    match task.wait(Which::FIRST)?.take_within(KILLED_WITHIN) {
        Some(Err(error)) if !is_not_found(&error) => Err(error.into()),
        Some(_) => Ok(()),
        None => Err(Failure::new(format!("The process has not ended {} s after SIGKILL.", KILLED_WITHIN.as_secs()))),
    }
}

/// Ends a container's process: SIGTERM, and SIGKILL after the grace period.
pub fn stop(container: &Container, grace: Duration) -> Result<()> {
    let task = Task::connect(container)?;
    let exit = task.wait(Which::FIRST)?;
    match task.kill(Which::FIRST, Signal::TERM) {
        Err(error) if is_not_found(&error) => return Ok(()),
        other => other?,
    }
    match exit.take_within(grace) {
        Some(answer) => Ok(answer.map(drop)?),
        None => end_at_once(&task),
    }
}

/// A container as it is now.
pub struct Known {
    pub container: Container,
    /// What hakod says of it; nothing: it knows of none, so that the virtual machine is gone.
    pub sandbox: Option<Sandbox>,
}

impl Known {
    pub fn state(&self) -> &str {
        self.sandbox.as_ref().map_or("lost", |sandbox| sandbox.state.as_str())
    }

    pub fn has_ended(&self) -> bool {
        ["stopped", "lost"].contains(&self.state())
    }
}

/// All containers with their states. Those that have ended and are to go then (`run -d --rm`) go here: nobody stays
/// behind to wait for them.
pub fn survey(places: &Places, control: &Control) -> Result<Vec<Known>> {
    let mut sandboxes = control.sandboxes()?;
    let mut known = Vec::new();
    for container in Containers::of(places).all()? {
        let found = sandboxes.iter().position(|s| s.namespace == shim::NAMESPACE && s.id == container.id());
        let sandbox = found.map(|index| sandboxes.swap_remove(index));
        let entry = Known { container, sandbox };
        if entry.container.meta.remove && entry.container.meta.detached && entry.state() == "stopped" {
            remove(places, &entry.container)?;
        } else {
            known.push(entry);
        }
    }
    Ok(known)
}

/// Removes a container that was run with `--rm`, in the background, and has just been seen to end.
pub fn remove_if_asked(places: &Places, container: &Container) -> Result<()> {
    if container.meta.remove && container.meta.detached { remove(places, container) } else { Ok(()) }
}

/// Whether the container's process runs, as its shim says.
pub fn is_running(task: &Task) -> Result<bool> {
    match task.state() {
        Ok(state) => Ok([Status::Running, Status::Paused, Status::Pausing].contains(&state.status())),
        Err(error) if is_not_found(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
