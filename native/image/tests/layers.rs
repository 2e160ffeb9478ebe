// SPDX-License-Identifier: Apache-2.0
//! What layers mean (image-spec v1.1, layer.md). Ownership and devices need root, as hako itself does.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fixture;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

use fixture::{Fixture, Layer, names};
use tar::EntryType;

fn unpacked(layers: Vec<Layer>) -> (Fixture, PathBuf) {
    let fixture = Fixture::of(layers);
    let rootfs = fixture.unpack().unwrap().rootfs;
    (fixture, rootfs)
}

fn read(rootfs: &std::path::Path, name: &str) -> String {
    fs::read_to_string(rootfs.join(name)).unwrap()
}

#[test]
fn owner_mode_and_times_are_the_archives() {
    let layer = Layer::new()
        .raw(EntryType::Directory, "sticky/", "", b"", |header| header.set_mode(0o1777))
        .raw(EntryType::Regular, "sticky/su", "", b"x", |header| {
            header.set_mode(0o4755);
            header.set_uid(1000);
            header.set_gid(1001);
        })
        .symlink("link", "sticky/su");
    let (_fixture, rootfs) = unpacked(vec![layer]);
    let file = fs::metadata(rootfs.join("sticky/su")).unwrap();
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777, file.mtime()), (1000, 1001, 0o4755, 1_000_000_000));
    let directory = fs::metadata(rootfs.join("sticky")).unwrap();
    assert_eq!((directory.mode() & 0o7777, directory.mtime()), (0o1777, 1_000_000_000));
    let link = fs::symlink_metadata(rootfs.join("link")).unwrap();
    assert_eq!(link.mtime(), 1_000_000_000);
    assert_eq!(fs::read_link(rootfs.join("link")).unwrap(), PathBuf::from("sticky/su"));
}

#[test]
fn pax_records_give_long_names_exact_times_and_capabilities() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    // A capability set whose bytes hold a newline: CAP_DAC_OVERRIDE and CAP_FOWNER, revision 2, effective.
    let capability = [1, 0, 0, 2, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let layer = Layer::new()
        .pax(&[
            ("SCHILY.xattr.security.capability", &capability),
            ("path", long.as_bytes()),
            ("mtime", b"5.25"),
            ("uid", b"3000000"),
        ])
        .file("short", "x");
    let (_fixture, rootfs) = unpacked(vec![layer]);
    let file = rootfs.join(&long);
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.mtime(), metadata.mtime_nsec(), metadata.uid()), (5, 250_000_000, 3_000_000));
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&file, "security.capability", &mut value[..]).unwrap();
    assert_eq!(value[..length], capability);
}

#[test]
fn attributes_that_overlayfs_would_obey_are_left_out() {
    let layer =
        Layer::new().pax(&[("SCHILY.xattr.trusted.overlay.opaque", b"y"), ("SCHILY.xattr.user.kept", b"1")]).dir("d");
    let (_fixture, rootfs) = unpacked(vec![layer]);
    let mut value = [0; 8];
    assert_eq!(rustix::fs::getxattr(rootfs.join("d"), "user.kept", &mut value[..]), Ok(1));
    let opaque = rustix::fs::getxattr(rootfs.join("d"), "trusted.overlay.opaque", &mut value[..]);
    assert_eq!(opaque, Err(rustix::io::Errno::NODATA));
}

#[test]
fn hard_links_share_a_file_also_across_layers() {
    let lower = Layer::new().dir("bin").file("bin/busybox", "box").hard_link("bin/sh", "bin/busybox");
    let upper = Layer::new().hard_link("ash", "/bin/sh");
    let (_fixture, rootfs) = unpacked(vec![lower, upper]);
    let inode = |name: &str| fs::metadata(rootfs.join(name)).unwrap().ino();
    assert_eq!(inode("bin/busybox"), inode("bin/sh"));
    assert_eq!(inode("bin/busybox"), inode("ash"));
}

