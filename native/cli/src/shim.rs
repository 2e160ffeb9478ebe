// SPDX-License-Identifier: Apache-2.0
//! The shim's command line (containerd, core/runtime/v2/README.md), as containerd uses it.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::container::Container;
use crate::failure::{Doing, Failure, Result, cause};
use crate::places::Places;
use crate::signals;

/// containerd's word for whose containers these are: the command line's own.
pub const NAMESPACE: &str = "hako";

/// Starts a container's shim, which outlives this program, and notes its address.
pub fn start(places: &Places, container: &Container) -> Result<()> {
    let output = run(places, container, "start")?;
    let address = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !address.starts_with("unix://") {
        return Err(complaint(places, "did not start", &output));
    }
    fs::write(container.bundle.join("address"), &address)
        .doing(|| format!("Writing {}/address", container.bundle.display()))
}

/// Ends whatever is left of a container's shim and virtual machine, also without hakod; repeating it does nothing.
pub fn delete(places: &Places, container: &Container) -> Result<()> {
    let output = run(places, container, "delete")?;
    if output.status.success() { Ok(()) } else { Err(complaint(places, "could not clean up", &output)) }
}

fn run(places: &Places, container: &Container, action: &str) -> Result<Output> {
    let program = places.shim();
    let mut command = Command::new(&program);
    command
        .args(["-namespace", NAMESPACE, "-address", "", "-publish-binary", "", "-id", container.id(), "-bundle"])
        .arg(&container.bundle)
        .arg(action)
        .current_dir(&container.bundle)
        .stdin(Stdio::null());
    let output = signals::unblock_in(&mut command).output();
    output.map_err(|error| {
        Failure::new(format!(
            "The shim {} cannot be run ({}): install it beside hako, or set HAKO_SHIM to its path.",
            program.display(),
            cause(&error)
        ))
    })
}

fn complaint(places: &Places, what: &str, output: &Output) -> Failure {
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .map_or_else(|| output.status.to_string(), |line| line.trim().to_owned());
    Failure::new(format!("The shim {} {what}: {}.", places.shim().display(), why.trim_end_matches('.')))
}
