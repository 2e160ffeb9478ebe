// SPDX-License-Identifier: Apache-2.0
//! The config.json must mean, to a runtime-spec reader, what docker's defaults mean.

use super::*;
use oci_spec::runtime::{Capability, LinuxNamespaceType, LinuxSeccompAction, Spec};

use crate::args::{Cli, Verb};
use clap::Parser;

fn config_of(line: &str, image: Value) -> Result<Spec> {
    let Verb::Run(run) = Cli::parse_from(line.split(' ')).verb else { panic!("not a run: {line}") };
    let image: Config = serde_json::from_value(image).unwrap();
    let home = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(home.path().join("etc")).unwrap();
    std::fs::write(home.path().join("etc/passwd"), "root:x:0:0::/root:\nweb:x:33:34::/srv:\n").unwrap();
    let command = command(&image, run.command())?;
    let config = config(&Wanted {
        id: "0123456789ab",
        name: "web",
        image: run.image(),
        config: &image,
        process: &run.process,
        command: &command,
        accounts: &Accounts::read(&[home.path()])?,
        network: run.network,
        volumes: &run.volume,
        memory: run.memory,
        millicpus: run.cpus,
    })?;
    // The agent reads it with the same types: what they do not know is an error there.
    Ok(serde_json::from_value(config).unwrap())
}

fn spec(line: &str, image: Value) -> Spec {
    config_of(line, image).map_err(|failure| failure.sentence).unwrap()
}

fn simple(line: &str) -> Spec {
    spec(line, json!({ "Cmd": ["/bin/sh"] }))
}

fn environment(spec: &Spec) -> Vec<String> {
    spec.process().as_ref().unwrap().env().clone().unwrap()
}

#[test]
fn the_defaults_are_dockers() {
    let spec = simple("hako run demo");
    let process = spec.process().as_ref().unwrap();
    assert_eq!((process.cwd().to_str(), process.terminal(), process.user().uid()), (Some("/"), Some(false), 0));
    assert_eq!(process.args().as_deref(), Some(&["/bin/sh".to_owned()][..]));
    let capabilities = process.capabilities().as_ref().unwrap();
    for set in [capabilities.bounding(), capabilities.effective(), capabilities.permitted()] {
        let set = set.as_ref().unwrap();
        assert_eq!(set.len(), 14);
        assert!(set.contains(&Capability::NetBindService) && !set.contains(&Capability::SysAdmin));
    }
    assert_eq!(spec.hostname().as_deref(), Some("0123456789ab"));
    let linux = spec.linux().as_ref().unwrap();
    assert_eq!(linux.cgroups_path().as_ref().unwrap().to_str(), Some("/hako/0123456789ab"));
    let kinds: Vec<_> = linux.namespaces().iter().flatten().map(|n| (n.typ(), n.path().is_some())).collect();
    for kind in
        [LinuxNamespaceType::Pid, LinuxNamespaceType::Network, LinuxNamespaceType::Mount, LinuxNamespaceType::Cgroup]
    {
        assert!(kinds.contains(&(kind, false)), "{kind:?} is not new");
    }
    assert!(linux.masked_paths().as_ref().unwrap().contains(&"/proc/kcore".to_owned()));
    assert!(linux.readonly_paths().as_ref().unwrap().contains(&"/proc/sys".to_owned()));
}

#[test]
fn the_image_gives_what_the_command_line_does_not() {
    let image = json!({
        "Entrypoint": ["/init"], "Cmd": ["serve"], "Env": ["PATH=/opt/bin", "MODE=slow"], "User": "web", "WorkingDir": "/srv",
    });
    let plain = spec("hako run demo", image.clone());
    let process = plain.process().as_ref().unwrap();
    assert_eq!(process.args().as_ref().unwrap().join(" "), "/init serve");
    assert_eq!((process.cwd().to_str(), process.user().uid(), process.user().gid()), (Some("/srv"), 33, 34));
    assert_eq!(environment(&plain), ["HOSTNAME=0123456789ab", "HOME=/srv", "PATH=/opt/bin", "MODE=slow"]);

    let asked = spec("hako run -u 1000:1001 -w /tmp -e MODE=fast -e EMPTY= -e HAKO_TEST_UNSET demo check -v", image);
    let process = asked.process().as_ref().unwrap();
    assert_eq!(process.args().as_ref().unwrap().join(" "), "/init check -v");
    assert_eq!((process.cwd().to_str(), process.user().uid(), process.user().gid()), (Some("/tmp"), 1000, 1001));
    assert_eq!(environment(&asked), ["HOSTNAME=0123456789ab", "HOME=/", "PATH=/opt/bin", "MODE=fast", "EMPTY="]);
}

