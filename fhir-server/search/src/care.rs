//! Under which keys a Patient is indexed who names those that care for them.

use canonical_model::ResourceType;

use crate::keys::{Hasher, Key};

/// The parameters by which a Patient names them: of people and roles, and of organisations.
const PARAMETERS: [&str; 2] = ["general-practitioner", "organization"];

/// The keys of patients whose general practitioner, or managing organisation, is one of these resources.
pub fn care_keys<'a>(
    hasher: &Hasher,
    members: impl IntoIterator<Item = (ResourceType, &'a str)>,
) -> Vec<Key> {
    let params = PARAMETERS.map(|code| hasher.param(ResourceType::PATIENT, code));
    let keys = |(kind, id): (ResourceType, &'a str)| {
        params.map(|param| hasher.reference(param, hasher.identity(kind, id)))
    };
    members.into_iter().flat_map(keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::extract::extract;
    use canonical_model::Resource;

    #[test]
    fn a_patient_is_indexed_under_those_that_it_names() {
        let catalogue = Catalogue::new(Hasher::new(&[7; 16]));
        let text = br#"{"resourceType":"Patient","id":"p",
            "generalPractitioner":[{"reference":"Practitioner/d"},{"reference":"http://x.example/PractitionerRole/r"}],
            "managingOrganization":{"reference":"Organization/o"},
            "contact":[{"organization":{"reference":"Organization/c"}}],
            "link":[{"type":"seealso","other":{"reference":"Patient/q"}}]}"#;
        let resource = Resource::parse(text).expect("a patient");
        let entries = extract(&catalogue, "http://x.example", &resource).expect("indexed");
        for (kind, id, named) in [
            ("Practitioner", "d", true),
            ("PractitionerRole", "r", true),
            ("Organization", "o", true),
            ("Organization", "c", false),
            ("Organization", "d", false),
            ("Patient", "q", false),
        ] {
            let kind = ResourceType::find(kind).expect(kind);
            let keys = care_keys(catalogue.hasher(), [(kind, id)]);
            let found = keys.iter().any(|key| entries.keys.contains(key));
            assert_eq!(found, named, "{kind}/{id}");
        }
    }
}
