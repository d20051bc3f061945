//! The profiles that there are: R4's own, ours, and those that were installed.

use std::collections::BTreeMap;
use std::sync::Arc;

use canonical_model::json::Text;
use canonical_model::{Result, Value};

use super::compile::bare;
use super::model::Profile;
use super::{builtin, own};

/// A set of profiles. R4's own are always in it.
#[derive(Debug, Default)]
pub struct Profiles {
    installed: BTreeMap<Text, Arc<Profile>>,
}

impl Profiles {
    /// R4's own, and no others.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a profile from its StructureDefinition; one with the same URL gives way.
    ///
    /// # Errors
    /// As [`Profile::compile`].
    pub fn install(&mut self, definition: &Value) -> Result<()> {
        self.add(Arc::new(Profile::compile(definition)?));
        Ok(())
    }

    /// Adds a profile that is compiled.
    pub fn add(&mut self, profile: Arc<Profile>) {
        self.installed.insert(profile.url.clone(), profile);
    }

    /// A profile by its canonical URL; a version behind `|` is not looked at.
    #[must_use]
    pub fn find(&self, canonical: &str) -> Option<&Profile> {
        let url = bare(canonical);
        builtin::find(url)
            .or_else(|| own::find(url))
            .or_else(|| self.installed.get(url).map(Arc::as_ref))
    }

    /// The URLs of those that were installed, sorted.
    pub fn installed(&self) -> impl Iterator<Item = &str> {
        self.installed.keys().map(Text::as_str)
    }

    /// Whether a profile is R4's own. None that is installed takes its place.
    #[must_use]
    pub fn has_built_in(url: &str) -> bool {
        builtin::has(url) || own::find(url).is_some()
    }

    /// The URLs of R4's own, sorted.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        builtin::urls()
    }
}
