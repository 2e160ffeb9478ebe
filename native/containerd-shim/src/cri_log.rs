// SPDX-License-Identifier: Apache-2.0
//! A bounded log file in the CRI format (Kubernetes kubelet cri logging): `TIME STREAM F|P TEXT`, one record a line.
//! P marks a record that does not end a line of the output, so that the exact bytes can be had back.

use crate::clock;
use hako_protocols::shim::LogFile;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// No bound below this: a few records have to fit.
const LEAST: u64 = 4096;

/// Past its bound the file is renamed to PATH.1, which it replaces, and begun anew.
pub struct CriLog {
    path: PathBuf,
    file: File,
    size: u64,
    bound: u64,
}

impl CriLog {
    pub fn open(wanted: &LogFile) -> io::Result<CriLog> {
        let path = PathBuf::from(&wanted.path);
        let (file, size) = open(&path)?;
        Ok(CriLog { path, file, size, bound: wanted.bound.max(LEAST) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends output of a stream (`stdout` or `stderr`).
    pub fn write(&mut self, stream: &str, output: &[u8]) -> io::Result<()> {
        if self.size >= self.bound {
            self.rotate()?;
        }
        let records = records(&clock::rfc3339(clock::now_ns()), stream, output);
        self.file.write_all(&records)?;
        self.size += records.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let mut old = self.path.clone().into_os_string();
        old.push(".1");
        fs::rename(&self.path, old)?;
        (self.file, self.size) = open(&self.path)?;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn records(time: &str, stream: &str, output: &[u8]) -> Vec<u8> {
    let mut records = Vec::with_capacity(output.len() + 64);
    for line in output.split_inclusive(|byte| *byte == b'\n') {
        let (tag, text) = match line {
            [text @ .., b'\n'] => ("F", text),
            text => ("P", text),
        };
        records.extend_from_slice(format!("{time} {stream} {tag} ").as_bytes());
        records.extend_from_slice(text);
        records.push(b'\n');
    }
    records
}

#[cfg(test)]
mod tests {
    use super::records;

    #[test]
    fn each_line_is_a_record_and_a_part_of_a_line_says_so() {
        let text = String::from_utf8(records("T", "stderr", b"one\n\ntwo")).unwrap();
        assert_eq!(text, "T stderr F one\nT stderr F \nT stderr P two\n");
        assert!(records("T", "stdout", b"").is_empty());
    }
}
