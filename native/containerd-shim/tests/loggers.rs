// SPDX-License-Identifier: Apache-2.0
//! Output that goes to a program or into a file, by containerd's `binary://` and `file://`.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{
    DrainStdioRequest, DrainStdioResponse, Empty, EventsRequest, EventsResponse, JoinStdioRequest, KeptResponse,
    Logger, Output, PathRequest, StdioRequest, event::What, output::To,
};
use hako_ttrpc::Code;
use harness::guest::Guest;
use harness::{Link, Pod, is_running, kill, until};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Both outputs into files beside it, as they come; ready at once.
const STORING: &str = r#"
echo "$CONTAINER_NAMESPACE $CONTAINER_ID $*" >> "$DIR/called"
exec 5>&-
/bin/cat <&3 >> "$DIR/out" &
/bin/cat <&4 >> "$DIR/err" &
wait
echo end >> "$DIR/called"
"#;

/// A logger in a pod's bundle.
struct Program<'a> {
    pod: &'a Pod,
    path: PathBuf,
}

impl Program<'_> {
    fn new<'a>(pod: &'a Pod, script: &str) -> Program<'a> {
        let path = pod.bundle.join("logger");
        let directory = pod.bundle.display();
        fs::write(&path, format!("#!/bin/sh\nDIR={directory}\necho $$ >> $DIR/pids\n{script}")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Program { pod, path }
    }

    fn logger(&self, ready_limit_ms: u32) -> Logger {
        Logger {
            path: self.path.to_str().unwrap().into(),
            arguments: ["--store", "a b"].map(str::to_owned).to_vec(),
            environment: [("CONTAINER_ID", "c1"), ("CONTAINER_NAMESPACE", "test")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ready_limit_ms,
        }
    }

    fn request(&self, ready_limit_ms: u32) -> JoinStdioRequest {
        let to = |token| Some(Output { token, to: Some(To::Logger(self.logger(ready_limit_ms))) });
        JoinStdioRequest { container_id: "c1".into(), stdout: to(1), stderr: to(2), ..JoinStdioRequest::default() }
    }

    fn stored(&self, name: &str) -> Vec<u8> {
        fs::read(self.pod.bundle.join(name)).unwrap_or_default()
    }

    fn pids(&self) -> Vec<u32> {
        String::from_utf8(self.stored("pids")).unwrap().lines().map(|pid| pid.parse().unwrap()).collect()
    }

    fn await_no_process(&self) {
        until("no logger is left", || self.pids().iter().all(|pid| !is_running(*pid)));
    }
}

fn c1() -> StdioRequest {
    StdioRequest { container_id: "c1".into(), exec_id: String::new() }
}

fn drain(link: &mut Link, idle_limit_ms: u32) -> DrainStdioResponse {
    link.call("DrainStdio", &DrainStdioRequest { container_id: "c1".into(), exec_id: String::new(), idle_limit_ms })
        .unwrap()
}

fn noise(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// What was told of streams so far.
fn failures(link: &mut Link) -> Vec<String> {
    let asked = link.ask("Events", &EventsRequest { after: 0 });
    // Where there are events they are told at the latest before the second of these is answered.
    for _ in 0..2 {
        link.call::<KeptResponse>("Kept", &Empty {}).unwrap();
    }
    if link.count(asked) == 0 {
        return Vec::new();
    }
    let told: EventsResponse = link.answer(asked).unwrap();
    let sentence = |what| if let Some(What::StreamFailed(failed)) = what { Some(failed.sentence) } else { None };
    told.events.into_iter().filter_map(|event| sentence(event.what)).collect()
}

fn await_failure(link: &mut Link, wanted: &str) -> String {
    let mut found = None;
    until("the failure is told", || {
        found = failures(link).into_iter().find(|sentence| sentence.contains(wanted));
        found.is_some()
    });
    found.unwrap()
}

/// The end of both outputs, once the shim has taken it.
fn finish(guest: &mut Guest, streams: [u32; 2]) {
    for stream in streams {
        guest.data.link.finish(stream);
    }
    guest.data.until("the shim has read both ends", |port| streams.iter().all(|stream| port.streams[stream].finished));
}

#[test]
fn a_logger_is_given_every_byte_and_ends_after_the_last() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let program = Program::new(&pod, STORING);
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    let mut guest = Guest::up(&mut link);
    let (stdout, stderr) = (guest.data.stream_of(1), guest.data.stream_of(2));
    let sent = noise(4 << 20);
    guest.data.write_all(stderr, b"apart");
    guest.data.write_all(stdout, &sent);
    finish(&mut guest, [stdout, stderr]);
    let drained = drain(&mut link, 10_000);
    assert_eq!((drained.complete, drained.undelivered), (true, 0));
    program.await_no_process();
    assert!(program.stored("out") == sent, "not what the guest sent");
    assert_eq!(program.stored("err"), b"apart");
    assert_eq!(program.stored("called"), b"test c1 --store a b\nend\n", "it was called once, and as containerd would");
    link.call::<Empty>("LeaveStdio", &c1()).unwrap();
    assert_eq!(failures(&mut link), Vec::<String>::new());
}

