// SPDX-License-Identifier: Apache-2.0
//! A shim that has no descriptors left.
#![allow(clippy::unwrap_used)]

mod harness;

use harness::await_condition::pass;
use harness::guest::Guest;
use harness::{LIMIT, Pod, until};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Sets the soft limit of another process, and returns the one it had.
fn limit_descriptors(pid: u32, soft: u64) -> u64 {
    // SAFETY: both structures are plain data, all-zero is valid, and both outlive the calls.
    unsafe {
        let mut had: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::prlimit(pid as i32, libc::RLIMIT_NOFILE, std::ptr::null(), &mut had), 0);
        let wanted = libc::rlimit { rlim_cur: soft, rlim_max: had.rlim_max };
        assert_eq!(libc::prlimit(pid as i32, libc::RLIMIT_NOFILE, &wanted, std::ptr::null_mut()), 0);
        had.rlim_cur
    }
}

/// The lowest number that no descriptor of a process has: a limit of so many keeps it from opening any.
fn lowest_free(pid: u32) -> u64 {
    (0..).find(|number| fs::symlink_metadata(format!("/proc/{pid}/fd/{number}")).is_err()).unwrap()
}

#[test]
fn connections_that_cannot_be_taken_cost_no_time_and_are_taken_later() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut guest = Guest::up(&mut link);
    for (socket, sentence) in [
        ("guest.sock", "Cannot accept a connection to the guest:"),
        ("shim.sock", "Cannot accept a connection of cont"),
    ] {
        let pid = pod.shim_pid();
        let had = limit_descriptors(pid, lowest_free(pid));
        let mut client = UnixStream::connect(pod.directory.join(socket)).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        let said = || fs::read_to_string(pod.path("shim.log")).unwrap().matches(sentence).count();
        until("the shim says that it cannot", || said() > 0);
        pass(Duration::from_millis(300));
        assert_eq!(said(), 1, "it tries again and again");
        limit_descriptors(pid, had);
        if socket == "guest.sock" {
            client.write_all(b"CONNECT 1024\n").unwrap();
            let mut answer = [0; 8];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"OK 1024\n");
            guest.control.turn();
        } else {
            // What is no ttrpc frame is answered with the end.
            client.write_all(&[0xff; 10]).unwrap();
            assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
        }
    }
}
