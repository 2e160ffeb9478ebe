// SPDX-License-Identifier: Apache-2.0
//! System calls that the standard library does not have.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The result of a system call that returns -1 on failure.
pub fn check(result: i64) -> io::Result<i64> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes a descriptor that a system call has just returned, or its failure.
pub fn owned(fd: i64) -> io::Result<OwnedFd> {
    // SAFETY: the caller passes a system call's fresh descriptor, which nothing else owns.
    check(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// # Errors
/// InvalidInput where the path has a zero byte.
pub fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

/// A random number that is not 0.
pub fn random() -> io::Result<u64> {
    let mut number = 0u64;
    while number == 0 {
        // SAFETY: the number is valid for writes of 8 bytes.
        check(unsafe { libc::getrandom((&raw mut number).cast(), 8, 0) } as i64)?;
    }
    Ok(number)
}

/// Blocks SIGCHLD and returns a non-blocking descriptor that becomes readable with it; ignores what a terminal or a
/// careless kill would send, since only SIGKILL may end a shim.
pub fn take_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before use, and SIG_IGN is a valid disposition.
    unsafe {
        for signal in
            [libc::SIGPIPE, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2]
        {
            libc::signal(signal, libc::SIG_IGN);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        check(i64::from(libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut())))?;
        owned(i64::from(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)))
    }
}

/// A connected pair of stream sockets, close-on-exec; the first one does not block.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((ours.into(), theirs.into()))
}

/// Connects to a unix socket without waiting: a listener whose queue is full, since nobody accepts, is WouldBlock. (Otherwise it
/// is connected when connect(2) returns.) The stream does not block.
pub fn connect_now(path: &Path) -> io::Result<UnixStream> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: plain integers.
    let socket = owned(i64::from(unsafe { libc::socket(libc::AF_UNIX, kind, 0) }))?;
    // SAFETY: sockaddr_un is plain data and all-zero is valid.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let path = path.as_os_str().as_bytes();
    if path.len() >= address.sun_path.len() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = *from as libc::c_char;
    }
    let size = std::mem::size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the address is valid for its size, and its path ends with a zero byte.
    check(i64::from(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), size) }))?;
    Ok(socket.into())
}

/// A pipe to read from: the end to read from, which does not block, and the end to write to.
pub fn pipe_from() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe()?;
    hako_pump::set_nonblocking(read.as_fd())?;
    Ok((read, write))
}

/// A pipe to write to: the end to read from, and the end to write to, which does not block.
pub fn pipe_to() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe()?;
    hako_pump::set_nonblocking(write.as_fd())?;
    Ok((read, write))
}

/// Close-on-exec.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the array is valid for two ints.
    check(i64::from(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }))?;
    Ok((owned(i64::from(ends[0]))?, owned(i64::from(ends[1]))?))
}

/// How many bytes wait in a pipe, by either of its ends.
pub fn unread(pipe: BorrowedFd<'_>) -> io::Result<u64> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    check(i64::from(unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) }))?;
    Ok(count as u64)
}

/// Whether nobody can read any more what is written to a pipe (poll(2), POLLERR).
pub fn has_no_reader(pipe: BorrowedFd<'_>) -> bool {
    let mut polled = libc::pollfd { fd: pipe.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&mut polled, 1, 0) > 0 && polled.revents & libc::POLLERR != 0 }
}

/// Field 22 of /proc/PID/stat.
pub fn start_time(pid: u32) -> io::Result<u64> {
    stat_field(pid, 22)
}

/// Whether a process is on its way out: PF_EXITING (linux/sched.h) in field 9 of /proc/PID/stat, which is set before its files are
/// closed.
pub fn is_exiting(pid: u32) -> bool {
    const PF_EXITING: u64 = 0x4;
    stat_field(pid, 9).map_or(true, |flags| flags & PF_EXITING != 0)
}

/// A number of /proc/PID/stat (proc(5)), from field 4 on. The command name before may hold anything, so fields count from its last
/// parenthesis.
fn stat_field(pid: u32, number: usize) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let field = fields.split(' ').nth(number - 3).and_then(|field| field.parse().ok());
    field.ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat has no field {number}")))
}

