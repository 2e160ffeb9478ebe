// SPDX-License-Identifier: Apache-2.0
//! An OCI spec as the guest runs it: what the caller asked for, minus what only the host has.

use std::path::Path;

use hako_ttrpc::Status;
use libcontainer::oci_spec::OciSpecError;
use libcontainer::oci_spec::runtime::{
    Capabilities, Capability, LinuxCapabilities, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg,
    LinuxSeccompArgBuilder, LinuxSeccompOperator, Process, Spec,
};

use crate::executor::Borrowed;
use crate::linux_part::{self, Sysctls};
use crate::paths;

/// CAP_SETPCAP and CAP_SYS_ADMIN (capabilities(7)): needed to reduce the bounding set and to load a seccomp filter
/// without no_new_privs (seccomp(2)).
const FOR_SECCOMP: [(Capability, u32); 2] = [(Capability::Setpcap, 8), (Capability::SysAdmin, 21)];

/// A container's spec without its seccomp profile, which the executor loads.
#[derive(Debug)]
pub struct Prepared {
    pub spec: Spec,
    pub seccomp: Option<LinuxSeccomp>,
    pub borrowed: Borrowed,
    /// To be set in the pod's network namespace before the container is made.
    pub sysctls: Sysctls,
}

/// # Errors
/// `InvalidArgument` if it is no OCI spec of a Linux container.
pub fn prepare(json: &[u8], rootfs: &str, container: &str, terminal: bool) -> Result<Prepared, Status> {
    let mut spec: Spec = serde_json::from_slice(json)
        .map_err(|error| Status::invalid(format!("The OCI spec of container {container} cannot be read: {error}.")))?;
    let missing = |part: &str| Status::invalid(format!("The OCI spec of container {container} has no {part}."));
    spec.root_mut().as_mut().ok_or_else(|| missing("root"))?.set_path(rootfs.into());
    let linux = spec.linux_mut().as_mut().ok_or_else(|| missing("linux part"))?;
    // The caller's path is one of the host's hierarchy, of which the VM has a part for itself.
    linux.set_cgroups_path(Some(Path::new("/").join(paths::CGROUP_PARENT).join(container)));
    linux.set_mount_label(None);
    let sysctls = linux_part::adapt(linux, container)?;
    let seccomp = linux.seccomp().clone();
    linux.set_seccomp(None);
    check_profile(seccomp.as_ref())?;
    let seccomp = seccomp.map(exchange_masks).transpose().map_err(|error| {
        Status::invalid(format!("The seccomp profile of container {container} is refused: {error}."))
    })?;
    let process = spec.process_mut().as_mut().ok_or_else(|| missing("process"))?;
    let borrowed = adapt_process(process, terminal, seccomp.is_some());
    Ok(Prepared { spec, seccomp, borrowed, sysctls })
}

/// Reads a further process of a container.
pub fn prepare_process(json: &[u8], terminal: bool, filtered: bool) -> Result<(Process, Borrowed), Status> {
    let mut process: Process = serde_json::from_slice(json)
        .map_err(|error| Status::invalid(format!("The OCI process cannot be read: {error}.")))?;
    let borrowed = adapt_process(&mut process, terminal, filtered);
    Ok((process, borrowed))
}

fn check_profile(seccomp: Option<&LinuxSeccomp>) -> Result<(), Status> {
    let asks = |profile: &LinuxSeccomp| {
        let rules = profile.syscalls().iter().flatten().map(|rule| rule.action());
        rules.chain([profile.default_action()]).any(|action| action == LinuxSeccompAction::ScmpActNotify)
    };
    match seccomp {
        Some(profile) if asks(profile) => Err(Status::precondition(
            "The seccomp profile asks a listener (SCMP_ACT_NOTIFY), which would have to be in the guest; use another action.",
        )),
        _ => Ok(()),
    }
}

