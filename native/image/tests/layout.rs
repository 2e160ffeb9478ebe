// SPDX-License-Identifier: Apache-2.0
//! From a reference to an image: tags, platforms, and what is refused with which sentence.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fixture;

use std::fs;

use fixture::{Fixture, GZIP, Layer, PLAIN, gzip, names, sha256};
use hako_image::{Progress, Reference, Store};
use serde_json::json;

fn simple() -> Fixture {
    Fixture::of(vec![Layer::new().file("hello", "world")])
}

/// The blob of the only layer.
fn layer_digest(fixture: &Fixture) -> String {
    let bytes = gzip(&Layer::new().file("hello", "world").bytes());
    let digest = sha256(&bytes);
    assert!(fixture.blob_path(&digest).exists());
    digest
}

#[test]
fn an_image_is_unpacked_once_and_found_again() {
    let fixture = simple();
    let first = fixture.unpack().unwrap();
    assert_eq!(fs::read_to_string(first.rootfs.join("hello")).unwrap(), "world");
    assert_eq!(first.config.cmd().as_deref(), Some(&["/bin/sh".to_owned()][..]));
    assert_eq!(first.config.user().as_deref(), Some("1000"));
    // Found again without its layers, so not unpacked again.
    fs::remove_file(fixture.blob_path(&layer_digest(&fixture))).unwrap();
    assert_eq!(fixture.unpack().unwrap().rootfs, first.rootfs);
}

#[test]
fn what_a_crash_left_is_replaced() {
    let fixture = simple();
    let home = fixture.unpack().unwrap().rootfs.parent().unwrap().to_owned();
    let partial = home.with_extension("partial");
    fs::rename(&home, &partial).unwrap();
    fs::write(partial.join("rootfs/stale"), "x").unwrap();
    let rootfs = fixture.unpack().unwrap().rootfs;
    assert_eq!(names(&rootfs), ["hello"]);
    assert!(!partial.exists());
}

#[test]
fn two_at_once_unpack_once_and_the_second_says_that_it_waits() {
    let fixture = simple();
    let digest = fixture.unpack().unwrap().digest;
    fs::remove_dir_all(fixture.store().join(&digest)).unwrap();
    let lock = fs::File::options().write(true).open(fixture.store().join(format!("{digest}.lock"))).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let reference = Reference { layout: fixture.layout(), tag: None };
    let mut lock = Some(lock);
    let mut seen = Vec::new();
    let unpacked = Store::at(&fixture.store()).unpack(&reference, &mut |progress| {
        seen.push(progress);
        lock.take();
    });
    assert_eq!(names(&unpacked.unwrap().rootfs), ["hello"]);
    assert_eq!(seen[0], Progress::Waiting);
    let Some(Progress::Unpacking { done, total }) = seen.last() else { panic!("{seen:?}") };
    assert_eq!(done, total);
}

#[test]
fn a_tag_is_found_and_an_unknown_one_answered_with_those_there_are() {
    let mut fixture = Fixture::new();
    for tag in ["one", "two"] {
        let bytes = Layer::new().file(tag, tag).bytes();
        let manifest = fixture.manifest(&[(PLAIN, bytes.clone(), sha256(&bytes))]);
        fixture.add(tag, manifest);
    }
    assert_eq!(names(&fixture.unpack_tag(Some("two")).unwrap().rootfs), ["two"]);
    let layout = fixture.layout();
    let expected = format!("{} has no image tagged \"three\"; it has one, two.", layout.display());
    assert_eq!(fixture.unpack_tag(Some("three")).unwrap_err(), expected);
    assert!(fixture.unpack().unwrap_err().contains("has no image tagged \"latest\"; it has one, two."));
}

#[test]
fn a_nested_index_gives_the_image_of_this_machine() {
    let mut fixture = Fixture::new();
    let mut entries = Vec::new();
    for architecture in ["mips64", &oci_spec::image::Arch::default().to_string()] {
        let bytes = Layer::new().file(architecture, "").bytes();
        let mut entry = fixture.manifest(&[(PLAIN, bytes.clone(), sha256(&bytes))]);
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entries.push(entry);
    }
    let here = entries.pop().unwrap();
    let index = |entries: &[serde_json::Value]| json!({ "schemaVersion": 2, "manifests": entries }).to_string();
    let kind = "application/vnd.oci.image.index.v1+json";
    let nested = fixture.descriptor(kind, index(&[entries[0].clone(), here]).as_bytes());
    let foreign = fixture.descriptor(kind, index(&entries).as_bytes());
    fixture.add("here", nested).add("foreign", foreign);
    assert_eq!(
        names(&fixture.unpack_tag(Some("here")).unwrap().rootfs),
        [oci_spec::image::Arch::default().to_string()]
    );
    let error = fixture.unpack_tag(Some("foreign")).unwrap_err();
    assert!(error.contains("has no image for linux/") && error.contains("it has linux/mips64"), "{error}");
}