#[test]
fn devices_and_fifos_are_made() {
    let device = |header: &mut tar::Header| {
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
    };
    let layer = Layer::new()
        .raw(EntryType::Char, "null", "", b"", device)
        .raw(EntryType::Block, "disk", "", b"", device)
        .raw(EntryType::Fifo, "fifo", "", b"", |_| {});
    let (_fixture, rootfs) = unpacked(vec![layer]);
    let metadata = |name: &str| fs::symlink_metadata(rootfs.join(name)).unwrap();
    assert!(metadata("null").file_type().is_char_device());
    assert_eq!(metadata("null").rdev(), rustix::fs::makedev(1, 3));
    assert!(metadata("disk").file_type().is_block_device());
    assert!(metadata("fifo").file_type().is_fifo());
}

#[test]
fn a_later_layer_replaces_and_a_directory_is_merged() {
    let lower = Layer::new().dir("etc").file("etc/a", "1").file("etc/b", "1").dir("gone").file("gone/x", "1");
    let upper = Layer::new().dir("etc").file("etc/a", "2").file("gone", "now a file");
    let (_fixture, rootfs) = unpacked(vec![lower, upper]);
    assert_eq!(
        (read(&rootfs, "etc/a"), read(&rootfs, "etc/b"), read(&rootfs, "gone")),
        ("2".into(), "1".into(), "now a file".into())
    );
}

#[test]
fn replacing_one_name_of_a_hard_linked_file_leaves_the_other() {
    let lower = Layer::new().file("a", "1").hard_link("b", "a");
    let (_fixture, rootfs) = unpacked(vec![lower, Layer::new().file("a", "2")]);
    assert_eq!((read(&rootfs, "a"), read(&rootfs, "b")), ("2".into(), "1".into()));
}

#[test]
fn a_whiteout_hides_what_is_below_and_nothing_of_its_own_layer() {
    let lower = Layer::new().file("a", "1").file("b", "1").dir("d").file("d/x", "1");
    let upper =
        Layer::new().file("b", "2").file(".wh.a", "").file(".wh.b", "").file(".wh.d", "").file(".wh.absent", "");
    let (_fixture, rootfs) = unpacked(vec![lower, upper]);
    assert_eq!(names(&rootfs), ["b"]);
    assert_eq!(read(&rootfs, "b"), "2");
}

#[test]
fn an_opaque_directory_hides_all_below_wherever_the_marker_stands() {
    for marker_first in [true, false] {
        let lower = Layer::new().dir("d").file("d/old", "1").dir("d/sub").file("d/sub/old", "1");
        let mut upper = Layer::new().dir("d");
        if marker_first {
            upper = upper.file("d/.wh..wh..opq", "");
        }
        upper = upper.dir("d/sub").file("d/sub/new", "2").file("d/new", "2");
        if !marker_first {
            upper = upper.file("d/.wh..wh..opq", "");
        }
        let (_fixture, rootfs) = unpacked(vec![lower, upper]);
        assert_eq!(names(&rootfs.join("d")), ["new", "sub"]);
        assert_eq!(names(&rootfs.join("d/sub")), ["new"]);
    }
}

#[test]
fn members_go_through_links_of_lower_layers_also_dangling_ones() {
    let lower = Layer::new().dir("usr").dir("usr/lib").symlink("lib", "usr/lib").dir("var").symlink("var/run", "/run");
    let upper = Layer::new().file("lib/libc.so", "elf").file("var/run/lock/pid", "7");
    let (_fixture, rootfs) = unpacked(vec![lower, upper]);
    assert_eq!(read(&rootfs, "usr/lib/libc.so"), "elf");
    assert_eq!(read(&rootfs, "run/lock/pid"), "7");
}

#[test]
fn a_directory_over_a_link_replaces_the_link() {
    let lower = Layer::new().dir("real").file("real/x", "1").symlink("d", "real");
    let (_fixture, rootfs) = unpacked(vec![lower, Layer::new().dir("d").file("d/y", "2")]);
    assert!(fs::symlink_metadata(rootfs.join("d")).unwrap().is_dir());
    assert_eq!(names(&rootfs.join("real")), ["x"]);
}

#[test]
fn the_root_directory_itself_has_the_archives_mode() {
    let layer = Layer::new().raw(EntryType::Directory, "./", "", b"", |header| header.set_mode(0o711)).file("./a", "1");
    let (_fixture, rootfs) = unpacked(vec![layer]);
    let metadata = fs::metadata(&rootfs).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (0o711, 1_000_000_000));
}
