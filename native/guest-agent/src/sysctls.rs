// SPDX-License-Identifier: Apache-2.0
//! Kernel settings of the pod's namespaces.

use std::fs;
use std::io;
use std::path::PathBuf;

use hako_ttrpc::Status;

/// What belongs to a network, an IPC or the UTS namespace; a name that ends with '*' stands for all that begin so.
const NAMESPACED: [&str; 6] = ["net/*", "fs/mqueue/*", "kernel/shm*", "kernel/msg*", "kernel/sem", "kernel/domainname"];

/// The path below /proc/sys of a name with dots or slashes: the separator is the one that comes first (sysctl(8)).
fn path_of(name: &str) -> Option<String> {
    let first = name.find(['.', '/'])?;
    let exchange = |character: char| match character {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let path = if name[first..].starts_with('/') { name.to_owned() } else { name.chars().map(exchange).collect() };
    path.split('/').all(|part| !matches!(part, "" | "." | "..")).then_some(path)
}

/// Sets one setting in the namespaces of this process.
pub fn set(name: &str, value: &str) -> Result<(), Status> {
    let path = path_of(name).ok_or_else(|| Status::invalid(format!("{name:?} is no name of a kernel setting.")))?;
    if !is_namespaced(&path) {
        return Err(Status::invalid(format!(
            "The sysctl {name} is refused, because it is the kernel's as a whole; a pod may set net.*, fs.mqueue.*, \
             kernel.shm*, kernel.msg*, kernel.sem and kernel.domainname."
        )));
    }
    fs::write(PathBuf::from("/proc/sys").join(path), value).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Status::invalid(format!("The guest's kernel has no sysctl {name}.")),
        _ => Status::invalid(format!("The sysctl {name} cannot be set to {value:?}: {error}.")),
    })
}

fn is_namespaced(path: &str) -> bool {
    NAMESPACED.iter().any(|known| known.strip_suffix('*').map_or(*known == path, |start| path.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_dots_or_slashes() {
        assert_eq!(path_of("net.ipv4.ip_forward").as_deref(), Some("net/ipv4/ip_forward"));
        assert_eq!(path_of("net/ipv4/conf/eth0.1/forwarding").as_deref(), Some("net/ipv4/conf/eth0.1/forwarding"));
        assert_eq!(path_of("net.ipv4.conf.eth0/1.forwarding").as_deref(), Some("net/ipv4/conf/eth0.1/forwarding"));
        for name in ["", "net", "net/../kernel/panic", "/net/x", "net..x"] {
            assert_eq!(path_of(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_the_kernel_s_as_a_whole_is_refused() {
        for name in ["kernel.panic", "vm.overcommit_memory", "kernel.hostname", "fs.file-max", "kernel.semx"] {
            let message = set(name, "1").unwrap_err().message;
            assert!(message.starts_with(&format!("The sysctl {name} is refused")), "{message}");
        }
        assert!(is_namespaced("kernel/shm_rmid_forced") && is_namespaced("net/core/somaxconn"));
    }
}
