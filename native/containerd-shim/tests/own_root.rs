// SPDX-License-Identifier: Apache-2.0
//! Processes with a root of their own: as virtiofsd, uid 0 of a user namespace, with rights over files.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{Confinement, Empty, LaunchRequest, MountRequest, OutputResponse, OwnRoot, RoleRequest};
use hako_ttrpc::Code;
use harness::{Link, Pod, is_running, kill, script, until};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_SETUID, CAP_SYS_CHROOT (capabilities(7)).
const KEPT: [u32; 5] = [0, 1, 3, 7, 18];

fn confined(text: &str, readable: &[&str], followed: &[&str]) -> LaunchRequest {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut request = script("virtiofsd-0", text);
    request.confinement = Some(Confinement {
        new_network_namespace: true,
        new_mount_namespace: true,
        new_pid_namespace: true,
        new_ipc_namespace: true,
        new_uts_namespace: true,
        new_user_namespace: true,
        no_new_privileges: true,
        drop_capabilities: true,
        kept_capabilities: KEPT.to_vec(),
        own_root: Some(OwnRoot { readable: words(readable), followed: words(followed) }),
        ..Confinement::default()
    });
    request
}

/// What a script says; it ends well.
fn said(link: &mut Link, request: LaunchRequest) -> String {
    let role = RoleRequest { role: request.role.clone() };
    let process = link.launch(request).unwrap();
    until("the process ends", || !is_running(process.pid));
    let output: OutputResponse = link.call("Output", &role).unwrap();
    link.call::<Empty>("Forget", &role).unwrap();
    String::from_utf8(output.newest).unwrap()
}

fn mount(link: &mut Link, kind: &str, source: &str, target: &str, options: &[&str]) {
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    let request = MountRequest { r#type: kind.into(), source: source.into(), target: target.into(), options };
    link.call::<Empty>("Mount", &request).unwrap();
}

#[test]
fn nothing_of_the_hosts_is_there_but_programs_and_what_is_listed() {
    let pod = Pod::new();
    let (share, other) = (pod.path("share"), pod.root.join("other"));
    let (_hakod, mut link) = pod.linked();
    fs::create_dir(&share).unwrap();
    fs::write(&other, "secret").unwrap();
    let listed = ["/proc/sys/fs/nr_open", "/dev/null"];
    let mut lines = |text: &str| -> Vec<String> {
        said(&mut link, confined(text, &listed, &[&share])).lines().map(str::to_owned).collect()
    };

    let first = share.split('/').nth(1).unwrap();
    let mut root = vec!["dev", "proc", first];
    root.extend(["bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr"].iter().filter(|name| exists(name)));
    root.extend(exists("etc/ld.so.cache").then_some("etc"));
    root.sort_unstable();
    for place in ["/", "/proc/self/root/", "/proc/.own/1/root/", "/proc/self/cwd/"] {
        assert_eq!(lines(&format!("ls -A {place}")), root, "{place}");
    }
    assert!(lines("ls -A /etc").iter().all(|name| name == "ld.so.cache"));
    assert_eq!(lines("ls -A /dev; echo x > /dev/null && echo written"), ["null", "written"]);
    assert_eq!(
        lines("ls -A /proc; find /proc/sys -type f"),
        [".own", "self", "sys", "thread-self", "/proc/sys/fs/nr_open"]
    );
    assert_eq!(lines("echo /proc/.own/*; echo $$"), ["/proc/.own/1 /proc/.own/self /proc/.own/thread-self", "1"]);
    assert_eq!(lines("cat /proc/sys/fs/nr_open"), [fs::read_to_string("/proc/sys/fs/nr_open").unwrap().trim()]);
    assert!(lines(&format!("cat {}", other.display()))[0].ends_with("No such file or directory"));
}

fn exists(name: &str) -> bool {
    fs::symlink_metadata(format!("/{name}")).is_ok()
}

/// As a virtiofsd that has been taken over would: by the descriptor that it has from before its own change of root.
#[test]
fn a_way_up_from_an_old_descriptor_ends_in_the_own_root() {
    let pod = Pod::new();
    let share = pod.path("share");
    let (_hakod, mut link) = pod.linked();
    fs::create_dir(&share).unwrap();
    let escape = r#"perl -e '
        my $old;
        opendir($old, "/proc/self/fd") && chroot($ARGV[0]) && chdir($old) || die $!;
        chdir("..") for 1..20;
        print join(" ", grep { -e } "usr", "etc/passwd", "proc/sys", "proc/.own/sys", "proc/.own/sysrq-trigger"), "\n"'"#;
    let escape = format!("{escape} {share}");

    assert_eq!(said(&mut link, confined(&escape, &["/dev/null"], &[&share])), "usr\n");
}

#[test]
fn what_is_read_only_stays_so_and_no_rights_over_mounts_can_be_got() {
    let pod = Pod::new();
    let (share, program) = (pod.path("share"), pod.root.join("program"));
    let (_hakod, mut link) = pod.linked();
    fs::create_dir(&share).unwrap();
    fs::write(&program, "").unwrap();
    let steps = [
        "touch /usr/new".to_owned(),
        "touch /new".to_owned(),
        format!("echo x > {}", program.display()),
        "mount -o remount,bind,rw /usr".to_owned(),
        "mount -o remount,rw /".to_owned(),
        "mount -t proc proc /usr".to_owned(),
        "mount -t tmpfs none /usr".to_owned(),
        "unshare -m true".to_owned(),
        "unshare -U true".to_owned(),
        "unshare -Urm true".to_owned(),
    ];
    let script: Vec<String> = steps.iter().map(|step| format!("{{ {step}; }} 2>/dev/null && echo '{step}'")).collect();
    let text = "grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status; cat /proc/self/uid_map;";
    let text = said(
        &mut link,
        confined(&format!("{text} {}; true", script.join("\n")), &["/dev/null", program.to_str().unwrap()], &[&share]),
    );

    let kept = format!("{:016x}", KEPT.iter().fold(0u64, |all, number| all | 1 << number));
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words, ["CapPrm:", &kept, "CapEff:", &kept, "CapBnd:", &kept, "0", "0", "4294967295"]);
}

