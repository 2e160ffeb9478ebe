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
