// SPDX-License-Identifier: Apache-2.0
//! start, delete and what lies between them.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{Empty, PathRequest, RoleRequest};
use hako_protocols::start::{BootstrapParams, RuntimeInfo};
use hako_protocols::task::{DeleteResponse, KillRequest};
use hako_protocols::ttrpc::Request;
use hako_ttrpc::{Code, Status};
use harness::{CLOSED, Frame, Hakod, Link, Pod, REQUEST, is_running, kill, script, shim, until};
use prost::Message;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// config.json of a further container of the pod.
const MEMBER: &str = r#"{"annotations":{"io.kubernetes.cri.sandbox-id":"a1"}}"#;

#[test]
fn start_prints_the_address_alone_and_leaves_a_process_in_a_private_directory() {
    let pod = Pod::new();
    let output = pod.act("start");
    let address = format!("unix://{}", pod.shim_socket().display());
    assert_eq!(
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap()),
        (address.clone(), String::new())
    );
    assert_eq!(fs::read_to_string(pod.bundle.join("address")).unwrap(), address);
    assert_eq!(fs::metadata(&pod.directory).unwrap().permissions().mode() & 0o777, 0o700);
    UnixStream::connect(pod.shim_socket()).unwrap();
    let open = fs::read_dir(format!("/proc/{}/fd", pod.shim_pid())).unwrap().flatten();
    let targets: Vec<_> = open.map(|entry| fs::read_link(entry.path()).unwrap_or_default()).collect();
    assert!(targets.iter().all(|target| !target.starts_with("pipe:")), "holds a pipe of its caller: {targets:?}");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", pod.shim_pid())).unwrap().to_str(), Some("/"));
}

/// containerd leaves some open to its children.
#[test]
fn a_shim_holds_no_descriptor_of_its_parents() {
    let pod = Pod::new();
    let held = pod.root.join("held");
    fs::write(&held, "").unwrap();
    let script = format!("exec 3<{0} 9<{0}; exec \"$0\" \"$@\"", held.display());
    let words = ["-namespace", "test", "-address", "/nowhere", "-publish-binary", "/bin/false", "-id", "a1", "start"];
    let mut start = Command::new("/bin/sh");
    start.args(["-c", &script, &shim()]).args(words).current_dir(&pod.bundle).env("HAKO_RUN_DIR", &pod.run);
    assert!(start.status().unwrap().success());
    let open = fs::read_dir(format!("/proc/{}/fd", pod.shim_pid())).unwrap().flatten();
    assert!(open.map(|entry| fs::read_link(entry.path()).unwrap_or_default()).all(|target| target != held));
}

#[test]
fn a_second_start_prints_the_address_of_the_living_shim() {
    let pod = Pod::new();
    pod.start();
    let first = pod.shim_pid();
    pod.start();
    assert_eq!(pod.shim_pid(), first);
}

#[test]
fn start_over_what_a_dead_shim_left_says_what_to_do() {
    let pod = Pod::new();
    pod.start();
    pod.kill_shim();
    let output = pod.act("start");
    assert!(!output.status.success());
    let wanted = format!(
        "The directory {} is left from a shim that is dead; run this program with the same -namespace and -id and the action delete first.\n",
        pod.directory.display()
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), wanted);
    assert_eq!(pod.delete().exit_status, 137);
    pod.start();
}

#[test]
fn names_that_cannot_be_a_path_and_paths_too_long_for_a_socket_are_refused() {
    let pod = Pod::new();
    let refused = |id: &str| {
        let output = pod.command(&["-namespace", "test", "-id", id, "start"]).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("../x").starts_with("The id \"../x\" is not valid:"));
    assert!(refused("").starts_with("The id \"\" is not valid:"));
    let long = refused(&"x".repeat(76));
    assert!(long.contains(" bytes, the limit is 107; use a shorter id or HAKO_RUN_DIR."), "{long}");
    assert!(!pod.run.join("pods").exists());
}

#[test]
fn the_shim_ends_by_no_signal_but_kill() {
    let pod = Pod::new();
    pod.start();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        kill(pod.shim_pid(), signal);
    }
    let link = Hakod::listen(&pod.run).accept(1);
    assert_eq!(link.hello.shim_pid, pod.shim_pid());
}

