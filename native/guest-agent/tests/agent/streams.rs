// SPDX-License-Identifier: Apache-2.0
//! Standard streams.

use hako_protocols::agent::{ConfigureNetworkRequest, Empty, ResizeTerminalRequest};

use crate::harness::{Agent, Command, await_condition};

const MEBIBYTE: usize = 1 << 20;

/// Bytes that repeat with no power of two.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8 ^ (index / 65_537) as u8).collect()
}

#[test]
fn ten_mebibytes_pass_unchanged_in_both_directions() {
    let agent = Agent::start();
    let process = Command::new(&["cat"]).with_stdin().run(&agent, "web");
    let sent = pattern(10 * MEBIBYTE);
    let received = std::thread::scope(|scope| {
        scope.spawn(|| {
            process.stdin().write(&sent);
            process.stdin().finish();
        });
        process.stdout.read_all()
    });
    assert!(received == sent, "{} bytes came back, {} were sent", received.len(), sent.len());
    assert_eq!(process.wait().exit_status, 0);
}

#[test]
fn a_half_close_of_stdin_leaves_the_output_open() {
    let agent = Agent::start();
    let process = Command::shell("wc -c; echo after").with_stdin().run(&agent, "web");
    process.stdin().write(&[b'x'; 100_000]);
    process.stdin().finish();
    assert_eq!(process.finish(), (0, "100000\nafter\n".into(), String::new()));
}

#[test]
fn the_last_output_of_a_process_is_not_lost() {
    let agent = Agent::start();
    for round in 0..5 {
        let id = format!("web{round}");
        let process = Command::shell("head -c 60000 /dev/zero; echo end >&2").run(&agent, &id);
        let (status, out, err) = process.finish();
        assert_eq!((status, out.len(), err.as_str()), (0, 60_000, "end\n"));
    }
}

#[test]
fn output_of_a_process_that_nobody_reads_waits_in_its_pipe() {
    let agent = Agent::start();
    let process = Command::shell("head -c 1000000 /dev/zero").run(&agent, "web");
    let other = Command::new(&["echo", "not held up"]).run(&agent, "other");
    assert_eq!(other.finish().1, "not held up\n");
    assert_eq!(process.stdout.read_all().len(), 1_000_000);
    assert_eq!(process.wait().exit_status, 0);
}

#[test]
fn a_process_left_behind_does_not_keep_the_output_open() {
    let agent = Agent::start();
    let keeper = Command::new(&["sleep", "1000"]).run(&agent, "web");
    let exec = Command::shell("sleep 1000 & echo done").exec(&agent, "web", "e").unwrap();
    assert_eq!(exec.finish(), (0, "done\n".into(), String::new()));
    keeper.signal(9).unwrap();
}

#[test]
fn a_stream_with_an_unknown_token_is_reset() {
    let agent = Agent::start();
    agent.stream(0xdead_beef).wait_for_reset();
    agent.stream(0).wait_for_reset();
    agent.data().open(99).wait_for_reset();
}

/// Guest port 65536 + N is TCP port N of 127.0.0.1, and 131072 + N that of ::1.
#[test]
fn a_server_of_the_loopback_is_reached_by_either_address() {
    let agent = Agent::start();
    agent.call::<Empty>("ConfigureNetwork", &ConfigureNetworkRequest::default());
    let server = Command::new(&["busybox", "nc", "-ll", "-p", "7001", "-e", "cat"]).run(&agent, "web");
    await_condition("a server", || {
        let stream = agent.data().open(65_536 + 7001);
        stream.finish();
        stream.read_all();
        (!stream.is_reset()).then_some(())
    });
    let sent = pattern(MEBIBYTE);
    for port in [65_536 + 7001, 131_072 + 7001] {
        let stream = agent.data().open(port);
        let received = std::thread::scope(|scope| {
            scope.spawn(|| {
                stream.write(&sent);
                stream.finish();
            });
            stream.read_all()
        });
        assert!(received == sent, "{port}: {} bytes came back, {} were sent", received.len(), sent.len());
    }
    server.signal(9).unwrap();
}

