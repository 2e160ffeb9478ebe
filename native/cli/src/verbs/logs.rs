// SPDX-License-Identifier: Apache-2.0
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use hako_protocols::task::WaitResponse;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::args::Logs;
use crate::container::{Container, Containers};
use crate::failure::{Doing, Failure, Result};
use crate::log::{Log, Printer};
use crate::places::Places;
use crate::poll::poll;
use crate::session::readable;
use crate::task::{Answer, Task, Which};

pub fn logs(places: &Places, asked: &Logs) -> Result<u8> {
    let container = Containers::of(places).find(&asked.container)?;
    if !container.meta.detached {
        return Err(Failure::new(format!(
            "Container {} has no log, since it was run in the foreground: run it with -d to keep one.",
            container.meta.name
        )));
    }
    let watch = asked.follow.then(|| Watch::new(&container)).transpose()?;
    let mut log = Log::open(&container.log()).doing(|| format!("Reading {}", container.log().display()))?;
    let mut printer = Printer { out: BufWriter::new(io::stdout()), err: BufWriter::new(io::stderr()) };
    let mut show = || -> io::Result<()> {
        if let Some(count) = asked.tail {
            log.last(count as usize)?.iter().try_for_each(|record| printer.print(record))?;
            printer.flush()?;
        }
        print_all(&mut log, &mut printer)?;
        if let Some(watch) = &watch {
            // What was written before the end was seen is read after it.
            while watch.wait()? {
                print_all(&mut log, &mut printer)?;
            }
            print_all(&mut log, &mut printer)?;
        }
        Ok(())
    };
    match show() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        shown => shown.map(|()| 0).doing(|| format!("Showing {}", container.log().display())),
    }
}

/// Prints what is there now.
pub fn print_all(log: &mut Log, printer: &mut Printer<impl Write, impl Write>) -> io::Result<()> {
    while let Some(record) = log.next()? {
        printer.print(&record)?;
    }
    printer.flush()
}

/// Tells when a container's log may have grown, until the container has ended.
pub struct Watch {
    inotify: OwnedFd,
    exit: Option<Answer<WaitResponse>>,
    _task: Option<Task>,
}

impl Watch {
    pub fn new(container: &Container) -> Result<Self> {
        let inotify =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).doing(|| "Watching for changes".into())?;
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE_SELF;
        inotify::add_watch(&inotify, &container.bundle, flags)
            .doing(|| format!("Watching {}", container.bundle.display()))?;
        // Without a shim nothing writes any more.
        let task = Task::connect(container).ok();
        let exit = task.as_ref().and_then(|task| task.wait(Which::FIRST).ok());
        Ok(Self { inotify, exit, _task: task })
    }

    /// Waits for the next change. False: the container has ended.
    pub fn wait(&self) -> io::Result<bool> {
        let Some(exit) = &self.exit else { return Ok(false) };
        let ready = poll(&[readable(&self.inotify), readable(exit)], None::<Duration>)?;
        while rustix::io::read(&self.inotify, &mut [0; 4096]).is_ok_and(|count| count > 0) {}
        Ok(!ready.contains(&exit.as_fd().as_raw_fd()))
    }
}
