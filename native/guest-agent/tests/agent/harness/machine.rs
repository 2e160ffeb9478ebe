// SPDX-License-Identifier: Apache-2.0
//! Where an agent runs: namespaces, or a virtual machine.

use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hako_protocols::agent::StatsResponse;
use hako_ttrpc::{CallError, Client, Pending, Status};
use prost::Message;

use super::await_condition::await_condition;
use super::port::{PATIENCE, Port, Stream};
use super::rootfs;

const SERVICE: &str = "hako.agent.v1.Agent";

/// Whether HAKO_TEST_GUEST names a guest image.
pub fn in_virtual_machine() -> bool {
    std::env::var_os("HAKO_TEST_GUEST").is_some()
}

/// An agent with nobody else's containers. Dropping it ends it and removes what it has left.
pub struct Agent {
    monitor: Child,
    directory: PathBuf,
    cgroup: Option<PathBuf>,
    client: Client,
    control: Port,
    data: Port,
    rootfs: String,
    tokens: AtomicU64,
}

impl Agent {
    pub fn start() -> Agent {
        assert_eq!(own_uid(), 0, "these tests make namespaces, mounts and cgroups: run them as root");
        let directory = unused_directory();
        let control = UnixListener::bind(directory.join("control")).unwrap();
        let data = UnixListener::bind(directory.join("data")).unwrap();
        let cgroup = (!in_virtual_machine()).then(|| own_cgroup(&directory));
        let (monitor, rootfs) = match &cgroup {
            Some(cgroup) => start_in_namespaces(&directory, cgroup),
            None => start_in_machine(&directory, Path::new(&std::env::var_os("HAKO_TEST_GUEST").unwrap())),
        };
        let mut monitor = Guard(Some(monitor));
        let [control, data] = [control, data].map(|listener| Port::over(accept(&listener, &mut monitor)));
        let client = Client::over(control.socket(1024)).unwrap();
        let monitor = monitor.0.take().unwrap();
        if cgroup.is_some() {
            add_links(&monitor);
        }
        Agent { monitor, directory, cgroup, client, control, data, rootfs, tokens: AtomicU64::new(1) }
    }

    /// A call that must be answered.
    pub fn call<A: Message + Default>(&self, method: &str, request: &impl Message) -> A {
        self.try_call(method, request).unwrap_or_else(|status| panic!("{method} failed: {status}"))
    }

    pub fn try_call<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A, Status> {
        self.try_call_within(method, request, PATIENCE)
    }

    pub fn try_call_within<A: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
        limit: Duration,
    ) -> Result<A, Status> {
        self.client.call(SERVICE, method, request, Some(limit)).map_err(|error| match error {
            CallError::Status(status) => status,
            CallError::Connection(error) => panic!("{method}: the agent has gone: {error}"),
        })
    }

    /// A call that is answered later.
    pub fn send<A: Message + Default>(&self, method: &str, request: &impl Message) -> Pending<A> {
        self.client.send(SERVICE, method, request, Some(PATIENCE)).unwrap()
    }

    /// A second connection.
    pub fn connect(&self) -> Client {
        Client::over(self.control.socket(1024)).unwrap()
    }

    pub fn data(&self) -> &Port {
        &self.data
    }

    /// A path in the guest.
    pub fn rootfs(&self) -> &str {
        &self.rootfs
    }

    pub fn token(&self) -> u64 {
        0xABCD_0000_0000_0000 | self.tokens.fetch_add(1, Ordering::Relaxed)
    }

    /// Presents a token on the data port.
    pub fn stream(&self, token: u64) -> Stream {
        let stream = self.data.open(1025);
        stream.write(&token.to_be_bytes());
        stream
    }

    pub fn stats(&self) -> StatsResponse {
        self.call("Stats", &hako_protocols::agent::StatsRequest::default())
    }

    /// What ip(8) says in the guest's own network namespace.
    pub fn ip(&self, arguments: &[&str]) -> String {
        if in_virtual_machine() {
            let id = format!("ip{}", self.token() & 0xffff);
            return super::Command::new(&[&["ip"], arguments].concat()).run(self, &id).finish().1;
        }
        let output = nsenter(&self.monitor).arg("ip").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for the machine (or namespace) to end by itself.
    pub fn wait_for_end(&mut self) {
        await_condition("the agent's end", || self.monitor.try_wait().unwrap());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
        if let Some(cgroup) = &self.cgroup {
            let _ = fs::write(cgroup.join("cgroup.kill"), "1");
            remove_cgroup(cgroup);
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Kills a monitor whose agent never came.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid()
}

fn unused_directory() -> PathBuf {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("hako-agent-{}-{number}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn accept(listener: &UnixListener, monitor: &mut Guard) -> UnixStream {
    listener.set_nonblocking(true).unwrap();
    await_condition("the agent's connection", || {
        let ended = monitor.0.as_mut().and_then(|child| child.try_wait().unwrap());
        assert!(ended.is_none(), "the agent ended before it connected: {ended:?}");
        let (socket, _) = listener.accept().ok()?;
        socket.set_nonblocking(false).unwrap();
        Some(socket)
    })
}

/// Below where this machine has its cgroup2 tree: the root of the agent's own cgroup namespace.
fn own_cgroup(directory: &Path) -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let tree = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|fields| fields[2] == "cgroup2");
    let tree = tree.expect("the tests need a mounted cgroup2 tree");
    let cgroup = Path::new(tree[1]).join(directory.file_name().unwrap());
    fs::create_dir(&cgroup).unwrap();
    cgroup
}

fn remove_cgroup(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_cgroup(&entry.path());
        }
    }
    // Killed processes take a moment to leave.
    await_condition("an empty cgroup", || fs::remove_dir(cgroup).ok());
}

