// SPDX-License-Identifier: Apache-2.0
use std::path::Path;

use serde_json::json;

use crate::args::{Driver, Format, Plugin};
use crate::control::Control;
use crate::failure::{Doing, Failure, Result};
use crate::places::Places;
use crate::table;

pub fn plugin(places: &Places, asked: &Plugin) -> Result<u8> {
    let control = Control::connect(places)?;
    match asked {
        Plugin::List(output) => list(&control, output.format),
        Plugin::Swap { driver, jar, output } => swap(&control, driver, jar.as_deref(), output.format),
        Plugin::Why { driver } => {
            let lines = control.why(&driver.kind, &driver.name)?;
            table::print_text(&(lines.join("\n") + "\n")).map(|()| 0)
        }
    }
}

fn list(control: &Control, format: Format) -> Result<u8> {
    let plugins = control.plugins()?;
    let value: Vec<_> = plugins
        .iter()
        .map(|p| {
            json!({
                "kind": p.kind, "name": p.name, "bundle": p.bundle, "bundle_id": p.bundle_id, "version": p.version,
                "state": p.state, "leases": p.leases, "sandboxes": p.sandboxes,
            })
        })
        .collect();
    let rows = || -> Vec<_> {
        let row = |p: &hako_protocols::control::Plugin| {
            [
                format!("{}/{}", p.kind, p.name),
                p.version.clone(),
                p.state.clone(),
                p.leases.to_string(),
                p.bundle.clone(),
            ]
        };
        plugins.iter().map(row).collect()
    };
    table::print(format, &value, || table::columns(["DRIVER", "VERSION", "STATE", "LEASES", "BUNDLE"], &rows()))
        .map(|()| 0)
}

fn swap(control: &Control, driver: &Driver, jar: Option<&Path>, format: Format) -> Result<u8> {
    let jar = match jar {
        // hakod has another working directory.
        Some(jar) => {
            jar.canonicalize().doing(|| format!("Looking for the bundle {}", jar.display()))?.display().to_string()
        }
        None => String::new(),
    };
    let done = control.swap(&driver.kind, &driver.name, jar)?;
    let value = json!({
        "from": done.from, "to": done.to, "moved": done.moved, "pinned": done.pinned, "failed": done.failed,
        "milliseconds": done.milliseconds, "old_loader_collected": done.old_loader_collected,
    });
    table::print(format, &value, || {
        format!(
            "{} -> {}: {} moved, {} pinned, {} failed, {:.0} ms; the old code is {}.\n",
            done.from,
            done.to,
            done.moved,
            done.pinned,
            done.failed,
            done.milliseconds,
            if done.old_loader_collected { "gone" } else { "still held" }
        )
    })?;
    if done.failed > 0 {
        let (kind, name) = (&driver.kind, &driver.name);
        return Err(Failure::new(format!(
            "{} could not be moved: hako plugin why {kind}/{name} says why.",
            done.failed
        )));
    }
    Ok(0)
}
