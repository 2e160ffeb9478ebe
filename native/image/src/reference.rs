// SPDX-License-Identifier: Apache-2.0
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::ImageError;

/// Names an image in an OCI image layout: `DIR[:TAG]`.
///
/// What follows the last colon is the tag unless it has a slash, so a directory's own colons need a `/` after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub layout: PathBuf,
    /// `org.opencontainers.image.ref.name`; absent: the only image, or `latest`.
    pub tag: Option<String>,
}

impl FromStr for Reference {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let (layout, tag) = match text.rsplit_once(':') {
            Some((layout, tag)) if !tag.contains('/') => (layout, Some(tag)),
            _ => (text, None),
        };
        if layout.is_empty() || tag == Some("") {
            return Err(ImageError::new(format!(
                "\"{text}\" names no image: write DIR or DIR:TAG, e.g. ./image:latest."
            )));
        }
        Ok(Self { layout: PathBuf::from(layout), tag: tag.map(str::to_owned) })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{}:{tag}", self.layout.display()),
            None => write!(f, "{}", self.layout.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let reference: Reference = text.parse().unwrap();
        (reference.layout.display().to_string(), reference.tag)
    }

    #[test]
    fn the_tag_follows_the_last_colon_without_a_slash() {
        assert_eq!(parts("/images/web"), ("/images/web".into(), None));
        assert_eq!(parts("/images/web:1.2"), ("/images/web".into(), Some("1.2".into())));
        assert_eq!(parts("/a:b/web"), ("/a:b/web".into(), None));
        assert_eq!(parts("/a:b/web:x"), ("/a:b/web".into(), Some("x".into())));
    }

    #[test]
    fn nothing_before_or_after_the_colon_is_refused() {
        for text in ["", ":tag", "dir:"] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains("names no image"), "{error}");
        }
    }
}
