//! Where definitions are, once they are in memory.

use std::collections::HashMap;
use std::sync::Arc;

use canonical_model::{Error, Issue, IssueCode, Kind, Result};

use crate::code_system::CodeSystem;
use crate::shown::shown;
use crate::value_set::ValueSet;

/// The code systems and value sets that an answer is made of.
pub trait Library {
    /// A value set by its canonical URL, perhaps with `|version`.
    ///
    /// # Errors
    /// Unprocessable where it is not known.
    fn value_set(&self, name: &str) -> Result<Arc<ValueSet>>;

    /// A code system by its URL and version.
    ///
    /// # Errors
    /// Unprocessable where it is not known.
    fn code_system(&self, url: &str, version: Option<&str>) -> Result<Arc<CodeSystem>>;
}

/// Why a definition is not here, to be said as often as it is asked for.
#[derive(Clone, Debug)]
pub struct Refusal {
    kind: Kind,
    issues: Vec<Issue>,
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind, issues: error.issues.clone() }
    }
}

impl Refusal {
    /// That a value set is not known.
    #[must_use]
    pub fn of_value_set(url: &str) -> Self {
        Self::unknown("the value set", url)
    }

    /// That a code system is not known.
    #[must_use]
    pub fn of_code_system(url: &str) -> Self {
        Self::unknown("the code system", url)
    }

    fn unknown(what: &str, url: &str) -> Self {
        let text = format!("{what} {} is not known here", shown(url));
        let issues = vec![Issue::error(IssueCode::NotFound, text)];
        Self { kind: Kind::Unprocessable, issues }
    }

    /// The error.
    #[must_use]
    pub fn error(&self) -> Error {
        Error::from_issues(self.kind, self.issues.clone())
    }
}

/// Definitions that were read for one answer.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    value_sets: HashMap<String, Result<Arc<ValueSet>, Refusal>>,
    systems: HashMap<String, Result<Arc<CodeSystem>, Refusal>>,
}

impl Loaded {
    /// Whether it was looked for.
    #[must_use]
    pub fn has_value_set(&self, name: &str) -> bool {
        self.value_sets.contains_key(name)
    }

    /// Whether it was looked for.
    #[must_use]
    pub fn has_code_system(&self, url: &str, version: Option<&str>) -> bool {
        self.systems.contains_key(&key(url, version))
    }

    /// Keeps what was found, under the name that it was looked for by.
    pub fn put_value_set(&mut self, name: &str, found: Result<Arc<ValueSet>, Refusal>) {
        self.value_sets.insert(name.to_owned(), found);
    }

    /// Keeps what was found, under the name that it was looked for by.
    pub fn put_code_system(
        &mut self,
        url: &str,
        version: Option<&str>,
        found: Result<Arc<CodeSystem>, Refusal>,
    ) {
        self.systems.insert(key(url, version), found);
    }
}

fn key(url: &str, version: Option<&str>) -> String {
    format!("{url}|{}", version.unwrap_or_default())
}

impl Library for Loaded {
    fn value_set(&self, name: &str) -> Result<Arc<ValueSet>> {
        match self.value_sets.get(name) {
            Some(Ok(found)) => Ok(Arc::clone(found)),
            Some(Err(refusal)) => Err(refusal.error()),
            None => Err(Refusal::of_value_set(name).error()),
        }
    }

    fn code_system(&self, url: &str, version: Option<&str>) -> Result<Arc<CodeSystem>> {
        match self.systems.get(&key(url, version)) {
            Some(Ok(found)) => Ok(Arc::clone(found)),
            Some(Err(refusal)) => Err(refusal.error()),
            None => Err(Refusal::of_code_system(url).error()),
        }
    }
}
