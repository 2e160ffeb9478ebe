// SPDX-License-Identifier: Apache-2.0
//! What the tests drive the real binary with: a pod in a run directory of its own, and a hakod.
#![allow(dead_code, clippy::unwrap_used)]

pub mod await_condition;
pub mod guest;

pub use await_condition::until;
use hako_protocols::shim::{Hello, HelloAck, LaunchRequest, Process};
use hako_protocols::task::DeleteResponse;
use hako_protocols::ttrpc::{Request, Response};
use hako_ttrpc::Status;
use prost::Message;
use std::collections::VecDeque;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The shim that is driven; HAKO_SHIM names another build of it.
pub fn shim() -> String {
    std::env::var("HAKO_SHIM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_containerd-shim-hako-v2").into())
}

pub const REQUEST: u8 = 1;
pub const RESPONSE: u8 = 2;
pub const HELLO: u8 = 0x80;
pub const CLOSED: u8 = 0x81;
/// For everything that is waited for.
pub const LIMIT: Duration = Duration::from_secs(20);

static PODS: AtomicU32 = AtomicU32::new(0);

/// A run directory with one pod in it; removed with all that belongs to it, also when a test fails.
pub struct Pod {
    pub root: PathBuf,
    pub run: PathBuf,
    pub bundle: PathBuf,
    pub directory: PathBuf,
    pub environment: Vec<(&'static str, String)>,
    id: String,
}

impl Pod {
    pub fn new() -> Pod {
        // SAFETY: no arguments.
        let user = unsafe { libc::geteuid() };
        assert_eq!(user, 0, "these tests mount, make cgroups and namespaces: run them as root");
        let number = PODS.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("hako-shim-{}-{number}", std::process::id()));
        let (run, bundle) = (root.join("run"), root.join("bundle"));
        fs::create_dir_all(&bundle).unwrap();
        fs::create_dir_all(&run).unwrap();
        let directory = run.join("pods/test@a1");
        Pod { root, run, bundle, directory, environment: Vec::new(), id: "a1".into() }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(shim());
        command.args(words).current_dir(&self.bundle).env("HAKO_RUN_DIR", &self.run);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn act(&self, action: &str) -> Output {
        let words =
            ["-namespace", "test", "-address", "/nowhere", "-publish-binary", "/bin/false", "-id", &self.id, action];
        self.command(&words).output().unwrap()
    }

    /// The bundle of a further container.
    pub fn member(&self, config: &str) -> PathBuf {
        let bundle = self.root.join("member");
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("config.json"), config).unwrap();
        bundle
    }

