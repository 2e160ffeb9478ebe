// SPDX-License-Identifier: Apache-2.0
//! The one sentence that answers a wrong command line.

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Cli, Verb};

/// What to say instead of running: help or version text for standard output, or the sentence of a refusal.
pub enum Refusal {
    Shown(String),
    Refused(String),
}

/// Reads the command line.
pub fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, Refusal> {
    let cli = Cli::try_parse_from(words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refusal::Shown(error.to_string()),
        _ => Refusal::Refused(sentence(&error)),
    })?;
    match &cli.verb {
        // One list of words, so that an option behind the container is the command's, cannot have two required parts.
        Verb::Exec(exec) if exec.command().is_empty() => Err(Refusal::Refused(format!(
            "Nothing says what to run in {}: hako exec CONTAINER COMMAND.",
            exec.container()
        ))),
        _ => Ok(cli),
    }
}

fn sentence(error: &clap::Error) -> String {
    let given = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let argument = given(ContextKind::InvalidArg).unwrap_or_default();
    let value = given(ContextKind::InvalidValue).unwrap_or_default();
    let nearest = |kind| given(kind).map_or_else(String::new, |near| format!("; the nearest is {near}"));
    match error.kind() {
        ErrorKind::MissingSubcommand => format!("No command was given: {} --help lists them.", asked_of(error)),
        ErrorKind::InvalidSubcommand => {
            let verb = given(ContextKind::InvalidSubcommand).unwrap_or_default();
            let near = nearest(ContextKind::SuggestedSubcommand);
            format!("There is no command \"{verb}\"{near}: {} --help lists them.", asked_of(error))
        }
        ErrorKind::UnknownArgument => {
            format!(
                "There is no option or place for \"{argument}\"{}: --help lists what there is.",
                nearest(ContextKind::SuggestedArg)
            )
        }
        ErrorKind::MissingRequiredArgument => format!("Something is missing: {argument}; --help shows the order."),
        ErrorKind::InvalidValue if value.is_empty() => format!("The option {argument} needs a value."),
        ErrorKind::InvalidValue => {
            let valid = given(ContextKind::ValidValue).map_or_else(String::new, |names| format!("; it takes {names}"));
            format!("\"{value}\" is no value for {argument}{valid}.")
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
            format!("\"{value}\" is no value for {argument}{why}.")
        }
        _ => {
            error.render().to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned() + "."
        }
    }
}

/// The command whose own commands were asked for, such as "hako plugin": its usage begins with it.
fn asked_of(error: &clap::Error) -> String {
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let words = usage.split_whitespace().skip_while(|word| *word != "hako");
    let named: Vec<_> = words.take_while(|word| !word.starts_with(['<', '['])).collect();
    if named.is_empty() { "hako".to_owned() } else { named.join(" ") }
}
