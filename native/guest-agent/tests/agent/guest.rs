// SPDX-License-Identifier: Apache-2.0
//! What needs a machine of its own: identity, memory limits, power. Ignored unless asked for (--include-ignored).

use std::collections::HashMap;

use hako_protocols::agent::event::What;
use hako_protocols::agent::{
    ContainerRequest, Empty, EventsRequest, EventsResponse, HelloRequest, HelloResponse, MountRequest, PidsResponse,
    PreparePodRequest, PreparePodResponse, SetIdentityRequest, UnmountRequest, UpdateRequest,
};
use hako_ttrpc::Status;
use serde_json::json;

use crate::harness::{Agent, Command, in_virtual_machine};

/// The documented bound of the agent's own memory with two containers.
const MEMORY_BOUND: u64 = 256 << 10;

fn machine() -> Agent {
    assert!(in_virtual_machine(), "HAKO_TEST_GUEST must name a guest image");
    Agent::start()
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn a_guest_becomes_itself() {
    let agent = machine();
    let identity = SetIdentityRequest {
        entropy: vec![7; 64],
        realtime_ns: 1_900_000_000_000_000_000,
        machine_id: "0123456789abcdef0123456789abcdef".into(),
        hostname: "guest".into(),
    };
    agent.call::<Empty>("SetIdentity", &identity);
    let hello: HelloResponse = agent.call("Hello", &HelloRequest { protocol_oldest: 1, protocol_newest: 1 });
    assert!(hello.identity_set && hello.kernel_release.contains('.'));
    let process = Command::new(&["true"]).run(&agent, "web");
    assert_eq!(process.wait().exited_at_ns / 1_000_000_000_000, 1_900_000);
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn file_systems_are_mounted_once_and_unmounted() {
    let agent = machine();
    let mount = |source: &str| MountRequest {
        request_key: String::new(),
        r#type: "tmpfs".into(),
        source: source.into(),
        target: "/run/hako/share/t".into(),
        options: vec!["nosuid".into(), "size=1m".into()],
    };
    agent.call::<Empty>("Mount", &mount("a"));
    agent.call::<Empty>("Mount", &mount("a"));
    let status = agent.try_call::<Empty>("Mount", &mount("b")).unwrap_err();
    assert_eq!(status.message, "tmpfs a is already mounted at /run/hako/share/t in the guest.");
    let unmount = UnmountRequest { request_key: String::new(), target: "/run/hako/share/t".into() };
    agent.call::<Empty>("Unmount", &unmount);
    agent.call::<Empty>("Unmount", &unmount);
    agent.call::<Empty>("Mount", &mount("b"));
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn a_container_out_of_memory_is_killed_and_reported() {
    let agent = machine();
    let mut command = Command::shell("x=x; while :; do x=$x$x; done");
    command.linux["resources"]["memory"] = json!({ "limit": 16 << 20, "swap": 16 << 20 });
    let events = agent.send::<EventsResponse>("Events", &EventsRequest { after: 0 });
    let process = command.run(&agent, "web");
    let exit = process.wait();
    assert!(exit.exit_status == 137 && exit.oom_killed, "{exit:?}");
    let first = events.wait().unwrap().events.remove(0);
    assert!(matches!(first.what, Some(What::Oom(_) | What::Exited(_))), "{first:?}");
    let stats = agent.stats().containers.remove(0);
    assert!(stats.oom_kills >= 1 && stats.memory_limit == 16 << 20, "{stats:?}");
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn limits_and_figures_of_a_container_are_those_of_its_spec() {
    let agent = machine();
    let mut command = Command::new(&["cat"]).with_stdin();
    command.linux["resources"]["memory"] = json!({ "limit": 32 << 20 });
    command.linux["resources"]["pids"] = json!({ "limit": 20 });
    let _process = command.run(&agent, "web");
    let stats = agent.stats();
    assert!(stats.memory_total_bytes > stats.memory_available_bytes && stats.memory_available_bytes > 0);
    let container = &stats.containers[0];
    let pod = stats.pod.as_ref().unwrap();
    assert!(pod.memory_current >= container.memory_current && pod.pids_current == 1 && pod.container_id.is_empty());
    assert_eq!((container.memory_limit, container.pids_limit, container.pids_current), (32 << 20, 20, 1));
    assert!(container.memory_current > 0 && container.cpu_usage_us > 0, "{container:?}");
    let has = |values: &HashMap<String, u64>, names: &[&str]| names.iter().all(|&name| values.contains_key(name));
    assert!(has(&container.cpu_stat, &["usage_usec", "user_usec", "system_usec", "nr_throttled", "throttled_usec"]));
    assert!(has(&container.memory_stat, &["anon", "file", "inactive_file", "pgmajfault", "slab"]), "{container:?}");
    assert!(container.memory_stat["anon"] > 0 && container.memory_stat["pgfault"] > 0, "{container:?}");
    assert!(has(&container.memory_events, &["high", "max", "oom", "oom_kill"]), "{container:?}");
    assert!(container.hugepages.iter().any(|pages| pages.page_size == "2MB"), "{container:?}");
}

fn update(agent: &Agent, resources: serde_json::Value) -> Result<Empty, Status> {
    let request = UpdateRequest {
        request_key: String::new(),
        container_id: "web".into(),
        resources: resources.to_string().into_bytes(),
    };
    agent.try_call("Update", &request)
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn limits_are_changed_while_a_container_runs() {
    let agent = machine();
    let files = "cpu.max cpu.weight memory.max memory.swap.max pids.max cpuset.cpus memory.high";
    let script = format!("cd /cgroup; while read line; do cat {files}; echo end; done");
    let container =
        Command::shell(&script).mounted("cgroup", "cgroup", "/cgroup", &["ro"]).with_stdin().run(&agent, "web");
    let values = || {
        container.stdin().write(b"\n");
        container.stdout.read_until("end\n")
    };
    assert_eq!(values(), "max 100000\n100\nmax\nmax\nmax\n\nmax\nend\n");
    let limits = json!({
        "cpu": { "quota": 50_000, "period": 200_000, "shares": 2048, "cpus": "0" },
        "memory": { "limit": 64 << 20, "swap": 96 << 20 }, "pids": { "limit": 30 },
        "hugepageLimits": [{ "pageSize": "1GB", "limit": 0 }, { "pageSize": "64GB", "limit": 0 }],
        "unified": { "memory.high": "33554432" },
    });
    update(&agent, limits).unwrap();
    let set = "50000 200000\n174\n67108864\n33554432\n30\n0\n33554432\nend\n";
    assert_eq!(values(), set);
    for (refused, reason) in [
        (json!({ "memory": { "limit": 48 << 20, "swap": 1 << 20 } }), "should be bigger than memory limit"),
        (json!({ "pids": { "limit": 5 }, "unified": { "memory.high": "banana" } }), "banana"),
        (json!({ "cpu": { "cpus": "77", "shares": 4 } }), "cpuset.cpus"),
        (json!({ "unified": { "../a/memory.max": "1" } }), "is no file of a cgroup controller"),
        (json!({ "memory": { "limit": 4096, "checkBeforeUpdate": true } }), "more than the new limit of 4096 bytes"),
    ] {
        let status = update(&agent, refused).unwrap_err();
        assert!(status.message.contains(reason), "{status}");
        assert_eq!(values(), set, "nothing has changed: {status}");
    }
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn a_child_that_is_killed_for_memory_is_reported_and_its_container_is_not() {
    let agent = machine();
    let script = "while read line; do sh -c 'x=x; while :; do x=$x$x; done'; echo ended $?; done";
    let mut command = Command::shell(script).with_stdin();
    command.linux["resources"]["memory"] = json!({ "limit": 16 << 20, "swap": 16 << 20 });
    let container = command.run(&agent, "web");
    let events = agent.send::<EventsResponse>("Events", &EventsRequest { after: 0 });
    container.stdin().write(b"\n");
    container.stdout.read_until("ended 137\n");
    let happened = events.wait().unwrap().events;
    assert!(
        matches!(&happened[0].what, Some(What::Oom(oom)) if oom.container_id == "web" && oom.kills == 1),
        "{happened:?}"
    );
    let exec = Command::new(&["sleep", "1000"]).exec(&agent, "web", "e").unwrap();
    let pids: PidsResponse = agent.call("Pids", &ContainerRequest { container_id: "web".into() });
    assert!(pids.pids.contains(&exec.pid), "{pids:?}");
    Command::shell("kill -9 $(busybox pidof sleep)").exec(&agent, "web", "killer").unwrap().wait();
    let exit = exec.wait();
    assert!(exit.exit_status == 137 && !exit.oom_killed, "killed by another after that: {exit:?}");
    container.signal(9).unwrap();
    let exit = container.wait();
    assert!(exit.exit_status == 137 && !exit.oom_killed, "killed by the host: {exit:?}");
}

/// Needs an agent that was built with the feature test-build too.
#[cfg(feature = "test-build")]
#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn a_guest_can_be_crashed_for_tests() {
    let mut agent = machine();
    let unanswered = agent.send::<Empty>("CrashGuest", &Empty {});
    agent.wait_for_end();
    assert!(unanswered.wait().is_err());
}

#[test]
#[ignore = "needs HAKO_TEST_GUEST"]
fn the_agent_stays_small() {
    let agent = machine();
    println!("agent at start: {} bytes anonymous", agent.stats().agent_anonymous_bytes);
    let first = Command::new(&["cat"]).with_stdin().run(&agent, "a");
    let _second = Command::new(&["cat"]).with_stdin().run(&agent, "b");
    println!("agent with two containers: {} bytes anonymous", agent.stats().agent_anonymous_bytes);
    let echoed = std::thread::scope(|scope| {
        scope.spawn(|| {
            first.stdin().write(&[b'x'; 1 << 20]);
            first.stdin().finish();
        });
        first.stdout.read_all()
    });
    assert_eq!(echoed.len(), 1 << 20);
    for round in 0..10 {
        let exec = Command::new(&["true"]).exec(&agent, "b", &format!("e{round}")).unwrap();
        assert_eq!(exec.wait().exit_status, 0);
        exec.delete().unwrap();
    }
    println!("agent after use: {} bytes anonymous", agent.stats().agent_anonymous_bytes);
    let pod = PreparePodRequest { share_processes: true, ..PreparePodRequest::default() };
    agent.call::<PreparePodResponse>("PreparePod", &pod);
    let stats = agent.stats();
    println!(
        "agent with a pod: {} bytes anonymous, {} proportional",
        stats.agent_anonymous_bytes, stats.agent_pss_bytes
    );
    assert!(stats.agent_anonymous_bytes <= MEMORY_BOUND, "{} bytes", stats.agent_anonymous_bytes);
}
