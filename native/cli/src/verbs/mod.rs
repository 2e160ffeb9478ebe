// SPDX-License-Identifier: Apache-2.0
//! One function for each command: what it prints is printed, the exit status is returned.

mod attach;
mod debug;
mod doctor;
mod end;
mod events;
mod exec;
mod logs;
mod look;
mod plugin;
mod ps;
mod run;
mod shell;

use crate::args::Verb;
use crate::failure::Result;
use crate::places::Places;

pub fn perform(places: &Places, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Run(asked) => run::run(places, asked),
        Verb::Ps(asked) => ps::ps(places, asked),
        Verb::Exec(asked) => exec::exec(places, asked),
        Verb::Attach(asked) => attach::attach(places, asked),
        Verb::Logs(asked) => logs::logs(places, asked),
        Verb::Kill(asked) => end::kill(places, asked),
        Verb::Wait(asked) => end::wait(places, asked),
        Verb::Stop(asked) => end::stop(places, asked),
        Verb::Rm(asked) => end::rm(places, asked),
        Verb::Inspect(asked) => look::inspect(places, asked),
        Verb::Overhead(asked) => look::overhead(places, asked),
        Verb::Debug(asked) => debug::debug(places, asked),
        Verb::Events(asked) => events::events(places, asked),
        Verb::Metrics => look::metrics(places),
        Verb::Plugin(asked) => plugin::plugin(places, asked),
        Verb::Shell => shell::shell(places),
        Verb::Doctor(asked) => doctor::doctor(places, asked),
        Verb::Version(asked) => look::version(places, asked),
    }
}
