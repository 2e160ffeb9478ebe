// SPDX-License-Identifier: Apache-2.0
//! Launch: from a request to a running process.

use crate::child::{self, Plan};
use crate::confinement;
use crate::keeper;
use crate::record::ProcessIdentity;
use crate::serve::Shim;
use crate::sys;
use hako_protocols::shim::{Confinement, LaunchRequest, PassedFile, Process, guest_port::Port, passed_file::File};
use hako_ttrpc::{Code, Status};
use std::ffi::CString;
use std::os::fd::OwnedFd;

const MAX_FILES: usize = 64;
const OUTPUT_KEPT: std::ops::RangeInclusive<u64> = 4096..=1 << 20;

/// Files of one launch; what it made is let go if the launch fails.
#[derive(Default)]
struct Files {
    passed: Vec<OwnedFd>,
    /// Names that this launch has put into the keeper.
    made: Vec<String>,
    /// The shim's ends of guest ports.
    ports: Vec<(usize, OwnedFd)>,
}

impl Shim {
    pub fn launch(&mut self, request: LaunchRequest) -> Result<Process, Status> {
        if let Some(process) = self.supervisor.find(&request.role) {
            return Ok(process);
        }
        check(&request)?;
        let mut files = Files::default();
        let started = self
            .collect(&request.files, &mut files)
            .and_then(|()| self.start(&request, std::mem::take(&mut files.passed)));
        match started {
            Ok(process) => {
                for (port, socket) in files.ports {
                    self.attach_guest_port(port, socket);
                }
                Ok(process)
            }
            Err(status) => {
                files.made.iter().for_each(|name| self.keeper.release(name));
                self.log.say(&status.message);
                Err(status)
            }
        }
    }

    fn start(&mut self, request: &LaunchRequest, files: Vec<OwnedFd>) -> Result<Process, Status> {
        let failed = |sentence: String| {
            Status::new(
                Code::FailedPrecondition,
                format!("Launch of {} ({}): {sentence}", request.role, request.command[0]),
            )
        };
        let (read, write) = sys::pipe_from().map_err(|error| failed(format!("Cannot make a pipe: {error}.")))?;
        let cgroup = match request.cgroup.as_str() {
            "" => None,
            path => Some(crate::cgroup::Cgroup::at(path).map_err(failed)?),
        };
        let plan =
            plan(request, files, write).map_err(|error| failed(format!("A word of it has a zero byte: {error}.")))?;
        let pid = child::start(plan, cgroup.as_ref()).map_err(failed)?;
        // Present as long as it is not reaped.
        let identity = ProcessIdentity { pid, start_time: sys::start_time(pid).unwrap_or(0) };
        if let Err(error) = self.record.add_process(&request.role, identity) {
            self.log.say(&format!("Cannot record the process {}: {error}.", request.role));
        }
        self.log.say(&format!("Launched {} as process {pid}.", request.role));
        Ok(self.supervisor.add(request.role.clone(), identity, read, request.output_kept as usize))
    }

    fn collect(&mut self, wanted: &[PassedFile], files: &mut Files) -> Result<(), Status> {
        for file in wanted {
            let passed = self.obtain(file, files).map_err(Status::precondition)?;
            files.passed.push(passed);
        }
        Ok(())
    }

    /// A copy to pass of a kept file, which is made where there is none of that name.
    fn obtain(&mut self, wanted: &PassedFile, files: &mut Files) -> Result<OwnedFd, String> {
        let name = &wanted.name;
        let failed = |error: std::io::Error| format!("Cannot copy the descriptor of {name}: {error}.");
        if let Some(kept) = self.keeper.copy(name).map_err(failed)? {
            return Ok(kept);
        }
        let fresh = match &wanted.file {
            Some(File::ListeningSocket(socket)) => keeper::listen(&self.place, socket)?,
            Some(File::Memfd(memory)) => keeper::memory(name, memory.size)?,
            Some(File::TapQueue(queue)) => keeper::tap(queue)?,
            Some(File::OpenedFile(opened)) if opened.keep => keeper::open(opened)?,
            Some(File::OpenedFile(opened)) => return keeper::open(opened),
            Some(File::ConnectedSocket(socket)) => return keeper::connect(&self.place, socket),
            Some(File::GuestPort(port)) => {
                let (ours, theirs) =
                    sys::socket_pair().map_err(|error| format!("Cannot make a socket pair: {error}."))?;
                let index = if port.port() == Port::Control { crate::guest::CONTROL } else { crate::guest::DATA };
                files.ports.push((index, ours));
                return Ok(theirs);
            }
            None => return Err(format!("The file {name} does not say what it is.")),
        };
        files.made.push(name.clone());
        self.keeper.keep(name, fresh).map_err(failed)
    }
}

fn check(request: &LaunchRequest) -> Result<(), Status> {
    let LaunchRequest { role, command, output_kept, files, .. } = request;
    if role.is_empty() || role.contains(char::is_whitespace) {
        return Err(Status::invalid(format!("The role {role:?} must not be empty or have white space.")));
    }
    if !command.first().is_some_and(|program| program.starts_with('/')) {
        return Err(Status::invalid(format!(
            "The command of {role} must begin with an absolute path, it is {command:?}."
        )));
    }
    if !OUTPUT_KEPT.contains(output_kept) {
        return Err(Status::invalid(format!(
            "output_kept of {role} must be {} to {} bytes, it is {output_kept}.",
            OUTPUT_KEPT.start(),
            OUTPUT_KEPT.end()
        )));
    }
    if files.len() > MAX_FILES {
        return Err(Status::invalid(format!("{role} is given {} files, the limit is {MAX_FILES}.", files.len())));
    }
    confinement::check(role, request.confinement.as_ref().unwrap_or(&Confinement::default())).map_err(Status::invalid)
}

fn plan(request: &LaunchRequest, files: Vec<OwnedFd>, output: OwnedFd) -> Result<Plan, std::ffi::NulError> {
    let words = |words: &mut dyn Iterator<Item = String>| words.map(CString::new).collect::<Result<Vec<_>, _>>();
    let directory = if request.working_directory.is_empty() { "/" } else { &request.working_directory };
    Ok(Plan {
        program: CString::new(request.command[0].as_str())?,
        command: words(&mut request.command.iter().cloned())?,
        environment: words(&mut request.environment.iter().map(|(name, value)| format!("{name}={value}")))?,
        working_directory: CString::new(directory)?,
        files,
        input: None,
        output,
        confinement: request.confinement.clone().unwrap_or_default(),
        rlimits: request.rlimits.clone(),
        network_namespace: request.network_namespace.clone(),
        outlives_shim: false,
        outside: None,
    })
}
