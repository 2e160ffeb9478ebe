// SPDX-License-Identifier: Apache-2.0
//! What a guest that was taken over can do to its host, done when it is told to: only in the build for tests.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use hako_protocols::agent::event::What;
use hako_protocols::agent::{Empty, OutOfMemory};
use hako_ttrpc::Status;
use prost::Message;

use crate::agent::Agent;
use crate::lifecycle::Handled;

/// Events at a time.
const FLOOD: u64 = 1000;
/// More streams than a link has.
const STREAMS: u32 = 4096;
/// The header of a ttrpc response of 4 GiB.
const OVERSTATED: [u8; 10] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 2, 0];

impl Agent {
    pub fn misbehave(&mut self, method: &str) -> Handled {
        match method {
            "CrashGuest" => write("/proc/sysrq-trigger", b"c")?,
            "Hang" => hang(),
            "Babble" => self.babble()?,
            "Overstate" => (1..STREAMS).for_each(|stream| {
                self.control.link.write(stream, &OVERSTATED);
            }),
            "FloodEvents" => self.flooding = Some(0),
            _ => self.close_channel()?,
        }
        Ok(Some(Empty {}.encode_to_vec()))
    }

    /// In each turn, so that each acknowledgement brings more.
    pub fn flood_events(&mut self) {
        let Some(told) = self.flooding else {
            return;
        };
        let container = self.table.containers.keys().next().cloned().unwrap_or_default();
        for kills in told + 1..=told + FLOOD {
            self.events.push(What::Oom(OutOfMemory { container_id: container.clone(), kills }));
        }
        self.flooding = Some(told + FLOOD);
    }

    /// Random bytes on both ports, for ever, as fast as the host takes them.
    fn babble(&self) -> Result<(), Status> {
        let open = |error| Status::internal(format!("Nothing random to say: {error}."));
        let mut random = File::open("/dev/urandom").map_err(open)?;
        let mut bytes = vec![0; 64 * 1024];
        loop {
            random.read_exact(&mut bytes).map_err(open)?;
            for port in [&self.control.fd, &self.data.fd] {
                // What a full port does not take is left out.
                let _ = crate::sys::write(port, &bytes);
            }
        }
    }

    fn close_channel(&mut self) -> Result<(), Status> {
        for port in [&mut self.control, &mut self.data] {
            let nowhere = File::open("/dev/null").map_err(|error| Status::internal(error.to_string()))?;
            drop(std::mem::replace(&mut port.fd, OwnedFd::from(nowhere)));
        }
        hang()
    }
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn write(file: &str, bytes: &[u8]) -> Result<(), Status> {
    fs::File::options()
        .write(true)
        .open(file)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Status::internal(format!("Cannot write {file}: {error}.")))
}
