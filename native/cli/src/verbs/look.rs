// SPDX-License-Identifier: Apache-2.0
//! The commands that only look: inspect, overhead, version.

use hako_protocols::control::OverheadResponse;
use serde_json::{Value, json};

use crate::args::{Formatted, One, Overhead};
use crate::container::Containers;
use crate::control::Control;
use crate::failure::{Doing, Result};
use crate::places::Places;
use crate::table;
use crate::units::{show_bytes, show_time};

pub fn inspect(places: &Places, asked: &One) -> Result<u8> {
    let control = Control::connect(places)?;
    let read = |text: String| serde_json::from_str(&text).doing(|| "Reading hakod's answer".into());
    let whole = match Containers::of(places).find(&asked.container) {
        Ok(container) => {
            let known = control.sandboxes()?.iter().any(|sandbox| sandbox.id == container.id());
            let sandbox = known.then(|| control.inspect(container.id())).transpose()?.map_or(Ok(Value::Null), read)?;
            let meta = serde_json::to_value(&container.meta).doing(|| "Writing JSON".into())?;
            json!({ "container": meta, "bundle": container.bundle, "sandbox": sandbox })
        }
        // Not made by this program: containerd's, as hakod knows it.
        Err(absent) => {
            let sandbox = read(control.inspect(&asked.container).map_err(|_| absent)?)?;
            json!({ "container": Value::Null, "bundle": sandbox["bundle"], "sandbox": sandbox })
        }
    };
    table::print(crate::args::Format::Json, &whole, String::new).map(|()| 0)
}

pub fn overhead(places: &Places, asked: &Overhead) -> Result<u8> {
    let control = Control::connect(places)?;
    let cost = match Containers::of(places).find(&asked.container) {
        Ok(container) => control.overhead(container.id())?,
        Err(absent) => control.overhead(&asked.container).map_err(|_| absent)?,
    };
    table::print(asked.output.format, &overhead_json(&cost), || overhead_table(&cost)).map(|()| 0)
}

fn overhead_json(cost: &OverheadResponse) -> Value {
    let processes = cost.processes.iter().map(|process| {
        json!({
            "role": process.role, "pid": process.pid, "pss_bytes": process.pss_bytes,
            "anonymous_bytes": process.anonymous_bytes, "cpu_ms": process.cpu_ms,
        })
    });
    let steps = cost.start_steps.iter().map(|step| json!({ "name": step.name, "milliseconds": step.milliseconds }));
    json!({
        "processes": processes.collect::<Vec<_>>(),
        "agent_anonymous_bytes": cost.agent_anonymous_bytes,
        "guest_memory_total_bytes": cost.guest_memory_total_bytes,
        "guest_memory_available_bytes": cost.guest_memory_available_bytes,
        "start_steps": steps.collect::<Vec<_>>(),
    })
}

fn overhead_table(cost: &OverheadResponse) -> String {
    let processes: Vec<_> = cost
        .processes
        .iter()
        .map(|p| {
            [
                p.role.clone(),
                p.pid.to_string(),
                show_bytes(p.pss_bytes),
                show_bytes(p.anonymous_bytes),
                format!("{} ms", p.cpu_ms),
            ]
        })
        .collect();
    let used = cost.guest_memory_total_bytes.saturating_sub(cost.guest_memory_available_bytes);
    let mut memory = vec![
        ["agent, anonymous".to_owned(), show_bytes(cost.agent_anonymous_bytes)],
        ["guest, total".to_owned(), show_bytes(cost.guest_memory_total_bytes)],
        ["guest, available".to_owned(), show_bytes(cost.guest_memory_available_bytes)],
        ["guest, used".to_owned(), show_bytes(used)],
    ];
    if cost.guest_memory_total_bytes == 0 {
        memory = vec![["guest".to_owned(), "it does not run".to_owned()]];
    }
    let steps: Vec<_> =
        cost.start_steps.iter().map(|step| [step.name.clone(), format!("{:.1} ms", step.milliseconds)]).collect();
    [
        table::columns(["PROCESS", "PID", "PSS", "ANONYMOUS", "CPU"], &processes),
        table::columns(["MEMORY", "SIZE"], &memory),
        table::columns(["STEP OF THE START", "TIME"], &steps),
    ]
    .join("\n")
}

pub fn metrics(places: &Places) -> Result<u8> {
    table::print_text(&Control::connect(places)?.metrics()?).map(|()| 0)
}

pub fn version(places: &Places, asked: &Formatted) -> Result<u8> {
    let own = env!("CARGO_PKG_VERSION");
    // Without hakod there is still a version to tell.
    let daemon = Control::connect(places).and_then(|control| control.version());
    let value = match &daemon {
        Ok(daemon) => json!({
            "hako": own,
            "hakod": { "version": daemon.daemon, "runtime_api": daemon.runtime_api, "pid": daemon.pid, "epoch": daemon.epoch,
                       "started": show_time(u64::try_from(daemon.started_ns).unwrap_or(0)) },
        }),
        Err(failure) => json!({ "hako": own, "hakod": Value::Null, "why": failure.sentence }),
    };
    table::print(asked.format, &value, || match &daemon {
        Ok(daemon) => format!(
            "hako        {own}\nhakod       {} (pid {})\nruntime API {}\n",
            daemon.daemon, daemon.pid, daemon.runtime_api
        ),
        Err(failure) => format!("hako        {own}\nhakod       none: {}\n", failure.sentence),
    })
    .map(|()| 0)
}
