// SPDX-License-Identifier: Apache-2.0
//! `-info`: what this runtime can do, as containerd 2.0 and later ask before the first container.

use hako_protocols::start::{RuntimeInfo, RuntimeVersion};
use prost::Message;
use prost_types::Any;
use std::io::{self, Write};

const NAME: &str = "io.containerd.hako.v2";
/// typeurl of containerd for the features of the OCI runtime-spec.
const FEATURES: &str = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";
/// containerd's mount manager leaves these to the shim (containerd core/runtime/v2/task_manager.go).
const ALLOWED_MOUNTS: (&str, &str) = ("containerd.io/runtime-allow-mounts", "bind,overlay");
/// Of a guest's own kernel, whatever the host's can do. Format: OCI runtime-spec features.md.
const OCI_FEATURES: &str = include_str!("features.json");

/// # Errors
/// A sentence.
pub fn print() -> Result<(), String> {
    let written = io::stdout().write_all(&info().encode_to_vec());
    written.map_err(|error| format!("Cannot print what this runtime can do: {error}."))
}

fn info() -> RuntimeInfo {
    RuntimeInfo {
        name: NAME.into(),
        version: Some(RuntimeVersion { version: env!("CARGO_PKG_VERSION").into() }),
        features: Some(Any { type_url: FEATURES.into(), value: OCI_FEATURES.into() }),
        annotations: [ALLOWED_MOUNTS].map(|(name, value)| (name.into(), value.into())).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_features_are_json_that_an_engine_can_read() {
        let features = info().features.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&features.value).unwrap();
        assert_eq!(json["linux"]["cgroup"]["v2"], true);
        assert_eq!(json["hooks"][1], "createRuntime");
    }
}
