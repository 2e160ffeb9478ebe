// SPDX-License-Identifier: Apache-2.0
//! Bytes between host and guest: connections to the agent and standard streams of containers.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_link::Reason;
use hako_protocols::shim::{
    DrainStdioRequest, DrainStdioResponse, Empty, Event, EventsRequest, EventsResponse, Input, JoinStdioRequest,
    LogFile, Output, RoleRequest, StdioRequest, event::What, output::To,
};
use hako_ttrpc::Code;
use harness::await_condition::pass;
use harness::guest::Guest;
use harness::{Link, Pod, kill, until};
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::thread;

fn connect(pod: &Pod, port: u32) -> BufReader<UnixStream> {
    let mut socket = UnixStream::connect(pod.directory.join("guest.sock")).unwrap();
    socket.set_read_timeout(Some(harness::LIMIT)).unwrap();
    socket.write_all(format!("CONNECT {port}\n").as_bytes()).unwrap();
    BufReader::new(socket)
}

fn line(client: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

fn fifo(pod: &Pod, name: &str) -> String {
    let path = pod.bundle.join(name);
    let text = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: a C string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(text.as_ptr(), 0o600) }, 0);
    path.to_str().unwrap().to_owned()
}

fn to_fifo(token: u64, path: &str) -> Option<Output> {
    Some(Output { token, to: Some(To::Fifo(path.into())) })
}

fn join(link: &mut Link, stdin: Option<Input>, stdout: Option<Output>, stderr: Option<Output>) {
    let request =
        JoinStdioRequest { container_id: "c1".into(), exec_id: String::new(), terminal: false, stdin, stdout, stderr };
    link.call::<Empty>("JoinStdio", &request).unwrap();
}

fn c1() -> StdioRequest {
    StdioRequest { container_id: "c1".into(), exec_id: String::new() }
}

fn drain(idle_limit_ms: u32) -> DrainStdioRequest {
    DrainStdioRequest { container_id: "c1".into(), exec_id: String::new(), idle_limit_ms }
}

fn open_nonblocking(path: &str) -> File {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}

fn noise(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// The first event that matches, leaving none of those before it.
fn event(link: &mut Link, wanted: impl Fn(&Event) -> bool) -> Event {
    let mut after = 0;
    loop {
        let told: EventsResponse = link.call("Events", &EventsRequest { after }).unwrap();
        after = told.events.last().unwrap().sequence;
        if let Some(event) = told.events.into_iter().find(&wanted) {
            return event;
        }
    }
}

fn is_link(up: bool) -> impl Fn(&Event) -> bool {
    move |event| matches!(&event.what, Some(What::GuestLink(link)) if link.up == up)
}

#[test]
fn a_connection_waits_for_the_guest_and_then_carries_bytes_both_ways_to_the_end() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let early = connect(&pod, 1024);
    let mut guest = Guest::boot(&mut link);
    let sent = noise(3 << 20);
    let expected = sent.clone();
    let client = thread::spawn(move || {
        let mut client = early;
        assert_eq!(line(&mut client), "OK 1024\n");
        let mut writing = client.get_ref().try_clone().unwrap();
        let writer = thread::spawn(move || {
            writing.write_all(&sent).unwrap();
            writing.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        writer.join().unwrap();
        received
    });
    guest.control.until("the client has said all", |port| port.streams.get(&1).is_some_and(|stream| stream.finished));
    assert_eq!(guest.control.streams[&1].port, 1024);
    assert!(guest.control.streams[&1].bytes == expected, "not what was sent");
    guest.control.write_all(1, &expected);
    guest.control.link.finish(1);
    guest.control.turn();
    assert!(client.join().unwrap() == expected, "not what the guest sent");
    guest.data.until("data is up", |port| port.link.is_up());
    event(&mut link, is_link(true));
}

#[test]
fn connections_do_not_mix_and_either_side_can_close() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut guest = Guest::up(&mut link);
    let mut clients: Vec<_> = (0..5).map(|_| connect(&pod, 1024)).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        guest.control.turn();
        assert_eq!(line(client), "OK 1024\n");
        client.get_mut().write_all(format!("I am {index}").as_bytes()).unwrap();
    }
    for index in 0..5 {
        let wanted = format!("I am {index}");
        guest.control.until("each is heard", |port| {
            port.streams.get(&(index + 1)).is_some_and(|stream| stream.bytes == wanted.as_bytes())
        });
    }
    drop(clients.remove(0));
    guest.control.until("the guest sees the end", |port| port.streams[&1].finished || port.streams[&1].reset.is_some());
    guest.control.link.reset(2, Reason::Failed);
    guest.control.turn();
    assert_eq!(line(&mut clients[0]), "");
    guest.control.write_all(3, b"still\n");
    assert_eq!(line(&mut clients[1]), "still\n");
}

