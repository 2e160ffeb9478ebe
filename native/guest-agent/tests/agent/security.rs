// SPDX-License-Identifier: Apache-2.0
//! What holds a container in.

use hako_ttrpc::Code;
use serde_json::{Value, json};

use crate::harness::{Agent, Command};

/// A profile that allows everything but mkdir.
fn profile() -> Value {
    json!({
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 }],
    })
}

const STATUS: &str = "grep -E '^(Seccomp|NoNewPrivs|CapEff|CapBnd):' /proc/self/status | tr -d '\\t'";
/// CAPABILITIES of the harness as a mask.
const MASK: &str = "00000000080000fb";

fn confined(script: &str, no_new_privileges: bool) -> Command {
    let mut command = Command::shell(script);
    command.linux["seccomp"] = profile();
    command.process["noNewPrivileges"] = json!(no_new_privileges);
    command
}

#[test]
fn a_seccomp_profile_holds_for_the_first_process_and_for_further_ones() {
    let agent = Agent::start();
    for privileges in [true, false] {
        let id = format!("web{privileges}");
        let script = format!("{STATUS}; busybox mkdir /tmp/x; echo $?; read line");
        let first = confined(&script, privileges).with_stdin().run(&agent, &id);
        let expected = format!("CapEff:{MASK}\nCapBnd:{MASK}\nNoNewPrivs:{}\nSeccomp:2\n", u8::from(privileges));
        assert_eq!(first.stdout.read_until("Seccomp:2\n1\n"), format!("{expected}1\n"));
        let exec = confined(&format!("{STATUS}; busybox mkdir /tmp/x"), privileges).exec(&agent, &id, "e").unwrap();
        let (status, out, _) = exec.finish();
        assert_eq!((status, out), (1, expected));
        first.signal(9).unwrap();
    }
}

#[test]
fn a_user_without_privileges_is_filtered_without_no_new_privileges() {
    let agent = Agent::start();
    let (status, out, _) = confined(STATUS, false).of_user(1000).run(&agent, "web").finish();
    assert_eq!((status, out), (0, format!("CapEff:0000000000000000\nCapBnd:{MASK}\nNoNewPrivs:0\nSeccomp:2\n")));
}

#[test]
fn a_profile_needs_to_allow_only_what_the_program_does() {
    let agent = Agent::start();
    let mut command = Command::new(&["true"]);
    let allowed = [
        "execve",
        "brk",
        "exit",
        "exit_group",
        "arch_prctl",
        "set_tid_address",
        "set_robust_list",
        "rseq",
        "mprotect",
        "prlimit64",
        "readlinkat",
        "readlink",
        "getrandom",
        "getuid",
        "prctl",
        "capget",
        "capset",
        "getpid",
        "gettid",
    ];
    command.linux["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{ "names": allowed, "action": "SCMP_ACT_ALLOW" }],
    });
    assert_eq!(command.run(&agent, "web").finish().0, 0);
}

/// Refused under a mask: calls without any namespace flag. A mask that is taken for the value refuses them all.
#[test]
fn a_rule_about_flags_regards_only_those_of_its_mask() {
    let agent = Agent::start();
    let script = "unshare true || echo refused; unshare -U true && echo allowed";
    let mut command = Command::shell(script);
    command.linux["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{
            "names": ["unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
            "args": [{ "index": 0, "value": 0x7e02_0000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }],
        }],
    });
    let (_, out, err) = command.run(&agent, "web").finish();
    assert_eq!(out, "refused\nallowed\n", "{err}");
}

#[test]
fn devices_that_no_rule_allows_are_out_of_reach() {
    let agent = Agent::start();
    let script = "mknod /tmp/mem c 1 1; mknod /tmp/port c 247 1; echo x > /dev/null && head -c 1 /dev/zero | wc -c";
    let (_, out, err) = Command::shell(script).run(&agent, "web").finish();
    assert_eq!(out, "1\n", "{err}");
    assert_eq!(err.matches("Operation not permitted").count(), 2, "{err}");
}

#[test]
fn a_device_that_a_rule_allows_is_within_reach() {
    let agent = Agent::start();
    let mut command = Command::shell("mknod /tmp/full c 1 7 && echo made; mknod /tmp/kmsg c 1 11 || echo refused");
    command.linux["resources"]["devices"] =
        json!([{ "allow": true, "type": "c", "major": 1, "minor": 7, "access": "m" }]);
    let (_, out, err) = command.run(&agent, "web").finish();
    assert_eq!(out, "made\nrefused\n", "{err}");
}

