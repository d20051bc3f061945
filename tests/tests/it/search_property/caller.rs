//! Who asks: an app of one patient, that reaches what is theirs and some types as a whole.
//! <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use canonical_model::Value;

use super::place::Compartment;
use super::world::part;

/// The types of the world that can belong to a patient.
pub(super) const OWN: [&str; 6] =
    ["Patient", "Observation", "Encounter", "Condition", "RiskAssessment", "QuestionnaireResponse"];

/// What value sets are read from.
const ALWAYS_OPEN: [&str; 2] = ["ValueSet", "CodeSystem"];

/// An app of one patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) patient: String,
    /// Types of which it reaches what is the patient's.
    pub(super) own: Vec<&'static str>,
    /// Types of which it reaches all.
    pub(super) open: Vec<&'static str>,
}

impl Caller {
    pub(super) fn scope(&self) -> String {
        let own = match self.own.len() {
            all if all == OWN.len() => vec!["patient/*.rs".to_owned()],
            _ => self.own.iter().map(|kind| format!("patient/{kind}.rs")).collect(),
        };
        let open = self.open.iter().chain(&ALWAYS_OPEN).map(|kind| format!("system/{kind}.rs"));
        own.into_iter().chain(open).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn reaches(&self, kind: &str) -> bool {
        self.open.contains(&kind) || self.own.contains(&kind)
    }

    pub(super) fn sees(&self, resource: &Value) -> bool {
        let kind = part(resource, "resourceType");
        let own = || Compartment { kind: "Patient", id: self.patient.clone() }.holds(resource);
        self.open.contains(&kind) || (self.own.contains(&kind) && own())
    }
}
