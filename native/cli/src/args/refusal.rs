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
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Refusal::Refused("No command was given: hako --help lists them.".to_owned())
        }
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
        ErrorKind::InvalidSubcommand => {
            let verb = given(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!(
                "There is no command \"{verb}\"{}: hako --help lists them.",
                nearest(ContextKind::SuggestedSubcommand)
            )
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
