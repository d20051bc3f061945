//! To whom a user stands in a relationship: what roles that need one reach.

use std::fmt;
use std::sync::{Arc, OnceLock};

use canonical_model::{Phi, ResourceId, ResourceType};
use search::{Hasher, IndexEntries, Key, care_keys};

/// Patients to whom a user stands in one kind of relationship.
#[derive(Clone, Default)]
pub struct Relations {
    patients: Vec<ResourceId>,
    members: Vec<(ResourceType, ResourceId)>,
    hashed: OnceLock<Hashed>,
}

/// The same as a database knows them: each is asked for with every statement.
#[derive(Clone)]
struct Hashed {
    patients: Arc<[i64]>,
    keys: Arc<[Key]>,
}

impl Relations {
    /// These patients, and those who name one of these resources as their general practitioner or managing
    /// organisation.
    #[must_use]
    pub fn new(patients: Vec<ResourceId>, members: Vec<(ResourceType, ResourceId)>) -> Self {
        Self { patients, members, hashed: OnceLock::new() }
    }

    /// The patients that are known one by one.
    #[must_use]
    pub fn patients(&self) -> &[ResourceId] {
        &self.patients
    }

    /// Their identities, in the one database that is asked.
    #[must_use]
    pub fn identities(&self, hasher: &Hasher) -> &Arc<[i64]> {
        &self.hashed(hasher).patients
    }

    /// The keys of other patients to whom there is one: of their Patient, as it is indexed there.
    #[must_use]
    pub fn keys(&self, hasher: &Hasher) -> &Arc<[Key]> {
        &self.hashed(hasher).keys
    }

    fn hashed(&self, hasher: &Hasher) -> &Hashed {
        let identity = |id: &ResourceId| hasher.identity(ResourceType::PATIENT, id.as_str());
        self.hashed.get_or_init(|| Hashed {
            patients: self.patients.iter().map(identity).collect(),
            keys: care_keys(hasher, self.members.iter().map(|(kind, id)| (*kind, id.as_str())))
                .into(),
        })
    }

    /// Whether a patient is known one by one.
    #[must_use]
    pub fn has(&self, patient: &ResourceId) -> bool {
        self.patients.contains(patient)
    }

    /// Whether a Patient with these index values is one of the others.
    #[must_use]
    pub fn names(&self, patient: &IndexEntries, hasher: &Hasher) -> bool {
        self.keys(hasher).iter().any(|key| patient.keys.contains(key))
    }

    /// All that either has.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::new(
            [self.patients.as_slice(), &other.patients].concat(),
            [self.members.as_slice(), &other.members].concat(),
        )
    }
}

impl PartialEq for Relations {
    fn eq(&self, other: &Self) -> bool {
        (&self.patients, &self.members) == (&other.patients, &other.members)
    }
}

/// The relationships of one user, by kind.
#[derive(Clone, Debug)]
pub struct Related {
    /// Those whom the user treats.
    pub treated: Arc<Relations>,
    /// Those of the organisations that the user works for.
    pub of_organisation: Arc<Relations>,
    /// Both.
    pub both: Arc<Relations>,
}

impl Related {
    /// Puts the kinds together.
    #[must_use]
    pub fn new(treated: Relations, of_organisation: Relations) -> Self {
        let both = Arc::new(treated.and(&of_organisation));
        Self { treated: Arc::new(treated), of_organisation: Arc::new(of_organisation), both }
    }
}

impl fmt::Debug for Relations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (patients, members) = (self.patients.len(), Phi(&self.members));
        write!(f, "{patients} patient(s), and of {members:?}")
    }
}