#[test]
fn only_the_two_ports_are_known() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut guest = Guest::up(&mut link);
    assert_eq!(line(&mut connect(&pod, 22)), "ERROR a line CONNECT 1024 or CONNECT 1025 is expected\n");
    let mut data = connect(&pod, 1025);
    assert_eq!(line(&mut data), "OK 1025\n");
    guest
        .data
        .until("it comes by the data port", |port| port.streams.get(&1).is_some_and(|stream| stream.port == 1025));
    let mut socket = UnixStream::connect(pod.directory.join("guest.sock")).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(line(&mut BufReader::new(socket)), "ERROR a line CONNECT 1024 or CONNECT 1025 is expected\n");
}

#[test]
fn ten_mebibytes_of_output_arrive_unchanged_and_apart_from_errors() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let (out, err) = (fifo(&pod, "out"), fifo(&pod, "err"));
    join(&mut link, None, to_fifo(11, &out), to_fifo(12, &err));
    join(&mut link, None, to_fifo(11, &out), to_fifo(12, &err));
    let readers = [out, err].map(|path| {
        thread::spawn(move || {
            let mut received = Vec::new();
            File::open(path).unwrap().read_to_end(&mut received).unwrap();
            received
        })
    });
    let mut guest = Guest::up(&mut link);
    let (stdout, stderr) = (guest.data.stream_of(11), guest.data.stream_of(12));
    let sent = noise(10 << 20);
    guest.data.write_all(stderr, b"apart");
    guest.data.write_all(stdout, &sent);
    let draining = link.ask("DrainStdio", &drain(60_000));
    for stream in [stdout, stderr] {
        guest.data.link.finish(stream);
    }
    guest.data.until("the shim has read both ends", |port| {
        [stdout, stderr].iter().all(|stream| port.streams[stream].finished)
    });
    let drained: DrainStdioResponse = link.answer(draining).unwrap();
    assert_eq!((drained.complete, drained.undelivered), (true, 0));
    let [out, err] = readers.map(|reader| reader.join().unwrap());
    assert!(out == sent, "not what the guest sent");
    assert_eq!(err, b"apart");
    assert_eq!(guest.data.streams.len(), 2, "the second join opened streams");
}

#[test]
fn output_without_a_reader_is_held_back_and_not_lost() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let out = fifo(&pod, "out");
    join(&mut link, None, to_fifo(1, &out), None);
    let mut guest = Guest::up(&mut link);
    let stream = guest.data.stream_of(1);
    let sent = noise(1 << 20);
    let mut accepted = 0;
    guest.data.until("nothing is accepted any more", |port| {
        let before = accepted;
        while accepted < sent.len() {
            match port.link.write(stream, &sent[accepted..]) {
                0 => break,
                count => accepted += count,
            }
        }
        port.turn();
        port.turn();
        accepted == before && port.link.writable(stream) == 0
    });
    assert!(accepted <= 4 * 64 * 1024, "{accepted} bytes were accepted");
    let stuck: DrainStdioResponse = link.call("DrainStdio", &drain(50)).unwrap();
    assert!(!stuck.complete && stuck.undelivered > 0);
    // containerd comes, goes, and comes again.
    let mut received = vec![0; 1000];
    open_nonblocking(&out).read_exact(&mut received).unwrap();
    let reader = thread::spawn(move || {
        File::open(&out).unwrap().read_to_end(&mut received).unwrap();
        received
    });
    guest.data.write_all(stream, &sent[accepted..]);
    guest.data.link.finish(stream);
    guest.data.until("the shim has read the end", |port| port.streams[&stream].finished);
    assert!(reader.join().unwrap() == sent, "not what the guest sent");
}

#[test]
fn output_that_nobody_has_read_survives_the_end_of_the_stream() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let out = fifo(&pod, "out");
    join(&mut link, None, to_fifo(1, &out), None);
    let mut guest = Guest::up(&mut link);
    let stream = guest.data.stream_of(1);
    guest.data.write_all(stream, b"last words");
    guest.data.link.finish(stream);
    let drained: DrainStdioResponse = {
        let draining = link.ask("DrainStdio", &drain(60_000));
        guest.data.until("the shim has read the end", |port| port.streams[&stream].finished);
        link.answer(draining).unwrap()
    };
    assert!(drained.complete);
    let mut received = String::new();
    open_nonblocking(&out).read_to_string(&mut received).unwrap();
    assert_eq!(received, "last words");
    link.call::<Empty>("LeaveStdio", &c1()).unwrap();
    link.call::<Empty>("LeaveStdio", &c1()).unwrap();
    assert_eq!(link.call::<DrainStdioResponse>("DrainStdio", &drain(1)).unwrap_err().code, Code::NotFound);
}

