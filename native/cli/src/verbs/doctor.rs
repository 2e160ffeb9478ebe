// SPDX-License-Identifier: Apache-2.0
use std::env;
use std::path::{Path, PathBuf};

use hako_protocols::control::Finding;
use serde_json::json;

use crate::args::Formatted;
use crate::control::Control;
use crate::failure::Result;
use crate::places::Places;
use crate::table;

const OK: &str = "ok";
const WARNING: &str = "warning";
const MISSING: &str = "missing";

/// Prints what hakod finds and what only the command line can see. Ends with 1 if something is missing.
pub fn doctor(places: &Places, asked: &Formatted) -> Result<u8> {
    let mut findings = vec![shim(places), demo_image(places)];
    match Control::connect(places).and_then(|control| control.doctor()) {
        Ok(found) => findings.extend(found),
        Err(failure) => findings.push(finding(
            "hakod",
            MISSING,
            &failure.sentence,
            "Start it, and ask again: it looks after the rest.",
        )),
    }
    let missing = findings.iter().any(|finding| finding.level == MISSING);
    let value: Vec<_> = findings
        .iter()
        .map(|f| json!({ "subject": f.subject, "level": f.level, "sentence": f.sentence, "remedy": f.remedy }))
        .collect();
    table::print(asked.format, &value, || findings.iter().map(show).collect())?;
    Ok(u8::from(missing))
}

fn show(finding: &Finding) -> String {
    let Finding { subject, level, sentence, remedy } = finding;
    let remedy = if remedy.is_empty() || level == OK { String::new() } else { format!("         {remedy}\n") };
    format!("{level:<8} {subject}: {sentence}\n{remedy}")
}

fn shim(places: &Places) -> Finding {
    let program = places.shim();
    match on_path(&program) {
        Some(path) => finding("shim", OK, &format!("{} is there.", path.display()), ""),
        None => finding(
            "shim",
            MISSING,
            &format!("{} is not there, and without it no container starts.", program.display()),
            "Install it beside hako, or set HAKO_SHIM to its path.",
        ),
    }
}

fn demo_image(places: &Places) -> Finding {
    let layout = places.demo_image();
    if layout.join("oci-layout").is_file() {
        return finding("demo image", OK, &format!("{} is there.", layout.display()), "");
    }
    let sentence = format!("{} is not there: \"hako run demo\" will not work, other images will.", layout.display());
    finding(
        "demo image",
        WARNING,
        &sentence,
        "Make it (demo-image/build --output DIR), or set HAKO_DEMO_IMAGE to its directory.",
    )
}

/// Where a program is found, as execvp(3) does.
fn on_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return Some(program.to_owned()).filter(|path| path.is_file());
    }
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(program)).find(|path| path.is_file())
}

fn finding(subject: &str, level: &str, sentence: &str, remedy: &str) -> Finding {
    Finding {
        subject: subject.to_owned(),
        level: level.to_owned(),
        sentence: sentence.to_owned(),
        remedy: remedy.to_owned(),
    }
}
