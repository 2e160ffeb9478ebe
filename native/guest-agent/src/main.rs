// SPDX-License-Identifier: Apache-2.0
//! hako-agent: PID 1 of a guest. Boots it, then serves hako.agent.v1.Agent to the host over two virtio-serial ports.
//!
//! `hako-agent` is how the kernel starts it. `hako-agent --sockets CONTROL DATA`, as PID 1 of namespaces, serves over
//! two unix sockets instead: the same agent without a virtual machine, for tests. The agent runs itself again with other
//! arguments for two small tasks inside a container's namespaces (see [`pod`] and [`working_directory`]).

mod agent;
mod boot;
mod calls;
mod causes;
mod cgroups;
mod cpus;
mod debug;
mod devices;
mod events;
mod executor;
#[cfg(feature = "test-build")]
mod hostile;
mod identity;
mod jobs;
mod lifecycle;
mod limits;
mod linux_part;
mod loopback;
mod modules;
mod mounts;
mod netlink;
mod network;
mod paths;
mod plan;
mod pod;
mod poll;
mod port;
mod ports;
mod power;
mod process;
mod program;
mod reaper;
mod requests;
mod routes;
mod service;
mod sockets;
mod spec;
mod stats;
mod stdio;
mod streams;
mod sys;
mod sysctls;
mod tasks;
mod worker;
mod working_directory;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::agent::Agent;

fn main() -> io::Result<()> {
    give_memory_back();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let [working_directory::MAKER, rootfs, directory] = words[..] {
        return working_directory::make_as_hook(rootfs, directory);
    }
    if std::process::id() != 1 {
        return Err(io::Error::other("hako-agent is the first process of a guest; it must run as PID 1"));
    }
    match words[..] {
        ["--sockets", control, data] => serve_sockets(control, data),
        [pod::KEEPER] => pod::keep_pid_namespace(),
        // The kernel passes on words of its command line that it does not know.
        _ => {
            // Seen on the console. What follows is the kernel's panic, by which the host knows that the guest is dead.
            serve_ports().inspect_err(|error| eprintln!("hako-agent: {error}"))
        }
    }
}

/// Buffers come and go with the streams: those of 32 KiB and more are mapped, and unmapped when freed; below that, free
/// memory at the heap's end is returned from 16 KiB on. (glibc would keep 128 KiB, half of what the agent may use.)
fn give_memory_back() {
    // SAFETY: mallopt takes numbers; this process has one thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 10);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 16 << 10);
    }
}

fn serve_ports() -> io::Result<()> {
    boot::make_root_a_mount()?;
    boot::mount_all()?;
    boot::prepare()?;
    modules::load_all()?;
    Agent::new(ports::open("hako.control")?, ports::open("hako.data")?)?.run()?;
    // SAFETY: takes no pointers.
    sys::check(unsafe { libc::reboot(libc::RB_AUTOBOOT) }).map(drop)
}

fn serve_sockets(control: &str, data: &str) -> io::Result<()> {
    let [control, data] = [UnixStream::connect(control)?, UnixStream::connect(data)?].map(OwnedFd::from);
    boot::mount_in_namespaces()?;
    boot::prepare()?;
    Agent::new(control, data)?.run()
}
