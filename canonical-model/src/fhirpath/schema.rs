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

/// A JSON key of an object, as the definitions have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The element's name: `value` for `valueQuantity`.
    pub name: &'static str,
    /// The type of what stands there, as in [`Element::types`].
    pub kind: &'static str,
}

/// Definitions that last as long as the program: steps whose types are known only at evaluation ask them.
pub trait Model: std::fmt::Debug + Sync {
    /// What the JSON key (without the underscore of a partner) means in an object of a type.
    fn member(&'static self, kind: &str, key: &str) -> Option<Member>;
    /// As [`Schema::is_a`].
    fn descends(&'static self, kind: &str, base: &str) -> bool;
    /// Whether a value of a type is as a profile says; `None` where the profile is not known.
    fn conforms(&'static self, value: &crate::json::Value, kind: &str, url: &str) -> Option<bool>;
}

/// The definitions.
pub trait Schema {
    /// The same definitions, where they last: without them `descendants()` and its like are not offered.
    fn model(&self) -> Option<&'static dyn Model> {
        None
    }

    /// The element `name` of `parent`: a type (`Patient`, `HumanName`) or a backbone element's path
    /// (`Patient.contact`). Choices are asked for without `[x]`: `value`.
    fn element(&self, parent: &str, name: &str) -> Option<Element>;
    /// Whether `kind` is `base` or comes from it: `Patient` is a `DomainResource` and a `Resource`;
    /// `Age` is a `Quantity`.
    fn is_a(&self, kind: &str, base: &str) -> bool;
}
