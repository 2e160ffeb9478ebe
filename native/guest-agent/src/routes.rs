// SPDX-License-Identifier: Apache-2.0
//! Prefixes and routes in rtnetlink's form.

use std::net::{IpAddr, Ipv4Addr};

use crate::netlink::{APPEND, Reply, Request, nested};
use crate::plan::{Prefix, RoutePlan};

/// Length of struct rtmsg (linux/rtnetlink.h).
pub const ROUTE: usize = 12;
const RTAX_MTU: u16 = 2;
const RTNH_F_ONLINK: u32 = 4;

pub fn bytes_of(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

pub fn family(ipv6: bool) -> u8 {
    (if ipv6 { libc::AF_INET6 } else { libc::AF_INET }) as u8
}

/// 255.255.255.255 in the host part; point-to-point prefixes have none.
pub fn broadcast(prefix: Prefix) -> Option<[u8; 4]> {
    match prefix.address {
        IpAddr::V4(address) if prefix.bits < 31 => {
            Some(Ipv4Addr::from(u32::from(address) | u32::MAX >> prefix.bits).octets())
        }
        _ => None,
    }
}

/// The network that a prefix lies in.
pub fn network_of(prefix: Prefix) -> Vec<u8> {
    let mut bytes = bytes_of(prefix.address);
    for (position, byte) in bytes.iter_mut().enumerate() {
        let kept = usize::from(prefix.bits).saturating_sub(8 * position).min(8);
        *byte &= !(0xffu16 >> kept) as u8;
    }
    bytes
}

fn flags_of(fixed: &[u8; ROUTE]) -> u32 {
    u32::from_ne_bytes([fixed[8], fixed[9], fixed[10], fixed[11]])
}

/// Whether it is this route in all that a plan can say of it.
pub fn is_same(route: &RoutePlan, reply: &Reply, fixed: &[u8; ROUTE]) -> bool {
    let destination = route.destination.filter(|to| to.bits > 0);
    fixed[0] == family(route.ipv6)
        && fixed[1] == destination.map_or(0, |to| to.bits)
        && reply.attribute(ROUTE, libc::RTA_DST) == destination.map(network_of).as_deref()
        && reply.attribute(ROUTE, libc::RTA_GATEWAY) == route.gateway.map(bytes_of).as_deref()
        && reply.attribute(ROUTE, libc::RTA_PREFSRC) == route.source.map(bytes_of).as_deref()
        && reply.nested_number(ROUTE, libc::RTA_METRICS, RTAX_MTU).unwrap_or(0) == route.mtu
        && (route.ipv6 || fixed[6] == route.scope)
        && route.onlink == (flags_of(fixed) & RTNH_F_ONLINK != 0)
        && (route.metric == 0 || reply.number(ROUTE, libc::RTA_PRIORITY) == Some(route.metric))
}

/// To be added beside others: two links may have routes to one network, of equal metric, and to replace one of them would be to
/// lose it.
pub fn route_request(route: &RoutePlan, index: i32) -> Request {
    let bits = route.destination.map_or(0, |to| to.bits);
    let mut fixed = [0; ROUTE];
    fixed[..8].copy_from_slice(&[
        family(route.ipv6),
        bits,
        0,
        0,
        libc::RT_TABLE_MAIN,
        libc::RTPROT_STATIC,
        route.scope,
        libc::RTN_UNICAST,
    ]);
    fixed[8..].copy_from_slice(&(if route.onlink { RTNH_F_ONLINK } else { 0 }).to_ne_bytes());
    Request::new(libc::RTM_NEWROUTE, APPEND, &fixed)
        .attribute_if(libc::RTA_DST, route.destination.filter(|to| to.bits > 0).map(network_of))
        .attribute_if(libc::RTA_GATEWAY, route.gateway.map(bytes_of))
        .attribute_if(libc::RTA_PREFSRC, route.source.map(bytes_of))
        .attribute_if(libc::RTA_PRIORITY, (route.metric != 0).then(|| route.metric.to_ne_bytes()))
        .attribute_if(libc::RTA_METRICS, (route.mtu != 0).then(|| nested(RTAX_MTU, &route.mtu.to_ne_bytes())))
        .attribute(libc::RTA_OIF, &index.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str, bits: u8) -> Prefix {
        Prefix { address: address.parse().unwrap(), bits }
    }

    #[test]
    fn a_prefix_has_a_network_and_a_broadcast_address() {
        assert_eq!(network_of(prefix("10.1.2.3", 20)), [10, 1, 0, 0]);
        assert_eq!(network_of(prefix("10.1.2.3", 32)), [10, 1, 2, 3]);
        assert_eq!(network_of(prefix("fd00:1::5", 64))[..4], [0xfd, 0, 0, 1]);
        assert_eq!(network_of(prefix("fd00:1::5", 64))[8..], [0; 8]);
        assert_eq!(broadcast(prefix("10.1.2.3", 20)), Some([10, 1, 15, 255]));
        assert_eq!(broadcast(prefix("10.1.2.3", 31)), None);
    }
}
