// SPDX-License-Identifier: Apache-2.0
//! The mounter.
#![allow(clippy::unwrap_used)]

mod harness;

use hako_protocols::shim::{Confinement, Empty, MountRequest, MountsResponse, PathRequest, UnmountRequest};
use hako_ttrpc::{Code, Status};
use harness::{Link, Pod, kill, script, until};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn mount(link: &mut Link, kind: &str, source: &str, target: &str, options: &str) -> Result<(), Status> {
    let options = options.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect();
    link.call::<Empty>(
        "Mount",
        &MountRequest { r#type: kind.into(), source: source.into(), target: target.into(), options },
    )
    .map(drop)
}

fn unmount(link: &mut Link, target: &str, remove: bool) -> Result<(), Status> {
    link.call::<Empty>("Unmount", &UnmountRequest { target: target.into(), remove }).map(drop)
}

/// The options of the mount at a target, as the kernel shows them.
fn options(target: &str) -> String {
    options_of("/proc/self/mountinfo", target)
}

fn options_of(table: &str, target: &str) -> String {
    let table = fs::read_to_string(table).unwrap();
    let line = table.lines().rfind(|line| line.split(' ').nth(4) == Some(target)).unwrap();
    let (before, _) = line.split_once(" - ").unwrap();
    before.split(' ').skip(5).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_overlay_root_file_system_is_mounted_repeated_and_unmounted() {
    let pod = Pod::new();
    for (directory, file) in [("lower1", "a"), ("lower2", "b"), ("upper", "c"), ("work", "")] {
        fs::create_dir_all(pod.root.join(directory)).unwrap();
        if !file.is_empty() {
            fs::write(pod.root.join(directory).join(file), directory).unwrap();
        }
    }
    let (_hakod, mut link) = pod.linked();
    let root = pod.root.to_str().unwrap();
    let target = pod.path("share/c1/rootfs");
    let overlay = format!("lowerdir={root}/lower1:{root}/lower2,upperdir={root}/upper,workdir={root}/work,index=off");
    mount(&mut link, "overlay", "overlay", &target, &overlay).unwrap();
    mount(&mut link, "overlay", "overlay", &target, &overlay).unwrap();
    assert_eq!(fs::read_to_string(format!("{target}/b")).unwrap(), "lower2");
    assert_eq!(pod.mounts().join(" "), target);
    let refusal = mount(&mut link, "tmpfs", "tmpfs", &target, "").unwrap_err();
    assert_eq!(
        (refusal.code, refusal.message),
        (Code::AlreadyExists, format!("Something of type overlay is mounted at {target} already."))
    );
    unmount(&mut link, &target, true).unwrap();
    unmount(&mut link, &target, true).unwrap();
    assert!(pod.mounts().is_empty() && !pod.directory.join("share/c1/rootfs").exists());
}

#[test]
fn a_bind_takes_its_flags_and_a_file_is_bound_over_a_file() {
    let pod = Pod::new();
    fs::create_dir(pod.root.join("volume")).unwrap();
    fs::write(pod.root.join("hosts"), "127.0.0.1").unwrap();
    let (_hakod, mut link) = pod.linked();
    let root = pod.root.to_str().unwrap();
    mount(&mut link, "bind", &format!("{root}/volume"), &pod.path("share/v"), "rbind,ro,nosuid,nodev").unwrap();
    assert!(options(&pod.path("share/v")).starts_with("ro,nosuid,nodev"));
    assert!(fs::write(pod.path("share/v/x"), "").is_err());
    mount(&mut link, "none", &format!("{root}/hosts"), &pod.path("share/hosts"), "bind").unwrap();
    assert_eq!(fs::read_to_string(pod.path("share/hosts")).unwrap(), "127.0.0.1");
    let listed: MountsResponse = link.call("Mounts", &PathRequest { path: pod.path("share") }).unwrap();
    assert_eq!(listed.targets, [pod.path("share/hosts"), pod.path("share/v")]);
}

#[test]
fn mounts_are_listed_deepest_first() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    for target in ["share", "share/c1", "share/c1/deep", "other"] {
        mount(&mut link, "tmpfs", "tmpfs", &pod.path(target), "size=64k").unwrap();
    }
    let listed: MountsResponse = link.call("Mounts", &PathRequest { path: pod.path("share") }).unwrap();
    assert_eq!(listed.targets, ["share/c1/deep", "share/c1", "share"].map(|target| pod.path(target)));
    pod.delete();
    assert!(pod.mounts().is_empty() && !pod.directory.exists());
}

/// hakod tidies up after a dead shim too, and the two do not wait for each other.
#[test]
fn deletes_at_the_same_time_do_not_fail_by_each_other() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    for number in 0..60 {
        mount(&mut link, "tmpfs", "tmpfs", &pod.path(&format!("share/{number}")), "size=64k").unwrap();
    }
    pod.kill_shim();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| pod.delete());
        }
    });
    assert!(pod.mounts().is_empty() && !pod.directory.exists());
}