/// `SCMP_CMP_MASKED_EQ` compares under the mask `value` with `valueTwo` (runc and crun; seccomp_rule_add(3)), but
/// libcontainer takes `valueTwo` for the mask: with docker's rule for clone(2), mask 0, every flag would be allowed.
fn exchange_masks(mut profile: LinuxSeccomp) -> Result<LinuxSeccomp, OciSpecError> {
    let mut rules = profile.syscalls().clone().unwrap_or_default();
    for rule in &mut rules {
        let arguments = rule.args().iter().flatten().map(exchange_mask).collect::<Result<Vec<_>, _>>()?;
        rule.set_args(rule.args().is_some().then_some(arguments));
    }
    profile.set_syscalls(Some(rules));
    Ok(profile)
}

fn exchange_mask(argument: &LinuxSeccompArg) -> Result<LinuxSeccompArg, OciSpecError> {
    if argument.op() != LinuxSeccompOperator::ScmpCmpMaskedEq {
        return Ok(*argument);
    }
    LinuxSeccompArgBuilder::default()
        .index(argument.index())
        .value(argument.value_two().unwrap_or(0))
        .value_two(argument.value())
        .op(argument.op())
        .build()
}

fn adapt_process(process: &mut Process, terminal: bool, filtered: bool) -> Borrowed {
    process.set_terminal(Some(terminal));
    // The guest's kernel runs neither AppArmor nor SELinux: the virtual machine is the boundary.
    process.set_apparmor_profile(None);
    process.set_selinux_label(None);
    let confined = process.no_new_privileges() == Some(true);
    // To libcontainer an explicit "false" is not the same as none.
    process.set_no_new_privileges(confined.then_some(true));
    let mut sets = Sets::of(process.capabilities().as_ref());
    let borrowed = if filtered && !confined { sets.borrow() } else { Borrowed::default() };
    process.set_capabilities(Some(sets.into()));
    borrowed
}

/// Every set named: libcontainer keeps all capabilities where the spec is silent, runc and crun keep none.
struct Sets {
    bounding: Capabilities,
    effective: Capabilities,
    inheritable: Capabilities,
    permitted: Capabilities,
    ambient: Capabilities,
}

impl Sets {
    fn of(given: Option<&LinuxCapabilities>) -> Self {
        let set = |pick: fn(&LinuxCapabilities) -> &Option<Capabilities>| {
            given.and_then(|sets| pick(sets).clone()).unwrap_or_default()
        };
        Sets {
            bounding: set(LinuxCapabilities::bounding),
            effective: set(LinuxCapabilities::effective),
            inheritable: set(LinuxCapabilities::inheritable),
            permitted: set(LinuxCapabilities::permitted),
            ambient: set(LinuxCapabilities::ambient),
        }
    }

    fn borrow(&mut self) -> Borrowed {
        let mut borrowed = Borrowed::default();
        for (capability, number) in FOR_SECCOMP {
            let take = |set: &mut Capabilities| u64::from(set.insert(capability)) << number;
            borrowed.bounding |= take(&mut self.bounding);
            borrowed.permitted |= take(&mut self.permitted);
            borrowed.effective |= take(&mut self.effective);
        }
        borrowed
    }
}

