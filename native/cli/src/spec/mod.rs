// SPDX-License-Identifier: Apache-2.0
//! A container's config.json (OCI runtime-spec 1.x), with docker's defaults.

mod seccomp;
mod user;

use std::env;
use std::path::Path;

use hako_image::Config;
use serde_json::{Value, json};

use crate::args::{Network, Process};
use crate::failure::{Failure, Result};
use crate::terminal;
use crate::volume::{self, Volume};

pub use user::Accounts;

/// What docker leaves to a container's root; everything else is dropped.
const CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];
/// All new; what the network namespace holds is hakod's to say, by the annotation io.hako.network.
const NAMESPACES: [&str; 6] = ["pid", "ipc", "uts", "mount", "cgroup", "network"];
const MASKED: [&str; 10] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
/// null, zero, full, random, urandom, tty, console, ptmx; pts are all minors of 136. Unlike docker's, the list has no
/// "mknod of anything": a node of the guest's disks or ports must not even be made.
const DEVICES: [(u32, Option<u32>); 9] = [
    (1, Some(3)),
    (1, Some(5)),
    (1, Some(7)),
    (1, Some(8)),
    (1, Some(9)),
    (5, Some(0)),
    (5, Some(1)),
    (5, Some(2)),
    (136, None),
];
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Microseconds in which a CPU limit is counted, docker's.
const CPU_PERIOD: u64 = 100_000;

/// What a container is made from.
pub struct Wanted<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub image: &'a str,
    pub config: &'a Config,
    pub process: &'a Process,
    /// Arguments of the whole command, never empty.
    pub command: &'a [String],
    pub accounts: &'a Accounts,
    pub network: Network,
    pub volumes: &'a [Volume],
    /// Bytes.
    pub memory: Option<u64>,
    pub millicpus: Option<u64>,
}

/// The whole config.json.
pub fn config(wanted: &Wanted<'_>) -> Result<Value> {
    let mounts = [default_mounts(), volume::mounts(wanted.volumes)?].concat();
    Ok(json!({
        "ociVersion": "1.0.2",
        "hostname": wanted.id,
        "annotations": {
            "io.hako.name": wanted.name,
            "io.hako.image": wanted.image,
            "io.hako.network": match wanted.network { Network::None => "none", Network::Veth => "veth" },
        },
        "root": { "path": "rootfs" },
        "process": process(wanted)?,
        "mounts": mounts,
        "linux": {
            "cgroupsPath": format!("/hako/{}", wanted.id),
            "namespaces": NAMESPACES.map(|kind| json!({ "type": kind })),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "resources": resources(wanted.memory, wanted.millicpus),
            "seccomp": seccomp::profile(),
        },
    }))
}

/// Entrypoint and command as docker combines them: a command given replaces the image's, and follows its entrypoint.
pub fn command(config: &Config, given: &[String]) -> Result<Vec<String>> {
    let entrypoint = config.entrypoint().clone().unwrap_or_default();
    let rest = if given.is_empty() { config.cmd().clone().unwrap_or_default() } else { given.to_vec() };
    let whole = [entrypoint, rest].concat();
    if whole.is_empty() {
        return Err(Failure::new("The image names no command: give one behind it."));
    }
    Ok(whole)
}

