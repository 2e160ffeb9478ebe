// SPDX-License-Identifier: Apache-2.0
//! Brings the guest's network to what a plan says: adds what is missing, removes what is too much, leaves the rest.

use std::fs;
use std::io;
use std::path::Path;

use hako_protocols::agent::ConfigureNetworkRequest;
use hako_ttrpc::Status;

use crate::netlink::{REPLACE, Reply, Request, Socket};
use crate::plan::{LinkPlan, Mac, NeighbourPlan, Plan, Prefix, RoutePlan};
use crate::routes::{ROUTE, broadcast, bytes_of, family, is_same, route_request};
use crate::worker::Report;

/// Lengths of struct ifinfomsg, ifaddrmsg and ndmsg (linux/rtnetlink.h, if_addr.h, neighbour.h).
const LINK: usize = 16;
const ADDRESS: usize = 8;
const NEIGHBOUR: usize = 12;

const UP: u32 = libc::IFF_UP as u32;
const LOOPBACK: u32 = libc::IFF_LOOPBACK as u32;
/// IFA_F_NODAD: usable at once; the host has given the address to nobody else.
const NO_DETECTION: u32 = 0x02;
/// IFA_F_PERMANENT: of those that have no end; one that a router advertised has.
const PERMANENT: u8 = 0x80;
/// IFA_F_NOPREFIXROUTE: the route to its network is described, or there is to be none.
const NO_ROUTE: u32 = 0x200;

pub fn configure(request: &ConfigureNetworkRequest) -> Result<Report, Status> {
    let plan = Plan::of(request)?;
    let network = Network { socket: Socket::open().map_err(|error| failed("opened", "A netlink socket", error))? };
    let indexes = network.configure_links(&plan)?;
    let index = |name: &str| {
        let found = plan.links.iter().zip(&indexes).find(|(link, _)| link.name == name).map(|(_, &index)| index);
        found.ok_or_else(|| {
            Status::invalid(format!("A route or neighbour names the interface {name}, which is not described."))
        })
    };
    for (link, &index) in plan.links.iter().zip(&indexes) {
        network
            .configure_addresses(link, index, plan.complete)
            .map_err(|error| failed("set", &format!("Addresses of {}", link.name), error))?;
    }
    let routes =
        plan.routes.iter().map(|route| Ok((route, index(&route.interface)?))).collect::<Result<Vec<_>, Status>>()?;
    network.configure_routes(&routes, &indexes)?;
    let neighbours =
        plan.neighbours.iter().map(|one| Ok((one, index(&one.interface)?))).collect::<Result<Vec<_>, Status>>()?;
    network.configure_neighbours(&neighbours, &indexes).map_err(|error| failed("set", "Neighbours", error))?;
    if let Some(text) = &plan.resolver {
        fs::create_dir_all("/etc")
            .and_then(|()| fs::write("/etc/resolv.conf", text))
            .map_err(|error| failed("written", "/etc/resolv.conf", error))?;
    }
    Ok(Report::default())
}

fn failed(verb: &str, what: &str, error: io::Error) -> Status {
    Status::internal(format!("{what} cannot be {verb} in the guest: {error}."))
}

struct Link {
    index: i32,
    flags: u32,
    name: String,
    mac: Option<Mac>,
    mtu: u32,
}

impl Link {
    fn of(reply: &Reply) -> Option<Link> {
        let fixed = reply.fixed::<LINK>()?;
        let name = reply.attribute(LINK, libc::IFLA_IFNAME)?;
        Some(Link {
            index: i32::from_ne_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            flags: u32::from_ne_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            name: String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(name)).into_owned(),
            mac: reply.attribute(LINK, libc::IFLA_ADDRESS).and_then(|mac| mac.try_into().ok()),
            mtu: reply.number(LINK, libc::IFLA_MTU).unwrap_or(0),
        })
    }
}

fn link_request(index: i32, flags: u32, change: u32) -> Request {
    let mut fixed = [0; LINK];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&flags.to_ne_bytes());
    fixed[12..16].copy_from_slice(&change.to_ne_bytes());
    Request::new(libc::RTM_NEWLINK, 0, &fixed)
}

struct Network {
    socket: Socket,
}

impl Network {
    fn links(&self) -> Result<Vec<Link>, Status> {
        let replies = self.socket.dump(libc::RTM_GETLINK, LINK).map_err(|error| failed("read", "The links", error))?;
        Ok(replies.iter().filter_map(Link::of).collect())
    }

