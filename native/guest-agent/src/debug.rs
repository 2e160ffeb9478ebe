// SPDX-License-Identifier: Apache-2.0
//! Programs that an operator runs in the guest itself, beside the containers: in the agent's namespaces, with all rights.
//!
//! The guest has no programs. The one to run comes with the call and stays in memory: it is there as long as processes of
//! it are, and no file system of the guest is asked for it. What it starts is in a cgroup of its own, by which it is ended.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use hako_protocols::agent::DebugRequest;
use hako_ttrpc::{Code, Status};

use crate::agent::Agent;
use crate::jobs::{self, Ends};
use crate::lifecycle::Handled;
use crate::paths::{self, check_name};
use crate::requests::Ticket;
use crate::sys::{self, check};
use crate::tasks::Task;
use crate::worker::Report;

/// In place of a container's id: the guest itself.
pub const GUEST: &str = "";

impl Agent {
    pub fn debug(&mut self, request: DebugRequest, ticket: Ticket, limit: Duration) -> Handled {
        check_name("process id", &request.exec_id)?;
        if self.table.find(GUEST, &request.exec_id).is_ok() {
            let message = format!("There is already a process {} in this guest.", request.exec_id);
            return Err(Status::new(Code::AlreadyExists, message));
        }
        let (process, ends) = self.process_for(GUEST, &request.exec_id, request.stdio.unwrap_or_default())?;
        let number = self.table.add(process);
        let keep = ends.kept();
        self.spawn(Task::Exec(ticket, number), &keep, limit, || run(&request, ends));
        Ok(None)
    }
}

/// Returns when the program runs, or could not.
fn run(request: &DebugRequest, ends: Ends) -> Result<Report, Status> {
    let cgroup = paths::debug_cgroup(&request.exec_id);
    start(request, &ends, &cgroup).map_err(|error| {
        // The failure that matters is the first one.
        let _ = scrub(&request.exec_id);
        Status::precondition(format!("The program cannot be run in the guest: {error}."))
    })
}

/// Ends whatever a program has left, and removes its cgroup.
pub fn scrub(process: &str) -> Result<Report, Status> {
    let cgroup = paths::debug_cgroup(process);
    jobs::end_cgroup(&cgroup)?;
    Ok(Report::default())
}

fn start(request: &DebugRequest, ends: &Ends, cgroup: &Path) -> io::Result<Report> {
    let program = program(&request.program)?;
    let arguments = strings(&request.arguments)?;
    let environment = strings(&request.environment)?;
    let (master, terminal) = match ends.terminal {
        Some((rows, columns)) => {
            let (master, terminal) = terminal(rows, columns)?;
            (Some(master), Some(terminal))
        }
        None => (None, None),
    };
    fs::create_dir_all(cgroup)?;
    // Closed by a successful execve, and by the end of whoever fails before.
    let (started, failure) = sys::pipe()?;
    // SAFETY: this process has one thread, so the child may use everything it inherits.
    let pid = check(unsafe { libc::fork() })?;
    if pid == 0 {
        let failed = become_program(&program, [&arguments, &environment], ends, terminal.as_ref(), cgroup);
        let _ = sys::write(&failure, &failed.raw_os_error().unwrap_or(libc::EIO).to_ne_bytes());
        // SAFETY: ends the process without running the parent's exit handlers.
        unsafe { libc::_exit(127) }
    }
    drop(failure);
    let mut code = [0; 4];
    match sys::read(&started, &mut code)? {
        0 => Ok(Report { pid, descriptor: master }),
        _ => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(code))),
    }
}

/// Returns only if it fails.
fn become_program(
    program: &File,
    [arguments, environment]: [&[CString]; 2],
    ends: &Ends,
    terminal: Option<&OwnedFd>,
    cgroup: &Path,
) -> io::Error {
    let enter = || -> io::Result<()> {
        fs::write(cgroup.join("cgroup.procs"), "0")?;
        std::env::set_current_dir("/")?;
        // SAFETY: takes no pointers.
        check(unsafe { libc::setsid() })?;
        let null = jobs::null_device()?;
        for (number, end) in [&ends.stdin, &ends.stdout, &ends.stderr].into_iter().enumerate() {
            let fd = terminal.or(end.as_ref()).unwrap_or(&null);
            // SAFETY: takes no pointers; 0 to 2 are nobody's in a worker.
            check(unsafe { libc::dup2(fd.as_raw_fd(), number as i32) })?;
        }
        if terminal.is_some() {
            // SAFETY: TIOCSCTTY takes a number.
            check(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) })?;
        }
        Ok(())
    };
    if let Err(error) = enter() {
        return error;
    }
    // The Rust runtime ignores SIGPIPE, and what is ignored stays so across execve.
    // SAFETY: SIG_DFL is a valid disposition; this process has one thread.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both are null-terminated lists of strings that live across the call.
    unsafe { libc::fexecve(program.as_raw_fd(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// A nameless file, which is gone with the last process that runs it.
fn program(bytes: &[u8]) -> io::Result<File> {
    // SAFETY: the name lives across the call.
    let fd = check(unsafe { libc::memfd_create(c"debug".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(bytes)?;
    // What is open for writing cannot be executed (ETXTBSY).
    File::open(format!("/proc/self/fd/{fd}"))
}

/// A new pseudoterminal: its master and itself. The guest has no devpts; this one's own is mounted nowhere and ends with it.
fn terminal(rows: u32, columns: u32) -> io::Result<(OwnedFd, OwnedFd)> {
    let terminals = detached_devpts()?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the name lives across the call.
    let fd = check(unsafe { libc::openat(terminals.as_raw_fd(), c"ptmx".as_ptr(), flags) })?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    let master = unsafe { OwnedFd::from_raw_fd(fd) };
    let unlocked: libc::c_int = 0;
    // SAFETY: TIOCSPTLCK reads one int.
    check(unsafe { libc::ioctl(fd, libc::TIOCSPTLCK, &unlocked) })?;
    if rows > 0 && columns > 0 {
        sys::set_window(fd, rows, columns)?;
    }
    let terminal = sys::terminal_of(&master)?;
    Ok((master, terminal))
}

/// fsopen(2), fsconfig(2) and fsmount(2), for which libc has no functions.
fn detached_devpts() -> io::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: libc::c_uint = 1;
    const FSMOUNT_CLOEXEC: libc::c_uint = 1;
    const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
    let owned = |fd: libc::c_long| {
        let fd = i32::try_from(check(fd)?).map_err(io::Error::other)?;
        // SAFETY: the kernel has just given this descriptor to this process alone.
        Ok::<_, io::Error>(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    // SAFETY: the name lives across the call.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, c"devpts".as_ptr(), FSOPEN_CLOEXEC) })?;
    let (fd, none) = (context.as_raw_fd(), std::ptr::null::<libc::c_char>());
    // SAFETY: the command takes neither key nor value.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, none, none, 0) })?;
    // SAFETY: takes no pointers.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, fd, FSMOUNT_CLOEXEC, 0) })
}

fn strings(texts: &[String]) -> io::Result<Vec<CString>> {
    texts.iter().map(|text| CString::new(text.as_str()).map_err(io::Error::from)).collect()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}
