// SPDX-License-Identifier: Apache-2.0
//! Hooks of the host: what they are given, and how their ends are told.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{Empty, PathRequest, RunHookRequest};
use hako_ttrpc::Code;
use harness::{Link, Pod, is_running, kill, until};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

fn hook(script: &str) -> RunHookRequest {
    RunHookRequest {
        path: "/bin/sh".into(),
        arguments: vec!["a hook".into(), "-c".into(), script.into()],
        ..RunHookRequest::default()
    }
}

fn failure(link: &mut Link, request: &RunHookRequest) -> (Code, String) {
    let status = link.call::<Empty>("RunHook", request).unwrap_err();
    (status.code, status.message)
}

#[test]
fn a_hook_has_its_input_words_environment_and_directory() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let said = pod.root.join("said");
    let mut request =
        hook(&format!("(cat; pwd; tr '\\0' ' ' </proc/$$/cmdline; env | grep -v ^_ | sort) >{}", said.display()));
    request.input = vec![b'x'; 100_000];
    request.input.push(b'\n');
    request.environment = vec!["B=2".into(), "A=1".into(), "PATH=/usr/bin:/bin".into()];
    request.working_directory = pod.bundle.to_str().unwrap().into();
    link.call::<Empty>("RunHook", &request).unwrap();
    let said = fs::read_to_string(said).unwrap();
    let (input, rest) = said.split_once('\n').unwrap();
    assert_eq!(input.len(), 100_000, "more than a pipe holds");
    assert!(rest.starts_with(&format!("{}\na hook -c ", pod.bundle.display())), "{rest}");
    assert!(rest.contains("A=1\nB=2\nPATH=/usr/bin:/bin\nPWD="), "{rest}");
}

#[test]
fn a_process_is_in_the_namespace_as_long_as_the_hook_runs() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let name = format!("hako-hook-{}", std::process::id());
    assert!(Command::new("ip").args(["netns", "add", &name]).status().unwrap().success());
    let path = format!("/run/netns/{name}");
    let (seen, pid_file) = (pod.root.join("seen"), pod.root.join("pid"));
    let mut request = hook(&format!(
        "pid=$(sed 's/.*:\\([0-9]*\\)}}/\\1/'); echo $pid >{}; ls -Li /proc/$pid/ns/net >{}",
        pid_file.display(),
        seen.display()
    ));
    request.environment = vec!["PATH=/usr/bin:/bin".into()];
    request.network_namespace = path.clone();
    request.input = br#"{"pid":"#.to_vec();
    request.input_after_pid = b"}".to_vec();
    let ran = link.call::<Empty>("RunHook", &request);
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
    assert!(Command::new("ip").args(["netns", "del", &name]).status().unwrap().success());
    ran.unwrap();
    assert!(fs::read_to_string(seen).unwrap().starts_with(&inode.to_string()));
    assert!(!is_running(fs::read_to_string(pid_file).unwrap().trim().parse().unwrap()));
}

#[test]
fn a_hooks_failure_is_told_with_its_last_words() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    assert_eq!(
        failure(&mut link, &hook("echo no address left >&2; exit 3")),
        (Code::FailedPrecondition, "The hook /bin/sh ended with exit code 3: no address left".into())
    );
    assert_eq!(
        failure(&mut link, &hook("kill -9 $$")),
        (Code::FailedPrecondition, "The hook /bin/sh was ended by signal 9.".into())
    );
    let missing = RunHookRequest { path: "/nowhere/hook".into(), ..RunHookRequest::default() };
    assert_eq!(
        failure(&mut link, &missing),
        (
            Code::FailedPrecondition,
            "The hook /nowhere/hook could not be run: Cannot execute it: No such file or directory (os error 2)."
                .into()
        )
    );
    assert_eq!(failure(&mut link, &RunHookRequest::default()).0, Code::InvalidArgument);
}

#[test]
fn a_hook_is_killed_at_its_limit_with_what_it_started() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let pid_file = pod.root.join("pid");
    let mut request = hook(&format!("sleep 1000 & echo $! >{}; wait", pid_file.display()));
    request.environment = vec!["PATH=/usr/bin:/bin".into()];
    request.limit_ms = 300;
    let begin = Instant::now();
    assert_eq!(
        failure(&mut link, &request),
        (Code::DeadlineExceeded, "The hook /bin/sh was killed after its limit of 300 ms.".into())
    );
    assert!(begin.elapsed() >= Duration::from_millis(300));
    let started: u32 = fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    until("its child to be gone", || !is_running(started));
}

#[test]
fn what_a_hook_leaves_running_is_not_in_the_pods_cgroup_which_goes_before_it() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = format!("/hako/hook-{}", std::process::id());
    link.call::<Empty>("PrepareCgroup", &PathRequest { path: path.clone() }).unwrap();
    let (groups, pid_file) = (pod.root.join("groups"), pod.root.join("pid"));
    let mut request = hook(&format!(
        "cat /proc/self/cgroup >{}; sleep 1000 >/dev/null 2>&1 & echo $! >{}",
        groups.display(),
        pid_file.display()
    ));
    request.environment = vec!["PATH=/usr/bin:/bin".into()];
    let ran = link.call::<Empty>("RunHook", &request);
    let daemon: u32 = fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    let removed = link.call::<Empty>("RemoveCgroup", &PathRequest { path: path.clone() });
    let lives = is_running(daemon);
    kill(daemon, libc::SIGKILL);
    ran.unwrap();
    removed.unwrap();
    assert!(lives, "the daemon is ended with the pod's cgroup");
    let groups = fs::read_to_string(groups).unwrap();
    assert!(!groups.is_empty() && !groups.contains(&path), "{groups}");
}

#[test]
fn a_hook_ends_with_the_link_that_it_was_asked_for_on() {
    let pod = Pod::new();
    let (hakod, mut link) = pod.linked();
    let pid_file = pod.root.join("pid");
    link.ask("RunHook", &hook(&format!("echo $$ >{}; exec sleep 1000", pid_file.display())));
    until("the hook to run", || fs::read_to_string(&pid_file).is_ok_and(|text| text.ends_with('\n')));
    drop(link);
    let pid = fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    until("the hook to be gone", || !is_running(pid));
    let mut link = hakod.accept(2);
    link.call::<Empty>("RunHook", &hook("true")).unwrap();
}
