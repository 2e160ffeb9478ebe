// SPDX-License-Identifier: Apache-2.0
//! Containers that this command line made: `RUN/bundles/ID` with `meta.json`.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::failure::{Doing, Failure, Result};
use crate::places::Places;

/// The link from a container's layer to its bundle.
const BUNDLE: &str = "bundle";

/// What is known of a container from its making on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// 12 hex digits.
    pub id: String,
    pub name: String,
    /// The image as it was named.
    pub image: String,
    pub command: Vec<String>,
    /// Nanoseconds since the epoch.
    pub created: u64,
    pub terminal: bool,
    pub interactive: bool,
    pub detached: bool,
    /// Removed as soon as it has ended.
    pub remove: bool,
    /// The image's file system, the overlay's lower directory.
    pub rootfs: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Container {
    pub meta: Meta,
    pub bundle: PathBuf,
}

impl Container {
    pub fn id(&self) -> &str {
        &self.meta.id
    }

    /// The container's log, of detached containers only.
    pub fn log(&self) -> PathBuf {
        self.bundle.join("container.log")
    }

    /// Makes this program the one that is joined to the container's streams, until the value is dropped or it ends.
    pub fn attach(&self) -> Result<File> {
        let bundle = File::open(&self.bundle).doing(|| format!("Opening {}", self.bundle.display()))?;
        match rustix::fs::flock(&bundle, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(Failure::new(format!("Another hako is joined to the streams of {}: end it first.", self.meta.name)))
            }
            locked => locked.map(|()| bundle).doing(|| format!("Locking {}", self.bundle.display())),
        }
    }

    pub fn shim_address(&self) -> Option<PathBuf> {
        let address = fs::read_to_string(self.bundle.join("address")).ok()?;
        address.trim().strip_prefix("unix://").map(PathBuf::from)
    }
}

pub struct Containers<'a> {
    places: &'a Places,
}

impl<'a> Containers<'a> {
    pub fn of(places: &'a Places) -> Self {
        Self { places }
    }

    /// All containers, oldest first.
    pub fn all(&self) -> Result<Vec<Container>> {
        let directory = self.places.bundles();
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.doing(|| format!("Listing {}", directory.display()))?,
        };
        let mut containers = Vec::new();
        for entry in entries {
            let bundle = entry.doing(|| format!("Listing {}", directory.display()))?.path();
            // One that is being made or removed at this moment has none.
            if let Ok(text) = fs::read(bundle.join("meta.json")) {
                let meta = serde_json::from_slice(&text).doing(|| format!("Reading {}/meta.json", bundle.display()))?;
                containers.push(Container { meta, bundle });
            }
        }
        containers.sort_by_key(|container| container.meta.created);
        Ok(containers)
    }

    /// Finds the container that is meant by an id, a unique beginning of one, or a name.
    pub fn find(&self, key: &str) -> Result<Container> {
        let all = self.all()?;
        if let Some(exact) = all.iter().find(|c| c.meta.id == key || c.meta.name == key) {
            return Ok(exact.clone());
        }
        let mut matching = all.iter().filter(|c| !key.is_empty() && c.meta.id.starts_with(key));
        match (matching.next(), matching.next()) {
            (Some(only), None) => Ok(only.clone()),
            (Some(_), Some(_)) => Err(Failure::new(format!(
                "\"{key}\" begins more than one container's id: give more of it (hako ps -a)."
            ))),
            (None, _) => {
                Err(Failure::new(format!("There is no container \"{key}\": hako ps -a lists those there are.")))
            }
        }
    }

    /// Makes the bundle directory of a new container, after making sure that nobody else has its name.
    pub fn claim(&self, meta: Meta) -> Result<Container> {
        let directory = self.places.bundles();
        make_private(&directory)?;
        let lock = File::open(&directory).doing(|| format!("Opening {}", directory.display()))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).doing(|| format!("Locking {}", directory.display()))?;
        let taken = |c: &&Container| c.meta.name == meta.name || c.meta.id == meta.name;
        if let Some(other) = self.all()?.iter().find(taken) {
            return Err(Failure::new(format!(
                "The name \"{}\" belongs to container {}: take another, or remove that one (hako rm {}).",
                meta.name, other.meta.id, meta.name
            )));
        }
        self.sweep()?;
        let container = Container { bundle: directory.join(&meta.id), meta };
        make_private(&container.bundle)?;
        let home = self.places.container(container.id());
        make_private(&home)?;
        symlink(&container.bundle, home.join(BUNDLE)).doing(|| format!("Linking {}", home.display()))?;
        let text = serde_json::to_vec_pretty(&container.meta).doing(|| "Writing meta.json".into())?;
        let (draft, path) = (container.bundle.join("meta.json.new"), container.bundle.join("meta.json"));
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .doing(|| format!("Writing {}", path.display()))?;
        Ok(container)
    }

    /// Removes the layers of containers that are no more: a reboot empties the run directory and not the state
    /// directory. Only of this run directory's containers; another hakod may share the state directory.
    fn sweep(&self) -> Result<()> {
        let directory = self.places.containers();
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let bundle = fs::read_link(entry.path().join(BUNDLE)).unwrap_or_default();
            if bundle.parent() == Some(&self.places.bundles()) && !bundle.exists() {
                hako_image::remove_tree(&entry.path()).doing(|| format!("Removing {}", entry.path().display()))?;
            }
        }
        Ok(())
    }

    /// Removes what the command line keeps of a container.
    pub fn forget(&self, container: &Container) -> Result<()> {
        for directory in [self.places.container(container.id()), container.bundle.clone()] {
            hako_image::remove_tree(&directory).doing(|| format!("Removing {}", directory.display()))?;
        }
        Ok(())
    }
}

