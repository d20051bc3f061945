//! A scope's constraint as it is enforced: compiled by whoever knows the database's index.

use std::fmt;
use std::sync::Arc;

use canonical_model::{Phi, ResourceType};
use compact_str::CompactString;
use search::{Expr, IndexEntries, holds};

/// What a scope's `?` demands of a resource of one type. <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#finer-grained-resource-constraints-using-search-parameters>
pub struct Condition {
    kind: ResourceType,
    text: CompactString,
    expr: Expr,
}

/// Who compiles constraints.
pub trait Conditions {
    /// The constraint of a scope on this type, as it stands behind `?`. `None` where it cannot be applied here: such a
    /// scope grants nothing.
    fn of(&self, kind: ResourceType, text: &str) -> Option<Arc<Condition>>;
}

impl Condition {
    /// Takes what one resource of the type decides by itself, whatever its values are; `None` for any other
    /// expression.
    #[must_use]
    pub fn new(kind: ResourceType, text: &str, expr: Expr) -> Option<Self> {
        let decided = holds(&expr, &IndexEntries::default()).is_some();
        decided.then(|| Self { kind, text: text.into(), expr })
    }

    /// The type of the resources that it decides on.
    #[must_use]
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// What must hold.
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether a resource of the type with these index values is one that it lets through.
    #[must_use]
    pub fn admits(&self, entries: &IndexEntries) -> bool {
        holds(&self.expr, entries) == Some(true)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text && self.expr == other.expr
    }
}

impl fmt::Debug for Condition {
    /// A value may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}?{:?}", self.kind, Phi(&self.text))
    }
}