#[test]
fn quit_leaves_nothing_and_delete_reports_an_orderly_end() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let pid = pod.shim_pid();
    let process = link.launch(script("vmm", "exec sleep 1000")).unwrap();
    let refusal = link.call::<Empty>("Quit", &Empty {}).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (Code::FailedPrecondition, "The process vmm lives; end it before the shim.")
    );
    kill(process.pid, libc::SIGKILL);
    until("vmm is reaped", || link.call::<Empty>("Forget", &RoleRequest { role: "vmm".into() }).is_ok());
    link.call::<Empty>("Quit", &Empty {}).unwrap();
    until("the shim has ended", || !is_running(pid));
    assert!(!pod.directory.exists());
    let answer = pod.delete();
    assert_eq!(answer.exit_status, 0);
}

#[test]
fn delete_ends_a_living_shim_its_processes_and_its_cgroup() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = format!("/hako/test-{}", std::process::id());
    link.call::<Empty>("PrepareCgroup", &PathRequest { path: path.clone() }).unwrap();
    let mut request = script("vmm", "sleep 1000 & setsid sleep 1001 & wait");
    request.cgroup = path.clone();
    let process = link.launch(request).unwrap();
    until("the shim and three processes are in the cgroup", || members(&path).len() == 4);
    let members = members(&path);

    let begun = Instant::now();
    let answer = pod.delete();
    assert!(begun.elapsed().as_secs() < 4);
    assert_eq!((answer.exit_status, answer.pid), (137, process.pid));
    assert!(answer.exited_at.unwrap().seconds > 1_600_000_000);
    assert!(members.iter().all(|pid| !is_running(*pid)), "processes of the cgroup live on");
    assert_eq!(cgroups(&path), Vec::<String>::new());
    assert!(!pod.directory.exists());
}

#[test]
fn the_shim_is_in_its_pods_cgroup_until_that_is_removed() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let path = format!("/hako/shim-{}", std::process::id());
    link.call::<Empty>("PrepareCgroup", &PathRequest { path: path.clone() }).unwrap();
    assert_eq!(members(&path), [pod.shim_pid()]);
    link.call::<Empty>("RemoveCgroup", &PathRequest { path: path.clone() }).unwrap();
    assert_eq!(cgroups(&path), Vec::<String>::new());
    assert!(is_running(pod.shim_pid()));
}

/// Its directories, one of each hierarchy.
fn cgroups(path: &str) -> Vec<String> {
    let found = std::process::Command::new("find")
        .args(["/sys/fs/cgroup", "-path", &format!("*{path}"), "-type", "d"])
        .output()
        .unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn members(path: &str) -> Vec<u32> {
    let procs = fs::read_to_string(format!("{}/cgroup.procs", cgroups(path)[0])).unwrap();
    procs.lines().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn delete_of_what_never_was_is_harmless() {
    let pod = Pod::new();
    let answer = pod.delete();
    assert_eq!((answer.exit_status, answer.pid), (0, 0));
}

#[test]
fn a_further_container_of_a_pod_gets_the_sandboxs_shim_and_its_delete_leaves_the_pod_alone() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    for annotation in ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"] {
        let bundle = pod.member(&format!(r#"{{"annotations":{{"{annotation}":"a1"}}}}"#));
        let output = pod.act_for("c2", &bundle, "start", b"");
        let address = format!("unix://{}", pod.shim_socket().display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), address, "{annotation}");
        assert_eq!(fs::read_to_string(bundle.join("address")).unwrap(), address);
    }
    // containerd calls delete after an orderly end too, when hakod has forgotten the container.
    let deleted =
        delete_member(&pod, &mut link, |link, asked| link.refuse(asked, Status::not_found("There is no c2.")));
    assert_eq!((deleted.pid, deleted.exit_status), (0, 137));
    assert!(is_running(pod.shim_pid()));
}

#[test]
fn delete_kills_a_further_container_that_still_runs_and_tells_its_own_end() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let mut asked = Vec::new();
    let end =
        DeleteResponse { pid: 7, exit_status: 137, exited_at: Some(prost_types::Timestamp { seconds: 5, nanos: 6 }) };
    let deleted = delete_member(&pod, &mut link, |link, frame| {
        let request = Request::decode(&frame.payload[..]).unwrap();
        match request.method.as_str() {
            "Kill" => {
                let kill = KillRequest::decode(&request.payload[..]).unwrap();
                assert_eq!((kill.id.as_str(), kill.signal, kill.all), ("c2", 9, true));
                link.respond(frame, &[]);
            }
            "Delete" => link.respond(frame, &end.encode_to_vec()),
            _ => link.respond(frame, &[]),
        }
        asked.push(request.method);
    });
    assert_eq!(asked, ["Kill", "Wait", "Delete"]);
    assert_eq!(deleted, end);
    assert!(is_running(pod.shim_pid()), "the pod's other containers lost their shim");
}

