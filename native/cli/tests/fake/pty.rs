// SPDX-License-Identifier: Apache-2.0
//! Pseudo terminals, for both sides of a test: the one that hako runs in, and the one that a fake container has.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

pub struct Pty {
    pub master: File,
    pub slave: OwnedFd,
}

impl Pty {
    pub fn open(rows: u16, columns: u16) -> Self {
        let (mut master, mut slave) = (-1, -1);
        let size = winsize(rows, columns);
        // SAFETY: both numbers are valid for writes; no name and no settings are asked for; the size is initialised.
        let made = unsafe {
            libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), std::ptr::null(), &raw const size)
        };
        assert_eq!(made, 0, "{}", io::Error::last_os_error());
        // SAFETY: openpty(3) has just made both descriptors, and nobody else has them.
        unsafe { Self { master: File::from_raw_fd(master), slave: OwnedFd::from_raw_fd(slave) } }
    }

    /// Makes this the controlling terminal of a command, and all three of its standard streams.
    pub fn give_to(&self, command: &mut Command) {
        let end = || Stdio::from(self.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: between fork and exec the closure makes two system calls and touches no memory.
        unsafe {
            command.pre_exec(|| match libc::setsid() >= 0 && libc::ioctl(0, libc::TIOCSCTTY, 0) == 0 {
                true => Ok(()),
                false => Err(io::Error::last_os_error()),
            });
        }
    }

    /// Settings as tcgetattr(3) has them.
    pub fn flags(&self) -> (u32, u32, u32) {
        let settings = rustix::termios::tcgetattr(&self.slave).unwrap();
        (settings.input_modes.bits(), settings.output_modes.bits(), settings.local_modes.bits())
    }
}

/// Changes the size, which sends SIGWINCH to whoever runs in the terminal.
pub fn resize(master: &File, rows: u16, columns: u16) {
    let size = winsize(rows, columns);
    // SAFETY: TIOCSWINSZ reads one winsize.
    assert_eq!(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }, 0);
}

fn winsize(rows: u16, columns: u16) -> libc::winsize {
    libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}
