// SPDX-License-Identifier: Apache-2.0
//! Why libcontainer failed, as one sentence.
//!
//! What goes wrong in the processes that it forks comes back as the outermost error's text alone ("failed to prepare
//! rootfs"); the cause is only logged there. So a worker listens to that log, over a pipe that the forks inherit.

use std::fmt::{Debug, Write};
use std::io;
use std::os::fd::OwnedFd;

use hako_ttrpc::{Code, Status};
use libcontainer::error::LibcontainerError;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::sys;

/// The longest log that is read, in bytes.
const LOG_BYTES: usize = 16 << 10;

/// Between a line's sentence and its fields.
const FIELDS: char = '\u{1f}';

/// The log of this worker and of what it forks.
pub struct Causes {
    log: Option<OwnedFd>,
}

impl Causes {
    /// Begins to listen. To be called once, by a worker: the listener stays as long as the process.
    pub fn listen() -> Causes {
        // Without a pipe the errors keep their own text, which is better than no container.
        let log = Recorder::install().ok();
        Causes { log }
    }

    pub fn refused(&self, what: &str, container: &str, error: &LibcontainerError) -> Status {
        let code = match error {
            LibcontainerError::InvalidSpec(_) | LibcontainerError::InvalidID(_) => Code::InvalidArgument,
            LibcontainerError::IncorrectStatus(_) => Code::FailedPrecondition,
            _ => Code::Internal,
        };
        let reason = sentence(chain(error), &self.logged());
        Status::new(code, format!("Container {container} cannot be {what}: {reason}."))
    }

    fn logged(&self) -> String {
        let mut bytes = [0; LOG_BYTES];
        let count = self.log.as_ref().and_then(|log| sys::read(log, &mut bytes).ok()).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }
}

/// An error and its sources, each told once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !chain.contains(&text) {
            chain = format!("{chain}: {text}");
        }
        source = cause.source();
    }
    chain
}

/// What only says that a process of libcontainer's has failed, and repeats why.
const ECHOES: [&str; 4] = [
    "failed to initialize container process",
    "failed to wait for init ready",
    "failed to run container process",
    "failed to run intermediate process",
];

/// The log, outermost first, and the error that is in no text, by its number if it has one; without a log the error's own chain.
fn sentence(chain: String, log: &str) -> String {
    let lines = log.lines().map(|line| line.split_once(FIELDS).unwrap_or((line, "")));
    let told: Vec<_> = lines.filter(|(message, _)| !ECHOES.iter().any(|echo| message.starts_with(echo))).collect();
    if told.is_empty() {
        return chain;
    }
    let mut text = told.iter().rev().map(|(message, _)| without_mount_fields(message)).collect::<Vec<_>>().join(": ");
    let fields: Vec<_> = told.iter().map(|(_, fields)| fields.trim()).filter(|fields| !fields.is_empty()).collect();
    let cause = fields.iter().find_map(|fields| error_name(fields)).or(fields.first().copied());
    if let Some(cause) = cause.filter(|cause| !text.contains("os error") && !text.contains(cause)) {
        text = format!("{text} ({cause})");
    }
    text
}

/// The name of an errno(3) in an error's debug form, as in "Mount(Syscall(Nix(EINVAL)))".
fn error_name(fields: &str) -> Option<&str> {
    let is_name = |word: &&str| {
        word.len() > 3 && word.starts_with('E') && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    fields.split(|character: char| !character.is_ascii_alphanumeric()).find(is_name)
}

/// A mount is told by its destination alone.
fn without_mount_fields(message: &str) -> String {
    let parts = || {
        let (before, rest) = message.split_once("Mount { destination: \"")?;
        let (destination, rest) = rest.split_once('"')?;
        let (_, after) = rest.split_once(" }")?;
        Some(format!("{before}{destination}{after}"))
    };
    parts().unwrap_or_else(|| message.to_owned())
}

/// Writes libcontainer's errors into a pipe, a line each.
struct Recorder(OwnedFd);

impl Recorder {
    fn install() -> io::Result<OwnedFd> {
        let (reader, writer) = sys::pipe()?;
        // A log that nobody reads must not hold anybody up.
        sys::set_nonblocking(&reader)?;
        sys::set_nonblocking(&writer)?;
        tracing::subscriber::set_global_default(Recorder(writer)).map_err(io::Error::other)?;
        Ok(reader)
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() == Level::ERROR
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("{}{FIELDS}{}", line.message, line.fields).replace('\n', " ") + "\n";
        let _ = sys::write(&self.0, text.as_bytes());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Never asked for: no span is enabled.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// An event's sentence, and its other fields in their debug form.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, "{name}={value:?} "),
        };
        // Writing into a String does not fail.
        let _ = written;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_outermost_first_with_the_number_of_the_error() {
        let log = "failed to mount Mount { destination: \"/mnt\", typ: Some(\"tmpfs\"), source: None }: syscall\u{1f}\n\
                   failed to prepare rootfs\u{1f}err=Mount(Syscall(Nix(EINVAL)))\n\
                   failed to run container process received unexpected message\u{1f}\n";
        assert_eq!(sentence("outer".into(), log), "failed to prepare rootfs: failed to mount /mnt: syscall (EINVAL)");
        assert_eq!(sentence("outer".into(), ""), "outer");
        let hook = "failed to run create container hooks\u{1f}err=NonZeroExitCode(1) \n";
        assert_eq!(sentence("outer".into(), hook), "failed to run create container hooks (err=NonZeroExitCode(1))");
    }

    #[test]
    fn a_number_that_is_told_already_is_not_repeated() {
        let log = "failed to set sysctl: Invalid argument (os error 22)\u{1f}err=Nix(EINVAL)\n";
        assert_eq!(sentence(String::new(), log), "failed to set sysctl: Invalid argument (os error 22)");
    }
}
