// SPDX-License-Identifier: Apache-2.0
//! `containerd-shim-hako-v2`: what lives exactly as long as a pod. It holds the pod's processes, descriptors, mounts and
//! streams, relays the Task API to hakod, and knows nothing of OCI, pods or policy.

mod bind;
mod bridge;
mod cgroup;
mod child;
mod clock;
mod confinement;
mod connection;
mod cri_log;
mod delete;
mod events;
mod flags;
mod flow;
mod forward;
mod frames;
mod guest;
mod hooks;
mod info;
mod joined;
mod keeper;
mod launch;
mod limits;
mod listener;
mod logger;
mod loggers;
mod member;
mod mount_options;
mod mount_target;
mod mounter;
mod mountinfo;
mod output;
mod own_root;
mod place;
mod pod_of;
mod poll;
mod ready;
mod record;
mod relay;
mod ring;
mod serve;
mod service;
mod setup;
mod shim_log;
mod sink;
mod start;
mod stdio;
mod supervisor;
mod sys;
mod uplink;

use flags::{Action, Flags};
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = Flags::parse(std::env::args().skip(1)).and_then(|flags| match flags.action {
        Action::Version => {
            println!("containerd-shim-hako-v2 {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Action::Info => info::print(),
        Action::Start => start::run(&flags),
        Action::Delete => delete::run(&flags),
        Action::Serve => setup::run(&flags),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}
