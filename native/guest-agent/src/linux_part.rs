// SPDX-License-Identifier: Apache-2.0
//! The part `linux` of an OCI spec, as a guest can have it.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hako_ttrpc::Status;
use libcontainer::oci_spec::OciSpecError;
use libcontainer::oci_spec::runtime::{
    Linux, LinuxDevice, LinuxDeviceType, LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType,
};

use crate::limits;

/// Without these the agent itself and its mounts would be within reach.
const ALWAYS: [LinuxNamespaceType; 3] =
    [LinuxNamespaceType::Pid, LinuxNamespaceType::Mount, LinuxNamespaceType::Cgroup];

/// Character devices that are no hardware (devices.txt of the kernel): memory, terminals, tun and fuse.
const DEVICES: [(&str, i64, i64); 10] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("console", 5, 1),
    ("ptmx", 5, 2),
    ("net/tun", 10, 200),
    ("fuse", 10, 229),
];

/// Kernel settings by name.
pub type Sysctls = HashMap<String, String>;

/// Adapts the part and gives the settings of the pod's network namespace, which libcontainer would refuse as the host's.
pub fn adapt(linux: &mut Linux, container: &str) -> Result<Sysctls, Status> {
    let invalid = |error: OciSpecError| {
        Status::invalid(format!("The namespaces of container {container} cannot be made: {error}."))
    };
    linux.devices().iter().flatten().try_for_each(|device| check_device(device, container))?;
    let namespaces = complete(linux.namespaces().clone().unwrap_or_default()).map_err(invalid)?;
    let mut sysctls = linux.sysctl().clone().unwrap_or_default();
    let of_pod = if is_in_own_network(&namespaces) {
        Sysctls::new()
    } else {
        sysctls.extract_if(|name, _| name.starts_with("net.") || name.starts_with("net/")).collect()
    };
    linux.set_rootfs_propagation(linux.rootfs_propagation().as_deref().map(plain_propagation).map(str::to_owned));
    linux.set_sysctl(Some(sysctls).filter(|left| !left.is_empty()));
    linux.set_namespaces(Some(namespaces));
    if let Some(resources) = linux.resources_mut() {
        limits::check_names(resources, container)?;
        limits::fit(resources);
    }
    Ok(of_pod)
}

/// runtime-spec (config-linux.md, Rootfs Mount Propagation) has no recursive forms, but containerd writes them as it does
/// for runc. libcontainer takes the plain ones for recursive.
fn plain_propagation(given: &str) -> &str {
    match given {
        "rshared" | "rslave" | "rprivate" | "runbindable" => &given[1..],
        _ => given,
    }
}

/// An empty path is none, and what every container must have is there.
fn complete(given: Vec<LinuxNamespace>) -> Result<Vec<LinuxNamespace>, OciSpecError> {
    let plain = |mut namespace: LinuxNamespace| {
        let path = namespace.path().clone().filter(|path| !path.as_os_str().is_empty());
        namespace.set_path(path);
        namespace
    };
    let mut all: Vec<_> = given.into_iter().map(plain).collect();
    for kind in ALWAYS {
        if !all.iter().any(|namespace| namespace.typ() == kind) {
            all.push(LinuxNamespaceBuilder::default().typ(kind).build()?);
        }
    }
    Ok(all)
}

fn is_in_own_network(namespaces: &[LinuxNamespace]) -> bool {
    let network = namespaces.iter().find(|namespace| namespace.typ() == LinuxNamespaceType::Network);
    let path = network.map(|network| network.path().as_deref());
    path.is_some_and(|path| path.is_none_or(|path| !is_same(path, Path::new("/proc/self/ns/net"))))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let key = |path: &Path| path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()));
    key(one).is_some_and(|found| key(other) == Some(found))
}

