// SPDX-License-Identifier: Apache-2.0
//! Kernel modules, loaded in the order that the image's build has resolved: no modprobe, no dependencies here.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;

use crate::sys::check;

/// One absolute path a line, in load order.
const LIST: &str = "/etc/hako/modules";
/// MODULE_INIT_COMPRESSED_FILE of linux/module.h: the kernel decompresses the file itself.
const COMPRESSED: libc::c_int = 4;

/// Loads every module of the list. An image without a list has a kernel that needs none.
pub fn load_all() -> io::Result<()> {
    let list = match fs::read_to_string(LIST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        list => list?,
    };
    list.lines().map(str::trim).filter(|line| !line.is_empty()).try_for_each(load)
}

fn load(path: &str) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("module {path}: {error}"));
    let file = File::open(path).map_err(named)?;
    let flags = if path.ends_with(".ko") { 0 } else { COMPRESSED };
    // SAFETY: the parameter string lives across the call.
    let result = unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), flags) };
    match check(result) {
        Err(error) if error.raw_os_error() != Some(libc::EEXIST) => Err(named(error)),
        _ => Ok(()),
    }
}
