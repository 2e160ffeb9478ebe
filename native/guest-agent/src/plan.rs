// SPDX-License-Identifier: Apache-2.0
//! A ConfigureNetwork request, checked before anything is changed.

use std::net::IpAddr;

use hako_protocols::agent::{ConfigureNetworkRequest, Interface, Neighbour, Route};
use hako_ttrpc::Status;

/// The longest name of a link, in bytes (IFNAMSIZ of linux/if.h without its NUL).
const NAME_BYTES: usize = 15;

pub type Mac = [u8; 6];

/// An address, or with the host bits a network, and how many bits its prefix has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub address: IpAddr,
    pub bits: u8,
}

#[derive(Debug, PartialEq, Eq)]
pub struct LinkPlan {
    pub mac: Mac,
    pub name: String,
    pub mtu: u32,
    pub addresses: Vec<Prefix>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct RoutePlan {
    /// `None`: the default route.
    pub destination: Option<Prefix>,
    pub gateway: Option<IpAddr>,
    pub source: Option<IpAddr>,
    pub interface: String,
    pub scope: u8,
    pub mtu: u32,
    pub metric: u32,
    pub ipv6: bool,
    /// The gateway is on the link, whatever the other routes say.
    pub onlink: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct NeighbourPlan {
    pub address: IpAddr,
    pub mac: Mac,
    pub interface: String,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub links: Vec<LinkPlan>,
    /// Those without a gateway first: the others lead through them.
    pub routes: Vec<RoutePlan>,
    pub neighbours: Vec<NeighbourPlan>,
    /// The text of resolv.conf(5), if there is to be one.
    pub resolver: Option<String>,
    /// The kernel is to add nothing by itself.
    pub complete: bool,
}

impl Plan {
    pub fn of(request: &ConfigureNetworkRequest) -> Result<Plan, Status> {
        let mut routes = request.routes.iter().map(route).collect::<Result<Vec<_>, _>>()?;
        routes.sort_by_key(|route| route.gateway.is_some());
        Ok(Plan {
            links: request.interfaces.iter().map(link).collect::<Result<_, _>>()?,
            routes,
            neighbours: request.neighbours.iter().map(neighbour).collect::<Result<_, _>>()?,
            resolver: request.resolver.as_ref().map(resolver).transpose()?,
            complete: request.complete,
        })
    }
}

fn link(given: &Interface) -> Result<LinkPlan, Status> {
    Ok(LinkPlan {
        mac: mac(&given.mac)?,
        name: name(&given.name)?,
        mtu: given.mtu,
        addresses: given.addresses.iter().map(|text| prefix(text)).collect::<Result<_, _>>()?,
    })
}

fn route(given: &Route) -> Result<RoutePlan, Status> {
    let optional = |text: &str| if text.is_empty() { Ok(None) } else { address(text).map(Some) };
    let plan = RoutePlan {
        destination: if given.destination.is_empty() { None } else { Some(prefix(&given.destination)?) },
        gateway: optional(&given.gateway)?,
        source: optional(&given.source)?,
        interface: name(&given.interface)?,
        scope: u8::try_from(given.scope)
            .map_err(|_| Status::invalid(format!("{} is no route scope: 0 to 255 are.", given.scope)))?,
        mtu: given.mtu,
        metric: given.metric,
        ipv6: given.ipv6,
        onlink: given.onlink,
    };
    let parts = [plan.destination.map(|prefix| prefix.address), plan.gateway, plan.source];
    match parts.into_iter().flatten().find(|part| part.is_ipv6() != plan.ipv6) {
        Some(part) => Err(Status::invalid(format!("{part} is in an IPv{} route.", if plan.ipv6 { 6 } else { 4 }))),
        None => Ok(plan),
    }
}

fn neighbour(given: &Neighbour) -> Result<NeighbourPlan, Status> {
    Ok(NeighbourPlan { address: address(&given.address)?, mac: mac(&given.mac)?, interface: name(&given.interface)? })
}

fn resolver(given: &hako_protocols::agent::Resolver) -> Result<String, Status> {
    let mut text = String::new();
    for server in &given.nameservers {
        text.push_str(&format!("nameserver {}\n", address(server)?));
    }
    for (word, values) in [("search", &given.searches), ("options", &given.options)] {
        if let Some(odd) = values.iter().find(|value| value.is_empty() || value.contains(char::is_whitespace)) {
            return Err(Status::invalid(format!("{odd:?} is no value for \"{word}\" of resolv.conf.")));
        }
        if !values.is_empty() {
            text.push_str(&format!("{word} {}\n", values.join(" ")));
        }
    }
    Ok(text)
}

fn mac(text: &str) -> Result<Mac, Status> {
    // from_str_radix takes a sign too.
    let byte = |part: &str| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2 && !part.starts_with('+'));
    let bytes: Option<Vec<u8>> = text.split(':').map(byte).collect();
    bytes
        .and_then(|bytes| Mac::try_from(bytes).ok())
        .ok_or_else(|| Status::invalid(format!("{text:?} is no link address: six hexadecimal bytes with colons are.")))
}

fn name(text: &str) -> Result<String, Status> {
    let fits = (1..=NAME_BYTES).contains(&text.len()) && text != "." && text != "..";
    if fits && !text.contains(|character: char| character == '/' || character == ':' || !character.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Status::invalid(format!(
        "{text:?} is no name of a link: 1 to {NAME_BYTES} characters without space, '/' and ':' are."
    )))
}

fn address(text: &str) -> Result<IpAddr, Status> {
    text.parse().map_err(|_| Status::invalid(format!("{text:?} is no IP address.")))
}

fn prefix(text: &str) -> Result<Prefix, Status> {
    let parse = || {
        let (address, bits) = text.split_once('/')?;
        let prefix = Prefix { address: address.parse().ok()?, bits: bits.parse().ok()? };
        (prefix.bits <= if prefix.address.is_ipv6() { 128 } else { 32 }).then_some(prefix)
    };
    parse().ok_or_else(|| Status::invalid(format!("{text:?} is no address with a prefix length, like 10.0.0.2/24.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hako_protocols::agent::Resolver;

    #[test]
    fn routes_without_a_gateway_come_first() {
        let route = |destination: &str, gateway: &str| Route {
            destination: destination.into(),
            gateway: gateway.into(),
            interface: "eth0".into(),
            ..Route::default()
        };
        let request = ConfigureNetworkRequest {
            routes: vec![route("", "10.0.0.1"), route("10.0.0.1/32", "")],
            ..ConfigureNetworkRequest::default()
        };
        let gateways: Vec<_> = Plan::of(&request).unwrap().routes.iter().map(|route| route.gateway).collect();
        assert_eq!(gateways, [None, Some("10.0.0.1".parse().unwrap())]);
    }

    #[test]
    fn values_are_refused_by_name() {
        assert_eq!(mac("02:00:00:00:00:0a").unwrap(), [2, 0, 0, 0, 0, 10]);
        for text in ["02:00:00:00:00", "02:00:00:00:00:0", "02:00:00:00:00:+a", "xx:00:00:00:00:00"] {
            assert!(mac(text).is_err(), "{text}");
        }
        assert!(prefix("10.0.0.2/33").is_err() && prefix("10.0.0.2").is_err() && prefix("fd00::1/64").is_ok());
        assert!(name("eth0").is_ok() && name("averyveryverylong").is_err() && name("a/b").is_err());
    }

    #[test]
    fn families_do_not_mix_in_a_route() {
        let given = Route { destination: "fd00::/64".into(), interface: "eth0".into(), ..Route::default() };
        assert_eq!(route(&given).unwrap_err().message, "fd00:: is in an IPv4 route.");
    }

    #[test]
    fn a_resolver_becomes_resolv_conf_and_cannot_smuggle_lines() {
        let given = |search: &str| Resolver {
            nameservers: vec!["10.96.0.10".into()],
            searches: vec![search.into()],
            options: vec!["ndots:5".into()],
        };
        let text = resolver(&given("default.svc")).unwrap();
        assert_eq!(text, "nameserver 10.96.0.10\nsearch default.svc\noptions ndots:5\n");
        assert!(resolver(&given("a\nnameserver 1.1.1.1")).is_err());
    }
}
