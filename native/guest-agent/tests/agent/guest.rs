// SPDX-License-Identifier: Apache-2.0
//! What needs a machine of its own: identity, memory limits, power. Ignored unless asked for (--include-ignored).

use hako_protocols::agent::event::What;
use hako_protocols::agent::{
    Empty, EventsRequest, EventsResponse, HelloRequest, HelloResponse, MountRequest, SetIdentityRequest, UnmountRequest,
};
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
    assert_eq!((container.memory_limit, container.pids_limit, container.pids_current), (32 << 20, 20, 1));
    assert!(container.memory_current > 0 && container.cpu_usage_us > 0, "{container:?}");
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
    let stats = agent.stats();
    println!(
        "agent after use: {} bytes anonymous, {} proportional",
        stats.agent_anonymous_bytes, stats.agent_pss_bytes
    );
    assert!(stats.agent_anonymous_bytes <= MEMORY_BOUND, "{} bytes", stats.agent_anonymous_bytes);
}
