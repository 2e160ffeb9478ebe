// SPDX-License-Identifier: Apache-2.0
//! Containers of one pod.

use hako_protocols::agent::{
    ContainerRequest, Empty, ListRequest, ListResponse, PreparePodRequest, PreparePodResponse, ProcessState,
};
use hako_ttrpc::Code;

use crate::harness::{Agent, Command, Process};

fn prepare(agent: &Agent, request: PreparePodRequest) -> PreparePodResponse {
    agent.call("PreparePod", &request)
}

fn sysctls(settings: &[(&str, &str)]) -> PreparePodRequest {
    let sysctls = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PreparePodRequest { sysctls, ..PreparePodRequest::default() }
}

fn member(pod: &PreparePodResponse, command: Command) -> Command {
    command.in_namespace("ipc", &pod.ipc).in_namespace("uts", &pod.uts).in_namespace("network", &pod.network).mounted(
        "bind",
        &pod.shm,
        "/dev/shm",
        &["rbind", "rprivate"],
    )
}

#[test]
fn containers_of_a_pod_share_what_a_pod_shares() {
    let agent = Agent::start();
    let settings = sysctls(&[("kernel.shmmax", "12345678"), ("net.core.somaxconn", "77")]);
    let pod = prepare(&agent, PreparePodRequest { hostname: "pod-a".into(), shm_bytes: 1 << 20, ..settings });
    let script = "hostname; cat /proc/sys/kernel/shmmax /proc/sys/net/core/somaxconn; \
                  for ns in ipc uts net pid mnt; do busybox readlink /proc/self/ns/$ns; done; \
                  df -k /dev/shm | tail -n 1 | awk '{print $2}'; echo end; read line";
    let run = |id: &str| member(&pod, Command::shell(script)).with_stdin().run(&agent, id);
    let lines =
        |process: &Process| -> Vec<String> { process.stdout.read_until("end\n").lines().map(str::to_owned).collect() };
    // Both live at once: the number of a namespace that has gone is given again.
    let (first, second) = (run("first"), run("second"));
    let (first, second) = (lines(&first), lines(&second));
    assert_eq!(first[..3], ["pod-a", "12345678", "77"]);
    assert_eq!(first[..6], second[..6], "network, IPC and UTS namespaces are shared");
    assert!(first[6] != second[6] && first[7] != second[7], "pid and mount namespaces are not: {first:?}");
    assert_eq!((first[8].as_str(), second[8].as_str()), ("1024", "1024"), "KiB of /dev/shm");
}

#[test]
fn a_container_beside_the_pod_has_namespaces_of_its_own() {
    let agent = Agent::start();
    let pod = prepare(&agent, PreparePodRequest { hostname: "pod-a".into(), ..PreparePodRequest::default() });
    let script = "hostname; busybox readlink /proc/self/ns/ipc";
    let inside = member(&pod, Command::shell(script)).run(&agent, "inside").finish().1;
    let beside = Command::shell(script).run(&agent, "beside").finish().1;
    assert!(inside.starts_with("pod-a\n") && beside.starts_with("inside\n"), "{inside}{beside}");
    assert_ne!(inside.lines().nth(1), beside.lines().nth(1));
}

fn sharing(agent: &Agent) -> String {
    prepare(agent, PreparePodRequest { share_processes: true, ..PreparePodRequest::default() }).pid
}

