// SPDX-License-Identifier: Apache-2.0
//! Where the agent keeps things in the guest.

use std::path::{Path, PathBuf};

use hako_ttrpc::Status;

pub const CGROUP_ROOT: &str = "/sys/fs/cgroup";
/// Below [`CGROUP_ROOT`]: the parent of every container's cgroup.
pub const CGROUP_PARENT: &str = "hako";
/// libcontainer's state: one directory per container.
pub const STATE: &str = "/run/hako/state";
/// One OCI bundle per container.
pub const BUNDLES: &str = "/run/hako/bundles";

/// containerd's rule for names (containerd pkg/identifiers): at most 76 characters of this alphabet. Names become
/// parts of paths, so nothing else may pass.
pub fn check_name(what: &str, name: &str) -> Result<(), Status> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let fits = (1..=76).contains(&name.len()) && name.chars().all(plain);
    if fits && name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Status::invalid(format!(
        "The {what} {name:?} is not a name: 1 to 76 letters, digits, '_', '.', '-' are allowed, the first a letter or digit."
    )))
}

/// The parent of every container's cgroup.
pub fn pod_cgroup() -> PathBuf {
    [CGROUP_ROOT, CGROUP_PARENT].iter().collect()
}

pub fn cgroup(container: &str) -> PathBuf {
    [CGROUP_ROOT, CGROUP_PARENT, container].iter().collect()
}

/// Of a program that an operator runs in the guest, beside the containers.
pub fn debug_cgroup(process: &str) -> PathBuf {
    Path::new(CGROUP_ROOT).join(format!("{CGROUP_PARENT}-debug-{process}"))
}

pub fn bundle(container: &str) -> PathBuf {
    [BUNDLES, container].iter().collect()
}

pub fn state(container: &str) -> PathBuf {
    [STATE, container].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_their_directory_are_refused() {
        for name in ["", ".", "..", "../x", "a/b", "-a", "a b", &"a".repeat(77)] {
            assert!(check_name("container id", name).is_err(), "{name}");
        }
        for name in ["a", "0", "web-1_x.y", &"a".repeat(76)] {
            assert!(check_name("container id", name).is_ok(), "{name}");
        }
    }
}
