//! What one version of a resource is indexed under.

use canonical_model::ResourceId;

use crate::consent::ConsentRule;
use crate::keys::{Facet, Key, Param};

/// The form of the index: one more with each change of what a resource is indexed under, or of how a
/// SearchParameter is read (`custom/reading.rs` holds that to it, a line for each form). A database with an older
/// form is indexed anew, in the background.
pub const INDEX_FORM: i16 = 13;

/// The search values of one version: the forward index, of which the tables hold the inverse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexEntries {
    /// What they were extracted by; see [`crate::Form::goal`].
    pub goal: i64,
    /// Tokens, references and uris that can be looked up. Distinct.
    pub keys: Vec<Key>,
    /// Keys that only ever filter what another key found: `system|code`, presence. Distinct.
    pub facets: Vec<Facet>,
    /// Folded strings.
    pub strings: Vec<(Param, String)>,
    /// Intervals of time in microseconds since 1970, the end exclusive.
    pub dates: Vec<(Param, i64, i64)>,
    /// Intervals of numbers, both ends within; a plain number is its own beginning and end.
    pub numbers: Vec<(Param, f64, f64)>,
    /// Values that only ever filter what something else found.
    pub beside: Beside,
    /// Keys that are asked for along time, with the time; see `timeline_index`.
    pub timeline: Vec<(Key, i64)>,
    /// Identities of the patients in whose compartment the resource is. Distinct.
    pub patients: Vec<i64>,
    /// The ids of the same patients, for the decision whether it may be written.
    pub owners: Vec<ResourceId>,
    /// What it denies, where it is a Consent.
    pub rules: Vec<ConsentRule>,
}

/// Values without rows in the inverted index: parts of composites, texts beside codes, quantities
/// without their unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// Folded strings.
    pub strings: Vec<(Param, String)>,
    /// Intervals of time.
    pub dates: Vec<(Param, i64, i64)>,
    /// Intervals of numbers.
    pub numbers: Vec<(Param, f64, f64)>,
}
