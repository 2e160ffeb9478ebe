// SPDX-License-Identifier: Apache-2.0
//! Reads a layer's members in order. The `tar` crate parses header blocks; the stream of members is read here, because
//! its own reader splits pax records at newlines (a `security.capability` may hold one) and reads them without a limit.

use std::io::{self, Read};

use tar::{EntryType, Header};

const BLOCK: u64 = 512;
/// The most bytes of one extension member (pax records, GNU long names); a path has 4096, an xattr 65536 at most.
const MAX_EXTENSION: u64 = 1 << 20;

/// A member's header with its extensions applied.
pub struct Member {
    pub path: Vec<u8>,
    pub link: Vec<u8>,
    pub kind: EntryType,
    /// Bytes of content that follow.
    pub size: u64,
    pub uid: u64,
    pub gid: u64,
    pub mode: u32,
    /// Seconds since the epoch, and nanoseconds.
    pub mtime: (i64, i64),
    pub device: (u32, u32),
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

pub struct Archive<R> {
    source: R,
    content: u64,
    padding: u64,
}

impl<R: Read> Archive<R> {
    pub fn new(source: R) -> Self {
        Self { source, content: 0, padding: 0 }
    }

    /// The next member; its content is then read from `self.content()`. `None` at the archive's end.
    pub fn next(&mut self) -> io::Result<Option<Member>> {
        let mut extensions = Extensions::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let size = header.entry_size()?;
            match header.entry_type() {
                EntryType::XHeader => extensions.pax = self.extension(size)?,
                EntryType::GNULongName => extensions.path = Some(without_end(self.extension(size)?)),
                EntryType::GNULongLink => extensions.link = Some(without_end(self.extension(size)?)),
                // Global records (git's commit id, for one) describe nothing that is unpacked.
                EntryType::XGlobalHeader => drop(self.extension(size)?),
                EntryType::GNUSparse => return Err(invalid("a GNU sparse file, which image layers do not have")),
                _ => return self.member(&header, size, extensions).map(Some),
            }
        }
    }

