// SPDX-License-Identifier: Apache-2.0
//! The messages of `protocols/*.proto`, one module each. Field documentation is in the .proto files.

/// The guest agent's interface.
pub mod agent {
    include!(concat!(env!("OUT_DIR"), "/hako.agent.v1.rs"));
}
/// The operator's interface to hakod.
pub mod control {
    include!(concat!(env!("OUT_DIR"), "/hako.control.v1.rs"));
}
/// The link between shim and hakod.
pub mod shim {
    include!(concat!(env!("OUT_DIR"), "/hako.shim.v1.rs"));
}
/// What containerd and a shim's command line tell each other through standard streams.
pub mod start {
    include!(concat!(env!("OUT_DIR"), "/containerd.start.rs"));
}
/// containerd's shim v2 Task interface.
pub mod task {
    include!(concat!(env!("OUT_DIR"), "/containerd.task.v2.rs"));
}
/// The envelope of a ttrpc call.
pub mod ttrpc {
    include!(concat!(env!("OUT_DIR"), "/ttrpc.rs"));
}
