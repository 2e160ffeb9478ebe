// SPDX-License-Identifier: Apache-2.0
//! The Task and Control services over the processes.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use hako_protocols::{control, task};
use hako_ttrpc::{Call, Connection, Status};

use super::Behaviour;
use super::process::{Entry, Key, Processes};

#[derive(Clone)]
struct Service {
    path: PathBuf,
    behaviour: Arc<Mutex<Behaviour>>,
    processes: Arc<Processes>,
}

pub fn serve(path: &Path, behaviour: &Arc<Mutex<Behaviour>>, processes: &Arc<Processes>) {
    let listener = UnixListener::bind(path).unwrap();
    let service = Service { path: path.to_owned(), behaviour: Arc::clone(behaviour), processes: Arc::clone(processes) };
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let service = service.clone();
            thread::spawn(move || service.converse(socket));
        }
    });
}

impl Service {
    /// Answers each call from a thread of its own: Wait is parked.
    fn converse(&self, mut socket: UnixStream) {
        let connection = Arc::new(Mutex::new(Connection::default()));
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = socket.read(&mut chunk) {
            connection.lock().unwrap().receive(&chunk[..count]);
            while let Ok(Some(call)) = { connection.lock().unwrap().next_call() } {
                if call.method == self.behaviour.lock().unwrap().die_at {
                    std::fs::remove_file(&self.path).unwrap();
                    return socket.shutdown(Shutdown::Both).unwrap();
                }
                let (service, connection) = (self.clone(), Arc::clone(&connection));
                let mut socket = socket.try_clone().unwrap();
                thread::spawn(move || {
                    let answer = service.answer(&call);
                    let mut connection = connection.lock().unwrap();
                    connection.answer(call.stream, answer.map(Raw));
                    let _ = socket.write_all(&connection.take_output());
                });
            }
        }
    }

    fn answer(&self, call: &Call) -> Result<Vec<u8>, Status> {
        use prost::Message;
        let nothing = Ok(Vec::new());
        match call.method.as_str() {
            "Create" => self.create(call.decode()?),
            "Exec" => {
                let request: task::ExecProcessRequest = call.decode()?;
                let process = serde_json::from_slice(&request.spec.unwrap().value).unwrap();
                let entry = Entry::new(process, request.terminal, request.stdin, request.stdout, request.stderr);
                self.processes.create((request.id, request.exec_id), entry);
                nothing
            }
            "Start" => {
                let request: task::StartRequest = call.decode()?;
                let pid = self.processes.start(&(request.id, request.exec_id))?;
                Ok(task::StartResponse { pid }.encode_to_vec())
            }
            "Wait" => {
                let request: task::WaitRequest = call.decode()?;
                let exit_status = self.processes.wait(&(request.id, request.exec_id))?;
                Ok(task::WaitResponse { exit_status, exited_at: None }.encode_to_vec())
            }
            "Kill" => {
                let request: task::KillRequest = call.decode()?;
                self.processes.kill(&(request.id, request.exec_id), request.signal).map(|()| Vec::new())
            }
            "CloseIO" => {
                let request: task::CloseIoRequest = call.decode()?;
                self.processes.close_stdin(&(request.id, request.exec_id));
                nothing
            }
            "State" => self.state(call.decode()?),
            "Delete" => {
                let request: task::DeleteRequest = call.decode()?;
                self.processes.delete(&(request.id, request.exec_id)).map(|()| Vec::new())
            }
            "ResizePty" => {
                let request: task::ResizePtyRequest = call.decode()?;
                self.processes.resize(&(request.id, request.exec_id), request.height, request.width);
                nothing
            }
            "Shutdown" => nothing,
            "ListSandboxes" => Ok(self.list().encode_to_vec()),
            "Inspect" => self.inspect(call.decode()?),
            "Events" => Ok(self.events(call.decode()?).encode_to_vec()),
            "Doctor" => {
                let finding =
                    control::Finding { subject: "/dev/kvm".into(), level: "warning".into(), ..Default::default() };
                Ok(control::DoctorResponse { findings: vec![finding] }.encode_to_vec())
            }
            "Version" => {
                Ok(control::VersionResponse { daemon: "fake".into(), pid: 1, ..Default::default() }.encode_to_vec())
            }
            other => Err(Status::unimplemented(&call.service, other)),
        }
    }

