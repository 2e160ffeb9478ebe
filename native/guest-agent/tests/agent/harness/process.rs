// SPDX-License-Identifier: Apache-2.0
//! Containers and processes for tests.

use std::time::Duration;

use hako_protocols::agent::{
    CreateContainerRequest, DebugRequest, DeleteRequest, Empty, ExecRequest, ListRequest, ListResponse,
    ProcessResponse, SignalRequest, StartContainerRequest, Stdio, WaitRequest, WaitResponse,
};
use hako_ttrpc::{Pending, Status};
use serde_json::{Value, json};

use super::machine::Agent;
use super::port::{PATIENCE, Stream};

const CAPABILITIES: [&str; 8] =
    ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_SETGID", "CAP_SETUID", "CAP_KILL"];

/// What is to run, and how.
pub struct Command {
    pub process: Value,
    pub linux: Value,
    pub hooks: Value,
    /// Beyond those that every container has.
    pub mounts: Vec<Value>,
    stdin: bool,
    terminal: bool,
}

impl Command {
    pub fn new(arguments: &[&str]) -> Command {
        let capabilities = json!(CAPABILITIES);
        let namespaces = ["pid", "mount", "ipc", "uts"].map(|kind| json!({ "type": kind }));
        Command {
            process: json!({
                "user": { "uid": 0, "gid": 0 }, "args": arguments, "cwd": "/", "env": ["PATH=/bin"], "noNewPrivileges": true,
                "capabilities": { "bounding": capabilities, "effective": capabilities, "permitted": capabilities },
            }),
            linux: json!({
                "namespaces": namespaces,
                "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            }),
            hooks: json!({}),
            mounts: Vec::new(),
            stdin: false,
            terminal: false,
        }
    }

    pub fn shell(script: &str) -> Command {
        Command::new(&["sh", "-c", script])
    }

    pub fn with_stdin(mut self) -> Command {
        self.stdin = true;
        self
    }

    pub fn with_terminal(mut self) -> Command {
        (self.stdin, self.terminal) = (true, true);
        self
    }

    pub fn of_user(mut self, uid: u32) -> Command {
        self.process["user"] = json!({ "uid": uid, "gid": uid });
        self
    }

    /// In the namespace of this kind that a path names.
    pub fn in_namespace(mut self, kind: &str, path: &str) -> Command {
        let namespaces = self.linux["namespaces"].as_array_mut().expect("a list");
        namespaces.retain(|namespace| namespace["type"] != kind);
        namespaces.push(json!({ "type": kind, "path": path }));
        self
    }

    pub fn mounted(mut self, kind: &str, source: &str, target: &str, options: &[&str]) -> Command {
        self.mounts.push(json!({ "type": kind, "source": source, "destination": target, "options": options }));
        self
    }

    fn spec(&self) -> Vec<u8> {
        let mount = |kind: &str, target: &str, options: &[&str]| json!({ "type": kind, "source": kind, "destination": target, "options": options });
        let mut process = self.process.clone();
        process["terminal"] = json!(self.terminal);
        let mut mounts = vec![
            mount("proc", "/proc", &[]),
            mount("tmpfs", "/dev", &["nosuid", "mode=755"]),
            mount("devpts", "/dev/pts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        ];
        mounts.extend(self.mounts.iter().cloned());
        let spec = json!({
            "ociVersion": "1.1.0", "process": process, "root": { "path": "rootfs" }, "hostname": "inside",
            "linux": self.linux, "hooks": self.hooks, "mounts": mounts,
        });
        spec.to_string().into_bytes()
    }

    fn stdio(&self, agent: &Agent) -> Stdio {
        let token = |wanted: bool| if wanted { agent.token() } else { 0 };
        Stdio {
            terminal: self.terminal,
            stdin: token(self.stdin),
            stdout: agent.token(),
            stderr: token(!self.terminal),
            rows: 24,
            columns: 80,
        }
    }

    /// Creates a container and attaches its streams.
    pub fn create<'a>(&self, agent: &'a Agent, id: &str) -> Result<Process<'a>, Status> {
        self.create_within(agent, id, PATIENCE)
    }

    pub fn create_within<'a>(&self, agent: &'a Agent, id: &str, limit: Duration) -> Result<Process<'a>, Status> {
        let stdio = self.stdio(agent);
        let request = CreateContainerRequest {
            request_key: String::new(),
            container_id: id.into(),
            spec: self.spec(),
            rootfs: agent.rootfs().into(),
            stdio: Some(stdio),
        };
        let response: ProcessResponse = agent.try_call_within("CreateContainer", &request, limit)?;
        Ok(Process::new(agent, id, "", response.pid, &stdio))
    }

