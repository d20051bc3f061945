//! What a write came to.

use canonical_model::{Error, Issue, Result};
use store::Stored;

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A resource is there that was not.
    Created,
    /// There is a new version.
    Updated,
    /// The content was there already: no new version.
    Unchanged,
    /// A conditional create found its resource.
    Existing,
    /// The resource is gone, or was not there.
    Deleted,
}

/// A write's effect and the version it speaks of.
#[derive(Clone, Debug)]
pub struct Written {
    /// What was done.
    pub effect: Effect,
    /// The version; `None` for a delete of what was never there.
    pub version: Option<Stored>,
    /// Whether the audit record was written with it, in the same transaction.
    pub audited: bool,
    /// Whether an earlier request with the same key did it, and this one nothing.
    pub repeated: bool,
    /// What is wrong with what was written.
    pub said: Vec<Issue>,
}

impl Written {
    pub(crate) fn committed(effect: Effect, version: Stored) -> Self {
        Self { effect, version: Some(version), audited: true, repeated: false, said: Vec::new() }
    }

    /// The same, with what is wrong.
    pub(crate) fn saying(self, said: Vec<Issue>) -> Self {
        Self { said, ..self }
    }

    pub(crate) fn found(effect: Effect, version: Option<Stored>) -> Self {
        Self { effect, version, audited: false, repeated: false, said: Vec::new() }
    }
}

/// The reply as references, to be kept under an idempotency key.
pub(crate) fn reference(effect: Effect, version: &Stored) -> serde_json::Value {
    serde_json::json!({
        "effect": effect.as_str(),
        "type": version.kind.name(),
        "id": version.id,
        "version": version.version,
    })
}

impl Effect {
    /// A word for the kept reply.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Existing => "existing",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Self> {
        [Self::Created, Self::Updated, Self::Unchanged, Self::Existing, Self::Deleted]
            .into_iter()
            .find(|effect| effect.as_str() == word)
            .ok_or_else(|| Error::internal("a kept reply has an unknown effect"))
    }
}
