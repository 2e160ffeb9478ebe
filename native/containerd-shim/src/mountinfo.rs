// SPDX-License-Identifier: Apache-2.0
//! /proc/self/mountinfo (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    pub target: PathBuf,
    pub file_system: String,
    /// Options of the super block, comma-separated; for cgroup v1 these name the controllers.
    pub super_options: String,
}

/// All mounts that this process sees, in the order they were made.
pub fn read() -> io::Result<Vec<Mount>> {
    Ok(fs::read("/proc/self/mountinfo")?.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

/// Mount points at or below a directory, the newest first, so that each can be unmounted before what it lies on.
pub fn below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut targets: Vec<PathBuf> =
        read()?.into_iter().map(|mount| mount.target).filter(|target| target.starts_with(directory)).collect();
    targets.reverse();
    // A stable sort: stacked mounts keep their order.
    targets.sort_by_key(|target| std::cmp::Reverse(target.components().count()));
    Ok(targets)
}

fn parse(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let separator = fields.iter().skip(6).position(|field| *field == b"-")? + 6;
    let text = |index: usize| fields.get(index).map(|field| String::from_utf8_lossy(field).into_owned());
    Some(Mount {
        target: unescape(fields.get(4)?),
        file_system: text(separator + 1)?,
        super_options: text(separator + 3).unwrap_or_default(),
    })
}

/// Space, tab, newline and backslash are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [byte, after @ ..] = rest {
        match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    OsString::from_vec(plain).into()
}

/// Whether something is mounted exactly there; its file system, the topmost.
pub fn at(target: &Path) -> io::Result<Option<String>> {
    let topmost =
        read()?.into_iter().rfind(|mount| mount.target.as_os_str().as_bytes() == target.as_os_str().as_bytes());
    Ok(topmost.map(|mount| mount.file_system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_and_escapes_are_read() {
        let line = br"36 35 98:0 /mnt1 /mnt\0402\134x rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue";
        let mount = parse(line).unwrap();
        assert_eq!(mount.target, Path::new(r"/mnt 2\x"));
        assert_eq!((mount.file_system.as_str(), mount.super_options.as_str()), ("ext3", "rw,errors=continue"));
        let bare = parse(b"23 27 0:22 / /sys rw,relatime - sysfs sysfs rw").unwrap();
        assert_eq!((bare.target.to_str(), bare.file_system.as_str()), (Some("/sys"), "sysfs"));
        assert_eq!(parse(b""), None);
    }
}