#[test]
fn a_later_mount_below_the_share_appears_in_a_confined_process() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let share = pod.path("share");
    fs::create_dir(&share).unwrap();
    mount(&mut link, "bind", &share, &share, "rbind,rshared").unwrap();
    assert!(options(&share).contains("shared:"));
    let mut request = script("virtiofsd-0", "exec sleep 1000");
    request.confinement = Some(Confinement {
        new_mount_namespace: true,
        new_user_namespace: true,
        new_pid_namespace: true,
        ..Confinement::default()
    });
    let process = link.launch(request).unwrap();
    mount(&mut link, "tmpfs", "tmpfs", &pod.path("share/c1"), "").unwrap();
    fs::write(pod.path("share/c1/here"), "").unwrap();
    assert!(
        fs::exists(format!("/proc/{}/root{share}/c1/here", process.pid)).unwrap(),
        "the mount did not reach the process"
    );
    unmount(&mut link, &pod.path("share/c1"), true).unwrap();
    assert!(!fs::exists(format!("/proc/{}/root{share}/c1/here", process.pid)).unwrap());
    kill(process.pid, libc::SIGKILL);
}

#[test]
fn a_read_only_bind_is_read_only_in_a_confined_process_too() {
    let pod = Pod::new();
    let volume = pod.root.join("volume");
    fs::create_dir(&volume).unwrap();
    let (_hakod, mut link) = pod.linked();
    let share = pod.path("share");
    fs::create_dir(&share).unwrap();
    mount(&mut link, "bind", &share, &share, "rbind,rshared").unwrap();
    for target in ["source", "source/below"] {
        mount(&mut link, "tmpfs", "tmpfs", &pod.path(target), "size=64k").unwrap();
    }
    let mut request = script("virtiofsd-0", "exec sleep 1000");
    request.confinement = Some(Confinement { new_mount_namespace: true, ..Confinement::default() });
    let process = link.launch(request).unwrap();
    let source = volume.to_str().unwrap();
    mount(&mut link, "bind", source, &pod.path("share/shallow"), "ro,noexec,noatime").unwrap();
    mount(&mut link, "bind", &pod.path("source"), &pod.path("share/deep"), "rbind,ro").unwrap();
    mount(&mut link, "bind", source, &pod.path("share/open"), "bind").unwrap();
    let seen = |target: &str| options_of(&format!("/proc/{}/mountinfo", process.pid), &pod.path(target));
    assert!(seen("share/shallow").starts_with("ro,nodev,noexec,noatime"), "{}", seen("share/shallow"));
    assert!(seen("share/deep").starts_with("ro"), "{}", seen("share/deep"));
    assert!(seen("share/deep/below").starts_with("ro"), "what is mounted below: {}", seen("share/deep/below"));
    assert!(seen("share/open").starts_with("rw"), "{}", seen("share/open"));
    kill(process.pid, libc::SIGKILL);
}

/// A source on a shared mount, as everything is under systemd, with something mounted below it.
fn shared_source(pod: &Pod, link: &mut Link) -> String {
    let share = pod.path("share");
    fs::create_dir(&share).unwrap();
    mount(link, "bind", &share, &share, "bind,shared").unwrap();
    let source = pod.path("volume");
    mount(link, "tmpfs", "tmpfs", &source, "size=64k,shared").unwrap();
    mount(link, "tmpfs", "tmpfs", &format!("{source}/sub"), "size=64k").unwrap();
    source
}

fn is_mounted(target: &str) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    table.lines().any(|line| line.split(' ').nth(4) == Some(target))
}

#[test]
fn an_unmount_in_the_share_does_not_reach_the_source() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let source = shared_source(&pod, &mut link);
    for propagation in ["rprivate", "rslave", ""] {
        let target = pod.path("share/c1");
        mount(&mut link, "rbind", &source, &target, propagation).unwrap();
        assert!(is_mounted(&format!("{target}/sub")));
        unmount(&mut link, &target, true).unwrap();
        assert!(!is_mounted(&target));
        assert!(is_mounted(&format!("{source}/sub")), "{propagation}");
    }
}

/// So "ro" is as much as "rro" of the runtime-spec, which `-info` names.
#[test]
fn a_read_only_bind_is_so_in_all_that_is_mounted_below_it() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let source = shared_source(&pod, &mut link);
    mount(&mut link, "rbind", &source, &pod.path("share/ro"), "ro,rprivate").unwrap();
    let refused = fs::write(pod.path("share/ro/sub/file"), "").unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    fs::write(format!("{source}/sub/file"), "").unwrap();
}

#[test]
fn a_bind_follows_its_source_if_it_is_asked_to() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let source = shared_source(&pod, &mut link);
    mount(&mut link, "rbind", &source, &pod.path("share/follows"), "ro,rslave").unwrap();
    mount(&mut link, "rbind", &source, &pod.path("share/stays"), "rprivate").unwrap();
    mount(&mut link, "tmpfs", "tmpfs", &format!("{source}/late"), "size=64k").unwrap();
    assert!(is_mounted(&pod.path("share/follows/late")));
    assert!(!is_mounted(&pod.path("share/stays/late")));
    mount(&mut link, "tmpfs", "tmpfs", &pod.path("share/stays/sub/own"), "size=64k").unwrap();
    assert!(!is_mounted(&format!("{source}/sub/own")));
}

