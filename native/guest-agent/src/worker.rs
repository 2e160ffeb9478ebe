// SPDX-License-Identifier: Apache-2.0
//! What may block (mounts, libcontainer, sync) runs in a forked process, so that PID 1 never waits for it.
//!
//! A worker sends one report through a socket and exits. Its children that live on, a container's processes, become
//! children of PID 1 at that moment: PID 1 reaps them, and the worker before them.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use hako_ttrpc::{Code, Status};

use crate::sys::{self, check};

/// The longest sentence that travels in a report, in bytes.
const MESSAGE_BYTES: usize = 4096;

/// What a worker brings back when it succeeds.
#[derive(Debug, Default)]
pub struct Report {
    /// The process that it made; 0 if none.
    pub pid: i32,
    /// A terminal's master.
    pub descriptor: Option<OwnedFd>,
}

pub struct Worker {
    pub pid: i32,
    pub deadline: Instant,
    socket: OwnedFd,
}

impl Worker {
    /// Forks a process that runs `body` and exits. It keeps only the descriptors 0 to 2 and those in `keep`.
    pub fn spawn(keep: &[RawFd], limit: Duration, body: impl FnOnce() -> Result<Report, Status>) -> io::Result<Worker> {
        let (near, far) = socket_pair()?;
        // SAFETY: this process has one thread, so the child may use everything it inherits.
        match check(unsafe { libc::fork() })? {
            0 => run(&far, keep, body),
            pid => Ok(Worker { pid, deadline: Instant::now() + limit, socket: near }),
        }
    }

    /// What the worker has reported. To be asked once the worker has been reaped.
    pub fn outcome(&self) -> Result<Report, Status> {
        receive(&self.socket).unwrap_or_else(|error| {
            Err(Status::internal(format!("A worker process of the guest agent ended without a report: {error}.")))
        })
    }
}

fn run(socket: &OwnedFd, keep: &[RawFd], body: impl FnOnce() -> Result<Report, Status>) -> ! {
    // A panic must not unwind into the parent's loop: here it would be a second agent.
    let _guard = AbortOnUnwind;
    let mut kept = keep.to_vec();
    kept.push(socket.as_raw_fd());
    sys::close_all_but(&kept);
    // A group of its own, so that what it starts (hooks) can be ended with it.
    // SAFETY: takes no pointers. It cannot fail for a process that leads no session.
    unsafe { libc::setpgid(0, 0) };
    let outcome = sys::unblock_signals()
        .map_err(|error| Status::internal(format!("A worker process cannot unblock its signals: {error}.")))
        .and_then(|()| body());
    let failed = send(socket, &outcome).is_err();
    // SAFETY: ends the process without running the parent's exit handlers.
    unsafe { libc::_exit(i32::from(failed)) }
}

struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: `ends` has room for the two descriptors.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) })?;
    // SAFETY: the kernel has just given both descriptors to this process alone.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Report: i32 code (0: success), then i32 pid or the sentence, native endian: both ends are the same program.
fn encode(outcome: &Result<Report, Status>) -> Vec<u8> {
    match outcome {
        Ok(report) => [0i32.to_ne_bytes(), report.pid.to_ne_bytes()].concat(),
        Err(status) => {
            let message = status.message.as_bytes();
            [&(status.code as i32).to_ne_bytes()[..], &message[..message.len().min(MESSAGE_BYTES)]].concat()
        }
    }
}

fn decode(bytes: &[u8], descriptor: Option<OwnedFd>) -> io::Result<Result<Report, Status>> {
    let (code, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    match i32::from_ne_bytes(*code) {
        0 => {
            let pid = rest.first_chunk::<4>().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            Ok(Ok(Report { pid: i32::from_ne_bytes(*pid), descriptor }))
        }
        code => Ok(Err(Status::new(Code::from(code), String::from_utf8_lossy(rest)))),
    }
}

/// Room for one descriptor's control message (cmsg(3)), aligned as cmsghdr must be.
type Control = MaybeUninit<[u64; 4]>;

fn send(socket: &OwnedFd, outcome: &Result<Report, Status>) -> io::Result<()> {
    let descriptor = outcome.as_ref().ok().and_then(|report| report.descriptor.as_ref());
    send_message(socket, &encode(outcome), descriptor)
}

fn send_message(socket: &OwnedFd, bytes: &[u8], descriptor: Option<&OwnedFd>) -> io::Result<()> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control::zeroed();
    // SAFETY: msghdr is plain numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    if let Some(descriptor) = descriptor {
        message.msg_control = control.as_mut_ptr().cast();
        // SAFETY: CMSG_SPACE(4) is 24 of the 32 bytes of `control`, so header and data lie inside it.
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(4) as usize;
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
            libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor.as_raw_fd());
        }
    }
    // SAFETY: every pointer of `message` lives across the call.
    check(unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) }).map(drop)
}

fn receive(socket: &OwnedFd) -> io::Result<Result<Report, Status>> {
    let mut bytes = [0; MESSAGE_BYTES + 4];
    let (count, descriptor) = receive_message(socket, &mut bytes)?;
    decode(&bytes[..count], descriptor)
}

/// Takes one message and the descriptor that came with it.
pub fn receive_message(socket: &impl AsRawFd, bytes: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut control = Control::zeroed();
    // SAFETY: msghdr is plain numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>();
    // SAFETY: every pointer of `message` lives across the call.
    let count = check(unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) })? as usize;
    // SAFETY: the kernel filled `control`; a header of SCM_RIGHTS is followed by at least one descriptor.
    let descriptor = unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        let given =
            !header.is_null() && (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS;
        given.then(|| OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned()))
    };
    Ok((count, descriptor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carry(outcome: Result<Report, Status>) -> Result<Report, Status> {
        let (near, far) = socket_pair().unwrap();
        send(&far, &outcome).unwrap();
        receive(&near).unwrap()
    }

    #[test]
    fn a_report_carries_pid_and_descriptor() {
        let (reader, writer) = sys::pipe().unwrap();
        let report = carry(Ok(Report { pid: 42, descriptor: Some(writer) })).unwrap();
        assert_eq!(report.pid, 42);
        sys::write(&report.descriptor.unwrap(), b"through").unwrap();
        let mut bytes = [0; 16];
        assert_eq!(sys::read(&reader, &mut bytes).unwrap(), 7);
    }

    #[test]
    fn a_failure_carries_code_and_a_sentence_of_bounded_length() {
        let status = carry(Err(Status::not_found("x".repeat(2 * MESSAGE_BYTES)))).unwrap_err();
        assert_eq!((status.code, status.message.len()), (Code::NotFound, MESSAGE_BYTES));
    }

    #[test]
    fn a_worker_that_said_nothing_is_a_failure() {
        let (near, far) = socket_pair().unwrap();
        drop(far);
        assert!(receive(&near).is_err());
    }
}