#[test]
fn a_process_has_its_groups_and_limits() {
    let agent = Agent::start();
    let script = "id -G; ulimit -n; ulimit -Hn; busybox nproc > /dev/null; umask";
    let mut command = Command::shell(script);
    command.process["user"] = json!({ "uid": 1000, "gid": 1000, "additionalGids": [10, 2000], "umask": 0o027 });
    command.process["rlimits"] = json!([{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 }]);
    let expected = "1000 10 2000\n100\n200\n0027\n";
    assert_eq!(command.run(&agent, "web").finish(), (0, expected.into(), String::new()));
    let _first = Command::new(&["sleep", "1000"]).run(&agent, "other");
    assert_eq!(command.exec(&agent, "other", "e").unwrap().finish().1, expected);
}

#[test]
fn capabilities_are_those_that_are_named() {
    let agent = Agent::start();
    let sets = |set: &str| format!("grep -E '^Cap({set}):' /proc/self/status | tr -d '\\t'");
    let mut command = Command::shell(&sets("Inh|Prm|Eff|Bnd|Amb"));
    let one = json!(["CAP_NET_BIND_SERVICE"]);
    command.process["capabilities"] =
        json!({ "bounding": one, "effective": one, "permitted": one, "inheritable": one, "ambient": one });
    let mask = "0000000000000400";
    let expected: String = ["Inh", "Prm", "Eff", "Bnd", "Amb"].map(|set| format!("Cap{set}:{mask}\n")).concat();
    // An ambient capability stays with a user who is not root.
    assert_eq!(command.of_user(1000).run(&agent, "web").finish(), (0, expected, String::new()));
}

#[test]
fn the_default_devices_are_there_and_those_that_are_named() {
    let agent = Agent::start();
    let mut command = Command::shell("stat -c '%F %a %t:%T %u' /dev/null /dev/net/tun; test -c /dev/tty && ls /dev");
    command.linux["devices"] = json!([
        { "path": "/dev/net/tun", "type": "c", "major": 10, "minor": 200, "fileMode": 0o640, "uid": 1000, "gid": 0 },
    ]);
    let (_, out, err) = command.run(&agent, "web").finish();
    let expected = "character special file 666 1:3 0\ncharacter special file 640 a:c8 1000\n";
    assert!(out.starts_with(expected), "{out}{err}");
    let names: Vec<_> = out[expected.len()..].lines().collect();
    let default = ["full", "null", "ptmx", "random", "tty", "urandom", "zero"];
    assert!(default.iter().all(|name| names.contains(name)), "{names:?}");
}

#[test]
fn a_device_of_the_host_is_refused() {
    let agent = Agent::start();
    let mut command = Command::new(&["true"]);
    command.linux["devices"] = json!([{ "path": "/dev/sda", "type": "b", "major": 8, "minor": 0 }]);
    let status = command.create(&agent, "web").err().unwrap();
    assert_eq!(status.code, Code::FailedPrecondition);
    assert!(status.message.starts_with("Container web asks for /dev/sda (b 8:0), a device of the host"), "{status}");
}

#[test]
fn the_agent_s_ports_and_files_are_not_in_the_container() {
    let agent = Agent::start();
    let script = "ls /dev | grep -c vport; ls -d /run/hako /proc/1/root/run/hako; ls /proc/self/fd | wc -l";
    let (_, out, err) = Command::shell(script).run(&agent, "web").finish();
    // Three streams, and the descriptor by which ls reads the directory.
    assert_eq!(out, "0\n4\n", "{err}");
}

#[cfg(not(feature = "test-build"))]
#[test]
fn an_ordinary_agent_cannot_be_crashed_by_a_call() {
    use hako_protocols::agent::Empty;
    let agent = Agent::start();
    assert_eq!(agent.try_call::<Empty>("CrashGuest", &Empty {}).unwrap_err().code, Code::Unimplemented);
}

#[test]
fn ids_that_would_lead_elsewhere_are_refused() {
    let agent = Agent::start();
    for id in ["../x", "a/b", "", "."] {
        assert_eq!(Command::new(&["true"]).create(&agent, id).err().unwrap().code, Code::InvalidArgument);
    }
}
