// SPDX-License-Identifier: Apache-2.0
//! Copies between pipes and terminals, driven by poll(2) as its users do.

use hako_pump::{Copier, Progress, Queue, set_nonblocking};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;

fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: the array is valid for two ints, and nothing else owns what the call opens.
    unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

/// Polls and serves the copier once; false when nothing was ready within `limit_ms`.
fn turn(copier: &mut Copier, limit_ms: i32) -> bool {
    let interests = copier.interests();
    let mut polled: Vec<libc::pollfd> =
        interests.iter().flatten().map(|&(fd, events)| libc::pollfd { fd, events, revents: 0 }).collect();
    // SAFETY: the array is valid for its length.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, limit_ms) };
    for polled in polled.iter().filter(|polled| polled.revents != 0) {
        if polled.events == libc::POLLIN {
            copier.source_ready().expect("read")
        } else {
            copier.sink_ready().expect("write")
        }
    }
    ready > 0
}

fn finish(copier: &mut Copier) {
    while !copier.is_finished() {
        assert!(turn(copier, 10_000), "the copy stands still");
    }
}

#[test]
fn ten_mebibytes_pass_unchanged_and_the_end_is_passed_on() {
    for nonblocking in [false, true] {
        let (source, mut writer) = pipe();
        let (mut reader, sink) = pipe();
        if nonblocking {
            set_nonblocking(sink.as_fd()).unwrap();
        }
        let sent: Vec<u8> = (0..10 << 20).map(|at: u32| (at ^ at >> 8) as u8).collect();
        let expected = sent.clone();
        let writing = thread::spawn(move || writer.write_all(&sent));
        let reading = thread::spawn(move || {
            let mut received = Vec::new();
            reader.read_to_end(&mut received).map(|_| received)
        });
        finish(&mut Copier::new(source.into(), sink.into()).unwrap());
        writing.join().unwrap().unwrap();
        assert!(reading.join().unwrap().unwrap() == expected);
    }
}

#[test]
fn a_sink_that_is_not_read_holds_the_source_up() {
    let (source, mut writer) = UnixStream::pair().unwrap();
    let (_unread, sink) = pipe();
    writer.set_nonblocking(true).unwrap();
    let mut copier = Copier::new(source.into(), sink.into()).unwrap();
    let mut accepted = 0;
    loop {
        while let Ok(count) = writer.write(&[0; 4096]) {
            accepted += count;
        }
        if !turn(&mut copier, 0) {
            break;
        }
    }
    assert!(accepted < 1 << 20, "{accepted} bytes were accepted");
    assert!(!copier.is_finished());
}

#[test]
fn a_sink_without_reader_ends_the_copy() {
    // SAFETY: SIG_IGN is a valid disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let (source, mut writer) = pipe();
    let (reader, sink) = pipe();
    drop(reader);
    writer.write_all(b"lost").unwrap();
    let mut copier = Copier::new(source.into(), sink.into()).unwrap();
    finish(&mut copier);
    assert!(copier.source().is_none());
}

#[test]
fn what_was_read_is_written_after_a_stop() {
    let (source, mut writer) = pipe();
    let (mut reader, sink) = pipe();
    writer.write_all(b"last words").unwrap();
    let mut copier = Copier::new(source.into(), sink.into()).unwrap();
    copier.source_ready().unwrap();
    copier.stop();
    assert!(copier.source().is_none());
    finish(&mut copier);
    let mut received = String::new();
    reader.read_to_string(&mut received).unwrap();
    assert_eq!(received, "last words");
}

#[test]
fn a_pty_whose_program_is_gone_has_ended() {
    let (mut main, mut side) = (0, 0);
    // SAFETY: both are valid for one int; name, termios and size may be null.
    let made = unsafe {
        libc::openpty(&mut main, &mut side, std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut())
    };
    assert_eq!(made, 0);
    // SAFETY: openpty has just opened both, and nothing else owns them.
    let (main, side): (OwnedFd, OwnedFd) = unsafe { (OwnedFd::from_raw_fd(main), OwnedFd::from_raw_fd(side)) };
    drop(side);
    assert_eq!(Queue::new(16).fill(main.as_fd()).unwrap(), Progress::Ended);
}

#[test]
fn a_queue_takes_no_more_than_its_bound() {
    let mut queue = Queue::new(10);
    assert_eq!(queue.push(b"0123456789abc"), 10);
    assert_eq!(queue.push(b"x"), 0);
    queue.pop(4);
    assert_eq!(queue.push(b"abcdef"), 4);
    assert_eq!(queue.front(), b"456789abcd");
    queue.pop(100);
    assert!(queue.is_empty());
}
