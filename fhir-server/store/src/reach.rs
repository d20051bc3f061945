//! How far an access reaches within one type, as the store understands it.

use std::sync::Arc;

use access::{Access, Clause, Condition, Filter};
use canonical_model::{Resource, ResourceType, Result};
use search::{Hasher, IndexEntries};

use crate::rows::Stored;

/// How far an access reaches within one type.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Nothing of the type.
    Nothing,
    /// All of it.
    Everything,
    /// What is in the compartments of these patients.
    Patients(Vec<i64>),
    /// What one of these lets through, of which at least one has a condition.
    Where(Vec<Arm>),
}

/// One way in: all that is there must hold.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    /// In the compartments of these patients.
    pub(crate) owners: Option<Vec<i64>>,
    pub(crate) when: Option<Arc<Condition>>,
}

/// What a version is indexed under: `history` keeps no index values, so conditions are decided on the content.
pub type Extract<'a> = &'a (dyn Fn(&Resource) -> Result<IndexEntries> + Sync);

impl Reach {
    pub(crate) fn of(access: &Access, kind: ResourceType, hasher: &Hasher) -> Self {
        match access.filter() {
            Filter::Everything => return Self::Everything,
            Filter::Nothing => return Self::Nothing,
            Filter::AnyOf(_) => {}
        }
        let (mut patients, mut arms) = (Vec::new(), Vec::new());
        for Clause { patients: of, when, .. } in access.filter().clauses_for(kind) {
            let identity = |id: &canonical_model::ResourceId| {
                hasher.identity(ResourceType::PATIENT, id.as_str())
            };
            let owners = of.as_ref().map(|ids| ids.iter().map(identity).collect::<Vec<_>>());
            match (owners, when) {
                (None, None) => return Self::Everything,
                (Some(owners), None) => patients.extend(owners),
                (owners, Some(when)) => arms.push(Arm { owners, when: Some(Arc::clone(when)) }),
            }
        }
        match (patients.is_empty(), arms.is_empty()) {
            (true, true) => Self::Nothing,
            (_, true) => Self::Patients(patients),
            (true, _) => Self::Where(arms),
            (false, _) => {
                arms.insert(0, Arm { owners: Some(patients), when: None });
                Self::Where(arms)
            }
        }
    }

    /// The owners of whom a version must belong to one, whatever else must hold: `Some(None)` demands none, `None`
    /// reaches nothing.
    pub(crate) fn owners(&self) -> Option<Option<Vec<i64>>> {
        match self {
            Self::Nothing => None,
            Self::Everything => Some(None),
            Self::Patients(patients) => Some(Some(patients.clone())),
            Self::Where(arms) => {
                let owners = arms.iter().map(|arm| arm.owners.clone()).collect::<Option<Vec<_>>>();
                Some(owners.map(|owners| owners.concat()))
            }
        }
    }

    /// Whether a superseded version is within reach, of which the owners are already. What cannot be read or indexed
    /// any more is not, nor is one without content, where a condition asks.
    pub(crate) fn takes(&self, version: &Stored, extract: Extract<'_>) -> bool {
        let Some(arms) = self.arms() else { return true };
        let resource = version.text.as_deref().and_then(|text| Resource::parse(text).ok());
        let entries = resource.and_then(|resource| extract(&resource).ok()).unwrap_or_default();
        admit(arms, &version.patients, &entries)
    }

    /// The arms, where owners are not all that is demanded.
    pub(crate) fn arms(&self) -> Option<&[Arm]> {
        match self {
            Self::Nothing | Self::Everything | Self::Patients(_) => None,
            Self::Where(arms) => Some(arms),
        }
    }
}

/// Whether one of the arms lets through a version that belongs to these patients and is indexed under this.
fn admit(arms: &[Arm], patients: &[i64], entries: &IndexEntries) -> bool {
    arms.iter().any(|Arm { owners, when }| {
        let owned = |owners: &Vec<i64>| owners.iter().any(|owner| patients.contains(owner));
        owners.as_ref().is_none_or(owned) && when.as_ref().is_none_or(|when| when.admits(entries))
    })
}