    /// Loopback and every described link. Gives their indexes, in the plan's order.
    fn configure_links(&self, plan: &Plan) -> Result<Vec<i32>, Status> {
        let links = self.links()?;
        for loopback in links.iter().filter(|link| link.flags & LOOPBACK != 0 && link.flags & UP == 0) {
            self.change(link_request(loopback.index, UP, UP), &loopback.name)?;
        }
        let mut indexes = Vec::new();
        for wanted in &plan.links {
            let same = |link: &&Link| link.mac == Some(wanted.mac) && link.flags & LOOPBACK == 0;
            let link = links.iter().find(same).ok_or_else(|| {
                Status::not_found(format!("The guest has no link with the address {}.", text_of(wanted.mac)))
            })?;
            self.configure_link(wanted, link, plan.complete)?;
            indexes.push(link.index);
        }
        Ok(indexes)
    }

    fn configure_link(&self, wanted: &LinkPlan, link: &Link, complete: bool) -> Result<(), Status> {
        if link.name != wanted.name {
            // Names may have to be exchanged, and those before it in the plan have been given away already.
            if let Some(other) =
                self.links()?.iter().find(|other| other.name == wanted.name && other.index != link.index)
            {
                self.rename(other.index, &format!("hako{}", other.index))?;
            }
            self.rename(link.index, &wanted.name)?;
        }
        if complete {
            leave_ipv6_to_the_plan(&wanted.name)
                .map_err(|error| failed("changed", &format!("The IPv6 settings of {}", wanted.name), error))?;
        }
        if wanted.mtu != 0 && wanted.mtu != link.mtu {
            let request = link_request(link.index, 0, 0).attribute(libc::IFLA_MTU, &wanted.mtu.to_ne_bytes());
            self.change(request, &wanted.name)?;
        }
        self.change(link_request(link.index, UP, UP), &wanted.name)
    }

    /// Only a link that is down can be renamed.
    fn rename(&self, index: i32, name: &str) -> Result<(), Status> {
        self.change(link_request(index, 0, UP), name)?;
        let text = [name.as_bytes(), b"\0"].concat();
        self.change(link_request(index, 0, 0).attribute(libc::IFLA_IFNAME, &text), name)
    }

    fn change(&self, request: Request, name: &str) -> Result<(), Status> {
        self.socket.ask(request).map(drop).map_err(|error| failed("changed", &format!("The link {name}"), error))
    }

    fn configure_addresses(&self, link: &LinkPlan, index: i32, complete: bool) -> io::Result<()> {
        for reply in self.socket.dump(libc::RTM_GETADDR, ADDRESS)? {
            let Some(&[_, bits, flags, scope, a, b, c, d]) = reply.fixed::<ADDRESS>() else { continue };
            let found =
                reply.attribute(ADDRESS, libc::IFA_LOCAL).or_else(|| reply.attribute(ADDRESS, libc::IFA_ADDRESS));
            let (Some(found), true) = (found, i32::from_ne_bytes([a, b, c, d]) == index) else { continue };
            let wanted = link.addresses.iter().any(|prefix| prefix.bits == bits && bytes_of(prefix.address) == found);
            // The kernel gives a link its own link-local address, and one that a router advertised.
            let own = found.len() == 16 && (flags & PERMANENT == 0 || !complete && scope == libc::RT_SCOPE_LINK);
            if !wanted && !own {
                let fixed = reply.fixed::<ADDRESS>().copied().unwrap_or_default();
                self.socket.ask(Request::new(libc::RTM_DELADDR, 0, &fixed).attribute(libc::IFA_LOCAL, found))?;
            }
        }
        link.addresses.iter().try_for_each(|prefix| self.add_address(*prefix, index, complete))
    }

    fn add_address(&self, prefix: Prefix, index: i32, complete: bool) -> io::Result<()> {
        let ipv6 = prefix.address.is_ipv6();
        let flags = if ipv6 { NO_DETECTION } else { 0 } | if complete { NO_ROUTE } else { 0 };
        let mut fixed = [family(ipv6), prefix.bits, 0, 0, 0, 0, 0, 0];
        fixed[4..].copy_from_slice(&index.to_ne_bytes());
        let bytes = bytes_of(prefix.address);
        let request = Request::new(libc::RTM_NEWADDR, REPLACE, &fixed)
            .attribute(libc::IFA_LOCAL, &bytes)
            .attribute(libc::IFA_ADDRESS, &bytes)
            .attribute(libc::IFA_FLAGS, &flags.to_ne_bytes())
            .attribute_if(libc::IFA_BROADCAST, broadcast(prefix));
        self.socket.ask(request).map(drop)
    }

