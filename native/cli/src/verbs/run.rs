// SPDX-License-Identifier: Apache-2.0
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use hako_protocols::task::Mount;

use crate::args::Run;
use crate::container::{Container, Containers, Meta, make_private, now, random_hex};
use crate::control::{self, Control};
use crate::failure::{self, Doing, Failure, Result};
use crate::fifos::Fifos;
use crate::image::{self, Image};
use crate::life;
use crate::places::Places;
use crate::progress::PATIENCE;
use crate::session::{Awaited, Output, Session, await_answer};
use crate::shim;
use crate::signals::{Signal, Signals};
use crate::spec::{self, Accounts, Wanted};
use crate::table;
use crate::task::{Stdio, Task, TaskProcess, Which};
use crate::terminal::{self, Raw};

/// Everything that a start needs.
struct Start<'a> {
    places: &'a Places,
    asked: &'a Run,
    image: &'a Image,
    command: &'a [String],
    container: &'a Container,
    signals: &'a Signals,
}

/// A container whose command runs.
struct Started {
    task: Task,
    /// Joined before the command could write: a fifo that nobody has open forgets what is in it.
    outputs: Vec<Output>,
}

/// A start that a signal has ended: the status to end with.
struct Abandoned(u8);

pub fn run(places: &Places, asked: &Run) -> Result<u8> {
    check_terminal(asked.process.interactive && !asked.detach, asked.process.tty)?;
    control::require(places)?;
    let image = image::prepare(places, asked.image())?;
    let command = spec::command(&image.config, asked.command())?;
    // Before the first thread, and before there is anything that a signal must not leave behind.
    let signals = Signals::catch().doing(|| "Catching signals".into())?;
    let container = claim(places, asked, &image, &command)?;
    let start = Start { places, asked, image: &image, command: &command, container: &container, signals: &signals };
    match start.launch() {
        Ok(Ok(_)) if asked.detach => table::print_text(&format!("{}\n", container.id())).map(|()| 0),
        Ok(Ok(started)) => foreground(places, started, &container, &signals),
        Ok(Err(Abandoned(status))) => life::remove_by_force(places, &container).map(|()| status),
        Err(failure) => {
            // The cause is told; what cannot be cleaned up now is listed by ps and goes with rm -f.
            let _ = life::remove_by_force(places, &container);
            Err(failure)
        }
    }
}

/// A terminal can only be joined to one.
pub fn check_terminal(interactive: bool, terminal: bool) -> Result<()> {
    if interactive && terminal && !terminal::is_input() {
        return Err(Failure::new("Standard input is no terminal, so -t with -i has nothing to join: leave out -t."));
    }
    Ok(())
}

fn claim(places: &Places, asked: &Run, image: &Image, command: &[String]) -> Result<Container> {
    let id = random_hex(6)?;
    Containers::of(places).claim(Meta {
        name: asked.name.clone().unwrap_or_else(|| id.clone()),
        id,
        image: asked.image().to_owned(),
        command: command.to_vec(),
        created: now(),
        terminal: asked.process.tty,
        interactive: asked.process.interactive,
        detached: asked.detach,
        remove: asked.rm,
        rootfs: image.rootfs.clone(),
    })
}

impl Start<'_> {
    fn launch(&self) -> Result<std::result::Result<Started, Abandoned>> {
        let container = self.container;
        self.write_config()?;
        let rootfs = overlay(self.places, container)?;
        let stdio = make_stdio(container)?;
        let outputs = if container.meta.detached { Vec::new() } else { fifos(container).outputs()? };
        shim::start(self.places, container)?;
        let task = Task::connect(container)?;
        let create = task.create(container, rootfs, stdio, self.asked.profile.as_deref())?;
        if let Awaited::Interrupted(answer, signal) =
            await_answer(create, self.signals, "Starting the virtual machine ...")?
        {
            // A half-made container cannot be removed in order; a made one can.
            let _ = answer.take_within(10 * PATIENCE);
            return Ok(Err(Abandoned(status_of(signal))));
        }
        Ok(match await_answer(task.start(Which::FIRST)?, self.signals, "Starting the command ...")? {
            Awaited::Answered(_) => Ok(Started { task, outputs }),
            Awaited::Interrupted(_, signal) => Err(Abandoned(status_of(signal))),
        })
    }

    fn write_config(&self) -> Result<()> {
        let Self { asked, image, command, container, .. } = self;
        let config = spec::config(&Wanted {
            id: container.id(),
            name: &container.meta.name,
            image: asked.image(),
            config: &image.config,
            process: &asked.process,
            command,
            accounts: &Accounts::read(&[&image.rootfs])?,
            network: asked.network,
            volumes: &asked.volume,
            memory: asked.memory,
            millicpus: asked.cpus,
        })?;
        let path = container.bundle.join("config.json");
        fs::write(&path, config.to_string()).doing(|| format!("Writing {}", path.display()))
    }
}

