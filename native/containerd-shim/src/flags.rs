// SPDX-License-Identifier: Apache-2.0
//! The command line that containerd's shim manager uses (containerd core/runtime/v2 shim.go; flag syntax of Go's `flag`).

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Start,
    Delete,
    /// What `start` leaves behind; not for callers.
    Serve,
    Version,
    /// Say what this runtime can do.
    Info,
}

/// The parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    pub namespace: String,
    pub id: String,
    /// Of the sandbox; the working directory where it is not given.
    pub bundle: Option<String>,
    pub action: Action,
}

const KNOWN: &str = "-namespace, -id, -address, -publish-binary, -bundle, -debug, -v and -info";

impl Flags {
    /// # Errors
    /// A sentence that names the flag.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Flags, String> {
        let mut flags = Flags { namespace: String::new(), id: String::new(), bundle: None, action: Action::Version };
        let mut words = words.into_iter();
        let mut action = None;
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--").or(word.strip_prefix('-')) else {
                action = Some(action_of(&word)?);
                continue;
            };
            let (name, given) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            match name {
                // Accepted as containerd gives it: the shim has nothing more to say then.
                "debug" => {}
                "v" | "version" => return Ok(flags),
                "info" => return Ok(Flags { action: Action::Info, ..flags }),
                _ => flags.set(name, given.or_else(|| words.next()))?,
            }
        }
        flags.action = action.ok_or("No action is given: one of start and delete is needed after the flags.")?;
        Ok(flags)
    }

    fn set(&mut self, name: &str, value: Option<String>) -> Result<(), String> {
        let value = value.ok_or_else(|| format!("Flag -{name} needs a value."))?;
        match name {
            "namespace" => self.namespace = value,
            "id" => self.id = value,
            "bundle" => self.bundle = Some(value).filter(|value| !value.is_empty()),
            // containerd's own address and binary: events go by TTRPC_ADDRESS.
            "address" | "publish-binary" => {}
            _ => return Err(format!("Flag -{name} is not known; known are {KNOWN}.")),
        }
        Ok(())
    }
}

fn action_of(word: &str) -> Result<Action, String> {
    match word {
        "start" => Ok(Action::Start),
        "delete" => Ok(Action::Delete),
        "serve" => Ok(Action::Serve),
        _ => Err(format!("Action {word:?} is not known; known are start and delete.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_line_of_containerd_is_understood_in_both_spellings() {
        let wanted =
            Flags { namespace: "k8s.io".into(), id: "a1".into(), bundle: Some("/b".into()), action: Action::Delete };
        let lines = [
            "-namespace k8s.io -address /run/c.sock -publish-binary /usr/bin/containerd -id a1 -bundle /b -debug delete",
            "--id=a1 --bundle=/b --namespace=k8s.io --debug=true -address= -publish-binary=x delete",
        ];
        for line in lines {
            assert_eq!(parse(line).as_ref(), Ok(&wanted), "{line}");
        }
    }

    #[test]
    fn info_needs_nothing_else() {
        for line in ["-info", "-namespace k8s.io -id a1 --info"] {
            assert_eq!(parse(line).map(|flags| flags.action), Ok(Action::Info), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        assert_eq!(
            parse("-sandbox x start").unwrap_err(),
            "Flag -sandbox is not known; known are -namespace, -id, -address, -publish-binary, -bundle, -debug, -v and -info."
        );
        assert_eq!(parse("-id").unwrap_err(), "Flag -id needs a value.");
        assert_eq!(parse("-id a stop").unwrap_err(), "Action \"stop\" is not known; known are start and delete.");
        assert_eq!(
            parse("-id a").unwrap_err(),
            "No action is given: one of start and delete is needed after the flags."
        );
    }
}
