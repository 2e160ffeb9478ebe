// SPDX-License-Identifier: Apache-2.0
use serde::Serialize;

use crate::args::Ps;
use crate::container::now;
use crate::control::Control;
use crate::failure::Result;
use crate::life::{self, Known};
use crate::places::Places;
use crate::table;
use crate::units::{show_age, show_time};

/// A container as `--format json` prints it.
#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    image: String,
    command: Vec<String>,
    created: String,
    /// creating, created, running, paused, stopped, quarantined, or lost: hakod knows of no such sandbox.
    state: String,
    /// Of a stopped container.
    exit_status: Option<u32>,
    /// Why it stopped or is quarantined, where that is not its own doing.
    reason: Option<String>,
    vmm_pid: Option<u32>,
    hypervisor: Option<String>,
    network: Option<String>,
    storage: Option<String>,
    #[serde(skip)]
    age: u64,
}

pub fn ps(places: &Places, asked: &Ps) -> Result<u8> {
    let control = Control::connect(places)?;
    let known = life::survey(places, &control)?;
    let rows: Vec<_> = known.iter().filter(|known| asked.all || !known.has_ended()).map(row).collect();
    if asked.quiet {
        table::print_text(&rows.iter().map(|row| format!("{}\n", row.id)).collect::<String>())?;
    } else {
        table::print(asked.output.format, &rows, || show(&rows))?;
    }
    Ok(0)
}

fn row(known: &Known) -> Row {
    let (meta, sandbox) = (&known.container.meta, known.sandbox.as_ref());
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Row {
        id: meta.id.clone(),
        name: meta.name.clone(),
        image: meta.image.clone(),
        command: meta.command.clone(),
        created: show_time(meta.created),
        state: known.state().to_owned(),
        exit_status: sandbox.filter(|sandbox| sandbox.state == "stopped").map(|sandbox| sandbox.exit_status),
        reason: sandbox.and_then(|sandbox| said(&sandbox.reason)),
        vmm_pid: sandbox.map(|sandbox| sandbox.vmm_pid).filter(|pid| *pid != 0),
        hypervisor: sandbox.and_then(|sandbox| said(&sandbox.hypervisor)),
        network: sandbox.and_then(|sandbox| said(&sandbox.network)),
        storage: sandbox.and_then(|sandbox| said(&sandbox.storage)),
        age: now().saturating_sub(meta.created) / 1_000_000_000,
    }
}

fn show(rows: &[Row]) -> String {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let state = match row.exit_status {
                Some(status) => format!("stopped ({status})"),
                None => row.state.clone(),
            };
            [
                row.id.clone(),
                row.image.clone(),
                shorten(&row.command.join(" ")),
                show_age(row.age),
                state,
                row.name.clone(),
            ]
        })
        .collect();
    table::columns(["CONTAINER", "IMAGE", "COMMAND", "CREATED", "STATE", "NAME"], &cells)
}

/// A command may be a whole script: its beginning, on one line.
fn shorten(command: &str) -> String {
    let mut line: String = command.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() > 30 {
        line = line.chars().take(29).chain(['…']).collect();
    }
    line
}