#[test]
fn a_mount_in_use_goes_all_the_same() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let target = pod.path("share/busy");
    mount(&mut link, "tmpfs", "tmpfs", &target, "").unwrap();
    let mut request = script("user", "exec sleep 1000");
    request.working_directory = target.clone();
    link.launch(request).unwrap();
    unmount(&mut link, &target, true).unwrap();
    until("the target is gone", || !fs::exists(&target).unwrap());
}

#[test]
fn targets_outside_the_pod_and_through_symbolic_links_are_refused() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let outside = pod.root.join("outside");
    fs::create_dir(&outside).unwrap();
    for target in [
        outside.to_str().unwrap().to_owned(),
        pod.path("../../outside"),
        pod.directory.to_str().unwrap().to_owned(),
        "relative".into(),
    ] {
        let refusal = mount(&mut link, "tmpfs", "tmpfs", &target, "").unwrap_err();
        let wanted = format!("The mount target {target} must be below the pod directory {}.", pod.directory.display());
        assert_eq!((refusal.code, refusal.message), (Code::InvalidArgument, wanted));
        assert_eq!(unmount(&mut link, &target, false).unwrap_err().code, Code::InvalidArgument);
    }
    symlink(&outside, pod.directory.join("link")).unwrap();
    for target in ["link", "link/below"] {
        assert!(mount(&mut link, "tmpfs", "tmpfs", &pod.path(target), "").is_err());
    }
    assert!(pod.mounts().is_empty() && fs::read_dir(&outside).unwrap().next().is_none());
}

/// The share is the guest's to write: what was a directory is a link a moment later.
#[test]
fn a_link_that_comes_while_a_target_is_removed_leads_nowhere() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let outside = pod.root.join("outside");
    fs::create_dir_all(outside.join("target")).unwrap();
    fs::create_dir_all(pod.directory.join("share/way")).unwrap();
    symlink(&outside, pod.directory.join("share/link")).unwrap();
    let names = ["share/way", "share/link"].map(|name| CString::new(pod.path(name)).unwrap());
    let ended = Arc::new(AtomicBool::new(false));
    let guest = {
        let ended = Arc::clone(&ended);
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                // SAFETY: two C strings that outlive the call.
                let swapped = unsafe {
                    libc::renameat2(
                        libc::AT_FDCWD,
                        names[0].as_ptr(),
                        libc::AT_FDCWD,
                        names[1].as_ptr(),
                        libc::RENAME_EXCHANGE,
                    )
                };
                assert_eq!(swapped, 0);
            }
        })
    };
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) && outside.join("target").exists() {
        for way in ["share/way", "share/link"] {
            let target = pod.path(way) + "/target";
            let _ = fs::create_dir(&target);
            let _ = unmount(&mut link, &target, true);
        }
    }
    ended.store(true, Ordering::Relaxed);
    guest.join().unwrap();
    assert!(outside.join("target").exists(), "the shim has removed it through a link");
}

#[test]
fn a_mount_that_fails_says_what_and_why() {
    let pod = Pod::new();
    let (_hakod, mut link) = pod.linked();
    let target = pod.path("share/x");
    let refusal = mount(&mut link, "bind", "/no/such/directory", &target, "bind").unwrap_err();
    assert_eq!(
        refusal.message,
        format!("Cannot mount {target} (bind from /no/such/directory): No such file or directory (os error 2).")
    );
}

#[test]
fn more_layers_than_a_page_of_options_holds_are_mounted() {
    let pod = Pod::new();
    let base = pod.root.join("snapshots-in-a-directory-with-a-long-name");
    let layers: Vec<String> = (0..100).map(|number| format!("{}/{number}/fs", base.display())).collect();
    for (number, layer) in layers.iter().enumerate() {
        fs::create_dir_all(layer).unwrap();
        fs::write(format!("{layer}/layer-{number}"), "").unwrap();
    }
    let (_hakod, mut link) = pod.linked();
    let target = pod.path("share/many");
    let lower = format!("lowerdir={}", layers.join(":"));
    assert!(lower.len() > 4096);
    mount(&mut link, "overlay", "overlay", &target, &lower).unwrap();
    assert_eq!(fs::read_dir(&target).unwrap().count(), 100);
    let unrelated: Vec<String> = (0..100).map(|number| format!("/{number}{}", "x".repeat(60))).collect();
    let refusal =
        mount(&mut link, "overlay", "overlay", &pod.path("share/other"), &format!("lowerdir={}", unrelated.join(":")))
            .unwrap_err();
    assert!(
        refusal.message.contains("bytes, the limit is 4095; use an image with fewer layers"),
        "{}",
        refusal.message
    );
}
