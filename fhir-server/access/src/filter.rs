//! The expression that an access is: what the store ANDs to a query.

use std::fmt;
use std::sync::Arc;

use canonical_model::{ResourceId, ResourceType};

use crate::{Condition, TypeSet};

/// Which resources an access reaches.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All.
    Everything,
    /// None.
    Nothing,
    /// Those that at least one clause reaches; never empty.
    AnyOf(Vec<Clause>),
}

/// Resources of these types, in the compartments of these patients, that meet a condition: all that is there must
/// hold.
#[derive(Clone, PartialEq)]
pub struct Clause {
    /// The types.
    pub types: TypeSet,
    /// The patients; `None` is no limit. A Patient is in its own compartment.
    pub patients: Option<Vec<ResourceId>>,
    /// What a scope demands behind its `?`; then `types` is the one type that it is of.
    pub when: Option<Arc<Condition>>,
}

/// What a scope with a constraint reaches: of one patient, or of whomever.
pub(crate) type Constrained<'a> = (Option<&'a ResourceId>, Arc<Condition>);

impl Filter {
    /// Joins the types that are open, those that single patients open, and what constraints leave of one.
    pub(crate) fn join(
        open: TypeSet,
        patients: Vec<(&ResourceId, TypeSet)>,
        constrained: Vec<Constrained<'_>>,
    ) -> Self {
        if open.is_all() {
            return Self::Everything;
        }
        let mut clauses = Vec::with_capacity(1 + patients.len() + constrained.len());
        if !open.is_empty() {
            clauses.push(Clause { types: open, patients: None, when: None });
        }
        for (patient, types) in &patients {
            let types = types.difference(open);
            if !types.is_empty() {
                let patients = Some(vec![(*patient).clone()]);
                clauses.push(Clause { types, patients, when: None });
            }
        }
        for (patient, when) in constrained {
            let kind = when.kind();
            let mut free = patients.iter().filter(|(_, types)| types.contains(kind));
            let whole = open.contains(kind) || free.any(|(free, _)| Some(*free) == patient);
            let patients = patient.map(|patient| vec![patient.clone()]);
            let clause = Clause { types: TypeSet::of(kind), patients, when: Some(when) };
            if !whole && !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        if clauses.is_empty() { Self::Nothing } else { Self::AnyOf(clauses) }
    }

    /// The clauses that reach something of the type.
    pub fn clauses_for(&self, kind: ResourceType) -> impl Iterator<Item = &Clause> {
        let clauses = match self {
            Self::Everything | Self::Nothing => &[],
            Self::AnyOf(clauses) => clauses.as_slice(),
        };
        clauses.iter().filter(move |clause| clause.types.contains(kind))
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.types)?;
        if let Some(patients) = &self.patients {
            write!(f, " of {} patient(s)", patients.len())?;
        }
        match &self.when {
            None => Ok(()),
            Some(when) => write!(f, " where {when:?}"),
        }
    }
}
