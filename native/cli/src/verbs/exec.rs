// SPDX-License-Identifier: Apache-2.0
use crate::args::Exec;
use crate::container::{Container, Containers, random_hex};
use crate::control;
use crate::failure::{Doing, Result};
use crate::fifos::Fifos;
use crate::places::Places;
use crate::session::{Awaited, Output, Session, await_answer};
use crate::signals::Signals;
use crate::spec::{self, Accounts};
use crate::task::{Stdio, Task, TaskProcess, Which};
use crate::verbs::run::{check_terminal, raw_if, status_byte};

pub fn exec(places: &Places, asked: &Exec) -> Result<u8> {
    check_terminal(asked.process.interactive && !asked.detach, asked.process.tty)?;
    control::require(places)?;
    let container = Containers::of(places).find(asked.container())?;
    let process = process(places, &container, asked)?;
    let signals = Signals::catch().doing(|| "Catching signals".into())?;
    let task = Task::connect(&container)?;
    let id = random_hex(6)?;
    if asked.detach {
        let stdio = Stdio { terminal: asked.process.tty, ..Stdio::default() };
        task.exec(Which(&id), process, stdio)?.take()?;
        return start_detached(&task, Which(&id));
    }
    let directory = container.bundle.join(format!("exec-{id}"));
    let fifos = Fifos::of(&directory, asked.process.interactive, asked.process.tty);
    let ended = foreground(&task, Which(&id), process, &fifos, asked, &signals);
    hako_image::remove_tree(&directory).doing(|| format!("Removing {}", directory.display()))?;
    ended
}

/// The OCI process object, with names looked up where the container's own writes come before the image.
fn process(places: &Places, container: &Container, asked: &Exec) -> Result<Vec<u8>> {
    let upper = places.container(container.id()).join("upper");
    let accounts = Accounts::read(&[&upper, &container.meta.rootfs])?;
    let config = spec::read(&container.bundle)?;
    Ok(spec::exec(&config, &asked.process, asked.command(), &accounts)?.to_string().into_bytes())
}

fn start_detached(task: &Task, which: Which<'_>) -> Result<u8> {
    let started = task.start(which)?.take();
    if started.is_err() {
        // The refusal is what is told; a process that never ran leaves nothing but its name.
        let _ = task.delete(which);
    }
    Ok(started.map(|_| 0)?)
}

fn foreground(
    task: &Task,
    which: Which<'_>,
    process: Vec<u8>,
    fifos: &Fifos,
    asked: &Exec,
    signals: &Signals,
) -> Result<u8> {
    fifos.make()?;
    let outputs = fifos.outputs()?;
    task.exec(which, process, fifos.stdio())?.take()?;
    let ended = match await_answer(task.start(which)?, signals, "Starting the command ...") {
        Ok(Awaited::Answered(_)) => converse(task, which, fifos, outputs, asked, signals),
        Ok(Awaited::Interrupted(_, signal)) => {
            task.kill(which, crate::signals::Signal::KILL)?;
            Ok(status_byte(128 + signal.0))
        }
        Err(failure) => Err(failure),
    };
    // It has ended, or never began: an error here would hide how.
    let _ = task.delete(which);
    ended
}

fn converse(
    task: &Task,
    which: Which<'_>,
    fifos: &Fifos,
    outputs: Vec<Output>,
    asked: &Exec,
    signals: &Signals,
) -> Result<u8> {
    let exit = task.wait(which)?;
    let input = fifos.input()?;
    let _raw = raw_if(asked.process.interactive && asked.process.tty)?;
    Session::new(&TaskProcess(task, which), signals, asked.process.tty)
        .joined(input, outputs)
        .run(exit)
        .map(status_byte)
}
