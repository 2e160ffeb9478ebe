// SPDX-License-Identifier: Apache-2.0
//! How the process that stays comes into being.

use crate::bridge::Bridges;
use crate::delete;
use crate::events::Events;
use crate::flags::Flags;
use crate::forward::Forward;
use crate::guest::Guest;
use crate::hooks::Hooks;
use crate::keeper::Keeper;
use crate::place::Place;
use crate::ready::Ready;
use crate::record::Record;
use crate::relay::Relay;
use crate::serve::Shim;
use crate::service::Parked;
use crate::shim_log::ShimLog;
use crate::stdio::Stdio;
use crate::supervisor::Supervisor;
use crate::sys;
use crate::uplink::Uplink;
use hako_protocols::shim::Hello;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// A containerd that rejected what `start` printed never comes, and never calls `delete` either.
const FIRST_CONNECTION_LIMIT: Duration = Duration::from_secs(30);
/// How long a request waits for hakod, where HAKO_SHIM_PATIENCE_S does not say otherwise.
const PATIENCE_S: u64 = 60;
/// What `serve` tells `start` when it can be connected to.
pub const READY: &str = "ready";

/// Sets up, tells `start`, serves until hakod says Quit.
pub fn run(flags: &Flags) -> Result<(), String> {
    // SAFETY: nothing of this process uses a descriptor above 2 yet.
    let _ = sys::check(unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) });
    let mut shim = set_up(flags)?;
    tell_start().map_err(|error| format!("Cannot answer `start`: {error}."))?;
    shim.log.say(&format!("Serves {} as process {}.", shim.place.pod.display(), std::process::id()));
    shim.serve()?;
    delete::after_quit(&shim.place, &shim.record)
}

fn tell_start() -> io::Result<()> {
    println!("{READY}");
    io::stdout().flush()?;
    let null = fs::File::options().read(true).write(true).open("/dev/null")?;
    for standard in 0..=2 {
        // SAFETY: both are open, and nothing owns the standard descriptors.
        sys::check(i64::from(unsafe { libc::dup2(null.as_raw_fd(), standard) }))?;
    }
    Ok(())
}

fn set_up(flags: &Flags) -> Result<Shim, String> {
    let place = Place::of(flags)?;
    // SAFETY: plain integers. What a container may see is made with the usual modes, whatever containerd's are.
    unsafe { libc::umask(0o022) };
    // SAFETY: no arguments. Fails only for a process group's leader, which a child of `start` is not.
    unsafe { libc::setsid() };
    std::env::set_current_dir("/").map_err(|error| format!("Cannot enter /: {error}."))?;
    rank_after_caller();
    let signals = sys::take_signals().map_err(|error| format!("Cannot take signals: {error}."))?;
    let record = Record::of(&place.pod);
    record.write_shim().map_err(|error| format!("Cannot write into {}: {error}.", place.pod.display()))?;
    let guest = Guest::new(Bridges::new(listen(&place.guest_socket())?));
    let uplink = Uplink::new(place.hakod_socket(), hello(flags, &place)?);
    let relay = Relay::new(listen(&place.shim_socket())?, patience()?);
    Ok(Shim {
        record,
        log: ShimLog::open(&place.log()),
        supervisor: Supervisor::default(),
        hooks: Hooks::default(),
        keeper: Keeper::default(),
        guest,
        forward: Forward::default(),
        stdio: Stdio::default(),
        events: Events::default(),
        parked: Parked::default(),
        ready: Ready::default(),
        uplink,
        ending: None,
        relay,
        signals,
        first_connection_by: Some(Instant::now() + FIRST_CONNECTION_LIMIT),
        trim_at: None,
        place,
    })
}

/// containerd is to outlive its shims: a shim has the score that it inherits, plus one. A score that cannot be had is no reason
/// not to start.
fn rank_after_caller() {
    const PATH: &str = "/proc/self/oom_score_adj";
    let inherited = fs::read_to_string(PATH).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let _ = inherited.map(|score| fs::write(PATH, (score + 1).min(1000).to_string()));
}

fn listen(path: &Path) -> Result<UnixListener, String> {
    let bind = || {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true).map(|()| listener)
    };
    bind().map_err(|error: io::Error| format!("Cannot listen on {}: {error}.", path.display()))
}

fn hello(flags: &Flags, place: &Place) -> Result<Hello, String> {
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    Ok(Hello {
        version: 1,
        namespace: flags.namespace.clone(),
        sandbox_id: flags.id.clone(),
        bundle: flags.bundle.clone().unwrap_or_default(),
        shim_pid: std::process::id(),
        instance: format!("{:016x}", sys::random().map_err(|error| format!("Cannot get a random number: {error}."))?),
        highest_epoch: 0,
        mount_namespace: fs::metadata("/proc/self/ns/mnt").map_or(0, |metadata| metadata.ino()),
        shim_version: env!("CARGO_PKG_VERSION").into(),
        pod_directory: place.pod.to_string_lossy().into_owned(),
        events_address: text("TTRPC_ADDRESS"),
    })
}

fn patience() -> Result<Duration, String> {
    match std::env::var("HAKO_SHIM_PATIENCE_S") {
        Err(_) => Ok(Duration::from_secs(PATIENCE_S)),
        Ok(text) => {
            let seconds = text
                .parse()
                .map_err(|_| format!("HAKO_SHIM_PATIENCE_S must be a number of seconds, it is {text:?}."))?;
            Ok(Duration::from_secs(seconds))
        }
    }
}