    /// The current member's content.
    pub fn content(&mut self) -> Content<'_, R> {
        Content(self)
    }

    fn member(&mut self, header: &Header, size: u64, extensions: Extensions) -> io::Result<Member> {
        let mut member = Member {
            path: extensions.path.unwrap_or_else(|| header.path_bytes().into_owned()),
            link: extensions.link.or_else(|| header.link_name_bytes().map(|l| l.into_owned())).unwrap_or_default(),
            kind: header.entry_type(),
            size,
            uid: header.uid()?,
            gid: header.gid()?,
            mode: header.mode()? & 0o7777,
            mtime: (i64::try_from(header.mtime()?).unwrap_or(0), 0),
            device: device(header)?,
            xattrs: Vec::new(),
        };
        for (key, value) in pax_records(&extensions.pax)? {
            member.apply(key, value)?;
        }
        // Before POSIX.1-1988 a directory was a file whose name ends in a slash.
        if member.kind == EntryType::Regular && member.path.ends_with(b"/") {
            member.kind = EntryType::Directory;
        }
        self.begin(member.size);
        Ok(member)
    }

    fn begin(&mut self, size: u64) {
        self.content = size;
        self.padding = (BLOCK - size % BLOCK) % BLOCK;
    }

    fn header(&mut self) -> io::Result<Option<Header>> {
        let unread = self.content + self.padding;
        (self.content, self.padding) = (0, 0);
        if io::copy(&mut (&mut self.source).take(unread), &mut io::sink())? < unread {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        if self.source.read(&mut block[..1])? == 0 {
            return Ok(None);
        }
        self.source.read_exact(&mut block[1..])?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        if header.cksum()? != sum {
            return Err(invalid("a header whose checksum is wrong"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_EXTENSION {
            return Err(invalid(&format!("an extended header of {size} bytes, over the limit of {MAX_EXTENSION}")));
        }
        self.begin(size);
        let mut bytes = Vec::new();
        self.content().read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

/// Reads the current member's content.
pub struct Content<'a, R>(&'a mut Archive<R>);

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(usize::try_from(self.0.content).unwrap_or(usize::MAX));
        if limit == 0 {
            return Ok(0);
        }
        let count = self.0.source.read(&mut buffer[..limit])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.content -= count as u64;
        Ok(count)
    }
}

#[derive(Default)]
struct Extensions {
    pax: Vec<u8>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Member {
    /// Applies one pax record (POSIX.1-2017 pax, "pax Extended Header"; SCHILY.xattr is star's).
    fn apply(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        match key {
            b"path" => self.path = value.to_vec(),
            b"linkpath" => self.link = value.to_vec(),
            b"size" => self.size = number(value)?,
            b"uid" => self.uid = number(value)?,
            b"gid" => self.gid = number(value)?,
            b"mtime" => self.mtime = timestamp(value)?,
            _ => {
                if key.starts_with(b"GNU.sparse.") {
                    return Err(invalid("a GNU sparse file, which image layers do not have"));
                }
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

type Record<'a> = (&'a [u8], &'a [u8]);

/// Splits `LENGTH KEY=VALUE\n` records; LENGTH counts the whole record.
fn pax_records(mut rest: &[u8]) -> io::Result<Vec<Record<'_>>> {
    let bad = || invalid("a malformed pax record");
    let mut records = Vec::new();
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
        let length = usize::try_from(number(&rest[..space])?).map_err(|_| bad())?;
        let record = rest.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or_else(bad)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
        records.push((&record[..equals], &record[equals + 1..]));
        rest = &rest[length..];
    }
    Ok(records)
}

fn number(text: &[u8]) -> io::Result<u64> {
    let bad = || invalid(&format!("\"{}\" where a number must be", String::from_utf8_lossy(text)));
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(bad)
}

/// `SECONDS[.FRACTION]`, maybe negative.
fn timestamp(text: &[u8]) -> io::Result<(i64, i64)> {
    let bad = || invalid(&format!("\"{}\" where a time must be", String::from_utf8_lossy(text)));
    let text = std::str::from_utf8(text).map_err(|_| bad())?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().map_err(|_| bad())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanoseconds: i64 = digits.parse().map_err(|_| bad())?;
    if text.starts_with('-') && nanoseconds > 0 {
        return Ok((seconds - 1, 1_000_000_000 - nanoseconds));
    }
    Ok((seconds, nanoseconds))
}

/// Major and minor number; the fields of other members may be blank.
fn device(header: &Header) -> io::Result<(u32, u32)> {
    match header.entry_type() {
        EntryType::Char | EntryType::Block => {
            Ok((header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0)))
        }
        _ => Ok((0, 0)),
    }
}

fn without_end(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = name.iter().position(|byte| *byte == 0) {
        name.truncate(end);
    }
    name
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pax_value_may_hold_newlines_and_equals_signs() {
        let records = pax_records(b"13 a=x\ny\nz=1\n12 path=b/c\n").unwrap();
        assert_eq!(records, [(&b"a"[..], &b"x\ny\nz=1"[..]), (b"path", b"b/c")].map(|(k, v)| (k, v)));
    }

    #[test]
    fn times_before_the_epoch_keep_their_fraction() {
        assert_eq!(timestamp(b"12.5").unwrap(), (12, 500_000_000));
        assert_eq!(timestamp(b"-1.25").unwrap(), (-2, 750_000_000));
        assert!(timestamp(b"1.+5").is_err());
    }

    #[test]
    fn an_extension_larger_than_the_limit_is_refused_before_it_is_read() {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        header.set_size(MAX_EXTENSION + 1);
        header.set_cksum();
        let error = Archive::new(&header.as_bytes()[..]).next().err().unwrap();
        assert!(error.to_string().contains("extended header of 1048577 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let mut archive = Archive::new(&bytes[..]);
            while let Ok(Some(_)) = archive.next() {}
        }

        #[test]
        fn any_pax_records_are_read_or_refused_without_a_panic(text in "[0-9]{1,3} [a-z=\n0-9 ]{0,40}") {
            let _ = pax_records(text.as_bytes());
        }
    }
}
