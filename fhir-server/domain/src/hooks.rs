//! Pre-commit hooks: consent, merge and state machines get their word in this one place.

use std::sync::Arc;

use canonical_model::{Resource, Result};
use store::{Method, Stored};

/// A version that is about to be committed.
#[derive(Debug)]
pub struct Proposal<'a> {
    /// How.
    pub method: Method,
    /// The new content; for a delete, the content that goes. A large Binary stands without its `data`,
    /// which its `blob` names.
    pub resource: &'a Resource,
}

/// A rule that may refuse a write. Pure: it sees the proposal and nothing else.
pub trait Hook: Send + Sync {
    /// A name for logs and refusals.
    fn name(&self) -> &'static str;
    /// Refuses with an error that says what to change.
    ///
    /// # Errors
    /// Whatever forbids the write.
    fn check(&self, proposal: &Proposal<'_>) -> Result<()>;
}

/// All hooks, in the order they are asked. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hooks(Vec<Arc<dyn Hook>>);

impl Hooks {
    /// Adds a hook behind those there are.
    #[must_use]
    pub fn with(mut self, hook: impl Hook + 'static) -> Self {
        self.0.push(Arc::new(hook));
        self
    }

    /// Whether nobody has a word: then the content that a delete removes need not be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks each hook about the content that a delete removes.
    ///
    /// # Errors
    /// The refusal; Internal where the stored text cannot be read.
    pub(crate) fn check_gone(&self, current: &Stored) -> Result<()> {
        let Some(text) = &current.text else { return Ok(()) };
        let resource = Resource::parse(text)?;
        self.check(&Proposal { method: Method::Delete, resource: &resource })
    }

    /// Asks each hook; the first refusal stands.
    ///
    /// # Errors
    /// The refusal.
    pub fn check(&self, proposal: &Proposal<'_>) -> Result<()> {
        self.0.iter().try_for_each(|hook| hook.check(proposal))
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|hook| hook.name())).finish()
    }
}
