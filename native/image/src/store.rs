// SPDX-License-Identifier: Apache-2.0
//! The directory of unpacked images.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use oci_spec::image::{Config, Descriptor, MediaType};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::blob::{Blob, Blobs, hex};
use crate::error::{Context, ImageError, Result};
use crate::layer::{self, Budget};
use crate::layout::Image;
use crate::root::{self, Root};
use crate::{Layout, Reference};

/// What is being done, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Another process is unpacking the same image.
    Waiting,
    /// `done` of `total` compressed bytes of all layers are unpacked.
    Unpacking { done: u64, total: u64 },
}

/// An image that lies in the store.
#[derive(Debug)]
pub struct Unpacked {
    /// SHA-256 of the image's manifest, 64 hex digits.
    pub digest: String,
    /// Immutable: it serves as an overlay's lower directory. The path has neither `:` nor `,`, as far as the store's has none.
    pub rootfs: PathBuf,
    /// Command, environment, user and working directory that the image asks for.
    pub config: Config,
}

/// Unpacked images: `DIGEST/rootfs` below one directory, made by any number of processes at once.
///
/// A `DIGEST` directory is whole and never changed; one that is being made is `DIGEST.partial`, owned by whoever holds
/// the lock on `DIGEST.lock`, so that a crash leaves nothing that the next attempt does not remove.
pub struct Store {
    directory: PathBuf,
}

impl Store {
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Gives the image's root file system, after unpacking it if it is not there yet.
    pub fn unpack(&self, reference: &Reference, progress: &mut dyn FnMut(Progress)) -> Result<Unpacked> {
        let layout = Layout::open(&reference.layout)?;
        let image = layout.image(reference.tag.as_deref())?;
        let home = self.directory.join(&image.digest);
        if !exists(&home)? {
            make_private(&self.directory)?;
            let _lock = self.lock(&image.digest, progress)?;
            if !exists(&home)? {
                self.make(&layout, &image, &home, progress)?;
            }
        }
        let config = image.configuration.config().clone().unwrap_or_default();
        Ok(Unpacked { digest: image.digest, rootfs: home.join("rootfs"), config })
    }

    fn lock(&self, digest: &str, progress: &mut dyn FnMut(Progress)) -> Result<File> {
        let path = self.directory.join(format!("{digest}.lock"));
        let doing = || format!("Locking {}", path.display());
        let file = File::options().create(true).truncate(false).write(true).open(&path).context(doing)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                progress(Progress::Waiting);
                rustix::fs::flock(&file, FlockOperation::LockExclusive).context(doing)?;
            }
            other => other.context(doing)?,
        }
        Ok(file)
    }

    fn make(&self, layout: &Layout, image: &Image, home: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let partial = self.directory.join(format!("{}.partial", image.digest));
        self.discard(&partial)?;
        make_private(&partial)?;
        let made = fill(layout, image, &partial.join("rootfs"), progress).and_then(|()| {
            sync(&partial)?;
            fs::rename(&partial, home).context(|| format!("Naming {}", home.display()))
        });
        if made.is_err() {
            self.discard(&partial)?;
        }
        made
    }

    fn discard(&self, partial: &Path) -> Result<()> {
        let parent = File::open(&self.directory).context(|| format!("Opening {}", self.directory.display()))?;
        let Some(name) = partial.file_name() else { return Ok(()) };
        use std::os::fd::AsFd;
        root::remove(parent.as_fd(), name).context(|| format!("Removing {}", partial.display()))
    }
}

