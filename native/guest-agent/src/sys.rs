// SPDX-License-Identifier: Apache-2.0
//! System calls that the standard library does not offer, with safe signatures.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Turns the -1 of a system call into the error of `errno`.
pub fn check<T: Copy + PartialOrd + From<i8>>(result: T) -> io::Result<T> {
    if result < T::from(0) { Err(io::Error::last_os_error()) } else { Ok(result) }
}

pub fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Reads what is there; `Ok(0)` is the end of the file.
pub fn read(fd: &impl AsRawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of one live, writable slice.
    check(unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) }).map(|count| count as usize)
}

pub fn write(fd: &impl AsRawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of one live slice.
    check(unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) }).map(|count| count as usize)
}

/// A pipe as (read end, write end), both closed on exec.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: the kernel has just given both descriptors to this process alone.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

pub fn set_nonblocking(fd: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    // SAFETY: takes no pointers.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) }).map(drop)
}

pub fn set_owner(fd: &impl AsRawFd, uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::fchown(fd.as_raw_fd(), uid, gid) }).map(drop)
}

/// How many bytes wait to be read.
pub fn unread(fd: &impl AsRawFd) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &mut count) })?;
    Ok(count.max(0) as usize)
}

/// Sets a terminal's size in characters.
pub fn set_window(fd: RawFd, rows: u32, columns: u32) -> io::Result<()> {
    let clamp = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
    let size = libc::winsize { ws_row: clamp(rows), ws_col: clamp(columns), ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads one winsize.
    check(unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &size) }).map(drop)
}

/// Whether nobody has said a terminal's size yet.
pub fn has_no_window(fd: RawFd) -> io::Result<bool> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize.
    check(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &mut size) })?;
    Ok(size.ws_row == 0 && size.ws_col == 0)
}

/// The terminal behind a pseudoterminal's master, opened without becoming anybody's controlling terminal.
pub fn terminal_of(master: &impl AsRawFd) -> io::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: TIOCGPTPEER takes flags, not a pointer.
    let fd = check(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The character that ends the input of a terminal in canonical mode (termios(3) VEOF).
pub fn end_of_file_character(master: &impl AsRawFd) -> io::Result<u8> {
    // SAFETY: termios is plain numbers, for which zero is a value.
    let mut settings: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: `settings` is one termios.
    check(unsafe { libc::tcgetattr(master.as_raw_fd(), &mut settings) })?;
    Ok(settings.c_cc[libc::VEOF])
}

/// Blocks every signal and returns a descriptor that becomes readable when a child changes state.
pub fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: sigset_t is plain numbers; sigfillset and sigemptyset initialise it.
    let (mut all, mut children): (libc::sigset_t, libc::sigset_t) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: all pointers are to the two live sets.
    unsafe {
        libc::sigfillset(&mut all);
        libc::sigemptyset(&mut children);
        libc::sigaddset(&mut children, libc::SIGCHLD);
        check(libc::sigprocmask(libc::SIG_SETMASK, &all, std::ptr::null_mut()))?;
    }
    // SAFETY: `children` is a live set.
    let fd = check(unsafe { libc::signalfd(-1, &children, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets every signal through again, for a process that is about to become somebody else's.
pub fn unblock_signals() -> io::Result<()> {
    // SAFETY: sigset_t is plain numbers; sigemptyset initialises it.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointers are to one live set.
    unsafe {
        libc::sigemptyset(&mut none);
        check(libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut())).map(drop)
    }
}

/// Reaps one child that has ended: its process id and wait(2) status. `None`: there is none now.
pub fn reap() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: `status` is one int.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    (pid > 0).then_some((pid, status))
}

pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Closes every descriptor from 3 up that is not in `keep`.
pub fn close_all_but(keep: &[RawFd]) {
    let mut keep: Vec<u32> = keep.iter().filter_map(|&fd| u32::try_from(fd).ok()).filter(|&fd| fd >= 3).collect();
    keep.sort_unstable();
    keep.dedup();
    let mut first = 3;
    for fd in keep.into_iter().chain([u32::MAX]) {
        if first < fd {
            // SAFETY: takes no pointers; the caller names every descriptor that is still owned.
            unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) };
        }
        first = fd.saturating_add(1);
    }
}

pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    // SAFETY: the pointer and length are those of one live, writable slice. Up to 256 bytes are never cut short.
    check(unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len().min(256), 0) }).map(drop)
}

/// mount(2); an empty `kind`, `source` or `data` is passed as such.
pub fn mount(source: &Path, target: &Path, kind: &str, flags: libc::c_ulong, data: &str) -> io::Result<()> {
    let text = |text: &str| CString::new(text).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let (source, target, kind, data) = (c_path(source)?, c_path(target)?, text(kind)?, text(data)?);
    // SAFETY: the four strings live across the call.
    check(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) })
        .map(drop)
}

pub fn unmount(target: &Path, flags: i32) -> io::Result<()> {
    let target = c_path(target)?;
    // SAFETY: the string lives across the call.
    check(unsafe { libc::umount2(target.as_ptr(), flags) }).map(drop)
}

/// statfs(2) f_type: the magic number of the file system that has `path`.
pub fn file_system_type(path: &Path) -> io::Result<i64> {
    let path = c_path(path)?;
    // SAFETY: statfs is plain numbers, for which zero is a value.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the string lives across the call, and `found` is one statfs.
    check(unsafe { libc::statfs(path.as_ptr(), &mut found) })?;
    Ok(found.f_type)
}

/// Nanoseconds of CLOCK_REALTIME since the epoch.
pub fn realtime_ns() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unread_is_counted() {
        let (reader, writer) = pipe().unwrap();
        assert_eq!(unread(&reader).unwrap(), 0);
        write(&writer, b"hello").unwrap();
        assert_eq!(unread(&reader).unwrap(), 5);
    }

    #[test]
    fn a_failed_call_reports_its_errno() {
        let error = kill(i32::MAX, 0).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
