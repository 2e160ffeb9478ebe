// SPDX-License-Identifier: Apache-2.0
//! The shim's own messages, in a bounded file of the pod's directory.

use crate::clock;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const BOUND: u64 = 64 * 1024;

/// Appends to a file; at 64 KiB the file is renamed to NAME.1 (one is kept) and begun anew. Failures are not reported: there
/// is nowhere to report them to.
pub struct ShimLog {
    path: PathBuf,
    file: Option<File>,
    size: u64,
}

impl ShimLog {
    pub fn open(path: &Path) -> ShimLog {
        let file = OpenOptions::new().create(true).append(true).open(path).ok();
        let size = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
        ShimLog { path: path.to_owned(), file, size }
    }

    pub fn say(&mut self, sentence: &str) {
        if self.size >= BOUND {
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            if fs::rename(&self.path, old).is_ok() {
                *self = ShimLog::open(&self.path);
            }
        }
        let line = format!("{} {sentence}\n", clock::rfc3339(clock::now_ns()));
        let written = self.file.as_mut().map(|file| file.write_all(line.as_bytes()));
        if let Some(Ok(())) = written {
            self.size += line.len() as u64;
        }
    }
}
