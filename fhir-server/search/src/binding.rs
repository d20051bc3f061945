//! The value set that a `code` element is bound to: its codes carry no system of their own.
//! <https://hl7.org/fhir/R4/datatypes.html#code>

use canonical_model::ResourceType;
use conformance::Registry;

/// The value set of the elements that an expression selects in a type; `None` where they are not all
/// bound to one whose codes are known.
pub(crate) fn binding(kind: ResourceType, expression: &str) -> Option<&'static str> {
    let branches = expression.split('|').map(str::trim);
    let mut found =
        branches.filter(|path| path.split('.').next() == Some(kind.name())).map(of_path);
    let first = found.next()??;
    found.all(|other| other == Some(first)).then_some(first)
}

/// That of a path of plain steps, as `Patient.contact.gender`.
fn of_path(path: &str) -> Option<&'static str> {
    let registry = Registry::r4();
    let mut steps = path.split('.').peekable();
    let mut parent = registry.structure(steps.next()?)?;
    while let Some(step) = steps.next() {
        let element = parent.element(step)?;
        if steps.peek().is_none() {
            return registry.codes(element).map(|set| set.url);
        }
        parent = registry.at(*element.types.first()?)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_value_set_of_a_code() {
        for (kind, expression, expected) in [
            ("Patient", "Patient.gender", Some("administrative-gender")),
            ("Patient", "Person.gender | Patient.gender", Some("administrative-gender")),
            ("Observation", "Observation.status", Some("observation-status")),
            ("Patient", "Patient.communication.language", None),
            ("Binary", "Binary.contentType", None),
            ("Patient", "Person.gender", None),
        ] {
            let kind = ResourceType::find(kind).expect(kind);
            let expected = expected.map(|id| format!("http://hl7.org/fhir/ValueSet/{id}"));
            assert_eq!(binding(kind, expression), expected.as_deref(), "{expression}");
        }
    }
}