    fn create(&self, request: task::CreateTaskRequest) -> Result<Vec<u8>, Status> {
        if let Some(status) = self.behaviour.lock().unwrap().refuse_create.clone() {
            return Err(status);
        }
        self.behaviour.lock().unwrap().options = request.options.map(|any| (any.type_url, any.value));
        let hold = self.behaviour.lock().unwrap().hold_create.take();
        if let Some((come, go)) = hold {
            come.send(()).unwrap();
            go.recv().unwrap();
        }
        let config = std::fs::read(PathBuf::from(&request.bundle).join("config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert!(request.rootfs[0].options[0].starts_with("lowerdir="), "{:?}", request.rootfs);
        let entry =
            Entry::new(config["process"].clone(), request.terminal, request.stdin, request.stdout, request.stderr);
        self.processes.create((request.id, String::new()), entry);
        Ok(Vec::new())
    }

    fn state(&self, request: task::StateRequest) -> Result<Vec<u8>, Status> {
        use prost::Message;
        let key: Key = (request.id, request.exec_id);
        let status = match self.processes.get(&key)? {
            Entry { exit: Some(_), .. } => task::Status::Stopped,
            Entry { pid: Some(_), .. } => task::Status::Running,
            _ => task::Status::Created,
        };
        Ok(task::StateResponse { id: key.0, status: status.into(), ..Default::default() }.encode_to_vec())
    }

    /// Knows one sandbox, which the command line has not made.
    fn inspect(&self, request: control::SandboxRequest) -> Result<Vec<u8>, Status> {
        use prost::Message;

        if request.sandbox != "pod1" {
            return Err(Status::not_found(format!("There is no sandbox \"{}\".", request.sandbox)));
        }
        let json = r#"{"id":"pod1","namespace":"k8s.io","bundle":"/b/pod1","settings":[]}"#.into();
        Ok(control::JsonResponse { json }.encode_to_vec())
    }

    /// Does not wait: the command line asks again.
    fn events(&self, request: control::EventsRequest) -> control::EventsResponse {
        let behaviour = self.behaviour.lock().unwrap();
        let Some(after) = request.after else {
            behaviour.listened.iter().for_each(|listened| listened.send(()).unwrap());
            let past = behaviour.events.iter().take_while(|event| event.time_ns < request.since_ns.unwrap_or(i64::MAX));
            return control::EventsResponse { next: past.count() as u64, ..Default::default() };
        };
        let from = behaviour.forgotten.max(after as usize);
        control::EventsResponse {
            events: behaviour.events[from..].to_vec(),
            next: behaviour.events.len() as u64,
            lost: from as u64 - after,
        }
    }

    fn list(&self) -> control::ListSandboxesResponse {
        let reason = self.behaviour.lock().unwrap().reason.clone();
        let sandbox = |(id, started, exit): (String, bool, Option<u32>)| control::Sandbox {
            id,
            namespace: "hako".into(),
            state: if exit.is_some() {
                "stopped"
            } else if started {
                "running"
            } else {
                "created"
            }
            .into(),
            exit_status: exit.unwrap_or(0),
            reason: if exit.is_some() { reason.clone() } else { String::new() },
            ..Default::default()
        };
        control::ListSandboxesResponse { sandboxes: self.processes.containers().into_iter().map(sandbox).collect() }
    }
}

/// An encoded message as a message.
#[derive(Debug)]
struct Raw(Vec<u8>);

impl prost::Message for Raw {
    fn encode_raw(&self, buffer: &mut impl prost::bytes::BufMut) {
        buffer.put_slice(&self.0);
    }

    fn merge_field(
        &mut self,
        _: u32,
        _: prost::encoding::WireType,
        _: &mut impl prost::bytes::Buf,
        _: prost::encoding::DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
