// SPDX-License-Identifier: Apache-2.0
//! Reads the log of a detached container: the CRI format (`TIME stdout|stderr F|P TEXT`), in `container.log`, and what
//! went before in `container.log.1`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest record that is read at once; a writer's own are shorter.
const MAX_RECORD: usize = 1 << 20;

/// Writes records to the two outputs; a partial one (`P`) goes on in the next.
pub struct Printer<O, E> {
    pub out: O,
    pub err: E,
}

impl<O: Write, E: Write> Printer<O, E> {
    pub fn print(&mut self, record: &[u8]) -> io::Result<()> {
        // One that is no record is shown as it is rather than hidden.
        let Some(record) = Record::parse(record) else { return self.out.write_all(record) };
        let end: &[u8] = if record.whole { b"\n" } else { b"" };
        let text = [record.text, end].concat();
        if record.error { self.err.write_all(&text) } else { self.out.write_all(&text) }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.err.flush()
    }
}

struct Record<'a> {
    error: bool,
    whole: bool,
    text: &'a [u8],
}

impl<'a> Record<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let (_, stream, tag, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let error = match stream {
            b"stdout" => false,
            b"stderr" => true,
            _ => return None,
        };
        let whole = match tag {
            b"F" => true,
            b"P" => false,
            _ => return None,
        };
        Some(Self { error, whole, text })
    }
}

/// Reads record after record, across the log's renaming.
pub struct Log {
    path: PathBuf,
    earlier: Option<BufReader<File>>,
    current: Option<BufReader<File>>,
    /// A record whose end has not been written yet.
    unfinished: Vec<u8>,
}

impl Log {
    /// A log that does not exist yet is empty.
    pub fn open(path: &Path) -> io::Result<Self> {
        loop {
            let current = open(path)?;
            let earlier = open(&path.with_extension("log.1"))?;
            // Renamed in between: the two are one file.
            if current.is_none() || identity(&earlier)? != identity(&current)? {
                let reader = |file: Option<File>| file.map(BufReader::new);
                return Ok(Self {
                    path: path.to_owned(),
                    earlier: reader(earlier),
                    current: reader(current),
                    unfinished: Vec::new(),
                });
            }
        }
    }

    /// The next record. `None`: nothing more is there now.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let reader = match (&mut self.earlier, &mut self.current) {
                (Some(reader), _) | (None, Some(reader)) => reader,
                (None, None) => {
                    self.current = open(&self.path)?.map(BufReader::new);
                    match &mut self.current {
                        Some(reader) => reader,
                        None => return Ok(None),
                    }
                }
            };
            io::Read::take(reader, MAX_RECORD as u64).read_until(b'\n', &mut self.unfinished)?;
            if self.unfinished.ends_with(b"\n") || self.unfinished.len() >= MAX_RECORD {
                return Ok(Some(std::mem::take(&mut self.unfinished)));
            }
            if self.earlier.take().is_none() && !self.renamed()? {
                return Ok(None);
            }
        }
    }

    /// Whether the current file is no longer the one under the log's name; then the new one is next, if it is there.
    fn renamed(&mut self) -> io::Result<bool> {
        let Some(new) = open(&self.path)? else { return Ok(false) };
        let read = self.current.as_ref().map(|reader| reader.get_ref().metadata().map(|m| m.ino())).transpose()?;
        let renamed = read != Some(new.metadata()?.ino());
        if renamed {
            self.earlier = self.current.replace(BufReader::new(new));
        }
        Ok(renamed)
    }

    /// Reads on to the end and keeps the last `count` lines.
    pub fn last(&mut self, count: usize) -> io::Result<VecDeque<Vec<u8>>> {
        let mut kept: VecDeque<Vec<u8>> = VecDeque::new();
        let mut lines = 0;
        while let Some(record) = self.next()? {
            lines += usize::from(is_whole(&record));
            kept.push_back(record);
            while lines > count {
                lines -= usize::from(kept.pop_front().is_some_and(|record| is_whole(&record)));
            }
        }
        Ok(if count == 0 { VecDeque::new() } else { kept })
    }
}

fn is_whole(record: &[u8]) -> bool {
    Record::parse(record).is_none_or(|record| record.whole)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn identity(file: &Option<File>) -> io::Result<Option<u64>> {
    file.as_ref().map(|file| file.metadata().map(|metadata| metadata.ino())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn record(stream: &str, tag: &str, text: &str) -> String {
        format!("2026-01-02T03:04:05.000000006Z {stream} {tag} {text}\n")
    }

    fn printed(log: &mut Log) -> (String, String) {
        let mut printer = Printer { out: Vec::new(), err: Vec::new() };
        while let Some(record) = log.next().unwrap() {
            printer.print(&record).unwrap();
        }
        (String::from_utf8(printer.out).unwrap(), String::from_utf8(printer.err).unwrap())
    }

    #[test]
    fn partial_records_are_joined_and_the_streams_stay_apart() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("container.log");
        fs::write(
            &path,
            [
                record("stdout", "P", "a "),
                record("stderr", "F", "e"),
                record("stdout", "F", " b"),
                record("stdout", "F", ""),
            ]
            .concat(),
        )
        .unwrap();
        assert_eq!(printed(&mut Log::open(&path).unwrap()), ("a  b\n\n".into(), "e\n".into()));
    }

    #[test]
    fn reading_goes_on_across_a_rename_and_with_what_was_unfinished() {
        let home = TempDir::new().unwrap();
        let (path, old) = (home.path().join("container.log"), home.path().join("container.log.1"));
        let mut log = Log::open(&path).unwrap();
        assert_eq!(printed(&mut log).0, "");
        fs::write(&path, record("stdout", "F", "one")).unwrap();
        assert_eq!(printed(&mut log).0, "one\n");
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(&record("stdout", "F", "two").as_bytes()[..20]).unwrap();
        assert_eq!(printed(&mut log).0, "");
        file.write_all(&record("stdout", "F", "two").as_bytes()[20..]).unwrap();
        fs::rename(&path, &old).unwrap();
        fs::write(&path, record("stdout", "F", "three")).unwrap();
        assert_eq!(printed(&mut log).0, "two\nthree\n");
        assert_eq!(printed(&mut Log::open(&path).unwrap()).0, "one\ntwo\nthree\n");
    }

    #[test]
    fn the_last_lines_are_whole_ones() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("container.log");
        let lines = [
            record("stdout", "F", "1"),
            record("stdout", "P", "2"),
            record("stdout", "F", "2"),
            record("stdout", "F", "3"),
        ];
        fs::write(&path, lines.concat()).unwrap();
        let last = |count| Log::open(&path).unwrap().last(count).unwrap().len();
        assert_eq!((last(0), last(1), last(2), last(9)), (0, 1, 3, 4));
    }
}
