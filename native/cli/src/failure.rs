// SPDX-License-Identifier: Apache-2.0
//! Why a command failed: one sentence for a person and the exit status that goes with it.

use std::fmt;
use std::io::{self, Write};

use hako_image::ImageError;
use hako_ttrpc::{CallError, Code};

/// hako's own failure, as docker's (docker-run(1), EXIT STATUS).
pub const OWN: u8 = 125;
/// The command is there and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The command is not there.
pub const NOT_FOUND: u8 = 127;

#[derive(Debug)]
pub struct Failure {
    pub sentence: String,
    pub exit: u8,
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), exit: OWN }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let exit = match &error {
            CallError::Status(status) if status.message.starts_with("Command not found: ") => NOT_FOUND,
            CallError::Status(status) if status.message.starts_with("Command cannot be executed: ") => NOT_EXECUTABLE,
            _ => OWN,
        };
        Self { sentence: error.to_string(), exit }
    }
}

/// Says something on standard error; where that is closed, nobody wants to know.
pub fn tell(sentence: &str) {
    let _ = writeln!(io::stderr(), "hako: {sentence}");
}

/// Puts what was being done in front of a system error.
pub trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{}: {}.", what(), cause(&error))))
    }
}

/// An error as part of a sentence: without the number that Rust puts behind a system error's text.
pub fn cause(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let end = text.rfind(" (os error ").filter(|_| text.ends_with(')'));
    text[..end.unwrap_or(text.len())].trim_end_matches('.').to_owned()
}

/// Whether a call failed because the thing asked for is not there (any more).
pub fn is_not_found(error: &CallError) -> bool {
    matches!(error, CallError::Status(status) if status.code == Code::NotFound)
}

/// Whether a call failed because of the state that the thing is in.
pub fn is_refused_in_this_state(error: &CallError) -> bool {
    matches!(error, CallError::Status(status) if status.code == Code::FailedPrecondition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_ends_a_sentence_without_its_number() {
        let missing: std::result::Result<(), _> = Err(io::Error::from_raw_os_error(libc::ENOENT));
        assert_eq!(missing.doing(|| "Opening x".into()).unwrap_err().sentence, "Opening x: No such file or directory.");
        assert_eq!(cause(&"It was so (in fact)."), "It was so (in fact)");
    }
}
