// SPDX-License-Identifier: Apache-2.0
//! TCP sockets that do not block, with safe signatures.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::check;

/// Begins a connection; whether it stands is told by [`error`] once the socket can be written.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let domain = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: takes no pointers.
    let fd = check(unsafe { libc::socket(domain, kind, 0) })?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let begun = match address {
        SocketAddr::V4(address) => {
            // SAFETY: sockaddr_in is plain data and all-zero is valid.
            let mut name: libc::sockaddr_in = unsafe { std::mem::zeroed() };
            name.sin_family = libc::AF_INET as libc::sa_family_t;
            name.sin_port = address.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
            begin(&socket, &name)
        }
        SocketAddr::V6(address) => {
            // SAFETY: sockaddr_in6 is plain data and all-zero is valid.
            let mut name: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_port = address.port().to_be();
            name.sin6_addr.s6_addr = address.ip().octets();
            begin(&socket, &name)
        }
    };
    match begun {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from(socket)),
    }
}

fn begin<T>(socket: &OwnedFd, name: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: `name` is a socket address of that length and lives across the call.
    check(unsafe { libc::connect(socket.as_raw_fd(), std::ptr::from_ref(name).cast(), length) }).map(drop)
}

/// Why a connection does not stand.
pub fn error(socket: &TcpStream) -> io::Result<()> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Tells the peer that nothing more comes; one that has gone has heard it.
pub fn end_output(socket: &TcpStream) -> io::Result<()> {
    match socket.shutdown(Shutdown::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn both_versions_connect_without_waiting() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let server = TcpListener::bind(address).unwrap();
            let mut client = connect(server.local_addr().unwrap()).unwrap();
            let (mut accepted, _) = server.accept().unwrap();
            error(&client).unwrap();
            client.write_all(b"hello").unwrap();
            end_output(&client).unwrap();
            let mut heard = String::new();
            accepted.read_to_string(&mut heard).unwrap();
            assert_eq!(heard, "hello");
        }
    }
}