impl From<Sets> for LinuxCapabilities {
    fn from(sets: Sets) -> Self {
        let mut all = LinuxCapabilities::default();
        all.set_bounding(Some(sets.bounding))
            .set_effective(Some(sets.effective))
            .set_inheritable(Some(sets.inheritable))
            .set_permitted(Some(sets.permitted))
            .set_ambient(Some(sets.ambient));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hako_ttrpc::Code;
    use serde_json::json;

    fn spec(process: serde_json::Value, linux: serde_json::Value) -> Vec<u8> {
        let spec =
            json!({ "ociVersion": "1.1.0", "root": { "path": "/host/rootfs" }, "process": process, "linux": linux });
        spec.to_string().into_bytes()
    }

    fn process() -> serde_json::Value {
        json!({ "user": { "uid": 0, "gid": 0 }, "args": ["/bin/true"], "cwd": "/" })
    }

    fn profile(action: &str) -> serde_json::Value {
        json!({ "seccomp": { "defaultAction": action, "architectures": ["SCMP_ARCH_X86_64"] } })
    }

    fn named(process: &Process, pick: fn(&LinuxCapabilities) -> &Option<Capabilities>) -> Capabilities {
        pick(process.capabilities().as_ref().unwrap()).clone().unwrap()
    }

    #[test]
    fn paths_become_those_of_the_guest() {
        let json = spec(process(), json!({ "cgroupsPath": "system.slice:cri:abc" }));
        let prepared = prepare(&json, "/guest/rootfs", "web", false).unwrap();
        assert_eq!(prepared.spec.root().as_ref().unwrap().path(), Path::new("/guest/rootfs"));
        let linux = prepared.spec.linux().as_ref().unwrap();
        assert_eq!(linux.cgroups_path().as_deref(), Some(Path::new("/hako/web")));
    }

    #[test]
    fn a_masked_comparison_has_its_mask_where_libcontainer_looks_for_it() {
        let rule = |arguments| json!({ "names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": arguments });
        let masked = json!({ "index": 0, "value": 0x7e02_0000, "valueTwo": 5, "op": "SCMP_CMP_MASKED_EQ" });
        let equal = json!({ "index": 1, "value": 8, "op": "SCMP_CMP_EQ" });
        let profile = json!({ "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule(json!([masked, equal])), { "names": ["read"], "action": "SCMP_ACT_ALLOW" }],
        } });
        let prepared = prepare(&spec(process(), profile), "/", "web", false).unwrap();
        let rules = prepared.seccomp.unwrap().syscalls().clone().unwrap();
        let arguments = rules[0].args().clone().unwrap();
        assert_eq!((arguments[0].value(), arguments[0].value_two()), (5, Some(0x7e02_0000)));
        assert_eq!((arguments[1].value(), arguments[1].value_two()), (8, None));
        assert!(rules[1].args().is_none());
    }

    #[test]
    fn capabilities_that_are_not_named_are_none() {
        let prepared = prepare(&spec(process(), json!({})), "/", "web", false).unwrap();
        let process = prepared.spec.process().as_ref().unwrap();
        assert!(named(process, LinuxCapabilities::permitted).is_empty());
        assert!(named(process, LinuxCapabilities::bounding).is_empty());
    }

    #[test]
    fn a_profile_without_no_new_privileges_borrows_what_loading_it_needs() {
        let mut process = process();
        process["capabilities"] = json!({ "bounding": ["CAP_SETPCAP"], "permitted": [], "effective": [] });
        let prepared = prepare(&spec(process, profile("SCMP_ACT_ALLOW")), "/", "web", false).unwrap();
        let both = 1 << 8 | 1 << 21;
        assert_eq!(prepared.borrowed, Borrowed { bounding: 1 << 21, permitted: both, effective: both });
        assert!(prepared.seccomp.is_some() && prepared.spec.linux().as_ref().unwrap().seccomp().is_none());
    }

    #[test]
    fn with_no_new_privileges_nothing_is_borrowed() {
        let mut process = process();
        process["noNewPrivileges"] = json!(true);
        let prepared = prepare(&spec(process, profile("SCMP_ACT_ALLOW")), "/", "web", false).unwrap();
        assert_eq!(prepared.borrowed, Borrowed::default());
    }

    #[test]
    fn a_profile_that_asks_a_listener_is_refused() {
        let status = prepare(&spec(process(), profile("SCMP_ACT_NOTIFY")), "/", "web", false).unwrap_err();
        assert_eq!(status.code, Code::FailedPrecondition);
    }

    #[test]
    fn what_is_no_linux_spec_is_refused_by_name() {
        let without = |part: &str| {
            let mut spec: serde_json::Value = serde_json::from_slice(&spec(process(), json!({}))).unwrap();
            spec.as_object_mut().unwrap().remove(part);
            prepare(spec.to_string().as_bytes(), "/", "web", false).unwrap_err().message
        };
        assert_eq!(without("process"), "The OCI spec of container web has no process.");
        assert_eq!(without("linux"), "The OCI spec of container web has no linux part.");
        assert!(
            prepare(b"{", "/", "web", false).unwrap_err().message.starts_with("The OCI spec of container web cannot")
        );
    }
}
