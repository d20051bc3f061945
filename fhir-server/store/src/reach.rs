//! How far an access reaches within one type, as the store understands it.

use std::collections::HashSet;
use std::sync::Arc;

use access::{Access, Clause, Condition, Filter, Relations};
use canonical_model::{Resource, ResourceId, ResourceType, Result};
use search::{Hasher, IndexEntries, label_keys};

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use crate::consent::Denials;
use crate::error::StoreError;
use crate::{Store, Transaction};

/// How far an access reaches within one type.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ways {
    pub(crate) arms: Vec<Arm>,
    /// Keys of labels: what has one of them is withheld.
    pub(crate) labels: Vec<i64>,
    /// With what rules of Consents are asked; `None` where they do not bind.
    pub(crate) denials: Option<Denials>,
}

/// One way in: all that is there must hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arm {
    /// In the compartments of these patients.
    pub(crate) owners: Option<Vec<i64>>,
    /// In that of a patient to whom there is a relationship.
    pub(crate) related: Option<Kin>,
    pub(crate) when: Option<Arc<Condition>>,
}

/// Patients to whom there is a relationship: these, and those who are indexed under these keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kin {
    pub(crate) patients: Arc<[i64]>,
    pub(crate) keys: Arc<[i64]>,
}

/// What a version is indexed under: `history` keeps no index values, so conditions are decided on the content.
pub type Extract<'a> = &'a (dyn Fn(&Resource) -> Result<IndexEntries> + Sync);

impl Reach {
    pub(crate) fn of(access: &Access, kind: ResourceType, hasher: &Hasher) -> Self {
        let labels: Vec<i64> = label_keys(hasher, kind, access.withheld().codes()).collect();
        let denials = Denials::of(access, kind, hasher);
        match Self::bounded(access, kind, hasher) {
            Self::Nothing => Self::Nothing,
            plain if labels.is_empty() && denials.is_none() => plain,
            Self::Everything => {
                let arms = vec![Arm { owners: None, related: None, when: None }];
                Self::Where(Ways { arms, labels, denials })
            }
            Self::Patients(patients) => {
                let arms = vec![Arm { owners: Some(patients), related: None, when: None }];
                Self::Where(Ways { arms, labels, denials })
            }
            Self::Where(ways) => Self::Where(Ways { labels, denials, ..ways }),
        }
    }

    /// Without regard to labels and consent.
    pub(crate) fn bounded(access: &Access, kind: ResourceType, hasher: &Hasher) -> Self {
        match access.filter() {
            Filter::Everything => return Self::Everything,
            Filter::Nothing => return Self::Nothing,
            Filter::AnyOf(_) => {}
        }
        let (mut patients, mut arms) = (Vec::new(), Vec::new());
        let identity = |id: &ResourceId| hasher.identity(ResourceType::PATIENT, id.as_str());
        let identities = |ids: &[ResourceId]| ids.iter().map(identity).collect::<Vec<_>>();
        for Clause { patients: of, related, when, .. } in access.filter().clauses_for(kind) {
            let owners = of.as_deref().map(identities);
            let kin = |it: &Arc<Relations>| Kin {
                patients: Arc::clone(it.identities(hasher)),
                keys: Arc::clone(it.keys(hasher)),
            };
            match (owners, related.as_ref().map(kin), when.clone()) {
                (None, None, None) => return Self::Everything,
                (Some(owners), None, None) => patients.extend(owners),
                (owners, related, when) => arms.push(Arm { owners, related, when }),
            }
        }
        let (labels, denials) = (Vec::new(), None);
        match (patients.is_empty(), arms.is_empty()) {
            (true, true) => Self::Nothing,
            (_, true) => Self::Patients(patients),
            (true, _) => Self::Where(Ways { arms, labels, denials }),
            (false, _) => {
                arms.insert(0, Arm { owners: Some(patients), related: None, when: None });
                Self::Where(Ways { arms, labels, denials })
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

    /// The ways in, where owners are not all that is demanded.
    pub(crate) fn ways(&self) -> Option<&Ways> {
        match self {
            Self::Nothing | Self::Everything | Self::Patients(_) => None,
            Self::Where(ways) => Some(ways),
        }
    }
}

const INDEXED_UNDER: &str =
    "select id_hash from resource where id_hash = any($1) and method <> 2 and keys && $2";

impl Store {
    /// Those of these patients who are indexed under one of these keys.
    pub(crate) async fn indexed_under(
        &self,
        keys: &[i64],
        patients: &[i64],
    ) -> Result<HashSet<i64>> {
        if keys.is_empty() || patients.is_empty() {
            return Ok(HashSet::new());
        }
        identities(&self.sessions.fetch_all(indexed_under(keys, patients)).await?)
    }

    /// Those of these patients who name the user as theirs, or an organisation of the user's.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn related(
        &self,
        relations: &Relations,
        patients: &[ResourceId],
    ) -> Result<HashSet<ResourceId>> {
        let identities = patient_identities(self.hasher(), patients);
        let found = self.indexed_under(relations.keys(self.hasher()), &identities).await?;
        Ok(those(patients, &identities, &found))
    }
}

impl Transaction {
    /// As [`Store::related`], in its own session: who waited for another while holding this one could wait for ever.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn related(
        &mut self,
        relations: &Relations,
        patients: &[ResourceId],
    ) -> Result<HashSet<ResourceId>> {
        let ids = patient_identities(self.hasher(), patients);
        let keys = Arc::clone(relations.keys(self.hasher()));
        let rows = indexed_under(&keys, &ids).fetch_all(self.connection()).await;
        Ok(those(patients, &ids, &identities(&rows.map_err(StoreError)?)?))
    }
}

fn indexed_under<'q>(keys: &'q [i64], patients: &'q [i64]) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(INDEXED_UNDER).bind(patients).bind(keys)
}

fn identities(rows: &[PgRow]) -> Result<HashSet<i64>> {
    rows.iter().map(|row| Ok(row.try_get(0).map_err(StoreError)?)).collect()
}

fn patient_identities(hasher: &Hasher, patients: &[ResourceId]) -> Vec<i64> {
    patients.iter().map(|id| hasher.identity(ResourceType::PATIENT, id.as_str())).collect()
}

/// The patients whose identities were found.
fn those(patients: &[ResourceId], ids: &[i64], found: &HashSet<i64>) -> HashSet<ResourceId> {
    let both = patients.iter().zip(ids);
    both.filter(|(_, it)| found.contains(it)).map(|(id, _)| id.clone()).collect()
}