#[test]
fn a_port_of_the_loopback_where_nobody_listens_is_reset() {
    let agent = Agent::start();
    agent.call::<Empty>("ConfigureNetwork", &ConfigureNetworkRequest::default());
    for port in [65_536 + 7002, 131_072 + 7002, 65_536, 196_608 + 7002] {
        agent.data().open(port).wait_for_reset();
    }
}

#[test]
fn a_process_that_closes_its_input_resets_the_stream() {
    let agent = Agent::start();
    let process = Command::shell("exec <&-; sleep 1000").with_stdin().run(&agent, "web");
    let stdin = process.stdin();
    while !stdin.is_reset() {
        stdin.write(&[b'x'; 4096]);
    }
}

#[test]
fn streams_can_be_presented_again_in_a_new_session() {
    let agent = Agent::start();
    let (process, tokens) = Command::new(&["cat"]).with_stdin().run_with_tokens(&agent, "web");
    process.stdin().write(b"before\n");
    process.stdout.read_until("before\n");
    agent.data().restart(77);
    let (stdin, stdout) = (agent.stream(tokens.stdin), agent.stream(tokens.stdout));
    stdin.write(b"after\n");
    stdout.read_until("after\n");
    stdin.finish();
    assert_eq!(stdout.read_all(), b"");
    assert_eq!(process.wait().exit_status, 0);
}

#[test]
fn a_user_opens_its_own_standard_output() {
    let agent = Agent::start();
    let process = Command::shell("id -u; echo again > /dev/stdout").of_user(1000).run(&agent, "web");
    assert_eq!(process.finish(), (0, "1000\nagain\n".into(), String::new()));
}

#[test]
fn without_a_stdin_the_input_is_empty() {
    let agent = Agent::start();
    let process = Command::new(&["wc", "-c"]).run(&agent, "web");
    assert_eq!(process.finish(), (0, "0\n".into(), String::new()));
}

#[test]
fn a_terminal_echoes_has_a_size_and_ends_with_its_character() {
    let agent = Agent::start();
    let process = Command::shell("tty; stty size; read line; echo got $line; stty size; cat; echo bye")
        .with_terminal()
        .run(&agent, "web");
    process.stdout.read_until("/dev/pts/0\r\n24 80\r\n");
    let size = ResizeTerminalRequest { container_id: "web".into(), exec_id: String::new(), rows: 40, columns: 100 };
    agent.call::<Empty>("ResizeTerminal", &size);
    process.stdin().write(b"hello\n");
    process.stdout.read_until("hello\r\ngot hello\r\n40 100\r\n");
    process.stdin().finish();
    let (status, rest, _) = process.finish();
    assert_eq!((status, rest.as_str()), (0, "bye\r\n"));
}

#[test]
fn a_terminal_keeps_the_size_that_it_was_given_before_the_start() {
    let agent = Agent::start();
    let process = Command::new(&["stty", "size"]).with_terminal().create(&agent, "web").unwrap();
    let size = ResizeTerminalRequest { container_id: "web".into(), exec_id: String::new(), rows: 40, columns: 100 };
    agent.call::<Empty>("ResizeTerminal", &size);
    process.start().unwrap();
    assert_eq!(process.finish(), (0, "40 100\r\n".into(), String::new()));
}

#[test]
fn a_terminal_of_an_exec_belongs_to_its_user_and_ends_although_descendants_hold_it() {
    let agent = Agent::start();
    let keeper = Command::new(&["sleep", "1000"]).run(&agent, "web");
    let script = "trap '' HUP; stty size; (sleep 1000 &) ; echo end";
    let exec = Command::shell(script).with_terminal().of_user(1000).exec(&agent, "web", "e").unwrap();
    let (status, out, _) = exec.finish();
    assert_eq!((status, out.as_str()), (0, "24 80\r\nend\r\n"));
    keeper.signal(9).unwrap();
}