#[test]
fn standard_input_ends_only_by_close_and_after_its_last_byte() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = fifo(&pod, "in");
    join(&mut link, Some(Input { path: path.clone(), token: 5 }), None, None);
    let mut guest = Guest::up(&mut link);
    let stream = guest.data.stream_of(5);
    let sent = noise(2 << 20);
    let (head, tail) = (sent[..1 << 20].to_vec(), sent[1 << 20..].to_vec());
    let write = |bytes: Vec<u8>| {
        let path = path.clone();
        thread::spawn(move || File::options().write(true).open(path).unwrap().write_all(&bytes).unwrap())
    };
    let first = write(head);
    guest.data.until("the first half is there", |port| port.received(stream).len() == 1 << 20);
    first.join().unwrap();
    guest.data.turn();
    assert!(!guest.data.streams[&stream].finished, "the end of a writer is not the end");
    let second = write(tail);
    guest.data.until("some of the second half is there", |port| port.received(stream).len() > 1 << 20);
    link.call::<Empty>("CloseStdin", &c1()).unwrap();
    guest.data.until("the end is there", |port| port.streams[&stream].finished);
    second.join().unwrap();
    assert!(guest.data.received(stream) == sent, "not what was written");
}

#[test]
fn a_guest_that_does_not_read_holds_the_writer_up() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = fifo(&pod, "in");
    join(&mut link, Some(Input { path: path.clone(), token: 5 }), None, None);
    let mut guest = Guest::up(&mut link);
    guest.data.stream_of(5);
    let mut writer = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
    let mut accepted = 0;
    let mut idle = 0;
    while idle < 50 {
        match writer.write(&[0; 4096]) {
            Ok(count) => (accepted, idle) = (accepted + count, 0),
            Err(_) => {
                pass(std::time::Duration::from_millis(2));
                idle += 1;
            }
        }
    }
    assert!(accepted < 1 << 20, "{accepted} bytes were accepted");
}

#[test]
fn a_log_has_both_streams_in_records_and_is_begun_anew_at_its_bound() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = pod.bundle.join("container.log");
    let log =
        |token| Some(Output { token, to: Some(To::Log(LogFile { path: path.to_str().unwrap().into(), bound: 8192 })) });
    join(&mut link, None, log(1), log(2));
    let mut guest = Guest::up(&mut link);
    let (stdout, stderr) = (guest.data.stream_of(1), guest.data.stream_of(2));
    guest.data.write_all(stdout, b"one\ntwo");
    until("the log has it", || fs::read_to_string(&path).is_ok_and(|text| text.contains("two")));
    guest.data.write_all(stderr, b"oops\n");
    until("the log has it", || fs::read_to_string(&path).is_ok_and(|text| text.contains("oops")));
    let text = fs::read_to_string(&path).unwrap();
    let records: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(records, ["stdout F one", "stdout P two", "stderr F oops"]);
    let time = text.split(' ').next().unwrap();
    assert!(time.len() == 30 && time.starts_with("20") && time.ends_with('Z'), "{time}");
    for number in 0..400 {
        guest.data.write_all(stdout, format!("line {number} of many that fill the log up\n").as_bytes());
    }
    let drained: DrainStdioResponse = {
        guest.data.link.finish(stdout);
        guest.data.link.finish(stderr);
        guest.data.turn();
        link.call("DrainStdio", &drain(60_000)).unwrap()
    };
    assert!(drained.complete);
    let (new, old) =
        (fs::read_to_string(&path).unwrap(), fs::read_to_string(pod.bundle.join("container.log.1")).unwrap());
    assert!(new.ends_with(" stdout F line 399 of many that fill the log up\n"), "{new}");
    assert!(new.len() < 8192 + 40_000 && old.len() < 8192 + 40_000 && old.len() >= 8192, "{} {}", new.len(), old.len());
    let mut listed: Vec<_> =
        fs::read_dir(&pod.bundle).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    listed.sort();
    assert_eq!(listed, ["address", "container.log", "container.log.1"]);
}

#[test]
fn a_stream_that_the_guest_does_not_know_is_told() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let (path, out) = (fifo(&pod, "in"), fifo(&pod, "out"));
    join(&mut link, Some(Input { path, token: 5 }), to_fifo(6, &out), None);
    let mut guest = Guest::up(&mut link);
    let (stdin, stdout) = (guest.data.stream_of(5), guest.data.stream_of(6));
    guest.data.link.reset(stdin, Reason::Closed);
    guest.data.link.reset(stdout, Reason::NoSuchToken);
    guest.data.turn();
    let failed = event(&mut link, |event| matches!(event.what, Some(What::StreamFailed(_))));
    let Some(What::StreamFailed(failed)) = failed.what else { panic!() };
    assert_eq!(
        (failed.container_id.as_str(), failed.sentence.as_str()),
        ("c1", "The guest refused or dropped stdout (NoSuchToken).")
    );
    let drained: DrainStdioResponse = link.call("DrainStdio", &drain(60_000)).unwrap();
    assert!(!drained.complete);
    assert_eq!(open_nonblocking(&out).read(&mut [0; 1]).unwrap(), 0, "readers see the end");
}

