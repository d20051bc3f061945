//! Whether those who work with patients need a relationship to them.

/// What `[access] treatment` says of roles that reach only patients whom their user treats, or whose organisation is
/// theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Treatment {
    /// They reach those alone.
    #[default]
    Related,
    /// They reach all patients.
    Open,
}