fn process(wanted: &Wanted<'_>) -> Result<Value> {
    let asked = wanted.process.user.as_deref().or(wanted.config.user().as_deref()).unwrap_or_default();
    let account = wanted.accounts.resolve(asked)?;
    let image_directory = wanted.config.working_dir().as_deref().filter(|directory| !directory.is_empty());
    let mut environment = vec![PATH.to_owned(), format!("HOSTNAME={}", wanted.id), format!("HOME={}", account.home)];
    for entry in wanted.config.env().iter().flatten() {
        set(&mut environment, entry);
    }
    let mut process = json!({
        "user": account.user,
        "args": wanted.command,
        "cwd": wanted.process.workdir.as_deref().or(image_directory).unwrap_or("/"),
        "noNewPrivileges": false,
        "capabilities": { "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES },
    });
    give_terminal(&mut process, &mut environment, wanted.process.tty);
    add_asked(&mut environment, &wanted.process.env);
    process["env"] = json!(environment);
    Ok(process)
}

/// The process of `hako exec`: the container's own, with what was asked for.
pub fn exec(container: &Value, asked: &Process, command: &[String], accounts: &Accounts) -> Result<Value> {
    let mut process = container["process"].clone();
    if !process.is_object() {
        return Err(Failure::new(
            "The container's config.json has no process: it was changed by hand, make the container anew.",
        ));
    }
    let mut environment: Vec<String> = serde_json::from_value(process["env"].take()).unwrap_or_default();
    process["args"] = json!(command);
    if let Some(directory) = &asked.workdir {
        process["cwd"] = json!(directory);
    }
    if let Some(user) = &asked.user {
        let account = accounts.resolve(user)?;
        set(&mut environment, &format!("HOME={}", account.home));
        process["user"] = account.user;
    }
    give_terminal(&mut process, &mut environment, asked.tty);
    add_asked(&mut environment, &asked.env);
    process["env"] = json!(environment);
    Ok(process)
}

fn give_terminal(process: &mut Value, environment: &mut Vec<String>, wanted: bool) {
    process["terminal"] = json!(wanted);
    if let Some(fields) = process.as_object_mut() {
        fields.remove("consoleSize");
    }
    if !wanted {
        return;
    }
    if let Some(size) = terminal::size() {
        process["consoleSize"] = json!({ "height": size.rows, "width": size.columns });
    }
    set(environment, "TERM=xterm");
}

/// `-e K=V`, or `-e K` for the value that K has here, if it has one.
fn add_asked(environment: &mut Vec<String>, asked: &[String]) {
    for entry in asked {
        match (entry.contains('='), env::var(entry)) {
            (true, _) => set(environment, entry),
            (false, Ok(value)) => set(environment, &format!("{entry}={value}")),
            (false, Err(_)) => {}
        }
    }
}

fn set(environment: &mut Vec<String>, entry: &str) {
    let key = entry.split('=').next().unwrap_or(entry);
    environment.retain(|known| known.split('=').next() != Some(key));
    environment.push(entry.to_owned());
}

fn default_mounts() -> Vec<Value> {
    let mount = |target: &str, kind: &str, source: &str, options: &str| {
        let options: Vec<_> = options.split(',').collect();
        json!({ "destination": target, "type": kind, "source": source, "options": options })
    };
    vec![
        mount("/proc", "proc", "proc", "nosuid,noexec,nodev"),
        mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
        mount("/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
        mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev"),
        mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
        mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"),
    ]
}

fn resources(memory: Option<u64>, millicpus: Option<u64>) -> Value {
    let allowed = DEVICES.map(|(major, minor)| match minor {
        Some(minor) => json!({ "allow": true, "type": "c", "major": major, "minor": minor, "access": "rwm" }),
        None => json!({ "allow": true, "type": "c", "major": major, "access": "rwm" }),
    });
    let mut devices = vec![json!({ "allow": false, "access": "rwm" })];
    devices.extend(allowed);
    let mut resources = json!({ "devices": devices });
    if let Some(limit) = memory {
        resources["memory"] = json!({ "limit": limit });
    }
    if let Some(millicpus) = millicpus {
        resources["cpu"] = json!({ "quota": millicpus * CPU_PERIOD / 1000, "period": CPU_PERIOD });
    }
    resources
}

/// Reads a bundle's config.json.
pub fn read(bundle: &Path) -> Result<Value> {
    use crate::failure::Doing;
    let path = bundle.join("config.json");
    let text = std::fs::read(&path).doing(|| format!("Reading {}", path.display()))?;
    serde_json::from_slice(&text).doing(|| format!("Reading {}", path.display()))
}

#[cfg(test)]
mod tests;
