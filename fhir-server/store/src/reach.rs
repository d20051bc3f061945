//! How far an access reaches within one type, as the store understands it.

use std::sync::Arc;

use access::{Access, Clause, Condition, Filter};
use canonical_model::{Resource, ResourceId, ResourceType, Result};
use search::{Hasher, IndexEntries, label_keys};

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
    /// What one of several ways leads to, or one without what is withheld.
    Where(Ways),
}

/// Ways in, and what is withheld on all of them.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    pub(crate) arms: Vec<Arm>,
    /// Keys of labels: what has one of them is withheld.
    pub(crate) labels: Vec<i64>,
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
        let labels: Vec<i64> = label_keys(hasher, kind, access.withheld().codes()).collect();
        match Self::bounded(access, kind, hasher) {
            Self::Nothing => Self::Nothing,
            plain if labels.is_empty() => plain,
            Self::Everything => {
                Self::Where(Ways { arms: vec![Arm { owners: None, when: None }], labels })
            }
            Self::Patients(patients) => {
                let arms = vec![Arm { owners: Some(patients), when: None }];
                Self::Where(Ways { arms, labels })
            }
            Self::Where(ways) => Self::Where(Ways { labels, ..ways }),
        }
    }

    /// Without regard to labels.
    pub(crate) fn bounded(access: &Access, kind: ResourceType, hasher: &Hasher) -> Self {
        match access.filter() {
            Filter::Everything => return Self::Everything,
            Filter::Nothing => return Self::Nothing,
            Filter::AnyOf(_) => {}
        }
        let (mut patients, mut arms) = (Vec::new(), Vec::new());
        for Clause { patients: of, when, .. } in access.filter().clauses_for(kind) {
            let identity = |id: &ResourceId| hasher.identity(ResourceType::PATIENT, id.as_str());
            let owners = of.as_ref().map(|ids| ids.iter().map(identity).collect::<Vec<_>>());
            match (owners, when) {
                (None, None) => return Self::Everything,
                (Some(owners), None) => patients.extend(owners),
                (owners, Some(when)) => arms.push(Arm { owners, when: Some(Arc::clone(when)) }),
            }
        }
        let labels = Vec::new();
        match (patients.is_empty(), arms.is_empty()) {
            (true, true) => Self::Nothing,
            (_, true) => Self::Patients(patients),
            (true, _) => Self::Where(Ways { arms, labels }),
            (false, _) => {
                arms.insert(0, Arm { owners: Some(patients), when: None });
                Self::Where(Ways { arms, labels })
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
            Self::Where(Ways { arms, .. }) => {
                let owners = arms.iter().map(|arm| arm.owners.clone()).collect::<Option<Vec<_>>>();
                Some(owners.map(|owners| owners.concat()))
            }
        }
    }

    /// Whether a superseded version is within reach, of which the owners are already. What cannot be read or indexed
    /// any more is not; one without content has no label and meets no condition.
    pub(crate) fn takes(&self, version: &Stored, extract: Extract<'_>) -> bool {
        let Some(ways) = self.ways() else { return true };
        let entries = match version.text.as_deref().map(|text| extract(&Resource::parse(text)?)) {
            None => IndexEntries::default(),
            Some(Ok(entries)) => entries,
            Some(Err(_)) => return false,
        };
        ways.admit(&version.patients, &entries)
    }

    /// The ways in, where owners are not all that is demanded.
    pub(crate) fn ways(&self) -> Option<&Ways> {
        match self {
            Self::Nothing | Self::Everything | Self::Patients(_) => None,
            Self::Where(ways) => Some(ways),
        }
    }
}

impl Ways {
    /// Whether a version that belongs to these patients and is indexed under this is let through.
    fn admit(&self, patients: &[i64], entries: &IndexEntries) -> bool {
        let withheld = self.labels.iter().any(|label| entries.keys.contains(label));
        let let_in = |Arm { owners, when }: &Arm| {
            let owned = |owners: &Vec<i64>| owners.iter().any(|owner| patients.contains(owner));
            owners.as_ref().is_none_or(owned) && when.as_ref().is_none_or(|it| it.admits(entries))
        };
        !withheld && self.arms.iter().any(let_in)
    }
}
