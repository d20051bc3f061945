//! The expression that an access is: what the store ANDs to a query.

use std::fmt;

use canonical_model::{ResourceId, ResourceType};

use crate::TypeSet;

/// Which resources an access reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All.
    Everything,
    /// None.
    Nothing,
    /// Those that at least one clause reaches; never empty.
    AnyOf(Vec<Clause>),
}

/// Resources of these types, in the compartments of these patients.
#[derive(Clone, PartialEq, Eq)]
pub struct Clause {
    /// The types.
    pub types: TypeSet,
    /// The patients; `None` is no limit. A Patient is in its own compartment.
    pub patients: Option<Vec<ResourceId>>,
}

impl Filter {
    /// Joins the types that are open and those that single patients open.
    pub(crate) fn join(open: TypeSet, patients: Vec<(&ResourceId, TypeSet)>) -> Self {
        if open.is_all() {
            return Self::Everything;
        }
        let mut clauses = Vec::with_capacity(1 + patients.len());
        if !open.is_empty() {
            clauses.push(Clause { types: open, patients: None });
        }
        for (patient, types) in patients {
            let types = types.difference(open);
            if !types.is_empty() {
                clauses.push(Clause { types, patients: Some(vec![patient.clone()]) });
            }
        }
        if clauses.is_empty() { Self::Nothing } else { Self::AnyOf(clauses) }
    }

    pub(crate) fn clauses_for(&self, kind: ResourceType) -> impl Iterator<Item = &Clause> {
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
        match &self.patients {
            None => Ok(()),
            Some(patients) => write!(f, " of {} patient(s)", patients.len()),
        }
    }
}