#[test]
fn a_followed_directory_is_written_to_and_has_later_mounts() {
    let pod = Pod::new();
    let share = pod.path("share");
    let (_hakod, mut link) = pod.linked();
    fs::create_dir(&share).unwrap();
    mount(&mut link, "bind", &share, &share, &["rbind", "rshared"]);
    fs::write(format!("{share}/foreign"), "").unwrap();
    fs::set_permissions(format!("{share}/foreign"), fs::Permissions::from_mode(0o000)).unwrap();
    std::os::unix::fs::chown(format!("{share}/foreign"), Some(4711), Some(4712)).unwrap();
    let text = format!(
        "cd {share}; echo mine >> foreign; while ! test -e c1/here; do sleep 0.1; done; echo x > c1/there; exec sleep 1000"
    );
    let process = link.launch(confined(&text, &[], &[&share])).unwrap();
    mount(&mut link, "tmpfs", "tmpfs", &format!("{share}/c1"), &[]);
    fs::write(format!("{share}/c1/here"), "").unwrap();

    until("the process writes into what was mounted later", || fs::exists(format!("{share}/c1/there")).unwrap());
    assert_eq!(fs::read_to_string(format!("{share}/foreign")).unwrap(), "mine\n", "whoever's file it is");
    let table = fs::read_to_string(format!("/proc/{}/mountinfo", process.pid)).unwrap();
    let own: Vec<&str> = table.lines().filter(|line| line.contains("master:") || line.contains("shared:")).collect();
    assert!(own.iter().any(|line| line.split(' ').nth(4) == Some(&*format!("{share}/c1"))), "{table}");
    assert!(!table.contains("shared:"), "nothing goes back: {table}");
    kill(process.pid, libc::SIGKILL);
    until("the process is gone", || !is_running(process.pid));
}

/// An image may hold any node, and uid 0 may open it, whatever is behind it on the host.
#[test]
fn a_device_in_a_followed_directory_opens_nothing() {
    let pod = Pod::new();
    let (share, volume) = (pod.path("share"), pod.root.join("volume"));
    let (_hakod, mut link) = pod.linked();
    for directory in [share.as_ref(), volume.as_path()] {
        fs::create_dir(directory).unwrap();
        let node = directory.join("zero");
        let made = std::process::Command::new("mknod").arg(node).args(["-m", "666", "c", "1", "5"]).status().unwrap();
        assert!(made.success());
    }
    mount(&mut link, "bind", &share, &share, &["rbind", "rshared"]);
    let text = format!(
        "cd {share}; while ! test -e later/zero; do sleep 0.1; done; \
         for node in zero later/zero; do head -c 1 $node >/dev/null && echo $node; echo x >> $node && echo $node; done; true"
    );
    let process = link.launch(confined(&text, &["/dev/null"], &[&share])).unwrap();
    mount(&mut link, "bind", volume.to_str().unwrap(), &format!("{share}/later"), &["bind", "dev"]);

    until("the process ends", || !is_running(process.pid));
    let said: OutputResponse = link.call("Output", &RoleRequest { role: "virtiofsd-0".into() }).unwrap();
    let said = String::from_utf8(said.newest).unwrap();
    assert_eq!(said.lines().filter(|line| line.contains("Permission denied")).count(), 4, "{said}");
}

#[test]
fn a_program_that_lies_elsewhere_is_there_and_a_path_that_is_missing_is_named() {
    let pod = Pod::new();
    let program = pod.root.join("program");
    let (_hakod, mut link) = pod.linked();
    fs::copy("/bin/sh", &program).unwrap();
    let mut request = confined("echo started", &[], &[]);
    request.command[0] = program.to_str().unwrap().into();
    assert_eq!(said(&mut link, request), "started\n");

    let missing = link.launch(confined("true", &["/no/such/file"], &[])).unwrap_err();
    assert_eq!(
        missing.message,
        "Launch of virtiofsd-0 (/bin/sh): Cannot make its root: /no/such/file: No such file or directory (os error 2)."
    );
    let mut open = confined("true", &[], &[]);
    open.confinement.as_mut().unwrap().new_pid_namespace = false;
    let refusal = link.launch(open).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (
            Code::InvalidArgument,
            "virtiofsd-0 must have a mount and a pid namespace of its own to have a root of its own."
        )
    );
}
