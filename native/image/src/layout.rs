// SPDX-License-Identifier: Apache-2.0
//! From a directory to one image: oci-layout, index.json, nested indexes, manifest, config (image-spec v1.1).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use oci_spec::image::{Arch, Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType, Os, Platform};

use crate::blob::{Blobs, MAX_DOCUMENT};
use crate::error::{Context, ImageError, Result, cause};

const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Indexes in indexes: buildx makes two levels; more than this is a mistake or an attack.
const MAX_DEPTH: u32 = 4;
/// containerd and docker stop at 127 or 128 layers.
const MAX_LAYERS: usize = 1000;

/// An OCI image layout directory.
pub struct Layout {
    directory: PathBuf,
    blobs: Blobs,
}

/// One image of a layout: its manifest and config are read and verified, its layers are not.
pub struct Image {
    /// SHA-256 of the manifest, 64 hex digits.
    pub digest: String,
    pub layers: Vec<Descriptor>,
    pub configuration: ImageConfiguration,
}

impl Layout {
    /// Opens a layout directory.
    pub fn open(directory: &Path) -> Result<Self> {
        let marker = directory.join("oci-layout");
        let text = read_bounded(&marker).map_err(|error| {
            ImageError::new(format!(
                "{} is no OCI image layout, since {} cannot be read: {}; give the directory that holds oci-layout and index.json.",
                directory.display(),
                marker.display(),
                cause(&error)
            ))
        })?;
        let version = serde_json::from_slice::<oci_spec::image::OciLayout>(&text)
            .context(|| format!("{} is no valid OCI layout marker", marker.display()))?;
        if version.image_layout_version() != "1.0.0" {
            return Err(ImageError::new(format!(
                "{} has image layout version {}, and only 1.0.0 is known.",
                directory.display(),
                version.image_layout_version()
            )));
        }
        Ok(Self { directory: directory.to_owned(), blobs: Blobs::of(directory) })
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Finds the image of a tag, for this machine's platform where there is a choice.
    pub fn image(&self, tag: Option<&str>) -> Result<Image> {
        let path = self.directory.join("index.json");
        let text = read_bounded(&path).context(|| format!("Reading the image index {}", path.display()))?;
        let index: ImageIndex =
            serde_json::from_slice(&text).context(|| format!("{} is no valid image index", path.display()))?;
        let entry = self.tagged(&index, tag)?;
        let descriptor = self.manifest_of(entry, 0)?;
        self.read_image(&descriptor)
    }

    fn tagged<'i>(&self, index: &'i ImageIndex, tag: Option<&str>) -> Result<&'i Descriptor> {
        let entries = index.manifests();
        if let (None, [only]) = (tag, entries.as_slice()) {
            return Ok(only);
        }
        let wanted = tag.unwrap_or("latest");
        entries.iter().find(|entry| ref_name(entry) == Some(wanted)).ok_or_else(|| {
            let mut names: Vec<_> = entries.iter().filter_map(ref_name).collect();
            names.sort_unstable();
            let there = if names.is_empty() { "no tags".to_owned() } else { names.join(", ") };
            ImageError::new(format!("{} has no image tagged \"{wanted}\"; it has {there}.", self.directory.display()))
        })
    }

    fn manifest_of(&self, entry: &Descriptor, depth: u32) -> Result<Descriptor> {
        match entry.media_type() {
            MediaType::ImageManifest => return Ok(entry.clone()),
            MediaType::ImageIndex => {}
            MediaType::Other(name) if name == "application/vnd.docker.distribution.manifest.v2+json" => {
                return Ok(entry.clone());
            }
            MediaType::Other(name) if name == "application/vnd.docker.distribution.manifest.list.v2+json" => {}
            other => {
                return Err(ImageError::new(format!(
                    "{} in {} is a {other}, which is no image.",
                    entry.digest(),
                    self.directory.display()
                )));
            }
        }
        if depth == MAX_DEPTH {
            return Err(ImageError::new(format!(
                "{} nests image indexes more than {MAX_DEPTH} deep: the image is broken, make it anew.",
                self.directory.display()
            )));
        }
        let text = self.blobs.document(entry, "image index")?;
        let index: ImageIndex =
            serde_json::from_slice(&text).context(|| format!("{} is no valid image index", entry.digest()))?;
        self.manifest_of(self.for_this_machine(&index)?, depth + 1)
    }

    fn for_this_machine<'i>(&self, index: &'i ImageIndex) -> Result<&'i Descriptor> {
        let here = Arch::default();
        let fits = |platform: &Platform| *platform.os() == Os::Linux && *platform.architecture() == here;
        let entries = index.manifests();
        if let Some(entry) = entries.iter().find(|entry| entry.platform().as_ref().is_some_and(fits)) {
            return Ok(entry);
        }
        match entries.as_slice() {
            [only] if only.platform().is_none() => return Ok(only),
            _ => {}
        }
        let there: Vec<_> = entries
            .iter()
            .filter_map(|e| e.platform().as_ref())
            .map(|p| format!("{}/{}", p.os(), p.architecture()))
            .collect();
        Err(ImageError::new(format!(
            "{} has no image for linux/{here}; it has {}.",
            self.directory.display(),
            if there.is_empty() { "none that names its platform".to_owned() } else { there.join(", ") }
        )))
    }

    fn read_image(&self, descriptor: &Descriptor) -> Result<Image> {
        let text = self.blobs.document(descriptor, "image manifest")?;
        let manifest: ImageManifest =
            serde_json::from_slice(&text).context(|| format!("{} is no valid image manifest", descriptor.digest()))?;
        let text = self.blobs.document(manifest.config(), "image config")?;
        let configuration: ImageConfiguration = serde_json::from_slice(&text)
            .context(|| format!("{} is no valid image config", manifest.config().digest()))?;
        let (layers, diffs) = (manifest.layers().len(), configuration.rootfs().diff_ids().len());
        if layers != diffs || layers > MAX_LAYERS {
            return Err(ImageError::new(format!(
                "The image {} has {layers} layers and {diffs} diff ids; they must be as many, and at most {MAX_LAYERS}.",
                descriptor.digest()
            )));
        }
        if *configuration.os() != Os::Linux || *configuration.architecture() != Arch::default() {
            return Err(ImageError::new(format!(
                "The image {} is for {}/{}, and the guest runs linux/{}.",
                descriptor.digest(),
                configuration.os(),
                configuration.architecture(),
                Arch::default()
            )));
        }
        Ok(Image { digest: descriptor.digest().digest().to_owned(), layers: manifest.layers().clone(), configuration })
    }
}

fn ref_name(entry: &Descriptor) -> Option<&str> {
    entry.annotations().as_ref()?.get(REF_NAME).map(String::as_str)
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
