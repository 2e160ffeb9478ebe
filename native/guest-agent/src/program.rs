// SPDX-License-Identifier: Apache-2.0
//! Finding a container's program, and why it cannot be run: the difference between a shell's 126 and 127.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use hako_ttrpc::{Code, Status};

use crate::sys;

/// Where programs are looked for if the process has no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub fn not_found(name: &str, reason: &str) -> Status {
    Status::not_found(format!("Command not found: {name} ({reason})."))
}

pub fn not_executable(name: &str, reason: &str) -> Status {
    Status::precondition(format!("Command cannot be executed: {name} ({reason})."))
}

/// A failure as it goes through the report pipe: its code in one byte, then the sentence.
pub fn encode(status: &Status) -> Vec<u8> {
    [&[status.code as i32 as u8], status.message.as_bytes()].concat()
}

/// What came through the report pipe; nothing means that the program was started.
pub fn decode(bytes: &[u8]) -> Option<Status> {
    let (code, message) = bytes.split_first()?;
    Some(Status::new(Code::from(i32::from(*code)), String::from_utf8_lossy(message)))
}

/// Resolves `name` as execvp(3) would, seen from this process: inside the container and as its user.
pub fn resolve(name: &str, environment: &[String]) -> Result<PathBuf, Status> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return examine(&path).map(|()| path).map_err(|error| explain(name, &error));
    }
    let path = environment.iter().rev().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    for directory in path.split(':') {
        let candidate = Path::new(if directory.is_empty() { "." } else { directory }).join(name);
        match examine(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) if absent(&error) => {}
            Err(error) => refused = refused.or(Some(explain(name, &error))),
        }
    }
    Err(refused.unwrap_or_else(|| not_found(name, "no directory of PATH has it")))
}

/// Why execve(2) refused a program.
pub fn explain(name: &str, error: &io::Error) -> Status {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => not_found(name, "no such file, or its interpreter is missing"),
        Some(libc::ENOEXEC) => not_executable(name, "exec format error: no program for this machine and no #! line"),
        Some(libc::EACCES) => not_executable(name, "permission denied"),
        Some(libc::EISDIR) => not_executable(name, "it is a directory"),
        _ => not_executable(name, &error.to_string()),
    }
}

fn absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

fn examine(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    may_execute(&sys::c_path(path)?)
}

fn may_execute(path: &CString) -> io::Result<()> {
    // SAFETY: the string lives across the call.
    sys::check(unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("hako-program-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Directory(path)
        }

        fn file(&self, name: &str, mode: u32) {
            std::fs::write(self.0.join(name), "").unwrap();
            std::fs::set_permissions(self.0.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }

        fn resolve(&self, name: &str) -> Result<PathBuf, Status> {
            resolve(name, &["PATH=/nonexistent:".to_owned() + &self.0.display().to_string()])
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_program_is_found_along_path() {
        let directory = Directory::new("found");
        directory.file("tool", 0o755);
        assert_eq!(directory.resolve("tool"), Ok(directory.0.join("tool")));
    }

    #[test]
    fn a_missing_program_is_not_found() {
        let directory = Directory::new("missing");
        for name in ["tool", "./tool", "/nonexistent/tool"] {
            let status = directory.resolve(name).unwrap_err();
            assert_eq!(status.code, Code::NotFound);
            assert!(status.message.starts_with(&format!("Command not found: {name}")), "{status}");
        }
    }

    #[test]
    fn a_plain_file_and_a_directory_cannot_be_executed() {
        let directory = Directory::new("plain");
        directory.file("data", 0o644);
        std::fs::create_dir(directory.0.join("folder")).unwrap();
        for name in ["data", "folder"] {
            let status = directory.resolve(name).unwrap_err();
            assert_eq!(status.code, Code::FailedPrecondition);
            assert!(status.message.starts_with("Command cannot be executed: "), "{status}");
        }
    }

    #[test]
    fn a_failure_survives_the_report_pipe() {
        let status = not_found("x", "why");
        assert_eq!(decode(&encode(&status)), Some(status));
        assert_eq!(decode(&[]), None);
    }
}
