//! One item of a collection.

use crate::json::{Object, Value};

/// A value within a resource, with what FHIRPath knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The JSON. [`Value::Null`] where a primitive has extensions but no value.
    pub value: &'a Value,
    /// FHIR's type: `code`, `Quantity`, `Patient`; a backbone element's own path (`Patient.contact`).
    pub type_name: &'a str,
    /// A primitive's id and extensions: its partner with the underscore.
    pub extension: Option<&'a Value>,
    /// The object whose member it is, or is in.
    pub parent: Option<&'a Value>,
    /// The resource around it: its own `contained` is where `#id` leads.
    pub(super) resource: &'a Value,
    /// It stands for a resource that is not here: only its type is known.
    pub(super) remote: bool,
}

/// FHIRPath's own types, and FHIR's primitives that stand for them here.
pub(super) const SYSTEM: [(&str, &str); 7] = [
    ("Boolean", "boolean"),
    ("String", "string"),
    ("Integer", "integer"),
    ("Decimal", "decimal"),
    ("Date", "date"),
    ("DateTime", "dateTime"),
    ("Time", "time"),
];

/// Types begin with a capital but for the primitives.
pub(super) fn is_primitive(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_lowercase())
}

pub(super) static TRUE: Value = Value::Bool(true);
pub(super) static FALSE: Value = Value::Bool(false);
pub(super) static NULL: Value = Value::Null;

impl<'a> Item<'a> {
    /// A resource, or an element that is looked at on its own.
    pub(super) fn root(value: &'a Value, type_name: &'a str) -> Self {
        Self { value, type_name, extension: None, parent: None, resource: value, remote: false }
    }

    /// A value that lies in no resource.
    pub(super) fn loose(value: &'a Value, type_name: &'a str) -> Self {
        Self { resource: &NULL, ..Self::root(value, type_name) }
    }

    pub(super) fn truth(value: bool) -> Self {
        Self::loose(if value { &TRUE } else { &FALSE }, "boolean")
    }

    /// Whether it is FHIRPath's own: a literal, or computed.
    pub(super) fn is_system(&self) -> bool {
        std::ptr::eq(self.resource, &raw const NULL)
    }

    /// The members below it: an object's own, or those of a primitive's partner.
    pub(super) fn members(&self) -> Option<&'a Object> {
        match self.value {
            Value::Object(object) => (!self.remote).then_some(object),
            _ => self.extension?.as_object(),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        self.value.as_str()
    }
}
