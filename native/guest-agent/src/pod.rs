// SPDX-License-Identifier: Apache-2.0
//! What the containers of a pod share: namespaces, /dev/shm, kernel settings.
//!
//! A guest is one pod's, so its own network, IPC and UTS namespaces are the pod's. Only a shared pid namespace has to be
//! made; its first process is this program again, as [`keep_pid_namespace`].

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hako_protocols::agent::{PreparePodRequest, PreparePodResponse};
use hako_ttrpc::Status;

use crate::sys::{self, check};
use crate::worker::Report;
use crate::{identity, sysctls};

/// One file per namespace; constant, so that a daemon need not remember a process.
const NAMESPACES: &str = "/run/hako/ns";
/// The tmpfs at the containers' /dev/shm.
const SHM: &str = "/run/hako/shm";
/// What a container's own /dev/shm has where nobody says (runc and containerd).
const SHM_BYTES: u64 = 64 << 20;
/// An empty directory, over which the pid namespace's first process has its root.
const EMPTY: &str = "/run/hako/empty";
/// NSFS_MAGIC of linux/magic.h.
const NAMESPACE_FILES: i64 = 0x6e73_6673;
/// The overflow user of kernel/sys.c: owns nothing.
const NOBODY: u32 = 65534;

pub fn prepare(request: &PreparePodRequest) -> Result<Report, Status> {
    let failed = |what: &str, error: io::Error| Status::internal(format!("The pod's {what} cannot be made: {error}."));
    // Two requests may come at the same time, and what one of them makes the other must find.
    let _alone = lock().map_err(|error| failed("namespaces", error))?;
    for kind in ["net", "ipc", "uts"] {
        hold(Path::new("/proc/self/ns"), kind).map_err(|error| failed("namespaces", error))?;
    }
    if request.share_processes {
        share_processes().map_err(|error| failed("pid namespace", error))?;
    }
    mount_shm(request.shm_bytes).map_err(|error| failed("/dev/shm", error))?;
    if !request.hostname.is_empty() {
        identity::set_hostname(&request.hostname).map_err(|error| failed("host name", error))?;
    }
    request.sysctls.iter().try_for_each(|(name, value)| sysctls::set(name, value))?;
    Ok(Report::default())
}

/// Where the namespaces are, once [`prepare`] has made them.
pub fn namespaces() -> PreparePodResponse {
    let path = |kind: &str| format!("{NAMESPACES}/{kind}");
    let pid = Some(path("pid")).filter(|path| is_held(Path::new(path)));
    PreparePodResponse {
        network: path("net"),
        ipc: path("ipc"),
        uts: path("uts"),
        pid: pid.unwrap_or_default(),
        shm: SHM.into(),
    }
}

/// Held until it is dropped.
fn lock() -> io::Result<File> {
    fs::create_dir_all(NAMESPACES)?;
    let file = File::create(Path::new(NAMESPACES).join("lock"))?;
    file.lock().map(|()| file)
}

fn is_held(path: &Path) -> bool {
    sys::file_system_type(path).is_ok_and(|kind| kind == NAMESPACE_FILES)
}

/// A namespace lives as long as a file is bound to it.
fn hold(of: &Path, kind: &str) -> io::Result<()> {
    let path = Path::new(NAMESPACES).join(kind);
    if is_held(&path) {
        return Ok(());
    }
    File::create(&path)?;
    sys::mount(&of.join(kind), &path, "", libc::MS_BIND, "")
}

fn share_processes() -> io::Result<()> {
    if is_held(&Path::new(NAMESPACES).join("pid")) {
        return Ok(());
    }
    // The next child becomes the namespace's first process.
    // SAFETY: takes no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWPID) })?;
    let mut first = spawn_keeper()?;
    let held = hold(&Path::new("/proc").join(first.id().to_string()).join("ns"), "pid");
    if held.is_err() {
        first.kill()?;
        first.wait()?;
    }
    held
}

fn spawn_keeper() -> io::Result<Child> {
    fs::create_dir_all(EMPTY)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0("hako-agent").arg(KEEPER).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

fn mount_shm(bytes: u64) -> io::Result<()> {
    let place = Path::new(SHM);
    fs::create_dir_all(place)?;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    let is_there = device(place)? != device(Path::new("/run/hako"))?;
    if is_there && bytes == 0 {
        return Ok(());
    }
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | if is_there { libc::MS_REMOUNT } else { 0 };
    let size = if bytes == 0 { SHM_BYTES } else { bytes };
    sys::mount(Path::new("shm"), place, "tmpfs", flags, &format!("mode=1777,size={size}"))
}

/// The argument by which this program becomes [`keep_pid_namespace`].
pub const KEEPER: &str = "--keep-pid-namespace";

/// The first process of a pod's pid namespace. The kernel reaps the orphans that it inherits, because it ignores SIGCHLD
/// (wait(2), NOTES). It can be seen from the containers, so it has nothing: no files, no privileges, no root but an empty one.
pub fn keep_pid_namespace() -> io::Result<()> {
    // SAFETY: SIG_IGN is a valid disposition; this process has one thread.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    enter_emptiness()?;
    // SAFETY: take no pointers but a live string and the null one of an empty list.
    unsafe {
        check(libc::prctl(libc::PR_SET_NAME, c"hako-agent".as_ptr()))?;
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        check(libc::setgroups(0, std::ptr::null()))?;
        check(libc::setresgid(NOBODY, NOBODY, NOBODY))?;
        check(libc::setresuid(NOBODY, NOBODY, NOBODY))?;
    }
    loop {
        // SAFETY: takes nothing.
        unsafe { libc::pause() };
    }
}

fn enter_emptiness() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    sys::mount(Path::new(""), Path::new("/"), "", libc::MS_REC | libc::MS_PRIVATE, "")?;
    let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    sys::mount(Path::new("empty"), Path::new(EMPTY), "tmpfs", flags, "size=4k,mode=555")?;
    std::env::set_current_dir(EMPTY)?;
    // The old root comes to lie over the new one (pivot_root(2), NOTES), and goes.
    // SAFETY: both are live strings.
    check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) })?;
    sys::unmount(Path::new("."), libc::MNT_DETACH)?;
    std::env::set_current_dir("/")
}