/// A descriptor for a process; it becomes readable when the process ends.
pub fn pidfd(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: plain integers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Sends a signal to the process of a pidfd.
pub fn signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo is allowed.
    check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, none, 0) }).map(drop)
}

/// Waits until a descriptor is readable or `limit_ms` passed; false then.
pub fn wait_readable(fd: BorrowedFd<'_>, limit_ms: i32) -> io::Result<bool> {
    let mut polled = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    check(i64::from(unsafe { libc::poll(&mut polled, 1, limit_ms) })).map(|ready| ready > 0)
}

/// Runs `act` inside the network namespace at `path`; an empty path is the shim's own. The only thread is back in its own
/// namespace afterwards.
pub fn in_network_namespace<T>(path: &str, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if path.is_empty() {
        return act();
    }
    let own = File::open("/proc/self/ns/net")?;
    let other = File::open(path)?;
    enter(&other)?;
    let result = act();
    // A shim that stayed in there would launch every later process into the wrong namespace.
    if enter(&own).is_err() {
        std::process::abort();
    }
    result
}

/// Has closing a TCP connection tell the peer that it was broken off (RST), not that it ended. Other sockets do not care.
pub fn set_reset_on_close(socket: BorrowedFd<'_>, reset: bool) {
    let linger = libc::linger { l_onoff: libc::c_int::from(reset), l_linger: 0 };
    let size = std::mem::size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the value is valid for its size.
    unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size)
    };
}

fn enter(namespace: &File) -> io::Result<()> {
    // SAFETY: plain integers.
    check(i64::from(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })).map(drop)
}

/// Opens a name below `directory`, following no symbolic link and not leaving the directory.
pub fn open_beneath(directory: BorrowedFd<'_>, name: &CStr, flags: i32) -> io::Result<OwnedFd> {
    let bounds = libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_MAGICLINKS;
    open_how(directory, name, flags, bounds)
}

/// openat2(2), with RESOLVE_ flags.
pub fn open_how(directory: BorrowedFd<'_>, name: &CStr, flags: i32, bounds: u64) -> io::Result<OwnedFd> {
    // SAFETY: open_how is plain data and all-zero is valid; the name is a C string.
    unsafe {
        let mut how: libc::open_how = std::mem::zeroed();
        how.flags = (flags | libc::O_CLOEXEC) as u64;
        how.resolve = bounds;
        let size = std::mem::size_of::<libc::open_how>();
        owned(libc::syscall(libc::SYS_openat2, directory.as_raw_fd(), name.as_ptr(), &raw const how, size))
    }
}

/// Watches a directory for names that appear in it; the descriptor does not block.
pub fn watch_directory(path: &Path) -> io::Result<OwnedFd> {
    // SAFETY: plain integers, and a C string that outlives the call.
    unsafe {
        let watch = owned(i64::from(libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK)))?;
        let path = c_path(path)?;
        let wanted = libc::IN_CREATE | libc::IN_MOVED_TO | libc::IN_ATTRIB;
        check(i64::from(libc::inotify_add_watch(watch.as_raw_fd(), path.as_ptr(), wanted)))?;
        Ok(watch)
    }
}

/// Gives back to the system whole pages that are free: of the heap, and of the stack what deeper calls have left behind.
pub fn give_back_memory() {
    /// Deeper than any call of the shim's goes.
    const DEEPEST: usize = 256 * 1024;
    const PAGE: usize = 4096;
    let here = 0u8;
    // The page of this frame and the one below it stay: what is called from here needs them.
    let end = ((&raw const here) as usize & !(PAGE - 1)) - PAGE;
    // SAFETY: no pointers are passed to the first call. What the second one empties lies below all frames of the only thread;
    // where that is not mapped, nothing happens.
    unsafe {
        libc::malloc_trim(0);
        libc::madvise((end - DEEPEST) as *mut libc::c_void, DEEPEST, libc::MADV_DONTNEED);
    }
}
