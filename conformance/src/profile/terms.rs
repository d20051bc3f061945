//! What validation asks of terminology. The terminology service answers; without one, nothing is known.

/// Whether a code is in a value set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    In,
    /// It is not.
    Out,
    /// Nobody here can tell: the value set or the code system is not there, or too large.
    Unknown,
}

/// Knows value sets. Asked often: answers come from memory.
pub trait Terminology: Sync {
    /// Whether `code` is in the value set with this canonical URL (without version). Without a system
    /// the code alone decides, as in an element of type `code`.
    fn check(&self, value_set: &str, system: Option<&str>, code: &str) -> Verdict;
}

/// Knows nothing: every binding is told as not checked.
#[derive(Clone, Copy, Debug)]
pub struct Unknown;

impl Terminology for Unknown {
    fn check(&self, _: &str, _: Option<&str>, _: &str) -> Verdict {
        Verdict::Unknown
    }
}
