//! What the compiler asks of the definitions, so that it needs none itself.

use crate::json::Text;

/// One element of a structure, as FHIRPath sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The element's types: `Quantity`, `Reference`; for a backbone element its own path, as
    /// `Patient.contact`; for a choice (`value[x]`) all of them; `Resource` for any resource.
    pub types: Vec<Text>,
    /// `true` for `value[x]`: in JSON its key is the name with the type's name behind it.
    pub choice: bool,
    /// `true` where more than one is allowed.
    pub many: bool,
}

/// The definitions.
pub trait Schema {
    /// The element `name` of `parent`: a type (`Patient`, `HumanName`) or a backbone element's path
    /// (`Patient.contact`). Choices are asked for without `[x]`: `value`.
    fn element(&self, parent: &str, name: &str) -> Option<Element>;
    /// Whether `kind` is `base` or comes from it: `Patient` is a `DomainResource` and a `Resource`;
    /// `Age` is a `Quantity`.
    fn is_a(&self, kind: &str, base: &str) -> bool;
}
