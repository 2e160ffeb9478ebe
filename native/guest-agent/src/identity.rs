// SPDX-License-Identifier: Apache-2.0
//! What makes this guest itself: entropy, clock, machine id, host name. Until they are given, a clone is its template.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;

use hako_protocols::agent::SetIdentityRequest;
use hako_ttrpc::Status;

use crate::sys::check;

/// RNDADDENTROPY and RNDRESEEDCRNG of linux/random.h: _IOW('R', 3, int[2]) and _IO('R', 7).
const ADD_ENTROPY: libc::c_ulong = 0x4008_5203;
const RESEED: libc::c_ulong = 0x5207;
const ENTROPY_BYTES: std::ops::RangeInclusive<usize> = 32..=512;
/// HOST_NAME_MAX of linux/utsname.h.
const HOSTNAME_BYTES: usize = 64;

pub fn set(request: &SetIdentityRequest) -> Result<(), Status> {
    check_request(request)?;
    let failed = |what: &str, error: io::Error| Status::internal(format!("The guest's {what} cannot be set: {error}."));
    add_entropy(&request.entropy).map_err(|error| failed("entropy", error))?;
    set_clock(request.realtime_ns).map_err(|error| failed("clock", error))?;
    fs::create_dir_all("/etc")
        .and_then(|()| fs::write("/etc/machine-id", format!("{}\n", request.machine_id)))
        .map_err(|error| failed("machine id", error))?;
    set_hostname(&request.hostname).map_err(|error| failed("host name", error))
}

fn check_request(request: &SetIdentityRequest) -> Result<(), Status> {
    let entropy = request.entropy.len();
    if !ENTROPY_BYTES.contains(&entropy) {
        return Err(Status::invalid(format!("Entropy must have 32 to 512 bytes, {entropy} were given.")));
    }
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if request.machine_id.len() != 32 || !request.machine_id.bytes().all(hexadecimal) {
        let given = &request.machine_id;
        return Err(Status::invalid(format!("A machine id has 32 lower-case hexadecimal digits, {given:?} has not.")));
    }
    if !(1..=HOSTNAME_BYTES).contains(&request.hostname.len()) {
        let length = request.hostname.len();
        return Err(Status::invalid(format!(
            "A host name must have 1 to {HOSTNAME_BYTES} bytes, {length} were given."
        )));
    }
    Ok(())
}

/// struct rand_pool_info of linux/random.h with room for the most entropy.
#[repr(C)]
struct Pool {
    bits: libc::c_int,
    bytes: libc::c_int,
    buffer: [u8; *ENTROPY_BYTES.end()],
}

fn add_entropy(entropy: &[u8]) -> io::Result<()> {
    let mut pool =
        Pool { bits: entropy.len() as i32 * 8, bytes: entropy.len() as i32, buffer: [0; *ENTROPY_BYTES.end()] };
    pool.buffer[..entropy.len()].copy_from_slice(entropy);
    let device = File::options().write(true).open("/dev/urandom")?;
    // SAFETY: RNDADDENTROPY reads a rand_pool_info of as many bytes as it says.
    check(unsafe { libc::ioctl(device.as_raw_fd(), ADD_ENTROPY, &pool) })?;
    // SAFETY: RNDRESEEDCRNG takes no argument.
    check(unsafe { libc::ioctl(device.as_raw_fd(), RESEED) }).map(drop)
}

fn set_clock(realtime_ns: i64) -> io::Result<()> {
    const NANOSECONDS: i64 = 1_000_000_000;
    let time =
        libc::timespec { tv_sec: realtime_ns.div_euclid(NANOSECONDS), tv_nsec: realtime_ns.rem_euclid(NANOSECONDS) };
    // SAFETY: `time` lives across the call.
    check(unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &time) }).map(drop)
}

pub fn set_hostname(name: &str) -> io::Result<()> {
    // SAFETY: the pointer and length are those of one live string.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(entropy: usize, machine_id: &str, hostname: &str) -> Option<String> {
        let request = SetIdentityRequest {
            entropy: vec![0; entropy],
            realtime_ns: 0,
            machine_id: machine_id.into(),
            hostname: hostname.into(),
        };
        check_request(&request).err().map(|status| status.message)
    }

    #[test]
    fn requests_are_checked_before_anything_is_changed() {
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(refusal(32, id, "guest"), None);
        assert_eq!(refusal(31, id, "guest").unwrap(), "Entropy must have 32 to 512 bytes, 31 were given.");
        assert!(refusal(512, &id.to_uppercase(), "guest").unwrap().starts_with("A machine id has 32 lower-case"));
        assert_eq!(refusal(32, id, "").unwrap(), "A host name must have 1 to 64 bytes, 0 were given.");
    }
}
