// SPDX-License-Identifier: Apache-2.0
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use hako_pump::Copier;

use crate::failure::{Doing, Failure, Result, cause};
use crate::places::Places;
use crate::poll::poll;
use crate::session::advance;
use crate::terminal;

/// Joins standard input and output to the Felix shell, until it closes.
pub fn shell(places: &Places) -> Result<u8> {
    let path = places.shell_socket();
    let socket = UnixStream::connect(&path).map_err(|error| {
        Failure::new(format!(
            "hakod's shell does not answer at {} ({}): start hakod, as root.",
            path.display(),
            cause(&error)
        ))
    })?;
    let doing = || "Joining the shell".to_owned();
    if terminal::is_input() {
        // Without it the shell answers what it is told and says nothing else, as scripts want it.
        (&socket).write_all(b"hako:greet\n").doing(doing)?;
    }
    let own = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned();
    let socket_fd = || socket.as_fd().try_clone_to_owned();
    let copier = |source: std::io::Result<OwnedFd>, sink: std::io::Result<OwnedFd>| Copier::new(source?, sink?);
    let mut input = copier(own(rustix::stdio::stdin()), socket_fd()).doing(doing)?;
    let mut output = copier(socket_fd(), own(rustix::stdio::stdout())).doing(doing)?;
    let mut open = true;
    while !output.is_finished() {
        let interests: Vec<_> = input.interests().into_iter().chain(output.interests()).flatten().collect();
        let ready = poll(&interests, None).doing(doing)?;
        advance(&mut input, &ready);
        advance(&mut output, &ready);
        if open && input.is_finished() {
            open = false;
            // Fails only if the shell has closed already, which the output shows.
            let _ = socket.shutdown(Shutdown::Write);
        }
    }
    Ok(0)
}
