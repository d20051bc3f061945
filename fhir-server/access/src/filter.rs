//! The expression that an access is: what the store ANDs to a query.

use std::fmt;
use std::sync::Arc;

use canonical_model::{ResourceId, ResourceType};

use crate::{Condition, Relations, TypeSet};

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
    /// To whose patient there must be a relationship.
    pub related: Option<Arc<Relations>>,
    /// What a scope demands behind its `?`; then `types` is the one type that it is of.
    pub when: Option<Arc<Condition>>,
}

/// One way in, as a scope and a role make it.
#[derive(Clone)]
pub(crate) struct Way<'a> {
    pub(crate) types: TypeSet,
    pub(crate) patient: Option<&'a ResourceId>,
    pub(crate) related: Option<&'a Arc<Relations>>,
    pub(crate) when: Option<Arc<Condition>>,
}

impl Way<'_> {
    fn is_open(&self) -> bool {
        self.patient.is_none() && self.related.is_none() && self.when.is_none()
    }

    /// Whether it differs from a clause in nothing but types, and a condition.
    fn is_like(&self, clause: &Clause) -> bool {
        let same = |one: &Arc<Relations>, other: &Arc<Relations>| Arc::ptr_eq(one, other);
        let related = match (self.related, &clause.related) {
            (None, None) => true,
            (Some(one), Some(other)) => same(one, other),
            _ => false,
        };
        related && self.patient == clause.only_patient()
    }

    fn clause(self, types: TypeSet) -> Clause {
        let patients = self.patient.map(|patient| vec![patient.clone()]);
        Clause { types, patients, related: self.related.cloned(), when: self.when }
    }
}

impl Filter {
    /// Joins ways in: what one says that another says too is said once.
    pub(crate) fn join(ways: Vec<Way<'_>>) -> Self {
        let (open, others): (Vec<_>, Vec<_>) = ways.into_iter().partition(Way::is_open);
        let open = open.iter().fold(TypeSet::EMPTY, |all, way| all.union(way.types));
        if open.is_all() {
            return Self::Everything;
        }
        let mut clauses: Vec<Clause> = Vec::with_capacity(1 + others.len());
        if !open.is_empty() {
            clauses.push(Clause { types: open, patients: None, related: None, when: None });
        }
        let (some, whole): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|way| way.when.is_some());
        for way in whole {
            let types = way.types.difference(open);
            match clauses.iter_mut().skip(usize::from(!open.is_empty())).find(|it| way.is_like(it))
            {
                Some(clause) => clause.types = clause.types.union(types),
                None if types.is_empty() => {}
                None => clauses.push(way.clause(types)),
            }
        }
        for way in some {
            let types = way.types.difference(open);
            let covers = |clause: &&Clause| {
                let whole = clause.types.intersection(types) == types && way.is_like(clause);
                whole && (clause.when.is_none() || clause.when == way.when)
            };
            if !types.is_empty() && !clauses.iter().any(|clause| covers(&clause)) {
                clauses.push(way.clause(types));
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

impl Clause {
    /// The one patient, if it is one.
    pub(crate) fn only_patient(&self) -> Option<&ResourceId> {
        match self.patients.as_deref() {
            Some([patient]) => Some(patient),
            _ => None,
        }
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.types)?;
        if let Some(patients) = &self.patients {
            write!(f, " of {} patient(s)", patients.len())?;
        }
        if let Some(related) = &self.related {
            write!(f, " related by {related:?}")?;
        }
        match &self.when {
            None => Ok(()),
            Some(when) => write!(f, " where {when:?}"),
        }
    }
}
