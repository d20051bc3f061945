//! Pre-commit hooks: consent, merge and state machines get their word in this one place.

use canonical_model::{Resource, Result};
use store::Method;

/// A version that is about to be committed.
#[derive(Debug)]
pub struct Proposal<'a> {
    /// How.
    pub method: Method,
    /// The new content; for a delete, the content that goes.
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

/// All hooks, in the order they are asked.
#[derive(Default)]
pub struct Hooks(Vec<Box<dyn Hook>>);

impl Hooks {
    /// Adds a hook behind those there are.
    #[must_use]
    pub fn with(mut self, hook: impl Hook + 'static) -> Self {
        self.0.push(Box::new(hook));
        self
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