    /// An action on any container, with something on its standard input.
    pub fn act_for(&self, id: &str, bundle: &Path, action: &str, input: &[u8]) -> Output {
        let mut command = self.command(&["-namespace", "test", "-id", id, "-bundle", bundle.to_str().unwrap(), action]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    pub fn start(&self) {
        let output = self.act("start");
        assert!(output.status.success(), "start: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn delete(&self) -> DeleteResponse {
        let output = self.act("delete");
        assert!(output.status.success(), "delete: {}", String::from_utf8_lossy(&output.stderr));
        DeleteResponse::decode(&output.stdout[..]).unwrap()
    }

    /// A hakod that listens, a shim, and the link between them.
    pub fn linked(&self) -> (Hakod, Link) {
        let hakod = Hakod::listen(&self.run);
        self.start();
        let link = hakod.accept(1);
        (hakod, link)
    }

    pub fn shim_socket(&self) -> PathBuf {
        self.directory.join("shim.sock")
    }

    pub fn shim_pid(&self) -> u32 {
        let text = fs::read_to_string(self.directory.join("shim.pid")).unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    }

    pub fn kill_shim(&self) {
        let pid = self.shim_pid();
        kill(pid, libc::SIGKILL);
        until("the shim is gone", || !is_running(pid));
    }

    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    pub fn mounts(&self) -> Vec<String> {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let root = self.root.to_str().unwrap();
        table
            .lines()
            .map(|line| line.split(' ').nth(4).unwrap().to_owned())
            .filter(|target| target.starts_with(root))
            .collect()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let output = self.act("delete");
        if !std::thread::panicking() {
            assert!(output.status.success(), "delete: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(self.mounts(), Vec::<String>::new(), "mounts are left");
        }
        if self.mounts().is_empty() {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// Alive, and not merely waiting to be reaped.
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub fn kill(pid: u32, signal: i32) {
    // SAFETY: plain integers.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0);
}

pub struct Frame {
    pub connection: u32,
    pub stream: u32,
    pub kind: u8,
    pub payload: Vec<u8>,
}

/// Accepts shims as hakod does.
pub struct Hakod {
    listener: UnixListener,
}

impl Hakod {
    pub fn listen(run: &Path) -> Hakod {
        let path = run.join("shims.sock");
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(path).unwrap();
        listener.set_nonblocking(true).unwrap();
        Hakod { listener }
    }

    /// Takes a shim and its HELLO, and answers with an epoch.
    pub fn accept(&self, epoch: u64) -> Link {
        let mut link = self.accept_silently();
        link.send(0, 0, HELLO, &HelloAck { epoch, hakod_pid: std::process::id() }.encode_to_vec());
        link
    }

    pub fn accept_silently(&self) -> Link {
        let mut accepted = None;
        until("a shim connects", || {
            accepted = self.listener.accept().ok();
            accepted.is_some()
        });
        let (socket, _) = accepted.unwrap();
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let mut link = Link { socket, hello: Hello::default(), last: 0, held: VecDeque::new(), answered: Vec::new() };
        let hello = link.read();
        assert_eq!((hello.connection, hello.stream, hello.kind), (0, 0, HELLO));
        link.hello = Hello::decode(&hello.payload[..]).unwrap();
        link
    }
}

/// One shim's link.
pub struct Link {
    socket: UnixStream,
    pub hello: Hello,
    last: u32,
    held: VecDeque<Frame>,
    answered: Vec<u32>,
}

impl Link {
    pub fn send(&mut self, connection: u32, stream: u32, kind: u8, payload: &[u8]) {
        let mut bytes = connection.to_be_bytes().to_vec();
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend(stream.to_be_bytes());
        bytes.extend([kind, 0]);
        bytes.extend(payload);
        self.socket.write_all(&bytes).unwrap();
    }

    fn read(&mut self) -> Frame {
        self.try_read().expect("the shim closed the link")
    }

    /// None at the end of the link.
    fn try_read(&mut self) -> Option<Frame> {
        let mut header = [0; 14];
        if let Err(error) = self.socket.read_exact(&mut header) {
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "the shim says nothing");
            return None;
        }
        let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
        let mut payload = vec![0; number(4) as usize];
        self.socket.read_exact(&mut payload).unwrap();
        if number(0) == 0 && header[12] == RESPONSE {
            self.answered.push(number(8));
        }
        Some(Frame { connection: number(0), stream: number(8), kind: header[12], payload })
    }

    /// How many answers a stream number has had on this link.
    pub fn count(&self, stream: u32) -> usize {
        self.answered.iter().filter(|answered| **answered == stream).count()
    }

    /// Whether the shim ends the link.
    pub fn is_dropped(&mut self) -> bool {
        self.try_read().is_none()
    }

    /// The next frame of containerd's.
    pub fn relayed(&mut self) -> Frame {
        match self.held.iter().position(|frame| frame.connection > 0) {
            Some(index) => self.held.remove(index).unwrap(),
            None => loop {
                let frame = self.read();
                if frame.connection > 0 {
                    return frame;
                }
                self.held.push_back(frame);
            },
        }
    }

    /// Answers a relayed request.
    pub fn respond(&mut self, request: &Frame, payload: &[u8]) {
        let response = Response { status: None, payload: payload.to_vec() };
        self.send(request.connection, request.stream, RESPONSE, &response.encode_to_vec());
    }

    /// Refuses a relayed request.
    pub fn refuse(&mut self, request: &Frame, status: Status) {
        let response = Response { status: Some(status.into()), payload: Vec::new() };
        self.send(request.connection, request.stream, RESPONSE, &response.encode_to_vec());
    }

    /// Calls the shim and does not wait.
    pub fn ask(&mut self, method: &str, request: &impl Message) -> u32 {
        self.last = if self.last == 0 { 1 } else { self.last + 2 };
        let request = Request {
            service: "hako.shim.v1.Shim".into(),
            method: method.into(),
            payload: request.encode_to_vec(),
            timeout_nano: 0,
            metadata: Vec::new(),
        };
        self.send(0, self.last, REQUEST, &request.encode_to_vec());
        self.last
    }

    pub fn answer<A: Message + Default>(&mut self, stream: u32) -> Result<A, Status> {
        let frame = match self.held.iter().position(|frame| frame.connection == 0 && frame.stream == stream) {
            Some(index) => self.held.remove(index).unwrap(),
            None => loop {
                let frame = self.read();
                if frame.connection == 0 && frame.stream == stream {
                    break frame;
                }
                self.held.push_back(frame);
            },
        };
        let response = Response::decode(&frame.payload[..]).unwrap();
        match response.status.filter(|status| status.code != 0) {
            Some(status) => Err(status.into()),
            None => Ok(A::decode(&response.payload[..]).unwrap()),
        }
    }

    pub fn call<A: Message + Default>(&mut self, method: &str, request: &impl Message) -> Result<A, Status> {
        let stream = self.ask(method, request);
        self.answer(stream)
    }

    pub fn launch(&mut self, request: LaunchRequest) -> Result<Process, Status> {
        self.call("Launch", &request)
    }
}

/// A process of a shell script.
pub fn script(role: &str, text: &str) -> LaunchRequest {
    LaunchRequest {
        role: role.into(),
        command: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
        environment: [("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())].into(),
        output_kept: 4096,
        ..LaunchRequest::default()
    }
}