fn fill(layout: &Layout, image: &Image, rootfs: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    DirBuilder::new().mode(0o755).create(rootfs).context(|| format!("Making {}", rootfs.display()))?;
    let root = Root::open(rootfs).context(|| format!("Opening {}", rootfs.display()))?;
    let room = rustix::fs::statvfs(rootfs).context(|| format!("Measuring {}", rootfs.display()))?;
    // Some file systems (btrfs) count no files and say 0.
    let files = if room.f_files == 0 { u64::MAX } else { room.f_favail };
    let mut budget = Budget { bytes: room.f_bavail.saturating_mul(room.f_frsize), files };
    let total = image.layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size()));
    let mut before = 0;
    for (descriptor, diff) in image.layers.iter().zip(image.configuration.rootfs().diff_ids()) {
        let mut report = |done| progress(Progress::Unpacking { done: before + done, total });
        apply(layout.blobs(), descriptor, diff, &root, &mut budget, &mut report)?;
        before += descriptor.size();
    }
    Ok(())
}

/// Applies one layer and compares both its digests.
fn apply(
    blobs: &Blobs,
    descriptor: &Descriptor,
    diff: &str,
    root: &Root,
    budget: &mut Budget,
    report: &mut dyn FnMut(u64),
) -> Result<()> {
    let mut blob = blobs.open(descriptor, "layer")?;
    let applied = decode(descriptor, Reported { blob: &mut blob, report }, root, budget);
    // Damage shows as anything at all further up: the digest's verdict goes first.
    blob.verify()?;
    let found = applied.map_err(|error| ImageError::new(format!("In the layer {}: {error}", descriptor.digest())))?;
    if diff.strip_prefix("sha256:") != Some(found.as_str()) {
        return Err(ImageError::new(format!(
            "The layer {} unpacks to sha256:{found} where the image config says {diff}: the image is broken, make it anew.",
            descriptor.digest()
        )));
    }
    Ok(())
}

/// Unpacks a layer; returns the SHA-256 of what it decompressed to, its diff id.
fn decode(descriptor: &Descriptor, blob: Reported<'_>, root: &Root, budget: &mut Budget) -> Result<String> {
    let mut plain = Hashed { source: decoder(descriptor, blob)?, hash: Sha256::new() };
    layer::apply(root, &mut plain, budget)?;
    io::copy(&mut plain, &mut io::sink()).context(|| "what follows the archive cannot be read".into())?;
    Ok(hex(&plain.hash.finalize()))
}

fn decoder<'a>(descriptor: &Descriptor, source: impl Read + 'a) -> Result<Box<dyn Read + 'a>> {
    let gzip =
        |source| -> Box<dyn Read + 'a> { Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 << 10, source))) };
    Ok(match descriptor.media_type() {
        MediaType::ImageLayerGzip | MediaType::ImageLayerNonDistributableGzip => gzip(source),
        MediaType::Other(name) if name == "application/vnd.docker.image.rootfs.diff.tar.gzip" => gzip(source),
        MediaType::ImageLayer | MediaType::ImageLayerNonDistributable => Box::new(source),
        MediaType::Other(name) if name == "application/vnd.docker.image.rootfs.diff.tar" => Box::new(source),
        other => {
            return Err(ImageError::new(format!(
                "The layer {} is a {other}, and only plain and gzip-compressed tar layers are read: convert the image (skopeo copy --dest-compress-format gzip).",
                descriptor.digest()
            )));
        }
    })
}

/// A blob that tells how far it has been read.
struct Reported<'a> {
    blob: &'a mut Blob,
    report: &'a mut dyn FnMut(u64),
}

impl Read for Reported<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.blob.read(buffer)?;
        (self.report)(self.blob.position());
        Ok(count)
    }
}

struct Hashed<R> {
    source: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

fn exists(path: &Path) -> Result<bool> {
    path.try_exists().context(|| format!("Looking for {}", path.display()))
}

fn make_private(directory: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .context(|| format!("Making {}", directory.display()))
}

/// Brings everything to the disk before the name says that it is whole.
fn sync(directory: &Path) -> Result<()> {
    let opened = File::open(directory).context(|| format!("Opening {}", directory.display()))?;
    rustix::fs::syncfs(&opened).context(|| format!("Writing {} to the disk", directory.display()))
}
