// SPDX-License-Identifier: Apache-2.0
//! Resource limits of a launched process (setrlimit(2)), set by itself before its exec.

use crate::sys;
use hako_protocols::shim::Rlimit;
use std::io;

/// Descriptors up to the hard limit, since a file server holds one for each file that its guest has seen; then as asked.
/// A limit that cannot be raised for want of privilege gets the highest value allowed.
pub fn set_limits(limits: &[Rlimit]) -> io::Result<()> {
    let hard = limit_now(libc::RLIMIT_NOFILE)?.rlim_max;
    set_limit(libc::RLIMIT_NOFILE, hard, hard)?;
    for limit in limits {
        let refused = match set_limit(limit.resource, limit.soft, limit.hard) {
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => true,
            other => other.map(|()| false)?,
        };
        if refused {
            let hard = limit.hard.min(limit_now(limit.resource)?.rlim_max);
            set_limit(limit.resource, limit.soft.min(hard), hard)?;
        }
    }
    Ok(())
}

fn limit_now(resource: u32) -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid for writes.
    let got = unsafe { libc::getrlimit(resource, &mut limit) };
    sys::check(i64::from(got)).map(|_| limit)
}

fn set_limit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the structure is valid for reads.
    sys::check(i64::from(unsafe { libc::setrlimit(resource, &limit) })).map(drop)
}