#[test]
fn a_terminal_is_asked_for_with_its_kind() {
    let spec = simple("hako run -t demo");
    assert_eq!(spec.process().as_ref().unwrap().terminal(), Some(true));
    assert!(environment(&spec).contains(&"TERM=xterm".to_owned()));
}

#[test]
fn limits_become_resources() {
    let spec = simple("hako run -m 256M --cpus 1.5 demo");
    let resources = spec.linux().as_ref().unwrap().resources().as_ref().unwrap();
    assert_eq!(resources.memory().as_ref().unwrap().limit(), Some(256 << 20));
    let cpu = resources.cpu().as_ref().unwrap();
    assert_eq!((cpu.quota(), cpu.period()), (Some(150_000), Some(100_000)));
    let spec = simple("hako run demo");
    let resources = spec.linux().as_ref().unwrap().resources().as_ref().unwrap();
    assert!(resources.memory().is_none() && resources.cpu().is_none());
}

#[test]
fn volumes_come_after_the_default_mounts() {
    let spec = simple("hako run -v /tmp:/data -v /var:/var/host:ro demo");
    let mounts = spec.mounts().clone().unwrap();
    let places: Vec<_> = mounts.iter().map(|mount| mount.destination().to_str().unwrap()).collect();
    assert_eq!(places[..2], ["/proc", "/dev"]);
    assert_eq!(places[places.len() - 2..], ["/data", "/var/host"]);
    assert!(mounts.last().unwrap().options().as_ref().unwrap().contains(&"ro".to_owned()));
}

#[test]
fn the_wanted_network_is_an_annotation() {
    let network = |line| simple(line).annotations().as_ref().unwrap()["io.hako.network"].clone();
    assert_eq!(network("hako run demo"), "veth");
    assert_eq!(network("hako run --network none demo"), "none");
    assert_eq!(network("hako run --network veth demo"), "veth");
}

#[test]
fn devices_are_refused_but_for_the_harmless_ones() {
    let spec = simple("hako run demo");
    let devices = spec.linux().as_ref().unwrap().resources().as_ref().unwrap().devices().clone().unwrap();
    assert!(!devices[0].allow() && devices[0].major().is_none());
    let allowed: Vec<_> = devices[1..].iter().map(|d| (d.allow(), d.major().unwrap(), d.minor())).collect();
    assert!(allowed.contains(&(true, 1, Some(3))) && allowed.contains(&(true, 136, None)));
    assert!(allowed.iter().all(|(allow, major, _)| *allow && [1, 5, 136].contains(major)));
}

#[test]
fn seccomp_refuses_what_it_does_not_list_and_vsock() {
    let spec = simple("hako run demo");
    let seccomp = spec.linux().as_ref().unwrap().seccomp().clone().unwrap();
    assert_eq!(seccomp.default_action(), LinuxSeccompAction::ScmpActErrno);
    assert_eq!(seccomp.default_errno_ret(), Some(38));
    let rules = seccomp.syscalls().clone().unwrap();
    let sockets: Vec<_> = rules.iter().filter(|rule| rule.names().contains(&"socket".to_owned())).collect();
    assert_eq!(sockets.len(), 2);
    assert!(sockets.iter().all(|rule| rule.args().as_ref().unwrap()[0].value() == 40));
}

#[test]
fn an_image_without_a_command_needs_one() {
    let error = config_of("hako run demo", json!({})).err().unwrap();
    assert_eq!(error.sentence, "The image names no command: give one behind it.");
    assert!(config_of("hako run demo true", json!({})).is_ok());
}

#[test]
fn exec_takes_the_containers_process_and_what_is_asked() {
    let container = json!({ "process": {
        "user": { "uid": 33, "gid": 34 }, "args": ["/init"], "env": ["A=1", "B=2"], "cwd": "/srv", "terminal": true,
        "consoleSize": { "height": 1, "width": 1 }, "capabilities": { "bounding": ["CAP_KILL"] },
    }});
    let Verb::Exec(asked) = Cli::parse_from("hako exec -e B=3 -w /tmp web ls -l".split(' ')).verb else { panic!() };
    let accounts = Accounts::read(&[]).unwrap();
    let process = exec(&container, &asked.process, asked.command(), &accounts).unwrap();
    assert_eq!(process["args"], json!(["ls", "-l"]));
    assert_eq!(process["env"], json!(["A=1", "B=3"]));
    assert_eq!(
        (&process["cwd"], &process["user"]["uid"], &process["terminal"]),
        (&json!("/tmp"), &json!(33), &json!(false))
    );
    assert_eq!(process["capabilities"]["bounding"], json!(["CAP_KILL"]));
    assert!(serde_json::from_value::<oci_spec::runtime::Process>(process).is_ok());
}