fn check_device(device: &LinuxDevice, container: &str) -> Result<(), Status> {
    let is_character = matches!(device.typ(), LinuxDeviceType::C | LinuxDeviceType::U);
    let known = |(_, major, minor): &(&str, i64, i64)| (device.major(), device.minor()) == (*major, *minor);
    if (is_character && DEVICES.iter().any(known)) || device.typ() == LinuxDeviceType::P {
        return Ok(());
    }
    let names = DEVICES.map(|(name, ..)| name).join(", ");
    Err(Status::precondition(format!(
        "Container {container} asks for {} ({} {}:{}), a device of the host that its guest has not; there are {names}. \
         A privileged container needs the runtime's setting privileged_without_host_devices.",
        device.path().display(),
        device.typ().as_str(),
        device.major(),
        device.minor(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn linux(json: serde_json::Value) -> Linux {
        serde_json::from_value(json).unwrap()
    }

    fn types(linux: &Linux) -> Vec<String> {
        let namespaces = linux.namespaces().clone().unwrap();
        namespaces.iter().map(|n| format!("{} {:?}", n.typ(), n.path())).collect()
    }

    #[test]
    fn what_keeps_the_agent_out_of_reach_is_always_there() {
        let mut part = linux(
            json!({ "namespaces": [{ "type": "pid", "path": "/run/hako/ns/pid" }, { "type": "ipc", "path": "" }] }),
        );
        adapt(&mut part, "web").unwrap();
        assert_eq!(types(&part), ["pid Some(\"/run/hako/ns/pid\")", "ipc None", "mnt None", "cgroup None"]);
    }

    #[test]
    fn settings_of_the_pod_s_network_are_told_from_the_container_s_own() {
        let settings = json!({ "net.core.somaxconn": "7", "kernel.shmmax": "1" });
        let mut own = linux(json!({ "namespaces": [{ "type": "network" }], "sysctl": settings }));
        assert!(adapt(&mut own, "web").unwrap().is_empty());
        assert_eq!(own.sysctl().as_ref().unwrap().len(), 2);
        for network in [json!([]), json!([{ "type": "network", "path": "/proc/self/ns/net" }])] {
            let mut shared = linux(json!({ "namespaces": network, "sysctl": settings }));
            assert_eq!(adapt(&mut shared, "web").unwrap(), Sysctls::from([("net.core.somaxconn".into(), "7".into())]));
            assert_eq!(shared.sysctl().clone().unwrap(), Sysctls::from([("kernel.shmmax".into(), "1".into())]));
        }
    }

    #[test]
    fn containerd_s_recursive_propagation_is_one_that_libcontainer_knows() {
        for (given, taken) in
            [("rslave", "slave"), ("rprivate", "private"), ("slave", "slave"), ("reversed", "reversed")]
        {
            let mut part = linux(json!({ "rootfsPropagation": given }));
            adapt(&mut part, "web").unwrap();
            assert_eq!(part.rootfs_propagation().as_deref(), Some(taken));
        }
    }

    #[test]
    fn limits_stay_in_the_container_s_cgroup() {
        for name in ["../other/memory.max", "cgroup.procs", "memory"] {
            let mut part = linux(json!({ "resources": { "unified": { name: "1" } } }));
            let message = adapt(&mut part, "web").unwrap_err().message;
            assert_eq!(message, format!("The limit {name:?} of container web is no file of a cgroup controller."));
        }
        adapt(&mut linux(json!({ "resources": { "unified": { "memory.high": "1" } } })), "web").unwrap();
    }

    #[test]
    fn devices_of_the_host_are_refused_by_name() {
        let device = |path: &str, kind: &str, major: i64, minor: i64| {
            let device = json!({ "path": path, "type": kind, "major": major, "minor": minor });
            adapt(&mut linux(json!({ "devices": [device] })), "web").map(drop).map_err(|status| status.message)
        };
        assert!(device("/dev/full", "c", 1, 7).is_ok() && device("/dev/net/tun", "c", 10, 200).is_ok());
        let message = device("/dev/kvm", "c", 10, 232).unwrap_err();
        assert!(message.starts_with("Container web asks for /dev/kvm (c 10:232), a device of the host"), "{message}");
        assert!(device("/dev/sda", "b", 1, 3).is_err());
    }
}
