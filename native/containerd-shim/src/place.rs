// SPDX-License-Identifier: Apache-2.0
//! Where things of a pod are.

use crate::flags::Flags;
use std::path::{Path, PathBuf};

/// sun_path of unix(7), less the terminating zero.
const LONGEST_SOCKET: usize = 107;

const LONGEST_NAME: usize = 76;

/// The run directory and this pod's directory in it.
pub struct Place {
    pub run: PathBuf,
    /// RUN/pods/NAMESPACE@ID
    pub pod: PathBuf,
}

impl Place {
    /// # Errors
    /// A sentence, where the names cannot be part of a path or the path is too long for a socket.
    pub fn of(flags: &Flags) -> Result<Place, String> {
        let run =
            PathBuf::from(std::env::var_os("HAKO_RUN_DIR").filter(|dir| !dir.is_empty()).unwrap_or("/run/hako".into()));
        if !run.is_absolute() {
            return Err(format!("HAKO_RUN_DIR must be an absolute path, it is {}.", run.display()));
        }
        check_name("namespace", &flags.namespace)?;
        check_name("id", &flags.id)?;
        let pod = run.join("pods").join(owner(&flags.namespace, &flags.id));
        let place = Place { run, pod };
        check_socket(&place.guest_socket())?;
        Ok(place)
    }

    /// The Task API.
    pub fn shim_socket(&self) -> PathBuf {
        self.pod.join("shim.sock")
    }

    /// `CONNECT port` to the guest.
    pub fn guest_socket(&self) -> PathBuf {
        self.pod.join("guest.sock")
    }

    /// The shim's own messages.
    pub fn log(&self) -> PathBuf {
        self.pod.join("shim.log")
    }

    /// Where hakod listens for shims.
    pub fn hakod_socket(&self) -> PathBuf {
        self.run.join("shims.sock")
    }

    /// A path below the pod directory as the kernel's tables show it, where the run directory is reached by a symbolic link.
    pub fn real(&self, path: &Path) -> PathBuf {
        match (self.pod.canonicalize(), path.strip_prefix(&self.pod)) {
            (Ok(pod), Ok(rest)) if rest == Path::new("") => pod,
            (Ok(pod), Ok(rest)) => pod.join(rest),
            _ => path.to_owned(),
        }
    }

    /// Whether a path is one of this pod, judged by its text: absolute, below the pod directory, without `..`.
    pub fn owns(&self, path: &Path) -> bool {
        path.strip_prefix(&self.pod).is_ok_and(|rest| {
            rest.components().all(|part| matches!(part, std::path::Component::Normal(_))) && rest != Path::new("")
        })
    }
}

/// The sandbox in one word, as hakod writes it too: `@` is in neither part, and nothing special in a path, a mount's options or a cgroup.
fn owner(namespace: &str, id: &str) -> String {
    format!("{namespace}@{id}")
}

/// # Errors
/// A sentence with the path, its length and the limit.
pub fn check_socket(path: &Path) -> Result<(), String> {
    let length = path.as_os_str().len();
    if length > LONGEST_SOCKET {
        return Err(format!(
            "The socket path {} has {length} bytes, the limit is {LONGEST_SOCKET}; use a shorter id or HAKO_RUN_DIR.",
            path.display()
        ));
    }
    Ok(())
}

/// containerd's identifiers (containerd pkg/identifiers): at most 76 letters, digits, `.`, `_`, `-`, beginning with a letter or digit.
fn check_name(what: &str, name: &str) -> Result<(), String> {
    let valid = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if valid {
        Ok(())
    } else {
        Err(format!(
            "The {what} {name:?} is not valid: it may have {LONGEST_NAME} letters, digits, '.', '_' and '-', and begins with a letter or digit."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sandboxes_are_never_one_word() {
        assert_eq!(owner("a-b", "c"), "a-b@c");
        assert_eq!(owner("a", "b-c"), "a@b-c");
    }

    #[test]
    fn names_are_containerds_and_never_hold_the_separator() {
        for good in ["k8s.io", "0_1-2", &"a".repeat(76)] {
            assert_eq!(check_name("id", good), Ok(()));
        }
        for bad in ["", "-a", "a@b", "a/b", "a b", "\u{e4}", &"a".repeat(77)] {
            assert_eq!(
                check_name("id", bad),
                Err(format!(
                    "The id {bad:?} is not valid: it may have 76 letters, digits, '.', '_' and '-', and begins with a letter or digit."
                ))
            );
        }
    }
}
