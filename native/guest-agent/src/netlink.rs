// SPDX-License-Identifier: Apache-2.0
//! rtnetlink(7), as much of it as the guest's network needs: requests with acknowledgement, dumps, attributes.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::{self, check};

/// struct nlmsghdr and struct nlattr of linux/netlink.h.
const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;
const KIND_MASK: u16 = 0x3fff; // NLA_TYPE_MASK

const ERROR: u16 = libc::NLMSG_ERROR as u16;
const DONE: u16 = libc::NLMSG_DONE as u16;

pub const REPLACE: u16 = (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16;
/// Beside whatever is there.
pub const APPEND: u16 = (libc::NLM_F_CREATE | libc::NLM_F_APPEND) as u16;

/// One request: message type, flags, its fixed part, then attributes.
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// `flags` beyond NLM_F_REQUEST and NLM_F_ACK.
    pub fn new(kind: u16, flags: u16, fixed: &[u8]) -> Request {
        let flags = flags | (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(fixed);
        Request { bytes }
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Request {
        append(&mut self.bytes, kind, value);
        self
    }

    pub fn attribute_if(self, kind: u16, value: Option<impl AsRef<[u8]>>) -> Request {
        match value {
            Some(value) => self.attribute(kind, value.as_ref()),
            None => self,
        }
    }

    fn finished(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes
    }
}

fn append(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend_from_slice(&((ATTRIBUTE_HEADER + value.len()) as u16).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// An attribute's bytes, to be nested in another.
pub fn nested(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, kind, value);
    bytes
}

/// One message of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub kind: u16,
    body: Vec<u8>,
}

impl Reply {
    /// The fixed part.
    pub fn fixed<const N: usize>(&self) -> Option<&[u8; N]> {
        self.body.first_chunk()
    }

    /// The first attribute of that kind after a fixed part of `fixed` bytes.
    pub fn attribute(&self, fixed: usize, kind: u16) -> Option<&[u8]> {
        find(self.body.get(fixed..)?, kind)
    }

    pub fn number(&self, fixed: usize, kind: u16) -> Option<u32> {
        number(self.attribute(fixed, kind)?)
    }

    /// A number among the attributes that another holds.
    pub fn nested_number(&self, fixed: usize, outer: u16, kind: u16) -> Option<u32> {
        number(find(self.attribute(fixed, outer)?, kind)?)
    }
}

fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn find(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
    loop {
        let header = attributes.first_chunk::<ATTRIBUTE_HEADER>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let value = attributes.get(ATTRIBUTE_HEADER..length)?;
        if u16::from_ne_bytes([header[2], header[3]]) & KIND_MASK == kind {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

/// What a received block says.
enum Block {
    More(Vec<Reply>),
    End(Vec<Reply>),
}

/// Cuts a block into messages; the kernel's error number ends it as an error.
fn parse(mut block: &[u8]) -> io::Result<Block> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer is cut off");
    let mut replies = Vec::new();
    while !block.is_empty() {
        let header = block.first_chunk::<HEADER>().ok_or_else(malformed)?;
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let body = block.get(HEADER..length).ok_or_else(malformed)?;
        match kind {
            DONE => return Ok(Block::End(replies)),
            ERROR => {
                let number = i32::from_ne_bytes(*body.first_chunk().ok_or_else(malformed)?);
                return if number == 0 { Ok(Block::End(replies)) } else { Err(io::Error::from_raw_os_error(-number)) };
            }
            kind => replies.push(Reply { kind, body: body.to_vec() }),
        }
        block = block.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Block::More(replies))
}

pub struct Socket {
    fd: OwnedFd,
}

impl Socket {
    pub fn open() -> io::Result<Socket> {
        // SAFETY: takes no pointers.
        let fd =
            check(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) })?;
        // SAFETY: the kernel has just given this descriptor to this process alone.
        Ok(Socket { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Sends a request and waits for its acknowledgement.
    pub fn ask(&self, request: Request) -> io::Result<Vec<Reply>> {
        self.send(&request.finished())?;
        let mut buffer = vec![0; 32 << 10];
        let mut all = Vec::new();
        loop {
            let count = sys::read(&self.fd, &mut buffer)?;
            match parse(&buffer[..count])? {
                Block::More(replies) => all.extend(replies),
                Block::End(replies) => {
                    all.extend(replies);
                    return Ok(all);
                }
            }
        }
    }

    /// Every object of a kind: `kind` is RTM_GETLINK and the like, `fixed` the length of its fixed part.
    pub fn dump(&self, kind: u16, fixed: usize) -> io::Result<Vec<Reply>> {
        self.ask(Request::new(kind, libc::NLM_F_DUMP as u16, &vec![0; fixed]))
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer and length are those of one live slice.
        check(unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) }).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(request: Request) -> Reply {
        match parse(&request.finished()).unwrap() {
            Block::More(mut replies) => replies.remove(0),
            Block::End(_) => panic!("no end was sent"),
        }
    }

    #[test]
    fn attributes_are_found_behind_the_fixed_part_and_their_padding() {
        let reply =
            reply(Request::new(16, 0, &[1, 2, 3, 4]).attribute(3, b"eth0\0").attribute(4, &1500u32.to_ne_bytes()));
        assert_eq!((reply.kind, reply.fixed::<4>()), (16, Some(&[1, 2, 3, 4])));
        assert_eq!(reply.attribute(4, 3), Some(&b"eth0\0"[..]));
        assert_eq!(reply.number(4, 4), Some(1500));
        assert_eq!(reply.attribute(4, 5), None);
    }

    #[test]
    fn the_kernel_s_error_is_the_error() {
        let refusal = Request::new(ERROR, 0, &(-libc::EEXIST).to_ne_bytes()).finished();
        assert_eq!(parse(&refusal).err().unwrap().raw_os_error(), Some(libc::EEXIST));
        assert!(matches!(parse(&Request::new(ERROR, 0, &[0; 4]).finished()), Ok(Block::End(_))));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = Request::new(16, 0, &[0; 16]).finished();
        for length in 1..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        let lies = Reply { kind: 16, body: vec![200, 0, 3, 0, 1] };
        assert_eq!(lies.attribute(0, 3), None);
        let empty = Reply { kind: 16, body: vec![0, 0, 3, 0] };
        assert_eq!(empty.attribute(0, 4), None, "a length below its own header must not go round for ever");
    }
}
