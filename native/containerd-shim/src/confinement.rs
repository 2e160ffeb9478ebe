// SPDX-License-Identifier: Apache-2.0
//! What a launched process may be and see.

use crate::sys;
use hako_protocols::shim::Confinement;
use std::fs;
use std::io;

/// Identities of one map line: all but the invalid one (user_namespaces(7)).
const ALL_IDS: u32 = u32::MAX;

/// CLONE_ flags of clone3(2).
pub fn clone_flags(confinement: &Confinement) -> u64 {
    let namespaces = [
        (confinement.new_network_namespace, libc::CLONE_NEWNET),
        (confinement.new_mount_namespace, libc::CLONE_NEWNS),
        (confinement.new_pid_namespace, libc::CLONE_NEWPID),
        (confinement.new_ipc_namespace, libc::CLONE_NEWIPC),
        (confinement.new_uts_namespace, libc::CLONE_NEWUTS),
        (confinement.new_user_namespace, libc::CLONE_NEWUSER),
    ];
    namespaces.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag as u64).sum()
}

/// Maps the identities of a child in a new user namespace: all of them as they are, or only the one that it is to run as.
pub fn write_maps(pid: u32, confinement: &Confinement) -> io::Result<()> {
    if !confinement.new_user_namespace {
        return Ok(());
    }
    for (file, id) in [("uid_map", confinement.uid), ("gid_map", confinement.gid)] {
        let map = id.map_or_else(|| format!("0 0 {ALL_IDS}"), |id| format!("{id} {id} 1"));
        fs::write(format!("/proc/{pid}/{file}"), map)?;
    }
    Ok(())
}

/// In the child: makes its mount namespace a slave of the shim's, so that later mounts appear in it and none goes back.
pub fn follow_mounts(confinement: &Confinement) -> io::Result<()> {
    if !confinement.new_mount_namespace {
        return Ok(());
    }
    let none = std::ptr::null();
    // SAFETY: source, type and data may be null when propagation is set (mount(2)).
    sys::check(i64::from(unsafe { libc::mount(none, c"/".as_ptr(), none, libc::MS_SLAVE | libc::MS_REC, none.cast()) }))
        .map(drop)
}

/// In the child: takes the identity it is to run as, and gives up privileges.
pub fn take_identity(confinement: &Confinement) -> io::Result<()> {
    // The bounding set can only be cut while capabilities are there.
    if confinement.drop_capabilities {
        drop_bounding_set()?;
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
        drop_capabilities()?;
    }
    if confinement.no_new_privileges {
        // SAFETY: plain integers.
        sys::check(i64::from(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }))?;
    }
    Ok(())
}

fn drop_bounding_set() -> io::Result<()> {
    for capability in 0..64 {
        // SAFETY: plain integers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } < 0 {
            let error = io::Error::last_os_error();
            // The first number that the kernel does not know ends the set.
            return if error.raw_os_error() == Some(libc::EINVAL) { Ok(()) } else { Err(error) };
        }
    }
    Ok(())
}

/// `__user_cap_header_struct` and two `__user_cap_data_struct` of linux/capability.h, version 3.
fn drop_capabilities() -> io::Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0u32; 6];
    // SAFETY: both arrays have the size and alignment that version 3 asks for.
    unsafe {
        sys::check(i64::from(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)))?;
        sys::check(libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr())).map(drop)
    }
}
