//! The parameters that are asked for, and the references that lead from one type to another.

use canonical_model::Value;

use super::meaning::local;
use super::world::part;
use crate::search_model::values;

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Token,
    Number,
    Date,
    /// With the types that a bare id may mean.
    Reference(&'static [&'static str]),
    Quantity,
    Uri,
    Canonical,
    /// `code$quantity` of one element.
    Pair,
    /// A position: `near`.
    Near,
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Param {
    pub(super) kind: &'static str,
    pub(super) code: &'static str,
    pub(super) form: Form,
    /// Where its values are; the empty path is the resource.
    pub(super) paths: &'static [&'static str],
}

const fn param(
    kind: &'static str,
    code: &'static str,
    form: Form,
    paths: &'static [&'static str],
) -> Param {
    Param { kind, code, form, paths }
}

const SUBJECT: Form = Form::Reference(&["Patient", "Group", "Device", "Location"]);
const PERFORMER: Form = Form::Reference(&[
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "CareTeam",
    "Patient",
    "RelatedPerson",
]);
const PATIENT: Form = Form::Reference(&["Patient"]);

pub(super) const PARAMS: &[Param] = &[
    param("Patient", "family", Form::Text, &["name.family"]),
    param("Patient", "given", Form::Text, &["name.given"]),
    param("Patient", "name", Form::Text, &["name.family", "name.given"]),
    param("Patient", "gender", Form::Token, &["gender"]),
    param("Patient", "active", Form::Token, &["active"]),
    param("Patient", "identifier", Form::Token, &["identifier"]),
    param("Patient", "birthdate", Form::Date, &["birthDate"]),
    param(
        "Patient",
        "general-practitioner",
        Form::Reference(&["Practitioner", "Organization", "PractitionerRole"]),
        &["generalPractitioner"],
    ),
    param("Practitioner", "family", Form::Text, &["name.family"]),
    param("Practitioner", "gender", Form::Token, &["gender"]),
    param("Observation", "status", Form::Token, &["status"]),
    param("Observation", "code", Form::Token, &["code"]),
    param("Observation", "category", Form::Token, &["category"]),
    param("Observation", "component-code", Form::Token, &["component.code"]),
    param("Observation", "combo-code", Form::Token, &["code", "component.code"]),
    param("Observation", "value-concept", Form::Token, &["valueCodeableConcept"]),
    param("Observation", "value-string", Form::Text, &["valueString", "valueCodeableConcept.text"]),
    param(
        "Observation",
        "date",
        Form::Date,
        &["effectiveDateTime", "effectivePeriod", "effectiveTiming"],
    ),
    param("Observation", "subject", SUBJECT, &["subject"]),
    param("Observation", "patient", PATIENT, &["subject"]),
    param(
        "Observation",
        "encounter",
        Form::Reference(&["Encounter", "EpisodeOfCare"]),
        &["encounter"],
    ),
    param("Observation", "performer", PERFORMER, &["performer"]),
    param("Observation", "value-quantity", Form::Quantity, &["valueQuantity"]),
    param("Observation", "component-value-quantity", Form::Quantity, &["component.valueQuantity"]),
    param(
        "Observation",
        "combo-value-quantity",
        Form::Quantity,
        &["valueQuantity", "component.valueQuantity"],
    ),
    param("Observation", "code-value-quantity", Form::Pair, &[""]),
    param("Observation", "component-code-value-quantity", Form::Pair, &["component"]),
    param("Observation", "combo-code-value-quantity", Form::Pair, &["", "component"]),
    param("Encounter", "status", Form::Token, &["status"]),
    param("Encounter", "class", Form::Token, &["class"]),
    param("Encounter", "date", Form::Date, &["period"]),
    param("Encounter", "patient", PATIENT, &["subject"]),
    param("Condition", "code", Form::Token, &["code"]),
    param("Condition", "onset-date", Form::Date, &["onsetDateTime", "onsetPeriod"]),
    param("Condition", "patient", PATIENT, &["subject"]),
    param("RiskAssessment", "probability", Form::Number, &["prediction.probabilityDecimal"]),
    param("RiskAssessment", "patient", PATIENT, &["subject"]),
    param("Location", "near", Form::Near, &["position"]),
    param("Location", "name", Form::Text, &["name"]),
    param("Questionnaire", "url", Form::Uri, &["url"]),
    param("QuestionnaireResponse", "questionnaire", Form::Canonical, &["questionnaire"]),
];

