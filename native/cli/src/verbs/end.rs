// SPDX-License-Identifier: Apache-2.0
//! The commands that take several containers: kill, wait, stop, rm.

use std::time::Duration;

use crate::args::{Kill, Many, Rm, Stop};
use crate::container::{Container, Containers};
use crate::control;
use crate::failure::{self, Failure, Result, is_not_found};
use crate::life;
use crate::places::Places;
use crate::signals::Signal;
use crate::table;
use crate::task::{Task, Which};

pub fn kill(places: &Places, asked: &Kill) -> Result<u8> {
    control::require(places)?;
    each(places, &asked.which, |container| {
        let task = Task::connect(container)?;
        match task.kill(Which::FIRST, asked.signal) {
            Err(error) if is_not_found(&error) => {
                return Err(Failure::new(format!(
                    "Container {} does not run, so no signal reaches it.",
                    container.meta.name
                )));
            }
            other => other?,
        }
        if asked.signal == Signal::KILL && container.meta.remove && container.meta.detached {
            task.wait(Which::FIRST)?.take()?;
            life::remove_if_asked(places, container)?;
        }
        Ok(container.meta.name.clone())
    })
}

pub fn wait(places: &Places, asked: &Many) -> Result<u8> {
    control::require(places)?;
    each(places, asked, |container| {
        let status = Task::connect(container)?.wait(Which::FIRST)?.take()?.exit_status;
        life::remove_if_asked(places, container)?;
        Ok(status.to_string())
    })
}

pub fn stop(places: &Places, asked: &Stop) -> Result<u8> {
    control::require(places)?;
    each(places, &asked.which, |container| {
        life::stop(container, Duration::from_secs(asked.time.into()))?;
        life::remove_if_asked(places, container)?;
        Ok(container.meta.name.clone())
    })
}

pub fn rm(places: &Places, asked: &Rm) -> Result<u8> {
    control::require(places)?;
    each(places, &asked.which, |container| {
        if asked.force {
            life::remove_by_force(places, container)?;
        } else {
            if runs(container)? {
                return Err(Failure::new(format!(
                    "Container {} runs: stop it first (hako stop {0}), or remove it with -f.",
                    container.meta.name
                )));
            }
            life::remove(places, container)?;
        }
        Ok(container.meta.name.clone())
    })
}

fn runs(container: &Container) -> Result<bool> {
    // Without its shim it cannot.
    Task::connect(container).map_or(Ok(false), |task| life::is_running(&task))
}

/// Does something to each container and prints what comes of it; one that fails does not keep the others from it.
fn each(places: &Places, which: &Many, act: impl Fn(&Container) -> Result<String>) -> Result<u8> {
    let containers = Containers::of(places);
    let mut failed: Option<Failure> = None;
    for key in &which.containers {
        match containers.find(key).and_then(|container| act(&container)) {
            Ok(line) => table::print_text(&format!("{line}\n"))?,
            Err(failure) => {
                if let Some(earlier) = failed.replace(failure) {
                    failure::tell(&earlier.sentence);
                }
            }
        }
    }
    failed.map_or(Ok(0), Err)
}
