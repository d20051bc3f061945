//! Parts of a scope that a person may give in its place: of illnesses and of measurements those of one category.
//! <https://hl7.org/fhir/us/core/scopes.html>

use access::Scope;
use canonical_model::ResourceType;

/// A part: its type, the category as a search has it, and what people call it.
type Category = (&'static str, &'static str, &'static str);

const CATEGORIES: [Category; 8] = [
    (
        "Condition",
        "http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item",
        "the list of problems",
    ),
    (
        "Condition",
        "http://terminology.hl7.org/CodeSystem/condition-category|encounter-diagnosis",
        "diagnoses of single visits",
    ),
    (
        "Condition",
        "http://hl7.org/fhir/us/core/CodeSystem/condition-category|health-concern",
        "worries about health",
    ),
    (
        "Observation",
        "http://terminology.hl7.org/CodeSystem/observation-category|vital-signs",
        "weight, blood pressure and other vital signs",
    ),
    (
        "Observation",
        "http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        "results of the laboratory",
    ),
    (
        "Observation",
        "http://terminology.hl7.org/CodeSystem/observation-category|survey",
        "answers to questionnaires",
    ),
    (
        "Observation",
        "http://terminology.hl7.org/CodeSystem/observation-category|social-history",
        "smoking, work and other social history",
    ),
    (
        "Observation",
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-category|sdoh",
        "housing, food and what else life depends on",
    ),
];

/// The parts of a scope, each as a scope and in words; none where it is one already, or has none.
pub(crate) fn parts(scope: &Scope) -> Vec<(String, &'static str)> {
    if scope.constraint().is_some() || scope.types().is_all() {
        return Vec::new();
    }
    let of = |kind: &str| ResourceType::find(kind).is_some_and(|it| scope.types().contains(it));
    let categories = CATEGORIES.iter().filter(|(kind, ..)| of(kind));
    categories
        .map(|(kind, category, words)| {
            let (context, actions) = (scope.context().as_str(), scope.actions());
            (format!("{context}/{kind}.{actions}?category={category}"), *words)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use access::Scopes;

    use super::*;

    #[test]
    fn parts_are_narrower_scopes_of_the_same_letters() {
        for (text, many) in [
            ("patient/Observation.rs", 5),
            ("patient/Condition.read", 3),
            ("user/Condition.s", 3),
            ("patient/Patient.rs", 0),
            ("patient/*.rs", 0),
            ("patient/Observation.rs?category=laboratory", 0),
        ] {
            let scopes = Scopes::parse(text).unwrap();
            let parts = parts(&scopes.clinical()[0]);
            assert_eq!(parts.len(), many, "{text}");
            for (part, _) in parts {
                let part = Scopes::parse(&part).unwrap();
                assert_eq!(part.narrowed_to(&scopes).to_string(), part.to_string());
            }
        }
    }
}
