// SPDX-License-Identifier: Apache-2.0
//! What worker processes do with containers: libcontainer, and the files around it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hako_ttrpc::Status;
use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::oci_spec::runtime::{LinuxSeccomp, Process, Spec};
use libcontainer::syscall::syscall::SyscallType;

use crate::causes::Causes;
use crate::executor::{Borrowed, GuestExecutor};
use crate::worker::{self, Report};
use crate::{devices, paths, spec, sys, sysctls, working_directory};

/// The profile beside the bundle's config.json, which does not have it (see [`crate::executor`]).
const PROFILE: &str = "seccomp.json";

/// A process's ends of its streams; with a terminal there are none yet.
pub struct Ends {
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    /// Where the executor writes why the program cannot be run.
    pub report: OwnedFd,
    pub terminal: Option<(u32, u32)>,
}

impl Ends {
    /// The descriptors that the worker must keep.
    pub fn kept(&self) -> Vec<RawFd> {
        let streams = [&self.stdin, &self.stdout, &self.stderr];
        streams.into_iter().flatten().chain([&self.report]).map(AsRawFd::as_raw_fd).collect()
    }

    fn executor(&self, seccomp: Option<LinuxSeccomp>, borrowed: Borrowed) -> GuestExecutor {
        GuestExecutor { report: self.report.as_raw_fd(), seccomp, borrowed, window: self.terminal }
    }

    /// A process that is not root must be able to open its own /dev/stdout.
    fn give_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        [&self.stdin, &self.stdout, &self.stderr].into_iter().flatten().try_for_each(|fd| sys::set_owner(fd, uid, gid))
    }

    fn attach(&mut self, builder: ContainerBuilder) -> Result<ContainerBuilder, Status> {
        if self.terminal.is_some() {
            return Ok(builder);
        }
        let end =
            |fd: Option<OwnedFd>| fd.map_or_else(|| null_device().map_err(|e| failed("open", "/dev/null", e)), Ok);
        Ok(builder
            .with_stdin(end(self.stdin.take())?)
            .with_stdout(end(self.stdout.take())?)
            .with_stderr(end(self.stderr.take())?))
    }
}

pub fn null_device() -> io::Result<OwnedFd> {
    File::options().read(true).write(true).open("/dev/null").map(OwnedFd::from)
}

fn failed(what: &str, on: &str, error: impl std::fmt::Display) -> Status {
    Status::internal(format!("Cannot {what} {on} in the guest: {error}."))
}

fn builder(container: &str, causes: &Causes) -> Result<ContainerBuilder, Status> {
    ContainerBuilder::new(container.to_owned(), SyscallType::default())
        .with_root_path(paths::STATE)
        .map_err(|error| causes.refused("set up", container, &error))
}

/// Makes a container whose first process waits for [`start`]; if that fails, nothing of it is left.
pub fn create(container: &str, spec_json: &[u8], rootfs: &str, ends: Ends) -> Result<Report, Status> {
    make(container, spec_json, rootfs, ends).inspect_err(|_| {
        // The failure that matters is the first one; what cannot be removed now is tried again by the agent.
        let _ = scrub(container);
    })
}

fn make(container: &str, spec_json: &[u8], rootfs: &str, mut ends: Ends) -> Result<Report, Status> {
    let causes = Causes::listen();
    let mut prepared = spec::prepare(spec_json, rootfs, container, ends.terminal.is_some())?;
    working_directory::provide(&mut prepared.spec, rootfs, container)?;
    prepared.sysctls.iter().try_for_each(|(name, value)| sysctls::set(name, value))?;
    let bundle = write_bundle(container, &prepared.spec, prepared.seccomp.as_ref())?;
    let (uid, gid) = user_of(prepared.spec.process().as_ref());
    ends.give_to(uid, gid).map_err(|error| failed("give the streams to", &format!("user {uid}"), error))?;
    let console = Console::listen(&ends, &bundle)?;
    let executor = ends.executor(prepared.seccomp, prepared.borrowed);
    let made = ends
        .attach(builder(container, &causes)?)?
        .with_executor(executor)
        .with_console_socket(console.path())
        .as_init(&bundle)
        .with_systemd(false)
        .with_detach(true)
        .build()
        .map_err(|error| causes.refused("created", container, &error))?;
    let rules = prepared
        .spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.resources().as_ref())
        .and_then(|r| r.devices().as_deref());
    devices::enforce(&paths::cgroup(container), rules.unwrap_or_default())?;
    let pid = made.pid().map_or(0, |pid| pid.as_raw());
    Ok(Report { pid, descriptor: console.master(uid)? })
}

/// Makes and starts a further process; returns when its program runs.
pub fn exec(container: &str, process_json: &[u8], mut ends: Ends) -> Result<Report, Status> {
    let causes = Causes::listen();
    let bundle = paths::bundle(container);
    let seccomp = read_profile(&bundle).map_err(|error| failed("read the profile of", container, error))?;
    let (process, borrowed) = spec::prepare_process(process_json, ends.terminal.is_some(), seccomp.is_some())?;
    let (uid, gid) = user_of(Some(&process));
    ends.give_to(uid, gid).map_err(|error| failed("give the streams to", &format!("user {uid}"), error))?;
    let file = memory_file(&serde_json::to_vec(&process).map_err(|error| failed("write", "the process", error))?)
        .map_err(|error| failed("write", "the process", error))?;
    let console = Console::listen(&ends, &bundle)?;
    let executor = ends.executor(seccomp, borrowed);
    let pid = ends
        .attach(builder(container, &causes)?)?
        .with_executor(executor)
        .with_console_socket(console.path())
        .as_tenant()
        .with_process(Some(format!("/proc/self/fd/{}", file.as_raw_fd())))
        .with_detach(true)
        .build()
        .map_err(|error| causes.refused("entered", container, &error))?;
    Ok(Report { pid: pid.as_raw(), descriptor: console.master(uid)? })
}

