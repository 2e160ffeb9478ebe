// SPDX-License-Identifier: Apache-2.0
//! Whose pod a container belongs to, by the annotations that Kubernetes' runtimes write into its bundle.

use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// containerd's CRI plugin, then CRI-O.
const SANDBOX_ID: [&str; 2] = ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"];

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    annotations: HashMap<String, String>,
}

/// The id of the sandbox that the bundle's container is a further one of; None for a container that has a sandbox of its own.
///
/// # Errors
/// A sentence, where config.json cannot be read.
pub fn sandbox_of(bundle: &Path, container: &str) -> Result<Option<String>, String> {
    let path = bundle.join("config.json");
    let failed = |error: &dyn std::fmt::Display| format!("Cannot read {}: {error}.", path.display());
    let file = match File::open(&path) {
        // The hako command starts its shim before the bundle is complete, for a container that is alone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| failed(&error))?,
    };
    let spec: Spec = serde_json::from_reader(BufReader::new(file)).map_err(|error| failed(&error))?;
    let sandbox = SANDBOX_ID.iter().find_map(|name| spec.annotations.get(*name));
    Ok(sandbox.filter(|id| *id != container).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotations_of_both_runtimes_name_the_sandbox() {
        let bundle = std::env::temp_dir().join(format!("hako-pod-of-{}", std::process::id()));
        std::fs::create_dir(&bundle).unwrap();
        let cases = [
            (r#"{"annotations":{"io.kubernetes.cri.sandbox-id":"s"}}"#, Some("s")),
            (r#"{"annotations":{"io.kubernetes.cri-o.SandboxID":"s"}}"#, Some("s")),
            (r#"{"annotations":{"io.kubernetes.cri.sandbox-id":"c"}}"#, None),
            (r#"{"process":{}}"#, None),
        ];
        for (spec, sandbox) in cases {
            std::fs::write(bundle.join("config.json"), spec).unwrap();
            assert_eq!(sandbox_of(&bundle, "c").unwrap().as_deref(), sandbox, "{spec}");
        }
        std::fs::write(bundle.join("config.json"), "{").unwrap();
        let refused = sandbox_of(&bundle, "c").unwrap_err();
        std::fs::remove_dir_all(&bundle).unwrap();
        assert!(refused.starts_with(&format!("Cannot read {}/config.json: ", bundle.display())), "{refused}");
    }
}