fn start_in_namespaces(directory: &Path, cgroup: &Path) -> (Child, String) {
    let root = directory.join("rootfs");
    rootfs::make(&root);
    let membership = cgroup.join("cgroup.procs");
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--mount", "--net", "--uts", "--ipc", "--cgroup", "--kill-child", "--"])
        .arg(env!("CARGO_BIN_EXE_hako-agent"))
        .args([Path::new("--sockets"), &directory.join("control"), &directory.join("data")])
        .stdin(Stdio::null());
    // SAFETY: the child writes one file between fork and exec; the path was made before.
    unsafe { command.pre_exec(move || fs::write(&membership, "0")) };
    (command.spawn().expect("the tests need unshare of util-linux"), root.display().to_string())
}

/// Runs a program in the network namespace of the agent, which is the child of unshare.
fn nsenter(unshare: &Child) -> Command {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", unshare.id())).unwrap();
    let mut command = Command::new("nsenter");
    command.args(["--target", children.trim(), "--net", "--"]);
    command
}

/// Two links that are one wire.
fn add_links(unshare: &Child) {
    let add = "link add wire0 address 02:00:00:00:00:0a type veth peer name wire1 address 02:00:00:00:00:0b";
    let status = nsenter(unshare).arg("ip").args(add.split(' ')).status().expect("the tests need ip of iproute2");
    assert!(status.success());
}

/// Words that let a machine without KVM boot; the time stamp counter runs at the host's rate.
fn clock_words() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap();
    let mhz = info.lines().find_map(|line| line.strip_prefix("cpu MHz")?.split(':').nth(1)?.trim().parse::<f64>().ok());
    let khz = (mhz.unwrap_or(2_000.0) * 1000.0) as u64;
    format!("tsc_early_khz={khz} lpj={} no_timer_check tsc=reliable", khz * 4)
}

/// Further words for the kernel's command line.
fn kernel_parameters() -> String {
    std::env::var("HAKO_TEST_KERNEL_PARAMETERS").unwrap_or_default()
}

fn start_in_machine(directory: &Path, image: &Path) -> (Child, String) {
    let initramfs = directory.join("initramfs.cpio");
    fs::copy(image.join("initramfs.cpio"), &initramfs).unwrap();
    rootfs::make(&directory.join("test-rootfs"));
    rootfs::append_to_initramfs(&initramfs, directory, "test-rootfs");
    let words = format!(
        "console=ttyS0 quiet reboot=t panic=-1 transparent_hugepage=never random.trust_cpu=on mitigations=off {} {}",
        clock_words(),
        kernel_parameters()
    );
    let console = fs::File::create(directory.join("console")).unwrap();
    let socket = |name: &str| format!("socket,id={name},path={}", directory.join(name).display());
    let child = Command::new("qemu-system-x86_64")
        .args([
            "-M",
            "q35",
            "-bios",
            "qboot.rom",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "max",
            "-smp",
            "1",
            "-m",
            "256",
        ])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"])
        .args([Path::new("-kernel"), &image.join("vmlinux"), Path::new("-initrd"), &initramfs])
        .args(["-append", &words, "-device", "virtio-serial-pci"])
        .args(["-chardev", &socket("control"), "-device", "virtserialport,chardev=control,name=hako.control"])
        .args(["-chardev", &socket("data"), "-device", "virtserialport,chardev=data,name=hako.data"])
        .args(["-netdev", "user,id=net0,restrict=on,ipv6=off"])
        .args(["-device", "virtio-net-pci,netdev=net0,mac=02:00:00:00:00:0a,romfile="])
        .args(["-netdev", "user,id=net1,restrict=on,ipv6=off"])
        .args(["-device", "virtio-net-pci,netdev=net1,mac=02:00:00:00:00:0b,romfile="])
        .stdin(Stdio::null())
        .stdout(console)
        .spawn()
        .expect("the tests in a machine need qemu-system-x86_64");
    (child, "/test-rootfs".into())
}