#[test]
fn a_logger_has_nothing_of_the_shims_but_its_three_pipes() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let script = "/bin/ls /proc/self/fd > $DIR/listed\n/usr/bin/tr '\\0' '\\n' < /proc/$$/environ > $DIR/environ\n";
    let script = format!("{script}{STORING}");
    let program = Program::new(&pod, &script);
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    // ls has one for the directory that it lists.
    let listed = String::from_utf8(program.stored("listed")).unwrap();
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3", "4", "5", "6"]);
    let mut environment: Vec<String> =
        String::from_utf8(program.stored("environ")).unwrap().lines().map(str::to_owned).collect();
    environment.sort();
    assert_eq!(environment, ["CONTAINER_ID=c1", "CONTAINER_NAMESPACE=test"]);
}

#[test]
fn the_answer_waits_for_the_logger_and_nothing_else_does() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let waiting = format!("while ! [ -e $DIR/go ]; do /bin/sleep 0.01; done\n{STORING}");
    let program = Program::new(&pod, &waiting);
    link.ask("JoinStdio", &program.request(10_000));
    let second = link.ask("JoinStdio", &program.request(10_000));
    until("the logger runs", || program.pids().len() == 1);
    assert_eq!(failures(&mut link), Vec::<String>::new(), "the shim serves on");
    assert_eq!(link.count(second), 0, "it was answered before the logger was ready");
    // A hakod that returns asks again.
    drop(link);
    let mut link = hakod.accept(2);
    let again = link.ask("JoinStdio", &program.request(10_000));
    fs::write(pod.bundle.join("go"), "").unwrap();
    link.answer::<Empty>(again).unwrap();
    assert_eq!(program.pids().len(), 1, "a second logger was started");
}

#[test]
fn a_logger_that_does_not_come_to_be_ready_is_a_sentence_and_can_be_replaced() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = pod.bundle.join("logger").display().to_string();
    let mut refusal = |script: &str| {
        let program = Program::new(&pod, script);
        let status = link.call::<Empty>("JoinStdio", &program.request(300)).unwrap_err();
        assert_eq!(status.code, Code::FailedPrecondition);
        program.await_no_process();
        status.message
    };
    assert_eq!(
        refusal("exec /bin/sleep 1000"),
        format!(
            "The logger {path} has not said within 300 ms that it is ready: it has to close its descriptor 5 or write to it."
        )
    );
    assert_eq!(
        refusal("echo 'no such \"store\"' >&2; exit 3"),
        format!("The logger {path} has ended before it was ready (exit status 3; it said \"no such \\\"store\\\"\").")
    );
    assert_eq!(refusal("kill -9 $$"), format!("The logger {path} has ended before it was ready (signal 9)."));
    let missing = Logger { path: "/no/such/logger".into(), ..Logger::default() };
    let request = JoinStdioRequest {
        container_id: "c1".into(),
        stdout: Some(Output { token: 1, to: Some(To::Logger(missing)) }),
        ..JoinStdioRequest::default()
    };
    assert_eq!(
        link.call::<Empty>("JoinStdio", &request).unwrap_err().message,
        "Cannot start the logger /no/such/logger: Cannot execute it: No such file or directory (os error 2)."
    );
    let program = Program::new(&pod, STORING);
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    let mut guest = Guest::up(&mut link);
    let stream = guest.data.stream_of(1);
    guest.data.write_all(stream, b"at last");
    until("it is stored", || program.stored("out") == b"at last");
}

#[test]
fn a_logger_that_dies_is_told_and_does_not_hold_the_container_up() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let program = Program::new(&pod, "exec 5>&-; /bin/head -c 3 <&3 > $DIR/out; echo 'disk full' >&2; exit 4");
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    let mut guest = Guest::up(&mut link);
    let (stdout, stderr) = (guest.data.stream_of(1), guest.data.stream_of(2));
    guest.data.write_all(stdout, b"one");
    assert_eq!(
        await_failure(&mut link, "has ended"),
        format!(
            "The logger {} has ended (exit status 4; it said \"disk full\"). \
             What it has not read is lost, and further output is dropped.",
            program.path.display()
        )
    );
    guest.data.write_all(stdout, &noise(1 << 20));
    guest.data.write_all(stderr, &noise(1 << 20));
    finish(&mut guest, [stdout, stderr]);
    assert!(!drain(&mut link, 10_000).complete, "what was dropped is not complete");
    assert_eq!(program.stored("out"), b"one");
    assert_eq!(failures(&mut link).len(), 1, "it is told once");
}

#[test]
fn output_is_drained_when_the_logger_has_read_it() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let slow = format!("exec 5>&-\nwhile ! [ -e $DIR/go ]; do /bin/sleep 0.01; done\n{STORING}");
    let program = Program::new(&pod, &slow);
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    let mut guest = Guest::up(&mut link);
    let streams = [guest.data.stream_of(1), guest.data.stream_of(2)];
    guest.data.write_all(streams[0], b"last words");
    finish(&mut guest, streams);
    let stuck = drain(&mut link, 50);
    assert_eq!((stuck.complete, stuck.undelivered), (false, 10));
    fs::write(pod.bundle.join("go"), "").unwrap();
    let drained = drain(&mut link, 10_000);
    assert_eq!((drained.complete, drained.undelivered), (true, 0));
    until("it is stored", || program.stored("out") == b"last words");
}