#[test]
fn delete_of_a_further_container_says_so_when_nobody_can_end_it() {
    let pod = Pod::new();
    pod.start();
    let began = Instant::now();
    let output = pod.act_for("c2", &pod.member(MEMBER), "delete", b"");
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(sentence.starts_with("Cannot end container c2 by the shim at "), "{sentence}");
    assert!(began.elapsed() < Duration::from_secs(5), "containerd gives 5 s, it took {:?}", began.elapsed());
}

/// Runs delete for the further container c2 and answers, as hakod, each call that it makes.
fn delete_member(pod: &Pod, link: &mut Link, mut answer: impl FnMut(&mut Link, &Frame)) -> DeleteResponse {
    let bundle = pod.member(MEMBER);
    std::thread::scope(|scope| {
        let delete = scope.spawn(|| pod.act_for("c2", &bundle, "delete", b""));
        let mut calling = None;
        loop {
            let frame = link.relayed();
            match frame.kind {
                REQUEST => {
                    calling = Some(frame.connection);
                    answer(link, &frame);
                }
                CLOSED if calling == Some(frame.connection) => break,
                _ => {} // of start, which only looks whether the shim is there
            }
        }
        let output = delete.join().unwrap();
        assert!(output.status.success(), "delete: {}", String::from_utf8_lossy(&output.stderr));
        DeleteResponse::decode(&output.stdout[..]).unwrap()
    })
}

#[test]
fn a_further_container_of_a_pod_that_is_gone_is_refused() {
    let pod = Pod::new();
    let bundle = pod.member(r#"{"annotations":{"io.kubernetes.cri.sandbox-id":"a1"}}"#);
    let output = pod.act_for("c2", &bundle, "start", b"");
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    let wanted = "Cannot connect to the shim of the sandbox that container c2 belongs to, ";
    assert!(sentence.starts_with(wanted) && sentence.ends_with("make the pod anew.\n"), "{sentence}");
}

#[test]
fn bootstrap_parameters_are_answered_for_version_3_and_options_plainly() {
    let pod = Pod::new();
    let address = format!("unix://{}", pod.shim_socket().display());
    let parameters = BootstrapParams { containerd_version: "v2.4.2".into() };
    let answer = |input: &[u8]| {
        let output = pod.act_for("a1", &pod.bundle, "start", input);
        assert!(output.stderr.is_empty());
        String::from_utf8(output.stdout).unwrap()
    };
    let options = prost_types::Any { type_url: "containerd.runc.v1.Options".into(), value: vec![8, 1, 0xff] };
    assert_eq!(answer(&options.encode_to_vec()), address);
    let wanted = format!(r#"{{"version":3,"address":"{address}","protocol":"ttrpc"}}"#);
    assert_eq!(answer(&parameters.encode_to_vec()), wanted);
}

#[test]
fn a_shim_may_be_ended_for_memory_before_its_containerd() {
    let pod = Pod::new();
    pod.start();
    let score = |pid: &str| -> i32 {
        fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap().trim().parse().unwrap()
    };
    assert_eq!(score(&pod.shim_pid().to_string()), (score("self") + 1).min(1000));
}

#[test]
fn what_the_runtime_can_do_is_told_without_anything_else() {
    let output = Pod::new().command(&["-info"]).output().unwrap();
    let info = RuntimeInfo::decode(&output.stdout[..]).unwrap();
    assert_eq!((info.name.as_str(), output.stderr.len()), ("io.containerd.hako.v2", 0));
    assert_eq!(info.annotations["containerd.io/runtime-allow-mounts"], "bind,overlay");
}

#[test]
fn the_version_is_told_without_anything_else() {
    let output = Pod::new().command(&["-v"]).output().unwrap();
    let wanted = format!("containerd-shim-hako-v2 {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted);
}
