// SPDX-License-Identifier: Apache-2.0
use hako_protocols::control::steer_debug_request::What;
use hako_protocols::control::{AwaitDebugResponse, DebugRequest, Window};

use crate::args::Debug;
use crate::container::{Containers, random_hex};
use crate::control::{self, Control};
use crate::failure::{Doing, Result};
use crate::fifos::Fifos;
use crate::places::Places;
use crate::session::{Ended, Session, Steering};
use crate::signals::{Signal, Signals};
use crate::terminal::{self, Size};
use crate::verbs::run::{raw_if, status_byte};

/// Joins a program of hakod's in the guest itself. It ends with this one, whatever ends this.
pub fn debug(places: &Places, asked: &Debug) -> Result<u8> {
    control::require(places)?;
    // One of hako's own by any unique beginning of its id; else hakod knows it.
    let sandbox = Containers::of(places)
        .find(asked.pod())
        .map_or_else(|_| asked.pod().to_owned(), |container| container.id().to_owned());
    let signals = Signals::catch().doing(|| "Catching signals".into())?;
    let control = Control::connect(places)?;
    let terminal = terminal::is_input() && terminal::is_output();
    let session = random_hex(16)?;
    let directory = places.debug_session(&session);
    let fifos = Fifos::of(&directory, true, terminal);
    let joined = fifos.make().and_then(|()| {
        let outputs = fifos.outputs()?;
        control.debug(&request(asked, &sandbox, &session, &fifos, terminal))?;
        Ok((outputs, fifos.input()?))
    });
    // Everybody has them open, or never will: no name is left, however this program ends.
    let removed = hako_image::remove_tree(&directory).doing(|| format!("Removing {}", directory.display()));
    let (outputs, input) = joined?;
    removed?;
    let exit = control.await_debug(&session)?;
    let _raw = raw_if(terminal)?;
    let program = Program { control: &control, session: &session };
    Session::new(&program, &signals, terminal).joined(input, outputs).run(exit).map(status_byte)
}

fn request(asked: &Debug, sandbox: &str, session: &str, fifos: &Fifos, terminal: bool) -> DebugRequest {
    let (stdio, size) = (fifos.stdio(), terminal::size());
    DebugRequest {
        sandbox: sandbox.to_owned(),
        session: session.to_owned(),
        arguments: arguments(asked.command()),
        environment: environment(sandbox),
        terminal,
        stdin: stdio.stdin,
        stdout: stdio.stdout,
        stderr: stdio.stderr,
        rows: size.map_or(0, |size| size.rows.into()),
        columns: size.map_or(0, |size| size.columns.into()),
    }
}

/// The program is a shell; a command is given to it as words, so that none is read as more than it is.
fn arguments(command: &[String]) -> Vec<String> {
    let shell = if command.is_empty() { &["sh"] as &[&str] } else { &["sh", "-c", "\"$@\"", "sh"] };
    shell.iter().map(|word| (*word).to_owned()).chain(command.iter().cloned()).collect()
}

fn environment(sandbox: &str) -> Vec<String> {
    let terminal = std::env::var("TERM").unwrap_or_else(|_| "linux".to_owned());
    let paths = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    vec![paths.to_owned(), "HOME=/".to_owned(), format!("TERM={terminal}"), format!("PS1=guest of {sandbox}:\\w# ")]
}

struct Program<'a> {
    control: &'a Control,
    session: &'a str,
}

impl Steering for Program<'_> {
    fn kill_later(&self, signal: Signal) {
        self.control.steer_debug_later(self.session, What::Signal(signal.0));
    }

    fn resize_later(&self, size: Size) {
        let window = Window { rows: size.rows.into(), columns: size.columns.into() };
        self.control.steer_debug_later(self.session, What::Window(window));
    }

    fn close_stdin_later(&self) {
        self.control.steer_debug_later(self.session, What::CloseInput(true));
    }
}

impl Ended for AwaitDebugResponse {
    fn exit_status(&self) -> u32 {
        self.exit_status
    }
}