    /// Creates and starts a container, and tells its tokens.
    pub fn run_with_tokens<'a>(&self, agent: &'a Agent, id: &str) -> (Process<'a>, Stdio) {
        let process = self.run(agent, id);
        let list: ListResponse = agent.call("List", &ListRequest {});
        let stdio = list.processes.iter().find(|found| found.container_id == id).and_then(|found| found.stdio);
        (process, stdio.expect("the list has the tokens"))
    }

    /// Creates and starts a container.
    pub fn run<'a>(&self, agent: &'a Agent, id: &str) -> Process<'a> {
        let process = self.create(agent, id).unwrap_or_else(|status| panic!("{id} was not created: {status}"));
        process.start().unwrap_or_else(|status| panic!("{id} was not started: {status}"));
        process
    }

    /// Starts a further process in a container.
    pub fn exec<'a>(&self, agent: &'a Agent, container: &str, exec: &str) -> Result<Process<'a>, Status> {
        self.exec_within(agent, container, exec, PATIENCE)
    }

    pub fn exec_within<'a>(
        &self,
        agent: &'a Agent,
        container: &str,
        exec: &str,
        limit: Duration,
    ) -> Result<Process<'a>, Status> {
        let stdio = self.stdio(agent);
        let request = ExecRequest {
            request_key: String::new(),
            container_id: container.into(),
            exec_id: exec.into(),
            process: self.process.to_string().into_bytes(),
            stdio: Some(stdio),
        };
        let response: ProcessResponse = agent.try_call_within("Exec", &request, limit)?;
        Ok(Process::new(agent, container, exec, response.pid, &stdio))
    }
}

/// Runs busybox, the machine's own, in the guest itself.
pub fn debug<'a>(agent: &'a Agent, exec: &str, script: &str, terminal: bool) -> Result<Process<'a>, Status> {
    let stdio = Stdio {
        terminal,
        stdin: agent.token(),
        stdout: agent.token(),
        stderr: if terminal { 0 } else { agent.token() },
        rows: 24,
        columns: 80,
    };
    let request = DebugRequest {
        request_key: String::new(),
        exec_id: exec.into(),
        program: std::fs::read("/bin/busybox").unwrap(),
        arguments: ["sh", "-c", script].map(str::to_owned).to_vec(),
        environment: vec!["PS1=guest# ".into()],
        stdio: Some(stdio),
    };
    let response: ProcessResponse = agent.try_call("Debug", &request)?;
    Ok(Process::new(agent, "", exec, response.pid, &stdio))
}

pub struct Process<'a> {
    agent: &'a Agent,
    container: String,
    exec: String,
    pub pid: u32,
    pub stdin: Option<Stream>,
    pub stdout: Stream,
    pub stderr: Option<Stream>,
}

impl<'a> Process<'a> {
    fn new(agent: &'a Agent, container: &str, exec: &str, pid: u32, stdio: &Stdio) -> Process<'a> {
        let stream = |token: u64| (token != 0).then(|| agent.stream(token));
        Process {
            agent,
            container: container.into(),
            exec: exec.into(),
            pid,
            stdin: stream(stdio.stdin),
            stdout: agent.stream(stdio.stdout),
            stderr: stream(stdio.stderr),
        }
    }

    pub fn start(&self) -> Result<Empty, Status> {
        let request = StartContainerRequest { request_key: String::new(), container_id: self.container.clone() };
        self.agent.try_call("StartContainer", &request)
    }

    pub fn stdin(&self) -> &Stream {
        self.stdin.as_ref().expect("the process has a stdin")
    }

    pub fn send_wait(&self) -> Pending<WaitResponse> {
        self.agent.send("Wait", &WaitRequest { container_id: self.container.clone(), exec_id: self.exec.clone() })
    }

    pub fn wait(&self) -> WaitResponse {
        self.send_wait().wait().unwrap_or_else(|error| panic!("{}: {error}", self.container))
    }

    /// Waits for the end and gives exit status, output and error output.
    pub fn finish(self) -> (u32, String, String) {
        let status = self.wait().exit_status;
        let text = |stream: &Stream| String::from_utf8(stream.read_all()).unwrap();
        (status, text(&self.stdout), self.stderr.as_ref().map_or_else(String::new, text))
    }

    pub fn signal(&self, signal: i32) -> Result<Empty, Status> {
        let (container_id, exec_id) = (self.container.clone(), self.exec.clone());
        let request =
            SignalRequest { request_key: String::new(), container_id, exec_id, signal: signal as u32, all: false };
        self.agent.try_call("Signal", &request)
    }

    pub fn delete(&self) -> Result<WaitResponse, Status> {
        let (container_id, exec_id) = (self.container.clone(), self.exec.clone());
        self.agent.try_call("Delete", &DeleteRequest { request_key: String::new(), container_id, exec_id })
    }
}