#[test]
fn a_shared_pid_namespace_is_made_once_and_reaps_orphans() {
    let agent = Agent::start();
    assert_eq!(prepare(&agent, PreparePodRequest::default()).pid, "", "nobody has asked for one");
    let pid = sharing(&agent);
    assert_eq!(sharing(&agent), pid);
    let run = |command: Command, id: &str| -> Process<'_> { command.in_namespace("pid", &pid).run(&agent, id) };
    let first = run(Command::new(&["sleep", "1000"]), "first");
    let script = "ps -o pid,args | grep -v grep | grep -c 'sleep 1000'; ps -o pid,args | grep '^ *1 '; \
                  (sleep 0.1 & sleep 0.1 &); sleep 1; ps -o stat | grep -c Z; \
                  ls /proc/1/root/ | wc -l; kill -9 1; kill -0 1 && echo alive";
    let (_, out, err) = run(Command::shell(script), "second").finish();
    let lines: Vec<_> = out.lines().map(str::trim).collect();
    assert_eq!(lines, ["1", "1 hako-agent --keep-pid-namespace", "0", "0", "alive"], "{err}");
    // In a namespace of its own it would be the first process, to which SIGTERM means nothing.
    first.signal(15).unwrap();
    assert_eq!(first.wait().exit_status, 143);
    assert_eq!(run(Command::new(&["true"]), "third").finish().0, 0, "the namespace outlives its containers");
}

#[test]
fn a_container_in_a_shared_pid_namespace_takes_its_own_processes_with_it() {
    let agent = Agent::start();
    let pid = sharing(&agent);
    let other = Command::new(&["sleep", "1000"]).in_namespace("pid", &pid).run(&agent, "other");
    let first = Command::shell("sleep 2000 & read line").with_stdin().in_namespace("pid", &pid).run(&agent, "web");
    first.stdin().finish();
    first.wait();
    first.delete().unwrap();
    let ps = Command::shell("ps -o args | grep sleep | grep -v grep").exec(&agent, "other", "ps").unwrap();
    assert_eq!(ps.finish().1, "sleep 1000\n");
    other.signal(9).unwrap();
    assert_eq!(other.wait().exit_status, 137);
}

#[test]
fn settings_of_the_whole_kernel_are_refused() {
    let agent = Agent::start();
    let refusal = |name: &str, value: &str| {
        agent.try_call::<PreparePodResponse>("PreparePod", &sysctls(&[(name, value)])).unwrap_err()
    };
    let whole = refusal("kernel.panic", "1");
    assert_eq!(whole.code, Code::InvalidArgument);
    assert!(whole.message.starts_with("The sysctl kernel.panic is refused, because"), "{whole}");
    assert_eq!(refusal("net.absent", "1").message, "The guest's kernel has no sysctl net.absent.");
    assert_eq!(
        refusal("kernel.shmmni", "banana").message,
        "The sysctl kernel.shmmni cannot be set to \"banana\": Invalid argument (os error 22)."
    );
}

#[test]
fn a_container_may_set_what_is_its_pod_s() {
    let agent = Agent::start();
    let mut command = Command::shell("cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax");
    command.linux["sysctl"] = serde_json::json!({ "net.core.somaxconn": "99", "kernel.msgmax": "4242" });
    assert_eq!(command.run(&agent, "web").finish().1, "99\n4242\n");
}

#[test]
fn a_paused_pod_stands_still() {
    let agent = Agent::start();
    let echo = "while read line; do echo $line; done";
    let processes = ["a", "b"].map(|id| Command::shell(echo).with_stdin().run(&agent, id));
    let pod = ContainerRequest { container_id: String::new() };
    let states = || {
        let list: ListResponse = agent.call("List", &ListRequest {});
        list.processes.iter().map(|process| process.state()).collect::<Vec<_>>()
    };
    agent.call::<Empty>("Pause", &pod);
    assert_eq!(states(), [ProcessState::Paused; 2]);
    assert_eq!(Command::new(&["true"]).exec(&agent, "a", "e").err().unwrap().code, Code::FailedPrecondition);
    assert_eq!(Command::new(&["true"]).create(&agent, "c").err().unwrap().code, Code::FailedPrecondition);
    processes.iter().for_each(|process| process.stdin().write(b"hello\n"));
    agent.call::<Empty>("Resume", &pod);
    processes.iter().for_each(|process| drop(process.stdout.read_until("hello\n")));
    assert_eq!(states(), [ProcessState::Running; 2]);
}