/// Lets a created container's first process go on to its program.
pub fn start(container: &str) -> Result<Report, Status> {
    let causes = Causes::listen();
    Container::load(paths::state(container))
        .and_then(|mut created| created.start())
        .map(|()| Report::default())
        .map_err(|error| causes.refused("started", container, &error))
}

/// Removes a container that has ended (or was never started), its cgroup and its files.
pub fn delete(container: &str) -> Result<Report, Status> {
    let state = paths::state(container);
    if state.exists() {
        let causes = Causes::listen();
        Container::load(state)
            .and_then(|mut stopped| stopped.delete(true))
            .map_err(|error| causes.refused("deleted", container, &error))?;
    }
    scrub(container)
}

/// Removes what a failed or cut-off creation left.
pub fn scrub(container: &str) -> Result<Report, Status> {
    end_cgroup(&paths::cgroup(container))?;
    for directory in [paths::state(container), paths::bundle(container)] {
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &directory.display().to_string(), error));
            }
            _ => {}
        }
    }
    Ok(Report::default())
}

/// Kills whatever is in a cgroup and removes it; succeeds if there is none.
pub fn end_cgroup(cgroup: &Path) -> Result<(), Status> {
    if !cgroup.exists() {
        return Ok(());
    }
    // Fails on a kernel before 5.14 only, which hako does not boot.
    let _ = fs::write(cgroup.join("cgroup.kill"), "1");
    remove_cgroup(cgroup).map_err(|error| failed("remove", &cgroup.display().to_string(), error))
}

/// Removes a cgroup and those that the container made below it, once their processes are gone.
fn remove_cgroup(cgroup: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cgroup)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    loop {
        match fs::remove_dir(cgroup) {
            // The worker's deadline ends this; killed processes take a moment to leave.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => std::thread::sleep(Duration::from_millis(5)),
            result => return result,
        }
    }
}

/// Freezes or thaws a cgroup and waits until the kernel has done so.
pub fn freeze(cgroup: &Path, frozen: bool) -> Result<Report, Status> {
    let wanted = if frozen { "1" } else { "0" };
    let error = |error| failed(if frozen { "pause" } else { "resume" }, &cgroup.display().to_string(), error);
    fs::write(cgroup.join("cgroup.freeze"), wanted).map_err(error)?;
    let events = cgroup.join("cgroup.events");
    let line = format!("frozen {wanted}");
    while !fs::read_to_string(&events).map_err(error)?.lines().any(|found| found == line) {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(Report::default())
}

fn user_of(process: Option<&Process>) -> (u32, u32) {
    process.map_or((0, 0), |process| (process.user().uid(), process.user().gid()))
}

fn write_bundle(container: &str, spec: &Spec, profile: Option<&LinuxSeccomp>) -> Result<PathBuf, Status> {
    let bundle = paths::bundle(container);
    let write = || -> io::Result<()> {
        fs::create_dir_all(&bundle)?;
        fs::write(bundle.join("config.json"), serde_json::to_vec(spec)?)?;
        if let Some(profile) = profile {
            fs::write(bundle.join(PROFILE), serde_json::to_vec(profile)?)?;
        }
        Ok(())
    };
    write().map_err(|error| failed("write", &bundle.display().to_string(), error))?;
    Ok(bundle)
}

fn read_profile(bundle: &Path) -> io::Result<Option<LinuxSeccomp>> {
    match fs::read(bundle.join(PROFILE)) {
        Ok(json) => Ok(serde_json::from_slice(&json)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A nameless file: libcontainer reads a process from a path only.
fn memory_file(bytes: &[u8]) -> io::Result<File> {
    // SAFETY: the name lives across the call.
    let fd = sys::check(unsafe { libc::memfd_create(c"process.json".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(bytes)?;
    Ok(file)
}

/// The socket through which libcontainer hands over a terminal's master; nothing for a process without a terminal.
struct Console(Option<(UnixListener, PathBuf)>);

impl Console {
    fn listen(ends: &Ends, bundle: &Path) -> Result<Console, Status> {
        if ends.terminal.is_none() {
            return Ok(Console(None));
        }
        let path = bundle.join(format!("tty-{}", std::process::id()));
        let listener =
            UnixListener::bind(&path).map_err(|error| failed("listen at", &path.display().to_string(), error))?;
        Ok(Console(Some((listener, path))))
    }

    fn path(&self) -> Option<PathBuf> {
        self.0.as_ref().map(|(_, path)| path.clone())
    }

    /// The master, with its terminal given to the process's user.
    fn master(self, uid: u32) -> Result<Option<OwnedFd>, Status> {
        let Some((listener, path)) = self.0 else { return Ok(None) };
        let take = || -> io::Result<OwnedFd> {
            let (connection, _) = listener.accept()?;
            let (_, master) = worker::receive_message(&connection, &mut [0; 256])?;
            let master = master.ok_or_else(|| io::Error::other("no descriptor came"))?;
            // Group -1: devpts has given it the group of terminals.
            sys::set_owner(&sys::terminal_of(&master)?, uid, u32::MAX)?;
            fs::remove_file(&path)?;
            Ok(master)
        };
        take().map(Some).map_err(|error| failed("take", "the process's terminal", error))
    }
}
