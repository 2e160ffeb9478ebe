// SPDX-License-Identifier: Apache-2.0
//! `-v SRC:DST[:ro]`.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::{Value, json};

use crate::failure::{Failure, Result, cause};

/// A directory or file of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    source: PathBuf,
    target: String,
    read_only: bool,
}

impl FromStr for Volume {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (source, target, options) = match text.split(':').collect::<Vec<_>>()[..] {
            [source, target] => (source, target, ""),
            [source, target, options] => (source, target, options),
            _ => return Err("a volume is SRC:DST or SRC:DST:ro".to_owned()),
        };
        if !source.starts_with(['/', '.']) {
            return Err(format!("\"{source}\" is no path, and there are no named volumes: begin it with / or ./"));
        }
        if !target.starts_with('/') || target.split('/').any(|part| part == "..") {
            return Err(format!("\"{target}\" is no place in the container: it begins with / and has no \"..\" in it"));
        }
        if target.trim_matches('/').is_empty() {
            return Err("the container's root is its image: choose a directory below it".to_owned());
        }
        let read_only = match options {
            "" | "rw" => false,
            "ro" => true,
            other => return Err(format!("\"{other}\" is no option: there are ro and rw")),
        };
        Ok(Self { source: source.into(), target: target.trim_end_matches('/').to_owned(), read_only })
    }
}

impl Volume {
    /// The runtime-spec's mount. The source must be there: nothing is made for a path that may be a slip.
    pub fn mount(&self) -> Result<Value> {
        let source = self.source.canonicalize().map_err(|error| self.refuse(&cause(&error)))?;
        check_kind(&source).map_err(|why| self.refuse(&why))?;
        // A read-only bind does not reach what is mounted below its source: that then stays out of sight.
        let options = if self.read_only { ["bind", "rprivate", "ro"] } else { ["rbind", "rprivate", "rw"] };
        Ok(json!({ "destination": self.target, "type": "bind", "source": source, "options": options }))
    }

    fn refuse(&self, why: &str) -> Failure {
        Failure::new(format!("The volume {} cannot be shown in the container: {why}.", self.source.display()))
    }
}

fn check_kind(source: &Path) -> std::result::Result<(), String> {
    let kind = source.metadata().map_err(|error| cause(&error))?.file_type();
    if kind.is_dir() || kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_socket() {
        "a socket"
    } else if kind.is_fifo() {
        "a fifo"
    } else {
        "a device"
    };
    Err(format!("it is {what}, and only directories and files can be"))
}

/// The mounts of all volumes; no two for one place.
pub fn mounts(volumes: &[Volume]) -> Result<Vec<Value>> {
    for (index, volume) in volumes.iter().enumerate() {
        if volumes[..index].iter().any(|earlier| earlier.target == volume.target) {
            return Err(Failure::new(format!(
                "Two volumes shall lie at {}: give each a place of its own.",
                volume.target
            )));
        }
    }
    volumes.iter().map(Volume::mount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<Volume, String> {
        text.parse()
    }

    #[test]
    fn a_volume_is_a_bind_mount_with_its_links_resolved() {
        let home = tempfile::TempDir::new().unwrap();
        let real = home.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, home.path().join("link")).unwrap();
        let mount =
            |suffix: &str| parse(&format!("{}/link:/data/{suffix}", home.path().display())).unwrap().mount().unwrap();
        assert_eq!(mount("")["source"], json!(real.canonicalize().unwrap()));
        assert_eq!(mount("")["destination"], "/data");
        assert_eq!(mount("")["options"], json!(["rbind", "rprivate", "rw"]));
        assert_eq!(mount(":ro")["options"], json!(["bind", "rprivate", "ro"]));
        assert_eq!(parse(".:/here").unwrap().mount().unwrap()["source"], json!(std::env::current_dir().unwrap()));
    }

    #[test]
    fn what_is_no_volume_is_refused() {
        for (text, part) in [
            ("/data", "a volume is SRC:DST or SRC:DST:ro"),
            ("data:/data", "\"data\" is no path, and there are no named volumes"),
            ("/data:data", "\"data\" is no place in the container"),
            ("/data:/a/../..", "is no place in the container"),
            ("/data://", "the container's root is its image"),
            ("/data:/data:z", "\"z\" is no option: there are ro and rw"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_shared_is_refused_by_name() {
        let home = tempfile::TempDir::new().unwrap();
        let socket = home.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = |source: &str| parse(&format!("{source}:/x")).unwrap().mount().unwrap_err().sentence;
        assert!(
            error("/nowhere/at/all")
                .starts_with("The volume /nowhere/at/all cannot be shown in the container: No such file")
        );
        assert!(error(socket.to_str().unwrap()).contains("it is a socket, and only directories and files can be"));
        assert!(error("/dev/null").contains("it is a device"));
        let twice = [parse("/tmp:/x").unwrap(), parse("/var:/x/").unwrap()];
        assert_eq!(mounts(&twice).unwrap_err().sentence, "Two volumes shall lie at /x: give each a place of its own.");
    }
}
