// SPDX-License-Identifier: Apache-2.0
//! Container images from an OCI image layout (OCI image-spec v1.1) as directories.
//!
//! [`Store::unpack`] resolves a [`Reference`] to a manifest, verifies every digest and size on the way, and applies the
//! layers below the store: once per manifest, whole or not at all, and never changed afterwards. Image content is
//! hostile: a layer cannot write outside its directory, nor fill memory.

mod archive;
mod blob;
mod error;
mod layer;
mod layout;
mod reference;
mod root;
mod store;

pub use error::ImageError;
pub use layout::{Image, Layout};
pub use reference::Reference;
pub use root::{read_inside, remove_tree};
pub use store::{Progress, Store, Unpacked};

/// The image's defaults for a container (image-spec v1.1, config.md).
pub use oci_spec::image::Config;