/// A directory that only its owner can enter, with what is missing above it.
pub fn make_private(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).doing(|| format!("Making {}", directory.display()))
}

/// `bytes` random bytes as hexadecimal digits.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    rustix::rand::getrandom(&mut buffer[..], rustix::rand::GetRandomFlags::empty())
        .doing(|| "Asking for randomness".into())?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Nanoseconds since the epoch.
pub fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether a name may be given to a container: docker's rule.
pub fn check_name(name: &str) -> std::result::Result<String, String> {
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if first && rest && (2..=64).contains(&name.len()) {
        return Ok(name.to_owned());
    }
    Err("a name has 2 to 64 letters, digits, \"_\", \".\" and \"-\", and begins with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(home: &tempfile::TempDir) -> Places {
        Places::at(home.path().join("run"), home.path().join("state"))
    }

    fn meta(id: &str, name: &str) -> Meta {
        Meta {
            id: id.into(),
            name: name.into(),
            image: "demo".into(),
            command: vec!["true".into()],
            created: now(),
            terminal: false,
            interactive: false,
            detached: true,
            remove: false,
            rootfs: "/nowhere".into(),
        }
    }

    #[test]
    fn a_container_is_found_by_id_beginning_and_name() {
        let home = tempfile::TempDir::new().unwrap();
        let places = places(&home);
        let containers = Containers::of(&places);
        for (id, name) in [("abc123abc123", "web"), ("abd123abc123", "abc")] {
            containers.claim(meta(id, name)).unwrap();
        }
        for (key, id) in [
            ("web", "abc123abc123"),
            ("abd", "abd123abc123"),
            ("abc123abc123", "abc123abc123"),
            ("abc", "abd123abc123"),
        ] {
            assert_eq!(containers.find(key).unwrap().id(), id, "{key}");
        }
        assert!(containers.find("ab").unwrap_err().sentence.contains("begins more than one"));
        assert!(containers.find("").unwrap_err().sentence.contains("There is no container"));
    }

    #[test]
    fn a_taken_name_is_refused_with_its_owner_and_leaves_nothing() {
        let home = tempfile::TempDir::new().unwrap();
        let places = places(&home);
        let containers = Containers::of(&places);
        let first = containers.claim(meta("aaaaaaaaaaaa", "web")).unwrap();
        let error = containers.claim(meta("bbbbbbbbbbbb", "web")).unwrap_err();
        assert_eq!(
            error.sentence,
            "The name \"web\" belongs to container aaaaaaaaaaaa: take another, or remove that one (hako rm web)."
        );
        assert_eq!(containers.all().unwrap().len(), 1);
        containers.forget(&first).unwrap();
        assert!(fs::read_dir(places.bundles()).unwrap().next().is_none());
    }

    #[test]
    fn layers_that_a_reboot_left_go_with_the_next_container() {
        let home = tempfile::TempDir::new().unwrap();
        let (places, other) = (places(&home), Places::at(home.path().join("other"), home.path().join("state")));
        for (places, id) in [(&places, "aaaaaaaaaaaa"), (&other, "bbbbbbbbbbbb")] {
            Containers::of(places).claim(meta(id, id)).unwrap();
            fs::remove_dir_all(places.bundles()).unwrap();
        }
        Containers::of(&places).claim(meta("cccccccccccc", "web")).unwrap();
        let mut left: Vec<_> = fs::read_dir(places.containers()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["bbbbbbbbbbbb", "cccccccccccc"]);
    }

    #[test]
    fn names_follow_dockers_rule() {
        for good in ["web", "a1", "0.b_c-d"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-web", "we/b", "wéb", "../x", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