#[test]
fn a_directory_without_a_layout_is_refused() {
    let fixture = simple();
    fs::remove_file(fixture.layout().join("oci-layout")).unwrap();
    let error = fixture.refused();
    assert!(
        error.contains("is no OCI image layout") && error.contains("give the directory that holds oci-layout"),
        "{error}"
    );
}

#[test]
fn a_missing_blob_is_named() {
    let fixture = simple();
    let digest = layer_digest(&fixture);
    fs::remove_file(fixture.blob_path(&digest)).unwrap();
    let error = fixture.refused();
    assert!(error.starts_with(&format!("The image lacks its layer sha256:{digest}")), "{error}");
}

#[test]
fn a_changed_layer_of_the_same_size_is_refused_by_its_digest() {
    let fixture = simple();
    let path = fixture.blob_path(&layer_digest(&fixture));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&path, &bytes).unwrap();
    let error = fixture.refused();
    assert!(error.contains(&format!("has other content, of SHA-256 {}", sha256(&bytes))), "{error}");
}

#[test]
fn a_shortened_blob_is_refused_by_its_size() {
    let fixture = simple();
    let path = fixture.blob_path(&layer_digest(&fixture));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..10]).unwrap();
    let error = fixture.refused();
    assert!(error.contains("has 10 bytes where the image says"), "{error}");
}

#[test]
fn a_layer_cut_off_before_it_was_hashed_is_refused() {
    let bytes = Layer::new().file("hello", &"world".repeat(1000)).bytes();
    for (kind, cut) in [(GZIP, gzip(&bytes)[..60].to_vec()), (PLAIN, bytes[..1500].to_vec())] {
        let mut fixture = Fixture::new();
        let manifest = fixture.manifest(&[(kind, cut, sha256(&bytes))]);
        fixture.add("latest", manifest);
        let error = fixture.refused();
        assert!(error.contains("ends too early: it was cut off"), "{error}");
    }
}

#[test]
fn a_layer_that_unpacks_to_something_else_is_refused() {
    let bytes = Layer::new().file("hello", "world").bytes();
    let mut fixture = Fixture::new();
    let manifest = fixture.manifest(&[(GZIP, gzip(&bytes), sha256(b"other"))]);
    fixture.add("latest", manifest);
    let error = fixture.refused();
    assert!(error.contains(&format!("unpacks to sha256:{}", sha256(&bytes))), "{error}");
}

#[test]
fn a_layer_format_that_is_not_read_is_named_with_a_way_out() {
    let bytes = Layer::new().file("hello", "world").bytes();
    let mut fixture = Fixture::new();
    let kind = "application/vnd.oci.image.layer.v1.tar+zstd";
    let manifest = fixture.manifest(&[(kind, bytes.clone(), sha256(&bytes))]);
    fixture.add("latest", manifest);
    let error = fixture.refused();
    assert!(error.contains(kind) && error.contains("skopeo copy --dest-compress-format gzip"), "{error}");
}

#[test]
fn a_document_of_absurd_size_is_refused_before_it_is_read() {
    let mut fixture = simple();
    let mut manifest = fixture.manifest(&[]);
    manifest["size"] = json!(u64::MAX);
    fixture.add("huge", manifest);
    let error = fixture.unpack_tag(Some("huge")).unwrap_err();
    assert!(error.contains("claims 18446744073709551615 bytes, and at most 8388608 are read"), "{error}");
}

#[test]
fn a_file_larger_than_the_disk_is_refused_before_it_is_written() {
    let layer = Layer::new().raw(tar::EntryType::Regular, "huge", "", b"", |header| header.set_size(1 << 60));
    let error = Fixture::of(vec![layer]).refused();
    assert!(error.contains("\"huge\" has 1152921504606846976 bytes") && error.contains("has room for"), "{error}");
}

#[test]
fn malformed_documents_are_refused() {
    let fixture = simple();
    fs::write(fixture.layout().join("index.json"), "{").unwrap();
    assert!(fixture.refused().contains("index.json is no valid image index"));
    fs::write(fixture.layout().join("oci-layout"), r#"{"imageLayoutVersion":"9.0.0"}"#).unwrap();
    assert!(fixture.refused().contains("has image layout version 9.0.0, and only 1.0.0 is known."));
}
