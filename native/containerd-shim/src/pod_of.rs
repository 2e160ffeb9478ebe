// SPDX-License-Identifier: Apache-2.0
//! Whose pod a container belongs to, by the annotations that Kubernetes' runtimes write into its bundle.

use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

const CRIO: &str = "io.kubernetes.cri-o.SandboxID";
const CONTAINERD: &str = "io.kubernetes.cri.sandbox-id";

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    annotations: HashMap<String, String>,
}

/// The id of the sandbox that the bundle's container is a further one of; None for a container that has a sandbox of its own.
///
/// # Errors
/// A sentence, where config.json cannot be read, or where it names two sandboxes: each server writes its own name last, and may
/// copy the other's from the annotations that a pod's author wrote, who would choose another pod's machine by it.
pub fn sandbox_of(bundle: &Path, container: &str) -> Result<Option<String>, String> {
    let path = bundle.join("config.json");
    let failed = |error: &dyn std::fmt::Display| format!("Cannot read {}: {error}.", path.display());
    let file = match File::open(&path) {
        // The hako command starts its shim before the bundle is complete, for a container that is alone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| failed(&error))?,
    };
    let spec: Spec = serde_json::from_reader(BufReader::new(file)).map_err(|error| failed(&error))?;
    let sandbox = match (spec.annotations.get(CRIO), spec.annotations.get(CONTAINERD)) {
        (Some(one), Some(other)) if one != other => {
            return Err(format!(
                "The annotations {CRIO} and {CONTAINERD} in {} name two sandboxes, {one:?} and {other:?}; remove from the pod the one that it sets itself.",
                path.display()
            ));
        }
        (one, other) => one.or(other),
    };
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
            (r#"{"annotations":{"io.kubernetes.cri.sandbox-id":"s","io.kubernetes.cri-o.SandboxID":"s"}}"#, Some("s")),
            (r#"{"process":{}}"#, None),
        ];
        for (spec, sandbox) in cases {
            std::fs::write(bundle.join("config.json"), spec).unwrap();
            assert_eq!(sandbox_of(&bundle, "c").unwrap().as_deref(), sandbox, "{spec}");
        }
        let two = r#"{"annotations":{"io.kubernetes.cri.sandbox-id":"victim","io.kubernetes.cri-o.SandboxID":"c"}}"#;
        std::fs::write(bundle.join("config.json"), two).unwrap();
        let contradiction = sandbox_of(&bundle, "c").unwrap_err();
        std::fs::write(bundle.join("config.json"), "{").unwrap();
        let refused = sandbox_of(&bundle, "c").unwrap_err();
        std::fs::remove_dir_all(&bundle).unwrap();
        assert!(contradiction.contains(r#"name two sandboxes, "c" and "victim"; remove "#), "{contradiction}");
        assert!(refused.starts_with(&format!("Cannot read {}/config.json: ", bundle.display())), "{refused}");
    }
}
