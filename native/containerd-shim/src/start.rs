// SPDX-License-Identifier: Apache-2.0
//! `start`: makes the pod's directory, leaves a serving process behind, prints its address and nothing else, since containerd
//! reads standard output and error together.

use crate::flags::Flags;
use crate::place::Place;
use crate::pod_of::sandbox_of;
use crate::setup::READY;
use hako_protocols::start::BootstrapParams;
use prost::Message;
use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, IsTerminal, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `serve` reads of the environment. The rest would stay on its stack.
const ENVIRONMENT: [&str; 3] = ["HAKO_RUN_DIR", "HAKO_SHIM_PATIENCE_S", "TTRPC_ADDRESS"];
/// `serve` sleeps most of the time: glibc is to keep no freed memory at hand, which would hold on to the pages that it lies in
/// (GNU C Library manual, "Memory Allocation Tunables").
const ALLOCATOR: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0");
/// Options of a runtime are far smaller.
const MAX_INPUT: u64 = 4 << 20;

/// # Errors
/// A sentence; nothing is left behind then.
pub fn run(flags: &Flags) -> Result<(), String> {
    let bundle = bundle(flags)?;
    let (place, is_member) = match sandbox_of(&bundle, &flags.id)? {
        Some(sandbox) => (Place::of(&Flags { id: sandbox, ..flags.clone() })?, true),
        None => (Place::of(flags)?, false),
    };
    let socket = place.shim_socket();
    match UnixStream::connect(&socket) {
        Ok(_) => {}
        Err(error) if is_member => {
            return Err(format!(
                "Cannot connect to the shim of the sandbox that container {} belongs to, {}: {error}; make the pod anew.",
                flags.id,
                socket.display()
            ));
        }
        Err(_) => {
            make_directory(&place)?;
            leave_serving(flags, &bundle).inspect_err(|_| drop(fs::remove_dir_all(&place.pod)))?;
        }
    }
    let address = format!("unix://{}", socket.display());
    // containerd 1.6 and 1.7 look for it there after a restart.
    fs::write(bundle.join("address"), &address)
        .map_err(|error| format!("Cannot write {}/address: {error}.", bundle.display()))?;
    print!("{}", reply(&address));
    Ok(())
}

/// Every containerd takes the plain address, for version 2 of the Task API (core/runtime/v2/shim.go). With version 3 a pod's
/// further containers need no `start`; who gives BootstrapParams understands the answer for it.
fn reply(address: &str) -> String {
    if asked_by_bootstrap_params() {
        format!(r#"{{"version":3,"address":"{address}","protocol":"ttrpc"}}"#)
    } else {
        address.to_owned()
    }
}

/// Standard input is BootstrapParams, an Any or nothing. Never waits for a person to type.
fn asked_by_bootstrap_params() -> bool {
    let mut input = Vec::new();
    if io::stdin().is_terminal() || io::stdin().take(MAX_INPUT).read_to_end(&mut input).is_err() {
        return false;
    }
    BootstrapParams::decode(&input[..]).is_ok_and(|parameters| !parameters.containerd_version.is_empty())
}

fn bundle(flags: &Flags) -> Result<PathBuf, String> {
    match &flags.bundle {
        Some(bundle) => Ok(bundle.into()),
        None => env::current_dir().map_err(|error| format!("Cannot find the bundle, the working directory: {error}.")),
    }
}

fn make_directory(place: &Place) -> Result<(), String> {
    let private = |path: &Path, recursive: bool| DirBuilder::new().mode(0o700).recursive(recursive).create(path);
    let failed = |path: &Path, error: io::Error| format!("Cannot make the directory {}: {error}.", path.display());
    let pods = place.run.join("pods");
    private(&pods, true).map_err(|error| failed(&pods, error))?;
    private(&place.pod, false).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!(
            "The directory {} is left from a shim that is dead; run this program with the same -namespace and -id and the action delete first.",
            place.pod.display()
        ),
        _ => failed(&place.pod, error),
    })
}

/// Starts `serve` and waits until it can be connected to.
fn leave_serving(flags: &Flags, bundle: &Path) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| format!("Cannot find this program: {error}."))?;
    let (mut answer, told) = UnixStream::pair().map_err(|error| format!("Cannot make a socket pair: {error}."))?;
    let (out, err) = (
        OwnedFd::from(told.try_clone().map_err(|error| format!("Cannot copy a descriptor: {error}."))?),
        OwnedFd::from(told),
    );
    let mut command = Command::new(&program);
    command.args(["-namespace", &flags.namespace, "-id", &flags.id, "-bundle"]).arg(bundle);
    command.env_clear().envs(ENVIRONMENT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command.env(ALLOCATOR.0, ALLOCATOR.1);
    command.arg("serve").stdin(Stdio::null()).stdout(out).stderr(err);
    let started = command.spawn().map_err(|error| format!("Cannot start {}: {error}.", program.display()))?;
    // The command holds the writing ends too.
    drop(command);
    // It outlives this process, which never waits for it.
    drop(started);
    let mut said = String::new();
    answer.read_to_string(&mut said).map_err(|error| format!("Cannot read what the serving process says: {error}."))?;
    match said.trim() {
        READY => Ok(()),
        "" => Err("The serving process ended without a word.".into()),
        sentence => Err(sentence.into()),
    }
}
