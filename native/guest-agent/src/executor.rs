// SPDX-License-Identifier: Apache-2.0
//! The last steps inside a container before its program runs.
//!
//! libcontainer would load a seccomp profile before it waits for the start, so the profile would have to allow that
//! wait, and would not load one at all for a further process (exec). Both are done here instead, right before execve.

use std::ffi::CString;
use std::io;
use std::os::fd::RawFd;

use hako_ttrpc::Status;
use libcontainer::oci_spec::runtime::{LinuxSeccomp, Spec};
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};

use crate::program;
use crate::sys::{self, check};

/// Capabilities that a process has only until its seccomp filter is loaded (bits by number, capabilities(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Borrowed {
    pub bounding: u64,
    pub permitted: u64,
    pub effective: u64,
}

#[derive(Clone)]
pub struct GuestExecutor {
    /// Where a failure is written; closed by a successful execve.
    pub report: RawFd,
    pub seccomp: Option<LinuxSeccomp>,
    pub borrowed: Borrowed,
    /// A terminal's rows and columns.
    pub window: Option<(u32, u32)>,
}

impl Executor for GuestExecutor {
    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        self.reported(program_of(spec).map(drop))
            .map_err(|status| ExecutorValidationError::ArgValidationError(status.message))
    }

    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        self.reported(self.run(spec)).map_err(|status| ExecutorError::Other(status.message))
    }
}

impl GuestExecutor {
    fn run(&self, spec: &Spec) -> Result<(), Status> {
        let (path, arguments) = program_of(spec)?;
        let failed = |what: &str, error: &dyn std::fmt::Display| Status::internal(format!("{what}: {error}."));
        if let Some((rows, columns)) = self.window {
            first_window(rows, columns).map_err(|e| failed("The terminal's size cannot be set", &e))?;
        }
        drop_bounding(self.borrowed.bounding)
            .map_err(|e| failed("The bounding set of capabilities cannot be reduced", &e))?;
        if let Some(profile) = &self.seccomp {
            libcontainer::seccomp::initialize_seccomp(profile)
                .map_err(|e| failed("The seccomp profile cannot be loaded", &e))?;
        }
        drop_held(self.borrowed).map_err(|e| failed("The capabilities cannot be reduced", &e))?;
        // The Rust runtime ignores SIGPIPE, and what is ignored stays so across execve.
        // SAFETY: SIG_DFL is a valid disposition; this process has one thread.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        Err(program::explain(&arguments[0].to_string_lossy(), &execute(&path, &arguments)))
    }

    /// Writes a failure into the report pipe. Raw, because libcontainer copies the executor across forks.
    fn reported<T>(&self, result: Result<T, Status>) -> Result<T, Status> {
        if let Err(status) = &result {
            let bytes = program::encode(status);
            // SAFETY: the pointer and length are those of one live buffer. If nobody reads any more, nobody wants it.
            unsafe { libc::write(self.report, bytes.as_ptr().cast(), bytes.len()) };
        }
        result
    }
}

/// The size that was asked for at first, unless another has been asked for since: a created container's terminal can be resized.
fn first_window(rows: u32, columns: u32) -> io::Result<()> {
    if sys::has_no_window(0)? { sys::set_window(0, rows, columns) } else { Ok(()) }
}

fn program_of(spec: &Spec) -> Result<(CString, Vec<CString>), Status> {
    let process = spec.process().as_ref().ok_or_else(|| Status::invalid("The OCI spec has no process."))?;
    let arguments = process.args().as_deref().unwrap_or_default();
    let name =
        arguments.first().ok_or_else(|| Status::invalid("The process has no arguments, not even its program."))?;
    let path = program::resolve(name, process.env().as_deref().unwrap_or_default())?;
    let text = |text: &[u8]| {
        CString::new(text).map_err(|_| Status::invalid(format!("An argument of {name} has a NUL character.")))
    };
    let path = text(path.as_os_str().as_encoded_bytes())?;
    Ok((path, arguments.iter().map(|argument| text(argument.as_bytes())).collect::<Result<_, _>>()?))
}

/// execv(3) with the environment that libcontainer has set; returns only if it fails.
fn execute(path: &CString, arguments: &[CString]) -> io::Error {
    let mut pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: `path` and the null-terminated list of strings live across the call.
    unsafe { libc::execv(path.as_ptr(), pointers.as_ptr()) };
    io::Error::last_os_error()
}

fn drop_bounding(mask: u64) -> io::Result<()> {
    for capability in (0..64u32).filter(|bit| mask >> bit & 1 == 1) {
        // SAFETY: takes no pointers.
        check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) })?;
    }
    Ok(())
}

/// capset(2) in its 64-bit form.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// _LINUX_CAPABILITY_VERSION_3 of linux/capability.h.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

fn drop_held(borrowed: Borrowed) -> io::Result<()> {
    if borrowed.permitted | borrowed.effective == 0 {
        return Ok(());
    }
    let mut header = Header { version: CAPABILITY_VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: version 3 reads one header and writes two sets.
    check(unsafe { libc::syscall(libc::SYS_capget, &mut header, sets.as_mut_ptr()) })?;
    for (half, sets) in sets.iter_mut().enumerate() {
        sets.permitted &= !((borrowed.permitted >> (32 * half)) as u32);
        sets.effective &= !((borrowed.effective >> (32 * half)) as u32);
    }
    // SAFETY: version 3 reads one header and two sets.
    check(unsafe { libc::syscall(libc::SYS_capset, &mut header, sets.as_ptr()) }).map(drop)
}
