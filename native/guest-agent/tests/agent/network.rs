// SPDX-License-Identifier: Apache-2.0
//! ConfigureNetwork, on two links with the addresses 02:00:00:00:00:0a and :0b.

use hako_protocols::agent::{ConfigureNetworkRequest, Empty, Interface, Neighbour, Resolver, Route};
use hako_ttrpc::Code;

use crate::harness::Agent;

fn interface(last: &str, name: &str, address: &str) -> Interface {
    Interface { mac: format!("02:00:00:00:00:{last}"), name: name.into(), mtu: 1400, addresses: vec![address.into()] }
}

fn route(destination: &str, gateway: &str) -> Route {
    Route { destination: destination.into(), gateway: gateway.into(), interface: "eth0".into(), ..Route::default() }
}

fn pod(address: &str) -> ConfigureNetworkRequest {
    ConfigureNetworkRequest {
        interfaces: vec![interface("0a", "eth0", address), interface("0b", "eth1", "10.8.0.2/24")],
        routes: vec![route("", "10.9.0.1"), route("10.7.0.0/16", "10.9.0.254")],
        neighbours: vec![Neighbour {
            address: "10.9.0.1".into(),
            mac: "02:00:00:00:00:99".into(),
            interface: "eth0".into(),
        }],
        resolver: Some(Resolver { nameservers: vec!["10.96.0.10".into()], searches: vec![], options: vec![] }),
    }
}

/// Lines of `ip`, with one space between words.
fn ip(agent: &Agent, arguments: &[&str]) -> String {
    let lines = agent.ip(arguments);
    lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

fn assert_has(text: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(text.contains(part), "{part:?} is not in:\n{text}"));
}

#[test]
fn links_addresses_routes_and_neighbours_become_what_is_described() {
    let agent = Agent::start();
    for _ in 0..2 {
        agent.call::<Empty>("ConfigureNetwork", &pod("10.9.0.2/24"));
        assert_has(&ip(&agent, &["addr", "show", "dev", "lo"]), &["UP", "inet 127.0.0.1/8"]);
        let first = ip(&agent, &["addr", "show", "dev", "eth0"]);
        assert_has(&first, &["UP", "mtu 1400", "02:00:00:00:00:0a", "inet 10.9.0.2/24 brd 10.9.0.255"]);
        assert_has(&ip(&agent, &["addr", "show", "dev", "eth1"]), &["02:00:00:00:00:0b", "inet 10.8.0.2/24"]);
        assert_has(
            &ip(&agent, &["route", "show"]),
            &["default via 10.9.0.1 dev eth0", "10.7.0.0/16 via 10.9.0.254 dev eth0"],
        );
        assert_has(&ip(&agent, &["neigh", "show"]), &["10.9.0.1 dev eth0 lladdr 02:00:00:00:00:99", "PERMANENT"]);
    }
}

#[test]
fn what_is_no_longer_described_goes() {
    let agent = Agent::start();
    agent.call::<Empty>("ConfigureNetwork", &pod("10.9.0.2/24"));
    let mut changed = pod("10.9.0.3/24");
    changed.routes.pop();
    changed.neighbours.clear();
    agent.call::<Empty>("ConfigureNetwork", &changed);
    let addresses = ip(&agent, &["addr", "show", "dev", "eth0"]);
    assert!(addresses.contains("inet 10.9.0.3/24") && !addresses.contains("10.9.0.2/24"), "{addresses}");
    let routes = ip(&agent, &["route", "show"]);
    assert!(routes.contains("default via 10.9.0.1") && !routes.contains("10.7.0.0/16"), "{routes}");
    assert!(!ip(&agent, &["neigh", "show"]).contains("PERMANENT"));
}

#[test]
fn links_can_exchange_their_names() {
    let agent = Agent::start();
    agent.call::<Empty>("ConfigureNetwork", &pod("10.9.0.2/24"));
    let swapped = ConfigureNetworkRequest {
        interfaces: vec![interface("0a", "eth1", "10.9.0.2/24"), interface("0b", "eth0", "10.8.0.2/24")],
        ..ConfigureNetworkRequest::default()
    };
    agent.call::<Empty>("ConfigureNetwork", &swapped);
    assert_has(&ip(&agent, &["addr", "show", "dev", "eth0"]), &["02:00:00:00:00:0b", "inet 10.8.0.2/24"]);
    assert_has(&ip(&agent, &["addr", "show", "dev", "eth1"]), &["02:00:00:00:00:0a", "inet 10.9.0.2/24"]);
}

#[test]
fn ipv6_is_configured_alike() {
    let agent = Agent::start();
    let request = ConfigureNetworkRequest {
        interfaces: vec![interface("0a", "eth0", "fd00:9::2/64"), interface("0b", "eth1", "fd00:8::2/64")],
        routes: vec![Route { ipv6: true, metric: 7, ..route("", "fd00:9::1") }],
        ..ConfigureNetworkRequest::default()
    };
    for _ in 0..2 {
        agent.call::<Empty>("ConfigureNetwork", &request);
        assert_has(&ip(&agent, &["-6", "addr", "show", "dev", "eth0"]), &["inet6 fd00:9::2/64"]);
        assert_has(&ip(&agent, &["-6", "route", "show"]), &["default via fd00:9::1 dev eth0", "metric 7"]);
    }
}

#[test]
fn a_link_that_is_not_there_is_named() {
    let agent = Agent::start();
    let request =
        ConfigureNetworkRequest { interfaces: vec![interface("ff", "eth0", "10.9.0.2/24")], ..pod("10.9.0.2/24") };
    let status = agent.try_call::<Empty>("ConfigureNetwork", &request).unwrap_err();
    assert_eq!(
        (status.code, status.message.as_str()),
        (Code::NotFound, "The guest has no link with the address 02:00:00:00:00:ff.")
    );
}
