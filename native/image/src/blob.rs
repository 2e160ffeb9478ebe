// SPDX-License-Identifier: Apache-2.0
//! Blobs of a layout: nothing that is read from one is used before its size and SHA-256 agree with the descriptor,
//! except layers, which are hashed while they are unpacked into a directory that is thrown away if they disagree.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, DigestAlgorithm};
use sha2::{Digest as _, Sha256};

use crate::error::{Context, ImageError, Result};

/// The largest JSON document of an image that is read into memory, in bytes (containerd's limit for manifests is equal).
pub const MAX_DOCUMENT: u64 = 8 << 20;

pub struct Blobs {
    directory: PathBuf,
}

impl Blobs {
    pub fn of(layout: &Path) -> Self {
        Self { directory: layout.join("blobs/sha256") }
    }

    /// Reads a whole JSON document, verified.
    pub fn document(&self, descriptor: &Descriptor, what: &str) -> Result<Vec<u8>> {
        if descriptor.size() > MAX_DOCUMENT {
            return Err(ImageError::new(format!(
                "The {what} {} claims {} bytes, and at most {MAX_DOCUMENT} are read: the image is broken, make it anew.",
                descriptor.digest(),
                descriptor.size()
            )));
        }
        let mut blob = self.open(descriptor, what)?;
        let mut bytes = Vec::new();
        blob.read_to_end(&mut bytes).context(|| format!("Reading the {what} {}", descriptor.digest()))?;
        blob.verify()?;
        Ok(bytes)
    }

    /// Opens a blob whose size is right; `Blob::verify` tells whether its content is.
    pub fn open(&self, descriptor: &Descriptor, what: &str) -> Result<Blob> {
        let digest = descriptor.digest();
        if *digest.algorithm() != DigestAlgorithm::Sha256 {
            return Err(ImageError::new(format!(
                "The {what} is named by a {} digest, and only sha256 is read: make the image anew with sha256 digests.",
                digest.algorithm()
            )));
        }
        let path = self.directory.join(digest.digest());
        let file = File::open(&path).context(|| format!("The image lacks its {what} {digest} ({})", path.display()))?;
        let size = file.metadata().context(|| format!("Reading the size of {}", path.display()))?.len();
        if size != descriptor.size() {
            return Err(ImageError::new(format!(
                "The {what} {digest} has {size} bytes where the image says {}: the file is damaged, copy the image anew.",
                descriptor.size()
            )));
        }
        let name = format!("{what} {digest}");
        Ok(Blob { file, hash: Sha256::new(), expected: digest.digest().to_owned(), name, read: 0 })
    }
}

/// A blob being read and hashed.
pub struct Blob {
    file: File,
    hash: Sha256,
    expected: String,
    name: String,
    read: u64,
}

impl Blob {
    /// How many bytes have been read.
    pub fn position(&self) -> u64 {
        self.read
    }

    /// Reads what is left and compares the digest.
    pub fn verify(mut self) -> Result<()> {
        io::copy(&mut self, &mut io::sink()).context(|| format!("Reading the {}", self.name))?;
        let found = hex(&self.hash.finalize());
        if found == self.expected {
            return Ok(());
        }
        Err(ImageError::new(format!(
            "The {} has other content, of SHA-256 {found}: the file is damaged, copy the image anew.",
            self.name
        )))
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.read += count as u64;
        Ok(count)
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
