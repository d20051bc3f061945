//! What a decision must know of the definitions, and the decision's arithmetic.

use std::sync::Arc;

use canonical_model::{ResourceId, ResourceType};

use crate::filter::Way;
use crate::roles::{Bound, Row, rows};
use crate::{Action, Binding, Caller, Conditions, Context, Filter, Relations, Treatment, TypeSet};

/// What decisions must know of FHIR's definitions, read once at start, and of the operator's choices.
#[derive(Clone, Debug)]
pub struct Rules {
    patient_compartment: TypeSet,
    treatment: Treatment,
    binding: Binding,
}

/// Types that a caller reaches: of one patient, of those to whom there is a relationship, or of whomever.
struct Reached<'a> {
    patient: Option<&'a ResourceId>,
    related: Option<&'a Arc<Relations>>,
    types: TypeSet,
}

impl Rules {
    /// Asks `in_patient_compartment` once for each type. Patient itself is always in it.
    /// <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>
    pub fn new(
        in_patient_compartment: impl Fn(ResourceType) -> bool,
        treatment: Treatment,
    ) -> Self {
        let members = ResourceType::all().filter(|kind| in_patient_compartment(*kind));
        let patient_compartment = members.chain([ResourceType::PATIENT]).collect();
        Self { patient_compartment, treatment, binding: Binding::Nobody }
    }

    /// The same where Consent resources bind those.
    #[must_use]
    pub fn with_consent(self, binding: Binding) -> Self {
        Self { binding, ..self }
    }

    /// Whether Consent resources bind the caller.
    #[must_use]
    pub fn binds(&self, caller: &Caller) -> bool {
        self.binding.binds(caller)
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
        let mut ways = Vec::new();
        for scope in caller.scopes.clinical().iter().filter(|scope| scope.grants(action)) {
            for Reached { patient, related, types } in self.reached(caller, scope.context(), action)
            {
                let types = types.intersection(scope.types());
                let when = match scope.constrained() {
                    None => None,
                    Some((kind, text)) => {
                        match conditions.of(kind, text).filter(|when| when.kind() == kind) {
                            Some(when) => Some(when),
                            None => continue,
                        }
                    }
                };
                ways.push(Way { types, patient, related, when });
            }
        }
        Filter::join(ways)
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
                !reached.iter().any(|it| within(it.types.intersection(scope.types())))
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
        let within = |patient: &'a ResourceId, row: &Row| Reached {
            patient: Some(patient),
            related: None,
            types: row.types.intersection(self.patient_compartment),
        };
        match context {
            Context::System => vec![Reached { patient: None, related: None, types: TypeSet::ALL }],
            Context::User => rows
                .filter_map(|row| match row.bound {
                    Bound::Own => Some(within(caller.is_patient()?, row)),
                    Bound::StandsFor => Some(within(caller.patient.as_ref()?, row)),
                    Bound::Open => {
                        let of_anybody = Reached { patient: None, related: None, types: row.types };
                        caller.is_staff().then_some(of_anybody)
                    }
                    Bound::Treated | Bound::Organisation | Bound::Related => {
                        self.of_staff(caller, row)
                    }
                })
                .collect(),
            Context::Patient => {
                let Some(chosen) = &caller.patient else { return Vec::new() };
                let bounded = |row: &Row| match row.bound {
                    Bound::Open | Bound::StandsFor => Some(within(chosen, row)),
                    Bound::Own => {
                        (caller.is_patient() == Some(chosen)).then(|| within(chosen, row))
                    }
                    Bound::Treated | Bound::Organisation | Bound::Related => {
                        let Reached { related, .. } = self.of_staff(caller, row)?;
                        Some(Reached { related, ..within(chosen, row) })
                    }
                };
                rows.filter_map(bounded).collect()
            }
        }
    }

    /// What who works here reaches by a row that asks for a relationship.
    fn of_staff<'a>(&self, caller: &'a Caller, row: &Row) -> Option<Reached<'a>> {
        if !caller.is_staff() {
            return None;
        }
        if let (true, Some(patient)) = (caller.is_emergency(), &caller.patient) {
            // Of the one patient, whichever scope it is.
            let types = row.types.intersection(self.patient_compartment);
            return Some(Reached { patient: Some(patient), related: None, types });
        }
        if self.treats() {
            return Some(Reached { patient: None, related: None, types: row.types });
        }
        let related = caller.related.as_deref()?;
        let related = match row.bound {
            Bound::Treated => &related.treated,
            Bound::Organisation => &related.of_organisation,
            Bound::Related => &related.both,
            Bound::Open | Bound::Own | Bound::StandsFor => return None,
        };
        let types = row.types.intersection(self.patient_compartment);
        Some(Reached { patient: None, related: Some(related), types })
    }

    /// Whether the relationships of a caller decide what it reaches.
    #[must_use]
    pub fn asks_relations(&self, caller: &Caller) -> bool {
        let asks = |role| {
            let rows = Action::ALL.into_iter().flat_map(move |action| rows(role, action));
            let by = |row: &Row| {
                matches!(row.bound, Bound::Treated | Bound::Organisation | Bound::Related)
            };
            rows.into_iter().any(by)
        };
        let lifted = self.treats() || (caller.is_emergency() && caller.patient.is_some());
        !lifted && caller.is_staff() && caller.roles.iter().any(asks)
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
    pub(crate) fn is_patient(&self) -> Option<&ResourceId> {
        let user = self.fhir_user.as_ref()?;
        (user.kind == ResourceType::PATIENT).then_some(&user.id)
    }
}
