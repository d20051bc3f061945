//! A scope in words that somebody understands who knows nothing of FHIR.

use access::{Action, Context, Scope};
use canonical_model::ResourceType;

/// Types that apps ask for, as people call them.
const THINGS: [(&str, &str); 43] = [
    ("Account", "accounts for billing"),
    ("AllergyIntolerance", "allergies"),
    ("Appointment", "appointments"),
    ("AuditEvent", "who saw what"),
    ("Binary", "files"),
    ("CarePlan", "care plans"),
    ("CareTeam", "care teams"),
    ("ChargeItem", "charges"),
    ("Claim", "claims to insurers"),
    ("Condition", "illnesses and problems"),
    ("Consent", "consents"),
    ("Coverage", "insurance"),
    ("Device", "devices"),
    ("DiagnosticReport", "reports of examinations"),
    ("DocumentReference", "documents"),
    ("Encounter", "visits and stays"),
    ("ExplanationOfBenefit", "what an insurer paid"),
    ("FamilyMemberHistory", "illnesses in the family"),
    ("Goal", "goals of treatment"),
    ("Group", "groups of patients"),
    ("ImagingStudy", "images"),
    ("Immunization", "vaccinations"),
    ("Location", "places"),
    ("Media", "photos and recordings"),
    ("Medication", "medicines"),
    ("MedicationAdministration", "medicines that were given"),
    ("MedicationDispense", "medicines that were handed out"),
    ("MedicationRequest", "prescriptions"),
    ("MedicationStatement", "medicines that are taken"),
    ("Observation", "measurements and laboratory results"),
    ("Organization", "organisations"),
    ("Patient", "name, address and other personal details"),
    ("Person", "people"),
    ("Practitioner", "doctors and other staff"),
    ("PractitionerRole", "what staff do, and where"),
    ("Procedure", "operations and treatments"),
    ("Provenance", "where information came from"),
    ("QuestionnaireResponse", "answers to questionnaires"),
    ("RelatedPerson", "relatives and carers"),
    ("Schedule", "timetables"),
    ("ServiceRequest", "orders and referrals"),
    ("Slot", "free times"),
    ("Task", "tasks"),
];

/// Whose record a sentence speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// That of whoever reads it.
    Yours,
    /// That of the patient who was chosen.
    This,
}

/// What a scope lets an app do: a sentence without its end.
pub(crate) fn sentence(scope: &Scope, whose: Whose) -> String {
    let can = |action: Action| scope.actions().contains(action);
    let see = can(Action::Read) || can(Action::Search);
    let verbs = [
        (see, "see"),
        (can(Action::Create), "add"),
        (can(Action::Update), "change"),
        (can(Action::Delete), "delete"),
    ];
    let verbs: Vec<&str> =
        verbs.into_iter().filter(|(can, _)| *can).map(|(_, verb)| verb).collect();
    let kind = scope.types();
    let kind = if kind.is_all() { None } else { ResourceType::all().find(|it| kind.contains(*it)) };
    let things = kind.map_or_else(|| "everything that is kept".to_owned(), things);
    let only = scope.constraint().map(only).unwrap_or_default();
    let place = match (scope.context(), whose) {
        (_, Whose::Yours) => "in your record",
        (Context::Patient, Whose::This) => "in this patient's record",
        (Context::User | Context::System, Whose::This) => "of all patients whom you may see",
    };
    capital(&format!("{} {things}{only}, {place}", listed(&verbs)))
}

/// What resources of a type are, as people call them.
pub(crate) fn things(kind: ResourceType) -> String {
    let known = THINGS.iter().find(|(name, _)| *name == kind.name());
    known.map_or_else(
        || format!("information of the kind “{}”", split(kind.name())),
        |(_, words)| (*words).to_owned(),
    )
}

/// `category=http://…|laboratory` as `, only where category is laboratory`.
fn only(constraint: &str) -> String {
    let parts = form_urlencoded::parse(constraint.as_bytes()).map(|(name, value)| {
        let codes: Vec<&str> = value
            .split(',')
            .map(|value| value.rsplit_once('|').map_or(value, |(_, code)| code))
            .collect();
        format!("{name} is {}", codes.join(" or "))
    });
    format!(", only where {}", parts.collect::<Vec<_>>().join(" and "))
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `NutritionOrder` as `nutrition order`.
fn split(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// The same with a capital letter at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use access::Scopes;

    use super::*;

    #[test]
    fn scopes_are_sentences() {
        for (scope, whose, said) in [
            (
                "patient/Observation.rs",
                Whose::This,
                "See measurements and laboratory results, in this patient's record",
            ),
            (
                "patient/Observation.rs?category=http://x|laboratory",
                Whose::Yours,
                "See measurements and laboratory results, only where category is laboratory, in your record",
            ),
            ("patient/*.read", Whose::Yours, "See everything that is kept, in your record"),
            (
                "user/Appointment.cruds",
                Whose::This,
                "See, add, change and delete appointments, of all patients whom you may see",
            ),
            (
                "patient/NutritionOrder.c",
                Whose::This,
                "Add information of the kind “nutrition order”, in this patient's record",
            ),
        ] {
            let scopes = Scopes::parse(scope).unwrap();
            assert_eq!(sentence(&scopes.clinical()[0], whose), said);
        }
    }

    #[test]
    fn every_name_is_a_type() {
        for (name, _) in THINGS {
            assert!(ResourceType::find(name).is_some(), "{name}");
        }
    }
}