/// A reference from one type to another.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) from: &'static str,
    pub(super) code: &'static str,
    pub(super) element: &'static str,
    pub(super) to: &'static str,
}

const fn link(
    from: &'static str,
    code: &'static str,
    element: &'static str,
    to: &'static str,
) -> Link {
    Link { from, code, element, to }
}

pub(super) const LINKS: &[Link] = &[
    link("Observation", "subject", "subject", "Patient"),
    link("Observation", "patient", "subject", "Patient"),
    link("Observation", "encounter", "encounter", "Encounter"),
    link("Observation", "performer", "performer", "Patient"),
    link("Observation", "performer", "performer", "Practitioner"),
    link("Encounter", "patient", "subject", "Patient"),
    link("Encounter", "subject", "subject", "Patient"),
    link("Condition", "patient", "subject", "Patient"),
    link("Condition", "encounter", "encounter", "Encounter"),
    link("Condition", "asserter", "asserter", "Patient"),
    link("Condition", "asserter", "asserter", "Practitioner"),
    link("RiskAssessment", "patient", "subject", "Patient"),
    link("QuestionnaireResponse", "subject", "subject", "Patient"),
    link("QuestionnaireResponse", "patient", "subject", "Patient"),
    link("Patient", "general-practitioner", "generalPractitioner", "Practitioner"),
];

/// What a search of a type may be sorted by.
pub(super) const SORTS: &[(&str, &str)] = &[
    ("Patient", "family"),
    ("Patient", "birthdate"),
    ("Practitioner", "family"),
    ("Observation", "date"),
    ("Encounter", "date"),
    ("Condition", "onset-date"),
    ("RiskAssessment", "probability"),
];

/// A type of compartment, a type in it, and the elements that put a resource into it; none stands for the
/// resource itself. <https://hl7.org/fhir/R4/compartmentdefinition.html>
pub(super) const COMPARTMENTS: &[(&str, &str, &str)] = &[
    ("Patient", "Patient", ""),
    ("Patient", "Observation", "subject"),
    ("Patient", "Observation", "performer"),
    ("Patient", "Encounter", "subject"),
    ("Patient", "Condition", "subject"),
    ("Patient", "Condition", "asserter"),
    ("Patient", "RiskAssessment", "subject"),
    ("Patient", "QuestionnaireResponse", "subject"),
    ("Patient", "QuestionnaireResponse", "author"),
    ("Encounter", "Encounter", ""),
    ("Encounter", "Observation", "encounter"),
    ("Encounter", "Condition", "encounter"),
    ("Encounter", "QuestionnaireResponse", "encounter"),
    ("Practitioner", "Practitioner", ""),
    ("Practitioner", "Patient", "generalPractitioner"),
    ("Practitioner", "Observation", "performer"),
    ("Practitioner", "Condition", "asserter"),
    ("Practitioner", "Encounter", "participant.individual"),
    ("Practitioner", "RiskAssessment", "performer"),
    ("Practitioner", "QuestionnaireResponse", "author"),
];

impl Param {
    /// The parameter of the same code for a resource's own type.
    pub(super) fn of(&'static self, resource: &Value) -> &'static Self {
        find(part(resource, "resourceType"), self.code).unwrap_or(self)
    }
}

impl Link {
    /// The reference of the same code from another type.
    pub(super) fn of(&self, kind: &str) -> Option<&'static Self> {
        let alike =
            |other: &&Self| other.from == kind && other.code == self.code && other.to == self.to;
        LINKS.iter().find(alike)
    }

    /// Whether one resource refers to another by it.
    pub(super) fn leads(&self, from: &Value, to: &Value) -> bool {
        part(from, "resourceType") == self.from
            && part(to, "resourceType") == self.to
            && refers(from, self.element, self.to, part(to, "id"))
    }
}

/// Whether an element of a resource refers to this type and id here, whatever the version.
pub(super) fn refers(from: &Value, element: &str, kind: &str, id: &str) -> bool {
    let ends = values(from, &[element]).into_iter().filter_map(local);
    ends.into_iter().any(|(of, is, _)| of == kind && is == id)
}

/// A parameter by its type and code.
pub(super) fn find(kind: &str, code: &str) -> Option<&'static Param> {
    PARAMS.iter().find(|param| param.kind == kind && param.code == code)
}