    /// Routes of this agent's are marked with their protocol: the others of the table are the kernel's own.
    fn configure_routes(&self, wanted: &[(&RoutePlan, i32)], indexes: &[i32]) -> Result<(), Status> {
        let error = |error| failed("set", "Routes", error);
        let mut missing: Vec<_> = wanted.iter().collect();
        for reply in self.socket.dump(libc::RTM_GETROUTE, ROUTE).map_err(error)? {
            let Some(fixed) = reply.fixed::<ROUTE>() else { continue };
            let index = reply.number(ROUTE, libc::RTA_OIF).map_or(0, |index| index as i32);
            let ours = fixed[4] == libc::RT_TABLE_MAIN && fixed[5] == libc::RTPROT_STATIC && indexes.contains(&index);
            let kept = missing.iter().position(|(route, oif)| *oif == index && is_same(route, &reply, fixed));
            match kept {
                Some(position) if ours => drop(missing.remove(position)),
                None if ours => self.remove_route(&reply, fixed, index).map_err(error)?,
                _ => {}
            }
        }
        for (route, index) in missing {
            let name =
                route.destination.map_or("the default route".to_owned(), |to| format!("{}/{}", to.address, to.bits));
            match self.socket.ask(route_request(route, *index)) {
                // A container has made it itself.
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
                result => result.map(drop).map_err(|error| failed("set", &format!("The route {name}"), error))?,
            }
        }
        Ok(())
    }

    fn remove_route(&self, reply: &Reply, fixed: &[u8; ROUTE], index: i32) -> io::Result<()> {
        let request = Request::new(libc::RTM_DELROUTE, 0, fixed)
            .attribute_if(libc::RTA_DST, reply.attribute(ROUTE, libc::RTA_DST))
            .attribute_if(libc::RTA_GATEWAY, reply.attribute(ROUTE, libc::RTA_GATEWAY))
            .attribute_if(libc::RTA_PRIORITY, reply.attribute(ROUTE, libc::RTA_PRIORITY))
            .attribute(libc::RTA_OIF, &index.to_ne_bytes());
        match self.socket.ask(request) {
            // Gone with its address or gateway in the meantime.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            result => result.map(drop),
        }
    }

    fn configure_neighbours(&self, wanted: &[(&NeighbourPlan, i32)], indexes: &[i32]) -> io::Result<()> {
        for reply in self.socket.dump(libc::RTM_GETNEIGH, NEIGHBOUR)? {
            let Some(fixed) = reply.fixed::<NEIGHBOUR>() else { continue };
            let index = i32::from_ne_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
            let permanent = u16::from_ne_bytes([fixed[8], fixed[9]]) & libc::NUD_PERMANENT != 0;
            let Some(address) = reply.attribute(NEIGHBOUR, libc::NDA_DST) else { continue };
            let kept = wanted.iter().any(|(one, of)| *of == index && bytes_of(one.address) == address);
            if permanent && !kept && indexes.contains(&index) {
                self.socket.ask(Request::new(libc::RTM_DELNEIGH, 0, fixed).attribute(libc::NDA_DST, address))?;
            }
        }
        for (neighbour, index) in wanted {
            let mut fixed = [0; NEIGHBOUR];
            fixed[0] = family(neighbour.address.is_ipv6());
            fixed[4..8].copy_from_slice(&index.to_ne_bytes());
            fixed[8..10].copy_from_slice(&libc::NUD_PERMANENT.to_ne_bytes());
            let request = Request::new(libc::RTM_NEWNEIGH, REPLACE, &fixed)
                .attribute(libc::NDA_DST, &bytes_of(neighbour.address))
                .attribute(libc::NDA_LLADDR, &neighbour.mac);
            self.socket.ask(request)?;
        }
        Ok(())
    }
}

/// Of ip-sysctl.rst: no link-local address of the kernel's making, no addresses and routes that routers advertise. A guest whose
/// kernel has no IPv6 has nothing to leave.
fn leave_ipv6_to_the_plan(link: &str) -> io::Result<()> {
    let directory = Path::new("/proc/sys/net/ipv6/conf").join(link);
    if !directory.exists() {
        return Ok(());
    }
    [("addr_gen_mode", "1"), ("accept_ra", "0"), ("autoconf", "0")]
        .into_iter()
        .try_for_each(|(setting, value)| fs::write(directory.join(setting), value))
}

fn text_of(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
