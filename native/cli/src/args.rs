// SPDX-License-Identifier: Apache-2.0
//! The command line.

mod refusal;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::container::check_name;
use crate::moment::Moment;
use crate::signals::Signal;
use crate::units;
use crate::volume::Volume;

pub use refusal::{Refusal, parse};

/// What the command reads of the environment, with what holds otherwise.
const ENVIRONMENT: &str = "\
Environment:
  HAKO_RUN_DIR     hakod's sockets and journals  (/run/hako)
  HAKO_STATE_DIR   images and containers         (/var/lib/hako)
  HAKO_SHIM        containerd-shim-hako-v2       (beside hako, or on PATH)
  HAKO_DEMO_IMAGE  OCI layout of the demo image  (/usr/share/hako/demo-image)";

/// Runs containers inside virtual machines.
#[derive(Debug, Parser)]
#[command(name = "hako", version, after_help = ENVIRONMENT, disable_help_subcommand = true, arg_required_else_help = false)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a command in a new container in a new virtual machine
    Run(Run),
    /// List the containers of hako run; for those of containerd and Kubernetes: hako:ps in hako shell, or crictl pods
    Ps(Ps),
    /// Run a further command in a running container
    Exec(Exec),
    /// Join the terminal to a running container's streams
    Attach(One),
    /// Print what a detached container wrote
    Logs(Logs),
    /// Send a signal to containers
    Kill(Kill),
    /// Wait until containers have ended, and print their exit codes
    Wait(Many),
    /// Stop containers: SIGTERM, and after a grace period SIGKILL
    Stop(Stop),
    /// Remove containers
    Rm(Rm),
    /// Print everything known of a container, as JSON
    Inspect(One),
    /// Print what a container costs beside its own work: processes, memory, time to start
    Overhead(Overhead),
    /// Run a shell, or a command of its tools, in a pod's virtual machine, beside its containers
    Debug(Debug),
    /// Tell what happens to pods, containers, machines and drivers, as it happens
    Events(Events),
    /// Print the figures of the node and its pods, in Prometheus' text format
    Metrics,
    /// List, swap and explain the drivers of hakod
    #[command(subcommand, arg_required_else_help = false)]
    Plugin(Plugin),
    /// Talk to hakod's Felix shell, line by line
    Shell,
    /// Say of each thing that hako needs whether it is there, and how to get it
    Doctor(Formatted),
    /// Print the versions of hako and hakod
    Version(Formatted),
}

#[derive(Debug, Args)]
#[command(override_usage = "hako run [OPTIONS] IMAGE [COMMAND]...")]
pub struct Run {
    /// Remove the container when it has ended
    #[arg(long)]
    pub rm: bool,
    #[command(flatten)]
    pub process: Process,
    /// Run in the background and print the container's id
    #[arg(short, long)]
    pub detach: bool,
    /// Name the container
    #[arg(long, value_parser = check_name)]
    pub name: Option<String>,
    /// Limit the memory, e.g. 256M
    #[arg(short, long, value_name = "SIZE", value_parser = units::memory, allow_negative_numbers = true)]
    pub memory: Option<u64>,
    /// Limit the CPUs, e.g. 1.5
    #[arg(long, value_name = "NUMBER", value_parser = units::millicpus, allow_negative_numbers = true)]
    pub cpus: Option<u64>,
    /// Show a directory or file of the host, e.g. /srv/data:/data:ro
    #[arg(short, long, value_name = "SRC:DST[:ro]")]
    pub volume: Vec<Volume>,
    /// Take what the settings file has for this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The network: veth (an interface that reaches this host only), or none (only the loopback interface)
    #[arg(long, value_enum, default_value = "veth")]
    pub network: Network,
    /// oci:DIR[:TAG] (an OCI image layout), rootfs:DIR (a plain tree), or demo; then the command, if not the image's own
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE")]
    words: Vec<String>,
}

// `words` is required, so it has a first one.
impl Run {
    pub fn image(&self) -> &str {
        &self.words[0]
    }

    pub fn command(&self) -> &[String] {
        &self.words[1..]
    }
}

/// What `run` and `exec` say of a process.
#[derive(Debug, Args)]
pub struct Process {
    /// Pass standard input on
    #[arg(short, long)]
    pub interactive: bool,
    /// Give the process a terminal
    #[arg(short, long)]
    pub tty: bool,
    /// Set an environment variable; without "=V" with the value it has here
    #[arg(short, long, value_name = "K=V", value_parser = variable)]
    pub env: Vec<String>,
    /// The directory to start in
    #[arg(short, long, value_name = "DIR", value_parser = absolute)]
    pub workdir: Option<String>,
    /// The user, by name or number, and maybe group
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Network {
    None,
    Veth,
}

#[derive(Debug, Args)]
pub struct Ps {
    /// Also containers that have ended
    #[arg(short, long)]
    pub all: bool,
    /// Print ids only
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub output: Formatted,
}

#[derive(Debug, Args)]
#[command(override_usage = "hako exec [OPTIONS] CONTAINER COMMAND...")]
pub struct Exec {
    #[command(flatten)]
    pub process: Process,
    /// Do not wait for the command
    #[arg(short, long)]
    pub detach: bool,
    /// Id, beginning of an id, or name; then the command
    #[arg(required = true, trailing_var_arg = true, value_name = "CONTAINER")]
    words: Vec<String>,
}

// As above.
impl Exec {
    pub fn container(&self) -> &str {
        &self.words[0]
    }

