// SPDX-License-Identifier: Apache-2.0
//! Layers made to write outside their directory.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fixture;

use std::fs;
use std::path::Path;

use fixture::{Fixture, Layer, names};
use proptest::prelude::*;
use tar::EntryType;

/// A fixture with a file that a hostile layer would like to reach, beside the store.
fn guarded(layers: Vec<Layer>) -> Fixture {
    let fixture = Fixture::of(layers);
    fs::write(fixture.home.path().join("secret"), "untouched").unwrap();
    fixture
}

/// Everything outside the store is as it was made.
fn assert_untouched(fixture: &Fixture) {
    let mut outside = names(fixture.home.path());
    outside.retain(|name| name != "store");
    assert_eq!(outside, ["layout", "secret"]);
    let secret = fs::metadata(fixture.home.path().join("secret")).unwrap();
    assert_eq!(fs::read_to_string(fixture.home.path().join("secret")).unwrap(), "untouched");
    assert_eq!(std::os::unix::fs::MetadataExt::nlink(&secret), 1);
}

fn outside(fixture: &Fixture) -> String {
    fixture.home.path().join("secret").to_str().unwrap().to_owned()
}

#[test]
fn a_path_with_two_dots_is_refused() {
    for path in ["../secret", "a/../../secret", "../../../../../../etc/secret", ".."] {
        let fixture = guarded(vec![Layer::new().file(path, "evil")]);
        let error = fixture.refused();
        assert!(error.contains(&format!("\"{path}\" has a path with \"..\", which could leave the image.")), "{error}");
        assert_untouched(&fixture);
    }
}

#[test]
fn an_absolute_path_lands_inside() {
    let fixture = guarded(vec![Layer::new().file("/etc/passwd", "inside")]);
    let rootfs = fixture.unpack().unwrap().rootfs;
    assert_eq!(fs::read_to_string(rootfs.join("etc/passwd")).unwrap(), "inside");
}

#[test]
fn a_file_through_a_link_lands_inside() {
    for target in ["/", "../../../../../../../../..", "/proc/self/root"] {
        let layer = Layer::new().symlink("out", target).file("out/tmp/evil", "inside");
        let fixture = guarded(vec![layer]);
        let rootfs = fixture.unpack().unwrap().rootfs;
        let base = if target.starts_with("/proc") { rootfs.join("proc/self/root") } else { rootfs };
        assert_eq!(fs::read_to_string(base.join("tmp/evil")).unwrap(), "inside");
        assert_untouched(&fixture);
    }
}

#[test]
fn a_file_over_a_link_replaces_the_link_and_not_its_target() {
    let fixture = guarded(vec![Layer::new()]);
    let secret = outside(&fixture);
    let fixture = guarded(vec![Layer::new().symlink("a", &secret).file("a", "inside")]);
    let rootfs = fixture.unpack().unwrap().rootfs;
    assert_eq!(fs::read_to_string(rootfs.join("a")).unwrap(), "inside");
    assert!(fs::symlink_metadata(rootfs.join("a")).unwrap().is_file());
}

#[test]
fn a_hard_link_to_the_outside_is_refused() {
    for target in ["../../../secret", "/etc/hostname", "out/etc/hostname"] {
        let layer = Layer::new().symlink("out", "/../../..").hard_link("a", target);
        let fixture = guarded(vec![layer]);
        let error = fixture.refused();
        assert!(error.contains("\"a\"") && error.contains(target), "{error}");
        assert_untouched(&fixture);
    }
}

#[test]
fn a_hard_link_to_a_link_does_not_follow_it() {
    let probe = guarded(vec![Layer::new()]);
    let secret = outside(&probe);
    let layer = Layer::new().symlink("a", &secret).hard_link("b", "a").file("b", "inside");
    let fixture = guarded(vec![layer]);
    fixture.unpack().unwrap();
    assert_untouched(&probe);
}

#[test]
fn whiteouts_cannot_reach_out() {
    for path in [".wh..", ".wh...", "a/.wh..", ".wh."] {
        let fixture = guarded(vec![Layer::new().dir("a"), Layer::new().file(path, "")]);
        let error = fixture.refused();
        assert!(error.contains("is a whiteout of no file"), "{error}");
        assert_untouched(&fixture);
    }
    let fixture = guarded(vec![
        Layer::new().symlink("out", "/../../.."),
        Layer::new().file("out/.wh.layout", "").file("out/.wh..wh..opq", ""),
    ]);
    fixture.unpack().unwrap();
    assert_untouched(&fixture);
}

#[test]
fn links_that_run_in_circles_are_refused() {
    let fixture = guarded(vec![Layer::new().symlink("a", "b").symlink("b", "a").file("a/x", "1")]);
    let error = fixture.refused();
    assert!(error.contains("\"a/x\" cannot be placed in its directory"), "{error}");
    let fixture = guarded(vec![Layer::new().symlink("a", "a/b").file("a/x", "1")]);
    assert!(fixture.refused().contains("\"a/x\""));
}

#[test]
fn directories_nested_without_end_are_refused_and_removed() {
    let mut layer = Layer::new();
    // Each link is a new start, so that no single path is long.
    let mut start = String::new();
    for turn in 0..12 {
        let deep = format!("{start}{}", "d/".repeat(40));
        layer = layer.dir(&deep).symlink(&format!("l{turn}"), &deep[..deep.len() - 1]);
        start = format!("l{turn}/");
    }
    let error = guarded(vec![layer]).refused();
    assert!(error.contains("cannot be placed in its directory"), "{error}");
}

#[test]
fn an_unknown_member_type_and_a_wild_owner_are_refused() {
    let fixture = guarded(vec![Layer::new().raw(EntryType::new(b'Z'), "a", "", b"", |_| {})]);
    assert!(fixture.refused().contains("\"a\" has the unknown member type 0x5a."));
    let fixture = guarded(vec![Layer::new().raw(EntryType::Regular, "a", "", b"", |header| header.set_uid(1 << 33))]);
    assert!(fixture.refused().contains("\"a\" belongs to 8589934592:"));
}

fn part() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", ".", "..", "", ".wh.a", ".wh..wh..opq", "secret"]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    (any::<bool>(), prop::collection::vec(part(), 1..4))
        .prop_map(|(absolute, parts)| format!("{}{}", if absolute { "/" } else { "" }, parts.join("/")))
}

fn member() -> impl Strategy<Value = (u8, String, String)> {
    (prop::sample::select(vec![b'0', b'5', b'2', b'1', b'6']), path(), path())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_members_touches_the_outside(members in prop::collection::vec(member(), 1..12)) {
        let mut layer = Layer::new();
        for (kind, path, target) in &members {
            let content: &[u8] = if *kind == b'0' { b"evil" } else { b"" };
            layer = layer.raw(EntryType::new(*kind), path, target, content, |_| {});
        }
        let fixture = guarded(vec![Layer::new().dir("a").symlink("b", "../../../..").symlink("c", "/"), layer]);
        let result = fixture.unpack();
        assert_untouched(&fixture);
        // Refused or unpacked: the next attempt is not in the way of what was left.
        prop_assert_eq!(fixture.unpack().is_ok(), result.is_ok());
        prop_assert!(!Path::new(&fixture.home.path().join("secret")).is_symlink());
    }
}