/// The mount that containerd's overlayfs snapshotter would give: the image below, the container's own layer above.
fn overlay(places: &Places, container: &Container) -> Result<Mount> {
    let home = places.container(container.id());
    let (upper, work) = (home.join("upper"), home.join("work"));
    make_private(&work)?;
    make_private(&upper)?;
    // The merged root directory has the upper one's owner and mode; the image's are what programs expect.
    let root = fs::metadata(&container.meta.rootfs);
    root.and_then(|root| {
        chown(&upper, Some(root.uid()), Some(root.gid()))?;
        fs::set_permissions(&upper, root.permissions())
    })
    .doing(|| format!("Giving {} the owner and mode of {}", upper.display(), container.meta.rootfs.display()))?;
    Ok(Mount {
        r#type: "overlay".to_owned(),
        source: "overlay".to_owned(),
        target: String::new(),
        options: vec![
            format!("lowerdir={}", container.meta.rootfs.display()),
            format!("upperdir={}", upper.display()),
            format!("workdir={}", work.display()),
        ],
    })
}

fn make_stdio(container: &Container) -> Result<Stdio> {
    let (meta, fifos) = (&container.meta, fifos(container));
    if !meta.detached {
        fifos.make()?;
        return Ok(fifos.stdio());
    }
    if meta.interactive {
        fifos.make_input()?;
    }
    let log = format!("cri-log://{}", container.log().display());
    let stderr = if meta.terminal { String::new() } else { log.clone() };
    Ok(Stdio { stdout: log, stderr, ..fifos.stdio() })
}

fn fifos(container: &Container) -> Fifos {
    Fifos::of(&container.bundle, container.meta.interactive, container.meta.terminal)
}

fn foreground(places: &Places, started: Started, container: &Container, signals: &Signals) -> Result<u8> {
    let ended = converse(started, container, signals);
    match (&ended, Control::connect(places).and_then(|control| control.reason(container.id()))) {
        (Ok(1..), Ok(reason)) if !reason.is_empty() => failure::tell(&reason),
        _ => {}
    }
    let removed = match &ended {
        _ if !container.meta.remove => Ok(()),
        Ok(_) => life::remove(places, container),
        Err(_) => life::remove_by_force(places, container),
    };
    ended.and_then(|status| removed.map(|()| status))
}

fn converse(started: Started, container: &Container, signals: &Signals) -> Result<u8> {
    let meta = &container.meta;
    let Started { task, outputs } = started;
    let exit = task.wait(Which::FIRST)?;
    let _mine = container.attach()?;
    let input = fifos(container).input()?;
    let _raw = raw_if(meta.interactive && meta.terminal)?;
    Session::new(&TaskProcess(&task, Which::FIRST), signals, meta.terminal)
        .joined(input, outputs)
        .run(exit)
        .map(status_byte)
}

/// The terminal in raw mode for as long as the value lives, if it is wanted.
pub fn raw_if(wanted: bool) -> Result<Option<Raw>> {
    wanted.then(Raw::enter).transpose().doing(|| "Putting the terminal into raw mode".into())
}

/// An exit status as a program can end with it.
pub fn status_byte(status: u32) -> u8 {
    u8::try_from(status).unwrap_or(u8::MAX)
}

fn status_of(signal: Signal) -> u8 {
    status_byte(128 + signal.0)
}