    pub fn command(&self) -> &[String] {
        &self.words[1..]
    }
}

#[derive(Debug, Args)]
pub struct One {
    /// Id, beginning of an id, or name
    pub container: String,
}

#[derive(Debug, Args)]
pub struct Many {
    /// Ids, beginnings of ids, or names
    #[arg(required = true)]
    pub containers: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// Go on with what is written later, until the container ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N", value_parser = units::count, allow_negative_numbers = true)]
    pub tail: Option<u32>,
    /// Id, beginning of an id, or name
    pub container: String,
}

#[derive(Debug, Args)]
pub struct Kill {
    /// The signal, by name or number
    #[arg(short, long, default_value = "KILL")]
    pub signal: Signal,
    #[command(flatten)]
    pub which: Many,
}

#[derive(Debug, Args)]
pub struct Stop {
    /// Seconds between SIGTERM and SIGKILL
    #[arg(short, long, value_name = "SECONDS", default_value = "10", value_parser = units::count, allow_negative_numbers = true)]
    pub time: u32,
    #[command(flatten)]
    pub which: Many,
}

#[derive(Debug, Args)]
pub struct Rm {
    /// Also a running container: kills it first
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub which: Many,
}

#[derive(Debug, Args)]
pub struct Overhead {
    /// Id, beginning of an id, or name
    pub container: String,
    #[command(flatten)]
    pub output: Formatted,
}

#[derive(Debug, Args)]
#[command(override_usage = "hako debug POD [COMMAND]...")]
pub struct Debug {
    /// Id, beginning of an id, or name; then a command, if it is not to be a shell
    #[arg(required = true, trailing_var_arg = true, value_name = "POD")]
    words: Vec<String>,
}

// As above.
impl Debug {
    pub fn pod(&self) -> &str {
        &self.words[0]
    }

    pub fn command(&self) -> &[String] {
        &self.words[1..]
    }
}

#[derive(Debug, Args)]
pub struct Events {
    /// Begin with what happened then: how long ago (10m, 1h30m), seconds since 1970, or RFC 3339
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// End with what happened by then; 0s: do not wait for more
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// Only type=, event=, pod= (id, beginning of an id, or name) or container=; of one key any value, of several each
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = event_filter)]
    pub filter: Vec<EventFilter>,
    #[command(flatten)]
    pub output: Formatted,
}

/// KEY=VALUE.
#[derive(Debug, Clone)]
pub struct EventFilter {
    pub key: EventKey,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKey {
    Type,
    Event,
    Pod,
    Container,
}

#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// List the drivers that are there, and what uses them
    List(Formatted),
    /// Replace a driver under running containers
    Swap {
        /// e.g. hypervisor/qemu
        #[arg(value_name = "KIND/NAME", value_parser = driver)]
        driver: Driver,
        /// The new bundle; without it hako's own again
        jar: Option<PathBuf>,
        #[command(flatten)]
        output: Formatted,
    },
    /// Say why a driver is, or is not, in use
    Why {
        /// e.g. storage/virtio-fs
        #[arg(value_name = "KIND/NAME", value_parser = driver)]
        driver: Driver,
    },
}

#[derive(Debug, Args)]
pub struct Formatted {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// KIND/NAME.
#[derive(Debug, Clone)]
pub struct Driver {
    pub kind: String,
    pub name: String,
}

fn driver(text: &str) -> Result<Driver, String> {
    match text.split_once('/') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
            Ok(Driver { kind: kind.into(), name: name.into() })
        }
        _ => Err("a driver is named KIND/NAME, e.g. hypervisor/qemu".to_owned()),
    }
}

/// As in protocols/control, Event.type.
const EVENT_TYPES: [&str; 7] = ["daemon", "pod", "machine", "container", "exec", "driver", "operator"];

fn event_filter(text: &str) -> Result<EventFilter, String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let key = match key {
        "type" => EventKey::Type,
        "event" => EventKey::Event,
        "pod" => EventKey::Pod,
        "container" => EventKey::Container,
        _ => return Err("a filter is type=, event=, pod= or container=, and a value".to_owned()),
    };
    if value.is_empty() {
        return Err("it has no value".to_owned());
    }
    if key == EventKey::Type && !EVENT_TYPES.contains(&value) {
        return Err(format!("a type is one of {}", EVENT_TYPES.join(", ")));
    }
    Ok(EventFilter { key, value: value.to_owned() })
}

fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("it must begin with \"/\"".to_owned()) }
}

fn variable(text: &str) -> Result<String, String> {
    match text.split('=').next() {
        None | Some("") => Err("a variable needs a name, e.g. MODE=fast".to_owned()),
        Some(_) => Ok(text.to_owned()),
    }
}
