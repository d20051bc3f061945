//! What a decision must know of the definitions, and the decision's arithmetic.

use canonical_model::{ResourceId, ResourceType};

use crate::filter::Constrained;
use crate::{Action, Caller, Conditions, Context, Filter, TypeSet};

/// What decisions must know of FHIR's definitions, read once at start.
#[derive(Clone, Debug)]
pub struct Rules {
    patient_compartment: TypeSet,
}

impl Rules {
    /// Asks `in_patient_compartment` once for each type. Patient itself is always in it.
    /// <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>
    pub fn new(in_patient_compartment: impl Fn(ResourceType) -> bool) -> Self {
        let members = ResourceType::all().filter(|kind| in_patient_compartment(*kind));
        Self { patient_compartment: members.chain([ResourceType::PATIENT]).collect() }
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
            let (patient, types) = match bound(caller, scope.context()) {
                Bound::Shut => continue,
                Bound::Open => (None, scope.types()),
                Bound::Patient(patient) => {
                    (Some(patient), scope.types().intersection(self.patient_compartment))
                }
            };
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
        Filter::join(open, patients, constrained)
    }
}

/// How far a context's scopes reach for this caller.
enum Bound<'a> {
    Open,
    Patient(&'a ResourceId),
    Shut,
}

/// A claim that is missing shuts: without a chosen patient `patient/` scopes reach nothing, without
/// a user `user/` scopes reach nothing.
fn bound(caller: &Caller, context: Context) -> Bound<'_> {
    match context {
        Context::System => Bound::Open,
        Context::Patient => caller.patient.as_ref().map_or(Bound::Shut, Bound::Patient),
        Context::User => match &caller.fhir_user {
            Some(user) => match user.kind.name() {
                "Practitioner" | "PractitionerRole" => Bound::Open,
                "Patient" => Bound::Patient(&user.id),
                _ => Bound::Shut,
            },
            None => Bound::Shut,
        },
    }
}
