// SPDX-License-Identifier: Apache-2.0
use std::fmt;

/// Why an image cannot be used: one sentence for a person, with what was tried, on what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageError(String);

pub(crate) type Result<T> = std::result::Result<T, ImageError>;

impl ImageError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImageError {}

/// Puts what was being done in front of a system error.
pub(crate) trait Context<T> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| ImageError(format!("{}: {}.", doing(), cause(&error))))
    }
}

/// An error as part of a sentence: without the number that Rust puts behind a system error's text.
pub(crate) fn cause(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let end = text.rfind(" (os error ").filter(|_| text.ends_with(')'));
    text[..end.unwrap_or(text.len())].trim_end_matches('.').to_owned()
}
