// SPDX-License-Identifier: Apache-2.0
use std::io;
use std::thread::{self, JoinHandle};

use crate::args::One;
use crate::container::{Container, Containers};
use crate::control;
use crate::failure::{Doing, Failure, Result};
use crate::fifos::Fifos;
use crate::life;
use crate::log::{Log, Printer};
use crate::places::Places;
use crate::session::Session;
use crate::signals::Signals;
use crate::task::{Task, TaskProcess, Which};
use crate::verbs::logs::{Watch, print_all};
use crate::verbs::run::{raw_if, status_byte};

/// Joins a running container: what it writes from now on, and input if it was run with `-i`.
pub fn attach(places: &Places, asked: &One) -> Result<u8> {
    control::require(places)?;
    let container = Containers::of(places).find(&asked.container)?;
    let signals = Signals::catch().doing(|| "Catching signals".into())?;
    let task = Task::connect(&container)?;
    if !life::is_running(&task)? {
        return Err(Failure::new(format!(
            "Container {} does not run: hako logs shows what it wrote.",
            container.meta.name
        )));
    }
    let _mine = container.attach()?;
    let status = converse(&task, &container, &signals)?;
    if container.meta.remove {
        life::remove(places, &container)?;
    }
    Ok(status_byte(status))
}

fn converse(task: &Task, container: &Container, signals: &Signals) -> Result<u32> {
    let meta = &container.meta;
    let fifos = Fifos::of(&container.bundle, meta.interactive, meta.terminal);
    let outputs = if meta.detached { Vec::new() } else { fifos.outputs()? };
    let follower = if meta.detached { Some(follow(container)?) } else { None };
    let exit = task.wait(Which::FIRST)?;
    let input = fifos.input()?;
    let _raw = raw_if(meta.interactive && meta.terminal && crate::terminal::is_input())?;
    let status =
        Session::new(&TaskProcess(task, Which::FIRST), signals, meta.terminal).joined(input, outputs).run(exit)?;
    if let Some(follower) = follower {
        // It ends by itself with the container; output that nobody takes is no failure of the container's.
        let _ = follower.join();
    }
    Ok(status)
}

/// Prints what the log gets from now on, in a thread of its own, until the container has ended.
fn follow(container: &Container) -> Result<JoinHandle<io::Result<()>>> {
    let watch = Watch::new(container)?;
    let mut log = Log::open(&container.log()).doing(|| format!("Reading {}", container.log().display()))?;
    log.last(0).doing(|| format!("Reading {}", container.log().display()))?;
    let follow = move || {
        let mut printer = Printer { out: io::stdout(), err: io::stderr() };
        while watch.wait()? {
            print_all(&mut log, &mut printer)?;
        }
        print_all(&mut log, &mut printer)
    };
    thread::Builder::new().name("log".into()).spawn(follow).doing(|| "Starting a thread".into())
}
