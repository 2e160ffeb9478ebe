// SPDX-License-Identifier: Apache-2.0
//! Connections that processes of the host open to the loopback of the pod's network namespace: they come redirected to the two
//! listeners here, and are joined to the guest's loopback. Who redirects them is hakod's business; what was meant is asked of the
//! kernel.

use crate::guest::Guest;
use crate::poll::{PollSet, Token};
use crate::sys;
use hako_protocols::shim::{ForwardRequest, ForwardResponse};
use hako_pump::set_nonblocking;
use hako_ttrpc::Status;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h; both give what the connection was opened to.
const SO_ORIGINAL_DST: libc::c_int = 80;
/// Guest ports of the agent's: these bases and a TCP port (native/guest-agent/src/loopback.rs).
const GUEST_IPV4: u32 = 1 << 16;
const GUEST_IPV6: u32 = 2 << 16;
/// Connections that wait to be accepted.
const BACKLOG: libc::c_int = 64;
/// After a failed accept(2), which would fail again at once.
const PAUSE: Duration = Duration::from_secs(1);

struct Side {
    listener: TcpListener,
    ipv6: bool,
    rests_until: Option<Instant>,
}

/// Listens where the pod's loopback was redirected to; nowhere at first.
#[derive(Default)]
pub struct Forward {
    namespace: String,
    sides: Vec<Side>,
}

impl Forward {
    /// Listens in a namespace; where it does already, says where. Without a namespace: listens no more.
    pub fn set(&mut self, request: &ForwardRequest) -> Result<ForwardResponse, Status> {
        if request.network_namespace.is_empty() {
            *self = Forward::default();
        } else if self.namespace != request.network_namespace {
            *self = Forward::in_namespace(&request.network_namespace).map_err(|error| {
                Status::precondition(format!(
                    "Cannot listen on the loopback of {}: {error}.",
                    request.network_namespace
                ))
            })?;
        }
        let port = |ipv6| {
            let side = self.sides.iter().find(|side| side.ipv6 == ipv6);
            side.and_then(|side| side.listener.local_addr().ok()).map_or(0, |address| u32::from(address.port()))
        };
        Ok(ForwardResponse { ipv4_port: port(false), ipv6_port: port(true) })
    }

    fn in_namespace(path: &str) -> io::Result<Forward> {
        sys::in_network_namespace(path, || {
            let mut sides = vec![Side::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?];
            // A kernel without IPv6 has no such loopback.
            sides.extend(Side::new(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))));
            Ok(Forward { namespace: path.to_owned(), sides })
        })
    }

    pub fn watch(&self, set: &mut PollSet, room: bool) {
        for (index, side) in self.sides.iter().enumerate().filter(|_| room) {
            match side.rests_until.filter(|until| *until > Instant::now()) {
                Some(until) => set.wake_at(until),
                None => set.watch(&side.listener, libc::POLLIN, Token::Forward(index)),
            }
        }
    }

    /// Takes one connection and joins it to the guest.
    pub fn accept(&mut self, index: usize, guest: &mut Guest) -> Result<(), String> {
        let Some(side) = self.sides.get_mut(index) else { return Ok(()) };
        match side.listener.accept() {
            Ok((socket, _)) => {
                let socket = OwnedFd::from(socket);
                // Until the server in the guest has ended it properly.
                sys::set_reset_on_close(socket.as_fd(), true);
                let base = if side.ipv6 { GUEST_IPV6 } else { GUEST_IPV4 };
                let joined = set_nonblocking(socket.as_fd()).and_then(|()| meant(socket.as_fd(), side.ipv6));
                match joined {
                    Ok(port) => guest.join_loopback(socket, base + u32::from(port)),
                    Err(error) => return Err(format!("A connection to the pod's loopback cannot be joined: {error}.")),
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => {
                side.rests_until = Some(Instant::now() + PAUSE);
                Err(format!("Cannot accept a connection to the pod's loopback: {error}."))
            }
        }
    }
}

impl Side {
    /// On a port of the kernel's choice. The loopback may still be down, and so have no address.
    fn new(address: SocketAddr) -> io::Result<Side> {
        let ipv6 = address.is_ipv6();
        let domain = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: plain integers.
        let fd = sys::check(i64::from(unsafe { libc::socket(domain, kind, 0) }))?;
        // SAFETY: the kernel has just given this descriptor to this process alone.
        let socket = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        let (level, option) =
            if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_FREEBIND) } else { (libc::IPPROTO_IP, libc::IP_FREEBIND) };
        let on: libc::c_int = 1;
        let size = std::mem::size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the value is valid for its size.
        sys::check(i64::from(unsafe {
            libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), size)
        }))?;
        bind(&socket, ipv6)?;
        // SAFETY: plain integers.
        sys::check(i64::from(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) }))?;
        Ok(Side { listener: TcpListener::from(socket), ipv6, rests_until: None })
    }
}

fn bind(socket: &OwnedFd, ipv6: bool) -> io::Result<()> {
    // SAFETY: both are plain data and all-zero is valid: port 0.
    let (mut four, mut six): (libc::sockaddr_in, libc::sockaddr_in6) = unsafe { std::mem::zeroed() };
    four.sin_family = libc::AF_INET as libc::sa_family_t;
    four.sin_addr.s_addr = u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets());
    six.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    six.sin6_addr.s6_addr = Ipv6Addr::LOCALHOST.octets();
    let (name, length): (*const libc::sockaddr, usize) = if ipv6 {
        ((&raw const six).cast(), std::mem::size_of_val(&six))
    } else {
        ((&raw const four).cast(), std::mem::size_of_val(&four))
    };
    // SAFETY: the address is valid for its size.
    sys::check(i64::from(unsafe { libc::bind(socket.as_raw_fd(), name, length as libc::socklen_t) })).map(drop)
}

/// The port that a redirected connection was opened to; its own where it was not redirected.
fn meant(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<u16> {
    // SAFETY: sockaddr_storage is plain data and all-zero is valid.
    let mut name: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = std::mem::size_of_val(&name) as libc::socklen_t;
    let level = if ipv6 { libc::IPPROTO_IPV6 } else { libc::IPPROTO_IP };
    // SAFETY: the storage is valid for writes of its length.
    sys::check(i64::from(unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, SO_ORIGINAL_DST, (&raw mut name).cast(), &raw mut length)
    }))?;
    // SAFETY: both kinds of address have their port at the same place, within the storage.
    let port = unsafe { (*(&raw const name).cast::<libc::sockaddr_in>()).sin_port };
    Ok(u16::from_be(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_once_on_each_loopback_and_no_more_when_told_so() {
        let here = ForwardRequest { network_namespace: "/proc/self/ns/net".into() };
        let mut forward = Forward::default();
        let first = forward.set(&here).unwrap();
        assert_ne!(first.ipv4_port, 0);
        assert_eq!(forward.set(&here).unwrap(), first);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first.ipv4_port as u16));
        std::net::TcpStream::connect(address).unwrap();
        assert_eq!(forward.set(&ForwardRequest::default()).unwrap(), ForwardResponse::default());
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_namespace_that_is_not_there_is_named() {
        let request = ForwardRequest { network_namespace: "/run/netns/there-is-none".into() };
        let status = Forward::default().set(&request).unwrap_err();
        assert!(
            status.message.starts_with("Cannot listen on the loopback of /run/netns/there-is-none: "),
            "{}",
            status.message
        );
    }
}
