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
        complete: false,
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

/// As ptp and Calico have it: no route to the address's own network, but a gateway that is on the link all the same.
#[test]
fn a_complete_description_gets_nothing_added_by_the_kernel() {
    let agent = Agent::start();
    let on_link = Route { scope: 253, source: "10.9.0.2".into(), mtu: 1300, metric: 5, ..route("10.9.0.1/32", "") };
    let request = ConfigureNetworkRequest {
        interfaces: vec![
            Interface {
                addresses: vec!["10.9.0.2/24".into(), "fd00:9::2/64".into(), "fe80::9/64".into()],
                ..interface("0a", "eth0", "")
            },
            interface("0b", "eth1", "10.8.0.2/24"),
        ],
        routes: vec![
            on_link,
            Route { onlink: true, ..route("", "169.254.1.1") },
            Route { ipv6: true, metric: 256, ..route("fe80::/64", "") },
            Route { ipv6: true, metric: 256, interface: "eth1".into(), ..route("fe80::/64", "") },
        ],
        complete: true,
        ..ConfigureNetworkRequest::default()
    };
    for _ in 0..2 {
        agent.call::<Empty>("ConfigureNetwork", &request);
        let routes = ip(&agent, &["route", "show"]);
        assert_has(&routes, &["10.9.0.1 dev eth0", "scope link src 10.9.0.2 metric 5 mtu 1300"]);
        assert_has(&routes, &["default via 169.254.1.1 dev eth0", "onlink"]);
        assert!(!routes.contains("10.9.0.0/24") && !routes.contains("10.8.0.0/24"), "{routes}");
        let ipv6 = ip(&agent, &["-6", "route", "show"]);
        assert_has(&ipv6, &["fe80::/64 dev eth0", "fe80::/64 dev eth1"]);
        assert!(!ipv6.contains("fd00:9::/64"), "{ipv6}");
        let addresses = ip(&agent, &["-6", "addr", "show", "dev", "eth0"]);
        assert_has(&addresses, &["fd00:9::2/64", "fe80::9/64"]);
        assert_eq!(addresses.matches("inet6").count(), 2, "{addresses}");
        assert!(!addresses.contains("tentative"), "{addresses}");
    }
}

#[test]
fn a_route_that_changes_is_changed_and_a_container_s_own_stays() {
    let agent = Agent::start();
    let wanted = |mtu| {
        let mut request = pod("10.9.0.2/24");
        request.routes[1].mtu = mtu;
        request
    };
    agent.call::<Empty>("ConfigureNetwork", &wanted(1300));
    agent.ip(&["route", "add", "10.6.0.0/16", "via", "10.9.0.77"]);
    agent.call::<Empty>("ConfigureNetwork", &wanted(1200));
    let routes = ip(&agent, &["route", "show"]);
    assert_has(&routes, &["10.6.0.0/16 via 10.9.0.77", "10.7.0.0/16 via 10.9.0.254 dev eth0 proto static mtu 1200"]);
    assert_eq!(routes.matches("10.7.0.0/16").count(), 1, "{routes}");
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