#[test]
fn files_that_are_no_fifos_are_refused_with_their_name() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let refused = |link: &mut Link, path: &str| {
        let request =
            JoinStdioRequest { container_id: "c1".into(), stdout: to_fifo(1, path), ..JoinStdioRequest::default() };
        link.call::<Empty>("JoinStdio", &request).unwrap_err().message
    };
    assert_eq!(
        refused(&mut link, "/no/such/fifo"),
        "Cannot open the fifo /no/such/fifo: No such file or directory (os error 2)."
    );
    fs::write(pod.bundle.join("plain"), "").unwrap();
    let plain = pod.bundle.join("plain");
    assert_eq!(
        refused(&mut link, plain.to_str().unwrap()),
        format!("Cannot use {} as a stream: it is not a fifo.", plain.display())
    );
}

#[test]
fn a_guest_that_breaks_the_protocol_loses_its_streams_and_can_begin_anew() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let out = fifo(&pod, "out");
    join(&mut link, None, to_fifo(1, &out), None);
    let mut guest = Guest::up(&mut link);
    guest.data.stream_of(1);
    let mut client = connect(&pod, 1024);
    guest.control.turn();
    assert_eq!(line(&mut client), "OK 1024\n");
    event(&mut link, is_link(true));
    guest.data.write_raw(&[0xff; 64]);
    let failed = event(&mut link, |event| matches!(event.what, Some(What::StreamFailed(_))));
    let Some(What::StreamFailed(failed)) = failed.what else { panic!() };
    assert_eq!(failed.sentence, "The link to the guest ended before the output did.");
    guest.data.until("there is a second session", |port| port.sessions == 2);
    // The other port never noticed.
    client.get_mut().write_all(b"unharmed").unwrap();
    guest.control.until("the other port goes on", |port| port.streams[&1].bytes == b"unharmed");
    for _ in 0..20 {
        guest.data.write_raw(&[0xff; 64]);
    }
    guest.control.turn();
    assert!(link.call::<Empty>("LeaveStdio", &c1()).is_ok(), "the shim serves on");
}

#[test]
fn the_end_of_the_vmm_ends_connections_and_is_told() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let guest = Guest::up(&mut link);
    let mut client = connect(&pod, 1024);
    assert_eq!(line(&mut client), "OK 1024\n");
    event(&mut link, is_link(true));
    kill(guest.pid, libc::SIGKILL);
    drop(guest);
    assert_eq!(line(&mut client), "");
    event(&mut link, is_link(false));
}

#[test]
fn a_full_disk_loses_log_records_and_never_holds_the_container_up() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let full = LogFile { path: "/dev/full".into(), bound: 1 << 20 };
    join(&mut link, None, Some(Output { token: 1, to: Some(To::Log(full)) }), None);
    let mut guest = Guest::up(&mut link);
    let stream = guest.data.stream_of(1);
    guest.data.write_all(stream, &noise(1 << 20));
    guest.data.link.finish(stream);
    guest.data.until("the shim has read the end", |port| port.streams[&stream].finished);
    let told: EventsResponse = link.call("Events", &EventsRequest { after: 0 }).unwrap();
    let failures: Vec<String> = told
        .events
        .into_iter()
        .filter_map(|event| match event.what {
            Some(What::StreamFailed(failed)) => Some(failed.sentence),
            _ => None,
        })
        .collect();
    assert_eq!(
        failures,
        ["Cannot write stdout: No space left on device (os error 28); it is dropped until that works again."]
    );
    assert!(!link.call::<DrainStdioResponse>("DrainStdio", &drain(60_000)).unwrap().complete);
}

#[test]
fn a_second_vmm_gets_ports_of_its_own() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let first = Guest::up(&mut link);
    event(&mut link, is_link(true));
    kill(first.pid, libc::SIGKILL);
    drop(first);
    event(&mut link, is_link(false));
    until("the role is free", || link.call::<Empty>("Forget", &RoleRequest { role: "vmm".into() }).is_ok());
    let mut second = Guest::up(&mut link);
    let mut client = connect(&pod, 1024);
    assert_eq!(line(&mut client), "OK 1024\n");
    client.get_mut().write_all(b"anew").unwrap();
    second.control.until("it is heard", |port| port.streams.get(&1).is_some_and(|stream| stream.bytes == b"anew"));
}
