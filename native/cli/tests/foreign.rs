// SPDX-License-Identifier: Apache-2.0
//! Pods that another program has made: hakod knows them, the command line looks at them.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fake;

use fake::Fake;
use serde_json::Value;

#[test]
fn a_pod_of_containerd_can_be_inspected() {
    let said = Fake::new().output(&["inspect", "pod1"]);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
    let whole: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&whole["container"], &whole["bundle"]), (&Value::Null, &"/b/pod1".into()));
    assert_eq!(whole["sandbox"]["namespace"], "k8s.io");
}

#[test]
fn what_nobody_knows_is_said_to_be_absent() {
    let said = Fake::new().output(&["inspect", "pod2"]);
    assert_eq!(said.err, "hako: There is no container \"pod2\": hako ps -a lists those there are.\n");
    assert_eq!(said.status, Some(125));
}
