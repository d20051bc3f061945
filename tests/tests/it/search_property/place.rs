//! Where a search looks: one type, several, a compartment.

use canonical_model::Value;

use super::params::{COMPARTMENTS, refers};
use super::world::part;

/// Where a search looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In one type.
    Type,
    /// In several types, or in all.
    System,
    /// In one type of a compartment.
    Within(Compartment),
    /// In several types of a compartment, or in all.
    AllWithin(Compartment),
}

/// What belongs to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compartment {
    pub(super) kind: &'static str,
    pub(super) id: String,
}

impl Place {
    /// The path, of the type where there is one.
    pub(super) fn path(&self, kind: &str) -> String {
        match self {
            Self::Type => format!("/{kind}"),
            Self::System => "/".to_owned(),
            Self::Within(it) => format!("/{}/{}/{kind}", it.kind, it.id),
            Self::AllWithin(it) => format!("/{}/{}/*", it.kind, it.id),
        }
    }

    /// Whether `_type` may say which types.
    pub(super) fn is_of_several(&self) -> bool {
        matches!(self, Self::System | Self::AllWithin(_))
    }

    /// Whether a type has any part in it.
    pub(super) fn has(&self, kind: &str) -> bool {
        match self {
            Self::Type | Self::System => true,
            Self::Within(it) | Self::AllWithin(it) => {
                COMPARTMENTS.iter().any(|(of, what, _)| *of == it.kind && *what == kind)
            }
        }
    }

    pub(super) fn holds(&self, resource: &Value) -> bool {
        match self {
            Self::Type | Self::System => true,
            Self::Within(it) | Self::AllWithin(it) => it.holds(resource),
        }
    }
}

impl Compartment {
    pub(super) fn holds(&self, resource: &Value) -> bool {
        let kind = part(resource, "resourceType");
        let ways = COMPARTMENTS.iter().filter(|(of, what, _)| *of == self.kind && *what == kind);
        ways.into_iter().any(|(_, _, element)| match *element {
            "" => part(resource, "id") == self.id,
            element => refers(resource, element, self.kind, &self.id),
        })
    }
}
