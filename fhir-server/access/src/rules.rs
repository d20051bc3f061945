//! What a decision must know of the definitions, and the decision's arithmetic.

use canonical_model::{ResourceId, ResourceType};

use crate::filter::Constrained;
use crate::roles::{Bound, rows};
use crate::{Action, Caller, Conditions, Context, Filter, Treatment, TypeSet};

/// What decisions must know of FHIR's definitions, read once at start, and of the operator's choices.
#[derive(Clone, Debug)]
pub struct Rules {
    patient_compartment: TypeSet,
    treatment: Treatment,
}

/// Types that a caller reaches: of one patient, or of whomever.
type Reached<'a> = (Option<&'a ResourceId>, TypeSet);

impl Rules {
    /// Asks `in_patient_compartment` once for each type. Patient itself is always in it.
    /// <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>
    pub fn new(
        in_patient_compartment: impl Fn(ResourceType) -> bool,
        treatment: Treatment,
    ) -> Self {
        let members = ResourceType::all().filter(|kind| in_patient_compartment(*kind));
        let patient_compartment = members.chain([ResourceType::PATIENT]).collect();
        Self { patient_compartment, treatment }
    }

    /// Whether resources of the type can belong to a patient.
    #[must_use]
    pub fn belongs_to_patients(&self, kind: ResourceType) -> bool {
        self.patient_compartment.contains(kind)
    }

    /// What the caller reaches by `action`: all that its scopes grant, bounded by who it is.
    pub(crate) fn filter(
        &self,
        caller: &Caller,
        action: Action,
        conditions: &dyn Conditions,
    ) -> Filter {
        let mut open = TypeSet::EMPTY;
        let mut patients: Vec<(&ResourceId, TypeSet)> = Vec::new();
        let mut constrained: Vec<Constrained<'_>> = Vec::new();
        for scope in caller.scopes.clinical().iter().filter(|scope| scope.grants(action)) {
            for (patient, types) in self.reached(caller, scope.context(), action) {
                let types = types.intersection(scope.types());
                match (scope.constrained(), patient) {
                    (Some((kind, text)), patient) => {
                        let when = conditions.of(kind, text).filter(|when| when.kind() == kind);
                        let when = when.filter(|_| types.contains(kind));
                        constrained.extend(when.map(|when| (patient, when)));
                    }
                    (None, None) => open = open.union(types),
                    (None, Some(patient)) => {
                        match patients.iter_mut().find(|(have, _)| *have == patient) {
                            Some((_, have)) => *have = have.union(types),
                            None => patients.push((patient, types)),
                        }
                    }
                }
            }
        }
        Filter::join(open, patients, constrained)
    }

    /// Whether a scope grants the action on the type to a user who is known, and no role lets it.
    pub(crate) fn shut_by_roles(
        &self,
        caller: &Caller,
        kind: Option<ResourceType>,
        action: Action,
    ) -> bool {
        let known = |context| match context {
            Context::System => false,
            Context::User => caller.fhir_user.is_some(),
            Context::Patient => caller.patient.is_some(),
        };
        let within = |types: TypeSet| kind.is_none_or(|kind| types.contains(kind));
        let possible = |context| match context {
            Context::Patient => self.patient_compartment,
            Context::User | Context::System => TypeSet::ALL,
        };
        let granting = caller.scopes.clinical().iter().filter(|scope| scope.grants(action));
        granting
            .filter(|scope| known(scope.context()))
            .filter(|scope| within(scope.types().intersection(possible(scope.context()))))
            .any(|scope| {
                let reached = self.reached(caller, scope.context(), action);
                !reached.iter().any(|(_, types)| within(types.intersection(scope.types())))
            })
    }

    /// What a scope of this context may grant to the caller at most. A claim that is missing shuts: without a chosen
    /// patient `patient/` scopes reach nothing, without a user `user/` scopes reach nothing, without a role neither.
    fn reached<'a>(
        &self,
        caller: &'a Caller,
        context: Context,
        action: Action,
    ) -> Vec<Reached<'a>> {
        let rows = caller.roles.iter().flat_map(|role| rows(role, action));
        let own = |patient: &'a ResourceId| (Some(patient), self.patient_compartment);
        match context {
            Context::System => vec![(None, TypeSet::ALL)],
            Context::User => rows
                .filter_map(|row| {
                    let (patient, types) = match row.bound {
                        Bound::Open if caller.is_staff() => (None, TypeSet::ALL),
                        Bound::Related if caller.is_staff() && self.treats() => {
                            (None, TypeSet::ALL)
                        }
                        Bound::Own => own(caller.is_patient()?),
                        Bound::StandsFor => own(caller.patient.as_ref()?),
                        Bound::Open | Bound::Related => return None,
                    };
                    Some((patient, types.intersection(row.types)))
                })
                .collect(),
            Context::Patient => {
                let Some(chosen) = &caller.patient else { return Vec::new() };
                let within = |bound| match bound {
                    Bound::Open | Bound::StandsFor => true,
                    Bound::Related => self.treats(),
                    Bound::Own => caller.is_patient() == Some(chosen),
                };
                rows.filter(|row| within(row.bound))
                    .map(|row| (Some(chosen), row.types.intersection(self.patient_compartment)))
                    .collect()
            }
        }
    }

    /// Whether who works with patients reaches all of them.
    fn treats(&self) -> bool {
        self.treatment == Treatment::Open
    }
}

impl Caller {
    /// Whether the user works here.
    fn is_staff(&self) -> bool {
        let kind = self.fhir_user.as_ref().map(|user| user.kind.name());
        matches!(kind, Some("Practitioner" | "PractitionerRole"))
    }

    /// The patient who the user is.
    fn is_patient(&self) -> Option<&ResourceId> {
        let user = self.fhir_user.as_ref()?;
        (user.kind == ResourceType::PATIENT).then_some(&user.id)
    }
}
