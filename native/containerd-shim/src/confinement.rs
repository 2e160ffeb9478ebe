// SPDX-License-Identifier: Apache-2.0
//! What a launched process may be and see.

use crate::own_root;
use crate::sys;
use hako_protocols::shim::Confinement;
use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Identities of one map line: all but the invalid one (user_namespaces(7)).
const ALL_IDS: u32 = u32::MAX;

/// Limits of the user namespace that a process is in (namespaces(7)).
const NAMESPACE_LIMITS: &str = "/proc/sys/user";

/// What a request must not ask for together.
pub fn check(role: &str, confinement: &Confinement) -> Result<(), String> {
    let separate = confinement.new_mount_namespace && confinement.new_pid_namespace;
    if confinement.own_root.is_some() && !separate {
        return Err(format!("{role} must have a mount and a pid namespace of its own to have a root of its own."));
    }
    Ok(())
}

/// CLONE_ flags of clone3(2). The user namespace comes later: what is made before belongs to the shim's.
pub fn clone_flags(confinement: &Confinement) -> u64 {
    let namespaces = [
        (confinement.new_network_namespace, libc::CLONE_NEWNET),
        (confinement.new_mount_namespace, libc::CLONE_NEWNS),
        (confinement.new_pid_namespace, libc::CLONE_NEWPID),
        (confinement.new_ipc_namespace, libc::CLONE_NEWIPC),
        (confinement.new_uts_namespace, libc::CLONE_NEWUTS),
    ];
    namespaces.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag as u64).sum()
}

/// Maps the identities of a child in a new user namespace: all of them as they are, or only the one that it is to run as.
pub fn write_maps(pid: u32, confinement: &Confinement) -> io::Result<()> {
    for (file, id) in [("uid_map", confinement.uid), ("gid_map", confinement.gid)] {
        let map = id.map_or_else(|| format!("0 0 {ALL_IDS}"), |id| format!("{id} {id} 1"));
        fs::write(format!("/proc/{pid}/{file}"), map)?;
    }
    Ok(())
}

/// In the child: makes its mount namespace a slave of the shim's, so that later mounts appear in it and none goes back; and
/// leaves in it what it is to see.
pub fn separate_mounts(confinement: &Confinement, program: &CStr) -> io::Result<()> {
    if !confinement.new_mount_namespace {
        return Ok(());
    }
    let none = std::ptr::null();
    // SAFETY: source, type and data may be null when propagation is set (mount(2)).
    sys::check(i64::from(unsafe {
        libc::mount(none, c"/".as_ptr(), none, libc::MS_SLAVE | libc::MS_REC, none.cast())
    }))?;
    confinement.own_root.as_ref().map_or(Ok(()), |root| own_root::enter(root, program))
}

/// In the child, while it sees the host's /proc: what `refuse_user_namespaces` needs, where the process is to be refused them.
pub fn namespace_limits(confinement: &Confinement) -> io::Result<Option<OwnedFd>> {
    let wanted = confinement.own_root.is_some() && confinement.new_user_namespace;
    let limits = wanted.then(|| fs::File::open(NAMESPACE_LIMITS).map(OwnedFd::from)).transpose();
    limits.map_err(|error| io::Error::new(error.kind(), format!("{NAMESPACE_LIMITS}: {error}")))
}

/// In the child, in its user namespace: lets it make no other one, in which it would have all capabilities. Undoing it takes
/// CAP_SYS_RESOURCE and this file.
pub fn refuse_user_namespaces(limits: Option<&OwnedFd>) -> io::Result<()> {
    let Some(limits) = limits else {
        return Ok(());
    };
    let limit = sys::open_beneath(limits.as_fd(), c"max_user_namespaces", libc::O_WRONLY)?;
    hako_pump::write(limit.as_fd(), b"0").map(drop)
}

/// In the child: takes the identity it is to run as, and gives up privileges.
pub fn take_identity(confinement: &Confinement) -> io::Result<()> {
    let kept =
        confinement.kept_capabilities.iter().fold(0, |kept: u64, number| kept | 1u64.checked_shl(*number).unwrap_or(0));
    // The bounding set can only be cut while capabilities are there.
    if confinement.drop_capabilities {
        cut_bounding_set(kept)?;
    }
    // SAFETY: plain integers; no groups are passed.
    unsafe {
        if confinement.uid.is_some() || confinement.gid.is_some() {
            sys::check(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()))?;
        }
        if let Some(gid) = confinement.gid {
            sys::check(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
        }
        if let Some(uid) = confinement.uid {
            sys::check(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
        }
    }
    if confinement.drop_capabilities {
        keep_capabilities(if confinement.uid.is_some_and(|uid| uid != 0) { 0 } else { kept })?;
    }
    if confinement.no_new_privileges {
        // SAFETY: plain integers.
        sys::check(i64::from(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }))?;
    }
    Ok(())
}

/// `kept`: a bit for each capability, as in /proc/PID/status.
fn cut_bounding_set(kept: u64) -> io::Result<()> {
    for capability in (0..64).filter(|number| kept & 1 << number == 0) {
        // SAFETY: plain integers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } < 0 {
            let error = io::Error::last_os_error();
            // The first number that the kernel does not know ends the set.
            return if error.raw_os_error() == Some(libc::EINVAL) { Ok(()) } else { Err(error) };
        }
    }
    Ok(())
}

/// `__user_cap_header_struct` and two `__user_cap_data_struct` (effective, permitted, inheritable) of linux/capability.h,
/// version 3.
fn keep_capabilities(kept: u64) -> io::Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let (low, high) = (kept as u32, (kept >> 32) as u32);
    let sets = [low, low, 0, high, high, 0];
    // SAFETY: both arrays have the size and alignment that version 3 asks for.
    unsafe {
        sys::check(i64::from(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)))?;
        sys::check(libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr())).map(drop)
    }
}