#[test]
fn a_logger_reads_on_after_the_shim_has_died_and_delete_waits_for_it() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let slow = format!("exec 5>&-\nwhile ! [ -e $DIR/go ]; do /bin/sleep 0.01; done\necho late >&2\n{STORING}");
    let program = Program::new(&pod, &slow);
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    let mut guest = Guest::up(&mut link);
    let stdout = guest.data.stream_of(1);
    // A pipe holds that much.
    let sent = noise(60_000);
    guest.data.write_all(stdout, &sent);
    until("the shim has handed it over", || drain(&mut link, 1).undelivered == sent.len() as u64);
    pod.kill_shim();
    fs::write(pod.bundle.join("go"), "").unwrap();
    pod.delete();
    assert!(program.stored("out") == sent, "bytes are lost");
    assert!(program.pids().iter().all(|pid| !is_running(*pid)), "delete left the logger");
}

#[test]
fn delete_ends_a_logger_that_does_not_end_by_itself() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let program = Program::new(&pod, "trap '' TERM; exec 5>&-; while :; do /bin/sleep 0.05; done");
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    link.call::<Empty>("LeaveStdio", &c1()).unwrap();
    link.call::<Empty>("Quit", &Empty {}).unwrap();
    let begin = Instant::now();
    let deleted = pod.delete();
    assert!(begin.elapsed() < Duration::from_secs(5), "containerd waits no longer: {:?}", begin.elapsed());
    assert!(program.pids().iter().all(|pid| !is_running(*pid)), "delete left the logger");
    assert_eq!(deleted.exit_status, 0, "a logger is no part of the task");
}

#[test]
fn a_logger_is_not_in_the_pods_cgroup_which_goes_before_it() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = format!("/hako/logger-{}", std::process::id());
    link.call::<Empty>("PrepareCgroup", &PathRequest { path: path.clone() }).unwrap();
    let program = Program::new(&pod, STORING);
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    let logger = program.pids()[0];
    let groups = |pid: u32| fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(groups(pod.shim_pid()).contains(&path) && !groups(logger).contains(&path), "{}", groups(logger));
    link.call::<Empty>("RemoveCgroup", &PathRequest { path }).unwrap();
    assert!(is_running(logger));
}

#[test]
fn one_of_two_processes_loggers_ends_with_its_process() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let program = Program::new(&pod, "exec 5>&-; exec /bin/cat <&3 > $DIR/out");
    let exec = JoinStdioRequest { exec_id: "e1".into(), stderr: None, ..program.request(10_000) };
    let exec = JoinStdioRequest { stdout: exec.stdout.map(|output| Output { token: 3, ..output }), ..exec };
    link.call::<Empty>("JoinStdio", &program.request(10_000)).unwrap();
    link.call::<Empty>("JoinStdio", &exec).unwrap();
    until("both run", || program.pids().len() == 2);
    let (first, second) = (program.pids()[0], program.pids()[1]);
    link.call::<Empty>("LeaveStdio", &StdioRequest { container_id: "c1".into(), exec_id: "e1".into() }).unwrap();
    until("the second has ended", || !is_running(second));
    assert!(is_running(first));
    kill(first, libc::SIGTERM);
    assert!(await_failure(&mut link, "has ended").contains("(signal 15)"));
}

#[test]
fn a_file_is_appended_to_and_made_with_its_directories() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = pod.bundle.join("logs/of/c1");
    let join = |link: &mut Link, path: &Path| {
        let to = |token| Some(Output { token, to: Some(To::File(path.to_str().unwrap().into())) });
        let request =
            JoinStdioRequest { container_id: "c1".into(), stdout: to(1), stderr: to(2), ..JoinStdioRequest::default() };
        link.call::<Empty>("JoinStdio", &request)
    };
    join(&mut link, &path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o644, 0o755));
    fs::write(&path, "earlier\n").unwrap();
    let mut guest = Guest::up(&mut link);
    let (stdout, stderr) = (guest.data.stream_of(1), guest.data.stream_of(2));
    guest.data.write_all(stdout, b"out\n");
    until("it is stored", || fs::read(&path).unwrap().ends_with(b"out\n"));
    guest.data.write_all(stderr, b"err\n");
    finish(&mut guest, [stdout, stderr]);
    assert!(drain(&mut link, 10_000).complete);
    assert_eq!(fs::read_to_string(&path).unwrap(), "earlier\nout\nerr\n");
    link.call::<Empty>("LeaveStdio", &c1()).unwrap();
    assert_eq!(
        join(&mut link, Path::new("/proc/nowhere/log")).unwrap_err().message,
        "Cannot open the output file /proc/nowhere/log: No such file or directory (os error 2)."
    );
}
