// SPDX-License-Identifier: Apache-2.0
//! What a container sees of file systems, and what is said of those that it cannot have.

use serde_json::json;

use crate::harness::{Agent, Command};

fn refusal(agent: &Agent, command: &Command) -> String {
    command.create(agent, "web").err().expect("refused").message
}

#[test]
fn a_mount_that_cannot_be_made_is_told_with_its_cause() {
    let agent = Agent::start();
    let message = |kind: &str, source: &str, target: &str, option: &str| {
        refusal(&agent, &Command::new(&["true"]).mounted(kind, source, target, &[option]))
    };
    let onto_file = message("bind", "/proc/self", "/etc/passwd", "rbind");
    assert!(onto_file.contains("failed to mount /etc/passwd: ") && onto_file.contains("O_DIRECTORY"), "{onto_file}");
    let absent = message("bind", "/absent", "/mnt", "rbind");
    assert!(absent.contains("/mnt") && absent.contains("\"/absent\": No such file"), "{absent}");
    assert_eq!(
        message("tmpfs", "tmpfs", "/mnt", "size=banana"),
        "Container web cannot be created: failed to prepare rootfs: failed to mount /mnt: syscall (EINVAL)."
    );
}

#[test]
fn a_working_directory_that_is_missing_is_made() {
    let agent = Agent::start();
    for (round, directory) in ["/made/in/image", "/volume/made/below", "/volume"].into_iter().enumerate() {
        let mut command = Command::shell("pwd; stat -c '%a %u' .").mounted("tmpfs", "tmpfs", "/volume", &["mode=755"]);
        command = command.of_user(1000);
        command.process["cwd"] = json!(directory);
        let (status, out, err) = command.run(&agent, &format!("web{round}")).finish();
        assert_eq!((status, out), (0, format!("{directory}\n755 0\n")), "{err}");
    }
}

#[test]
fn a_working_directory_that_cannot_be_is_named() {
    let agent = Agent::start();
    let mut command = Command::new(&["true"]);
    for directory in ["/etc/passwd", "/etc/passwd/below"] {
        command.process["cwd"] = json!(directory);
        assert_eq!(
            refusal(&agent, &command),
            format!(
                "The working directory {directory} of container web cannot be made: Not a directory (os error 20)."
            )
        );
    }
    command.process["cwd"] = json!("relative");
    assert_eq!(
        refusal(&agent, &command),
        "The working directory of container web must be an absolute path, \"relative\" is not."
    );
}

#[test]
fn volumes_in_memory_have_their_size() {
    let agent = Agent::start();
    let script = "head -c 2097152 /dev/zero > /dev/shm/x; head -c 2097152 /dev/zero > /volume/x; ls -l /dev/shm/x /volume/x | awk '{print $5}'";
    let command = Command::shell(script)
        .mounted("tmpfs", "shm", "/dev/shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=1024k"])
        .mounted("tmpfs", "tmpfs", "/volume", &["size=3m"]);
    let (_, out, err) = command.run(&agent, "web").finish();
    assert_eq!((out.as_str(), err.matches("head: ").count()), ("1048576\n2097152\n", 1), "{err}");
}

/// Those that containerd gives every container of a pod.
#[test]
fn the_usual_mounts_are_there() {
    let agent = Agent::start();
    let script = "grep -E ' (/sys|/dev/mqueue|/run|/sys/fs/cgroup) ' /proc/self/mounts | cut -d ' ' -f 2,3; \
                  touch /sys/x || touch /sys/fs/cgroup/x || cat /proc/self/cgroup | grep '^0:'";
    let command = Command::shell(script)
        .mounted("mqueue", "mqueue", "/dev/mqueue", &["nosuid", "noexec", "nodev"])
        .mounted("sysfs", "sysfs", "/sys", &["nosuid", "noexec", "nodev", "ro"])
        .mounted("cgroup", "cgroup", "/sys/fs/cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"])
        .mounted("tmpfs", "tmpfs", "/run", &["nosuid", "strictatime", "mode=755", "size=65536k"]);
    let (_, out, err) = command.run(&agent, "web").finish();
    let expected = "/dev/mqueue mqueue\n/sys sysfs\n/sys/fs/cgroup cgroup2\n/run tmpfs\n0::/\n";
    assert_eq!((out.as_str(), err.matches("Read-only file system").count()), (expected, 2), "{err}");
}

#[test]
fn paths_are_masked_and_made_read_only() {
    let agent = Agent::start();
    let mut command = Command::shell("cat /etc/passwd; ls /root; touch /tmp/x; cat /proc/keys; echo done");
    command.linux["maskedPaths"] = json!(["/etc/passwd", "/root", "/proc/keys", "/absent"]);
    command.linux["readonlyPaths"] = json!(["/tmp", "/absent"]);
    let (_, out, err) = command.run(&agent, "web").finish();
    assert_eq!((out.as_str(), err.matches("Read-only file system").count()), ("done\n", 1), "{err}");
}

#[test]
fn what_is_mounted_inside_does_not_come_out() {
    let agent = Agent::start();
    for (round, propagation) in ["rprivate", "rslave"].into_iter().enumerate() {
        let mut command = Command::shell("busybox mount -t tmpfs x /volume && grep -c ' /volume' /proc/self/mountinfo")
            .mounted("bind", "/run/hako", "/volume", &["rbind", propagation, "rw"]);
        for set in ["bounding", "effective", "permitted"] {
            command.process["capabilities"][set] = json!(["CAP_SYS_ADMIN"]);
        }
        let (status, out, err) = command.run(&agent, &format!("web{round}")).finish();
        assert_eq!((status, out.as_str()), (0, "2\n"), "{err}");
        assert!(
            Command::new(&["true"]).run(&agent, &format!("after{round}")).finish().0 == 0,
            "/run/hako is still there"
        );
    }
}
