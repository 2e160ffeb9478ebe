// SPDX-License-Identifier: Apache-2.0
//! Mounts in the guest's own tree. Run in workers: a file system's server may hang.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hako_protocols::agent::MountRequest;
use hako_ttrpc::Status;

use crate::sys;
use crate::worker::Report;

/// mount(8)'s names of mount(2)'s flags.
const FLAGS: [(&str, libc::c_ulong); 14] = [
    ("ro", libc::MS_RDONLY),
    ("nosuid", libc::MS_NOSUID),
    ("nodev", libc::MS_NODEV),
    ("noexec", libc::MS_NOEXEC),
    ("sync", libc::MS_SYNCHRONOUS),
    ("dirsync", libc::MS_DIRSYNC),
    ("noatime", libc::MS_NOATIME),
    ("nodiratime", libc::MS_NODIRATIME),
    ("relatime", libc::MS_RELATIME),
    ("strictatime", libc::MS_STRICTATIME),
    ("bind", libc::MS_BIND),
    ("rbind", libc::MS_BIND | libc::MS_REC),
    ("rw", 0),
    ("defaults", 0),
];

/// Flags that a bind mount takes only when it is mounted anew.
const OF_A_BIND: libc::c_ulong = libc::MS_BIND | libc::MS_REC;

#[derive(Debug, PartialEq, Eq)]
struct Options {
    flags: libc::c_ulong,
    data: String,
}

fn options(kind: &str, given: &[String]) -> Options {
    let mut flags = if kind == "bind" { libc::MS_BIND } else { 0 };
    let mut data = Vec::new();
    for option in given {
        match FLAGS.iter().find(|(name, _)| name == option) {
            Some((_, flag)) => flags |= flag,
            None => data.push(option.as_str()),
        }
    }
    Options { flags, data: data.join(",") }
}

pub fn mount(request: &MountRequest) -> Result<Report, Status> {
    let target = absolute(&request.target)?;
    let failed = |error: io::Error| {
        let MountRequest { r#type: kind, source, target, .. } = request;
        Status::internal(format!("{kind} {source} cannot be mounted at {target} in the guest: {error}."))
    };
    make_target(&target, Path::new(&request.source), &request.r#type).map_err(failed)?;
    if is_mounted(&target, request)? {
        return Ok(Report::default());
    }
    let Options { flags, data } = options(&request.r#type, &request.options);
    let kind = if flags & libc::MS_BIND != 0 { "" } else { &request.r#type };
    sys::mount(Path::new(&request.source), &target, kind, flags, &data).map_err(failed)?;
    if flags & libc::MS_BIND != 0 && flags & !OF_A_BIND != 0 {
        let again = flags & !libc::MS_REC | libc::MS_REMOUNT;
        sys::mount(Path::new(""), &target, "", again, "").map_err(failed)?;
    }
    Ok(Report::default())
}

pub fn unmount(target: &str) -> Result<Report, Status> {
    match sys::unmount(&absolute(target)?, libc::UMOUNT_NOFOLLOW) {
        // Nothing is mounted there, or there is no such place.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOENT)) => {}
        Err(error) => return Err(Status::internal(format!("{target} cannot be unmounted in the guest: {error}."))),
        Ok(()) => {}
    }
    Ok(Report::default())
}

fn absolute(target: &str) -> Result<PathBuf, Status> {
    let path = PathBuf::from(target);
    let plain = path.components().all(|part| part != std::path::Component::ParentDir);
    if path.is_absolute() && plain {
        return Ok(path);
    }
    Err(Status::invalid(format!("A mount's target must be an absolute path without \"..\", {target:?} is not.")))
}

/// A file is bound onto a file, everything else onto a directory.
fn make_target(target: &Path, source: &Path, kind: &str) -> io::Result<()> {
    if kind == "bind" && source.is_file() {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        return fs::OpenOptions::new().append(true).create(true).open(target).map(drop);
    }
    fs::create_dir_all(target)
}

fn is_mounted(target: &Path, request: &MountRequest) -> Result<bool, Status> {
    let table = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| Status::internal(format!("The guest's mounts cannot be read: {error}.")))?;
    // The last one at a place is the one on top.
    let Some(found) = table.lines().rev().filter_map(Mounted::of).find(|mounted| mounted.target == target) else {
        return Ok(false);
    };
    if request.r#type == "bind" || (found.kind == request.r#type && found.source == request.source) {
        return Ok(true);
    }
    let message = format!("{} {} is already mounted at {} in the guest.", found.kind, found.source, request.target);
    Err(Status::precondition(message))
}

/// One line of proc_pid_mountinfo(5).
#[derive(Debug, PartialEq, Eq)]
struct Mounted {
    target: PathBuf,
    kind: String,
    source: String,
}

impl Mounted {
    fn of(line: &str) -> Option<Mounted> {
        let (place, what) = line.split_once(" - ")?;
        let mut what = what.split(' ');
        Some(Mounted {
            target: unescape(place.split(' ').nth(4)?).into(),
            kind: what.next()?.into(),
            source: unescape(what.next()?),
        })
    }
}

/// Space, tab, newline and backslash are written in octal.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_from_data() {
        let given = ["ro", "nosuid", "lowerdir=/a:/b", "upperdir=/c"].map(String::from);
        let expected = Options { flags: libc::MS_RDONLY | libc::MS_NOSUID, data: "lowerdir=/a:/b,upperdir=/c".into() };
        assert_eq!(options("overlay", &given), expected);
        assert_eq!(options("bind", &["rbind".into()]).flags, libc::MS_BIND | libc::MS_REC);
    }

    #[test]
    fn mountinfo_is_read() {
        let line = "36 35 98:0 /mnt1 /a\\040b rw,noatime master:1 - virtiofs hako-0 rw,errors=continue";
        let expected = Mounted { target: "/a b".into(), kind: "virtiofs".into(), source: "hako-0".into() };
        assert_eq!(Mounted::of(line), Some(expected));
        assert_eq!(Mounted::of("nonsense"), None);
    }

    #[test]
    fn targets_that_could_lead_elsewhere_are_refused() {
        assert!(absolute("run/x").is_err() && absolute("/run/../etc").is_err() && absolute("").is_err());
        assert_eq!(absolute("/run/x").unwrap(), Path::new("/run/x"));
    }

    #[test]
    fn unmounting_what_is_not_mounted_succeeds() {
        assert!(unmount("/nonexistent/hako").is_ok());
    }
}
