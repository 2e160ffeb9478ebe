// SPDX-License-Identifier: Apache-2.0
//! The terminal that this program runs in.

use std::io;

use rustix::termios::{self, OptionalActions, Termios};

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
}

/// The size of the terminal on standard output, if it is one.
pub fn size() -> Option<Size> {
    let size = termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(Size { rows: size.ws_row, columns: size.ws_col }).filter(|size| size.rows > 0 && size.columns > 0)
}

pub fn is_input() -> bool {
    termios::isatty(rustix::stdio::stdin())
}

pub fn is_output() -> bool {
    termios::isatty(rustix::stdio::stdout())
}

pub fn is_error_output() -> bool {
    termios::isatty(rustix::stdio::stderr())
}

/// The terminal on standard input in raw mode: every key, also Ctrl-C, is a byte for the container. Undone when dropped.
pub struct Raw(Termios);

impl Raw {
    pub fn enter() -> io::Result<Self> {
        let before = termios::tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.0);
    }
}
