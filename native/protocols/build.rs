// SPDX-License-Identifier: Apache-2.0
//! Compiles `protocols/*.proto` with protox, so that no `protoc` has to be installed.

use std::env;
use std::path::PathBuf;

const FILES: [&str; 6] = [
    "ttrpc/ttrpc.proto",
    "task/task.proto",
    "start/start.proto",
    "shim/shim.proto",
    "agent/agent.proto",
    "control/control.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Of this run: the compiled script may have been made from another clone.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or("Cargo sets CARGO_MANIFEST_DIR")?;
    let root = PathBuf::from(manifest).join("../../protocols");
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES.map(|file| root.join(file)), [&root])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
