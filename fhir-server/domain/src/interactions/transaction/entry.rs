//! What a transaction is asked for, entry by entry.

use access::Action;
use canonical_model::{Error, Resource, ResourceId, ResourceType};

use crate::interactions::patch::Patch;
use crate::{Criteria, Precondition};

/// One entry that writes.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place in the bundle, for outcomes.
    pub index: usize,
    /// `fullUrl`: what other entries refer to it by.
    pub full_url: Option<String>,
    /// What to do.
    pub operation: Operation,
}

/// What an entry does.
#[derive(Clone, Debug)]
pub enum Operation {
    /// POST, perhaps with `ifNoneExist`.
    Create(Resource, Option<Box<Criteria>>),
    /// PUT.
    Update(Target, Resource, Precondition),
    /// PATCH.
    Patch(Target, Patch, Precondition),
    /// DELETE.
    Delete(Target, Precondition),
}

/// What an entry does it to.
#[derive(Clone, Debug)]
pub enum Target {
    /// `Type/id`.
    Id(ResourceType, ResourceId),
    /// `Type?criteria`.
    Where(Box<Criteria>),
}

/// What an entry that reads needs to find once everything is written.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Its place in the bundle, for outcomes.
    pub index: usize,
    /// The type.
    pub kind: ResourceType,
    /// The id.
    pub id: ResourceId,
    /// What of it.
    pub what: Existence,
}

/// How a resource must exist to be read.
#[derive(Clone, Copy, Debug)]
pub enum Existence {
    /// It is there.
    Alive,
    /// It was there at some time.
    Ever,
    /// It has this version, with content.
    Version(i32),
}

impl Entry {
    /// An error as this entry's.
    pub(super) fn fault(&self, error: Error) -> Error {
        fault(self.index, error)
    }
}

pub(super) fn fault(index: usize, error: Error) -> Error {
    error.within(&format!("Bundle.entry[{index}]"))
}

impl Operation {
    pub(super) fn action(&self) -> Action {
        match self {
            Self::Create(..) => Action::Create,
            Self::Update(..) | Self::Patch(..) => Action::Update,
            Self::Delete(..) => Action::Delete,
        }
    }

    pub(super) fn kind(&self) -> ResourceType {
        match self {
            Self::Create(resource, _) => resource.kind(),
            Self::Update(target, ..) | Self::Patch(target, ..) | Self::Delete(target, _) => {
                match target {
                    Target::Id(kind, _) => *kind,
                    Target::Where(criteria) => criteria.kind(),
                }
            }
        }
    }

    pub(super) fn criteria(&self) -> Option<&Criteria> {
        match self {
            Self::Create(_, criteria) => criteria.as_deref(),
            Self::Update(Target::Where(criteria), ..)
            | Self::Patch(Target::Where(criteria), ..)
            | Self::Delete(Target::Where(criteria), _) => Some(criteria),
            Self::Update(..) | Self::Patch(..) | Self::Delete(..) => None,
        }
    }

    pub(super) fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Create(resource, _) | Self::Update(_, resource, _) => Some(resource),
            Self::Patch(..) | Self::Delete(..) => None,
        }
    }
}
