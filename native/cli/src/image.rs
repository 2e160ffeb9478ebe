// SPDX-License-Identifier: Apache-2.0
//! `IMAGE` of the command line to a directory and its defaults.

use std::path::{Path, PathBuf};

use hako_image::{Config, Progress as Unpacking, Reference, Store};

use crate::failure::{Doing, Failure, Result};
use crate::places::Places;
use crate::progress::Progress;

/// A root file system that nothing writes to, and what the image says about running it.
pub struct Image {
    pub rootfs: PathBuf,
    pub config: Config,
}

/// Finds an image, and unpacks it if need be.
pub fn prepare(places: &Places, text: &str) -> Result<Image> {
    let image = match text.split_once(':') {
        Some(("oci", rest)) => unpack(places, &rest.parse()?)?,
        Some(("rootfs", directory)) => plain(Path::new(directory))?,
        _ if text == "demo" => unpack(places, &Reference { layout: places.demo_image(), tag: None })?,
        _ => {
            return Err(Failure::new(format!(
                "\"{text}\" is no image: write oci:DIR[:TAG] for an OCI image layout, rootfs:DIR for a plain tree, or demo."
            )));
        }
    };
    // overlayfs(5) takes them for separators of lower directories and of options.
    if image.rootfs.to_string_lossy().contains([':', ',', '\\', '"']) {
        return Err(Failure::new(format!(
            "The directory {} cannot be mounted, since its path has one of : , \\ \": move it.",
            image.rootfs.display()
        )));
    }
    Ok(image)
}

fn unpack(places: &Places, reference: &Reference) -> Result<Image> {
    let mut line = Progress::new();
    let unpacked = Store::at(&places.images()).unpack(reference, &mut |progress| match progress {
        Unpacking::Waiting => line.say("Waiting for another hako that unpacks the same image ..."),
        Unpacking::Unpacking { done, total } => {
            line.say(&format!("Unpacking {reference}: {} % ...", done.saturating_mul(100) / total.max(1)));
        }
    })?;
    Ok(Image { rootfs: unpacked.rootfs, config: unpacked.config })
}

fn plain(directory: &Path) -> Result<Image> {
    let rootfs =
        directory.canonicalize().doing(|| format!("Looking for the root file system {}", directory.display()))?;
    if !rootfs.is_dir() {
        return Err(Failure::new(format!(
            "{} is no directory: rootfs: takes the directory of a root file system.",
            rootfs.display()
        )));
    }
    Ok(Image { rootfs, config: Config::default() })
}
