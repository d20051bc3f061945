//! A file that says of a server what cases need to know of it.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::Variables;

/// What is known of a server.
#[derive(Deserialize, Serialize)]
pub struct Prepared {
    /// Its FHIR base.
    pub base: String,
    /// The variables by name.
    pub variables: Variables,
}

impl Prepared {
    /// Reads a file: an object with `base` and `variables`, an object of texts.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        serde_json::from_slice(&text).with_context(|| {
            format!("{} is not an object with `base` and `variables`", file.display())
        })
    }
}
