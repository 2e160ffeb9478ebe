// SPDX-License-Identifier: Apache-2.0
//! `hako`: containers inside virtual machines, with the habits of `docker run`.
//!
//! A command line over two sockets and no state of its own in memory: each container's shim (containerd's Task
//! interface, ttrpc) and hakod's control socket. Killing it never harms a container.

mod args;
mod container;
mod control;
mod failure;
mod fifos;
mod image;
mod life;
mod log;
mod moment;
mod places;
mod poll;
mod progress;
mod session;
mod shim;
mod signals;
mod spec;
mod table;
mod task;
mod terminal;
mod units;
mod verbs;
mod volume;

use std::process::ExitCode;

use args::Refusal;
use places::Places;

fn main() -> ExitCode {
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Refusal::Shown(text)) => {
            return match table::print_text(&text) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => refuse(&failure.sentence, failure.exit),
            };
        }
        Err(Refusal::Refused(sentence)) => return refuse(&sentence, failure::OWN),
    };
    match verbs::perform(&Places::from_environment(), &cli.verb) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => refuse(&failure.sentence, failure.exit),
    }
}

fn refuse(sentence: &str, status: u8) -> ExitCode {
    failure::tell(sentence);
    ExitCode::from(status)
}
