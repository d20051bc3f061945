//! The registry against what R4's pages say.

use std::collections::BTreeSet;

use canonical_model::ResourceType;
use canonical_model::fhirpath::Schema;

use crate::{Registry, SearchParamKind, Shape};

fn kind(name: &str) -> ResourceType {
    ResourceType::find(name).expect(name)
}

#[test]
fn resource_types_are_those_of_the_model() {
    let structures = Registry::r4().structures().iter();
    let resources = structures.filter(|it| it.shape == Shape::Resource).map(|it| it.path);
    let known: Vec<_> = ResourceType::all().map(ResourceType::name).collect();
    assert_eq!(resources.collect::<Vec<_>>(), known);
    for kind in ResourceType::all() {
        assert_eq!(Registry::r4().resource(kind).expect("a structure").path, kind.name());
    }
}

#[test]
fn keys_lead_to_elements() {
    for structure in Registry::r4().structures() {
        assert!(structure.keys.is_sorted_by(|a, b| a.name < b.name), "{}", structure.path);
        for key in &structure.keys {
            let element = structure.element_of(key).expect(key.name);
            assert!(element.types.contains(&key.structure), "{}.{}", structure.path, key.name);
            assert_eq!(element.choice, element.name != key.name, "{}", key.name);
        }
    }
}

#[test]
fn search_params_of_every_type() {
    let registry = Registry::r4();
    for kind in ResourceType::all() {
        let params = registry.search_params(kind);
        let codes: BTreeSet<_> = params.iter().map(|param| &*param.code).collect();
        assert_eq!(codes.len(), params.len(), "{kind}: a code twice");
        for code in ["_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"] {
            assert!(codes.contains(code), "{kind} {code}");
        }
        let domain = registry.is_a(kind.name(), "DomainResource");
        assert_eq!(codes.contains("_text"), domain, "{kind}");
        for param in params {
            let empty = ["_content", "_filter", "_query", "_text"].contains(&&*param.code);
            assert_eq!(param.expression.is_empty(), empty, "{kind} {}", param.code);
            assert_eq!(param.components.is_empty(), param.kind != SearchParamKind::Composite);
            for part in &param.components {
                let found = registry.search_param_by_url(kind, part.definition);
                assert!(found.is_some(), "{kind} {} {}", param.code, part.definition);
            }
        }
    }
}

#[test]
fn search_params_known_by_heart() {
    let registry = Registry::r4();
    for (name, code, kind_, expression, targets) in [
        ("Patient", "family", SearchParamKind::String, "Patient.name.family", &[][..]),
        ("Patient", "birthdate", SearchParamKind::Date, "Patient.birthDate", &[]),
        ("Patient", "_id", SearchParamKind::Token, "Resource.id", &[]),
        ("Patient", "death-date", SearchParamKind::Date, "(Patient.deceased as dateTime)", &[]),
        (
            "Patient",
            "organization",
            SearchParamKind::Reference,
            "Patient.managingOrganization",
            &["Organization"],
        ),
        ("Observation", "code", SearchParamKind::Token, "Observation.code", &[]),
        ("Observation", "date", SearchParamKind::Date, "Observation.effective", &[]),
        (
            "Observation",
            "patient",
            SearchParamKind::Reference,
            "Observation.subject.where(resolve() is Patient)",
            &["Group", "Patient"],
        ),
        ("Observation", "code-value-date", SearchParamKind::Composite, "Observation", &[]),
        ("Condition", "code", SearchParamKind::Token, "Condition.code", &[]),
        (
            "AllergyIntolerance",
            "code",
            SearchParamKind::Token,
            "AllergyIntolerance.code | AllergyIntolerance.reaction.substance",
            &[],
        ),
        (
            "MedicationRequest",
            "code",
            SearchParamKind::Token,
            "(MedicationRequest.medication as CodeableConcept)",
            &[],
        ),
        (
            "InsurancePlan",
            "name",
            SearchParamKind::String,
            "InsurancePlan.name | InsurancePlan.alias",
            &[],
        ),
        ("Location", "near", SearchParamKind::Special, "Location.position", &[]),
    ] {
        let param =
            registry.search_param(kind(name), code).unwrap_or_else(|| panic!("{name} {code}"));
        assert_eq!((param.kind, &*param.expression), (kind_, expression), "{name} {code}");
        let names: BTreeSet<_> = param.targets.iter().map(|target| target.name()).collect();
        if !targets.is_empty() {
            assert_eq!(names, targets.iter().copied().collect(), "{name} {code}");
        }
    }
    assert_eq!(registry.search_param(kind("Patient"), "code"), None);
    let date = registry.search_param(kind("Observation"), "date").expect("date");
    assert_eq!(date.comparators, ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"]);
    let composite = registry.search_param(kind("Observation"), "code-value-date").expect("it");
    assert_eq!(composite.components[1].expression, "value.as(dateTime) | value.as(Period)");
    assert!(!composite.multiple_or && composite.multiple_and);
}

#[test]
fn how_many_search_params() {
    let counts: Vec<_> = ["Patient", "Observation", "Encounter", "Bundle", "Parameters"]
        .map(|name| Registry::r4().search_params(kind(name)).len())
        .into();
    assert_eq!(counts, [34, 53, 33, 14, 9]);
}

#[test]
fn compartments() {
    let registry = Registry::r4();
    for (name, resource, expected) in [
        ("Patient", "Observation", &["subject", "performer"][..]),
        ("Patient", "Patient", &["link"]),
        ("Patient", "Organization", &[]),
        ("Encounter", "Observation", &["encounter"]),
        ("Practitioner", "Encounter", &["practitioner", "participant"]),
        ("Nobody", "Observation", &[]),
    ] {
        assert_eq!(registry.compartment(name, kind(resource)), expected, "{name} {resource}");
    }
    for kind in ResourceType::all() {
        for code in registry.patient_compartment(kind) {
            assert!(registry.search_param(kind, code).is_some(), "{kind} {code}");
        }
    }
}

#[test]
fn schema_answers() {
    let registry = Registry::r4();
    for (parent, name, types, choice, many) in [
        ("Patient", "name", &["HumanName"][..], false, true),
        ("Patient", "id", &["id"], false, false),
        ("Patient", "contact", &["Patient.contact"], false, true),
        ("Patient.contact", "name", &["HumanName"], false, false),
        ("Patient.contact", "modifierExtension", &["Extension"], false, true),
        ("Patient", "deceased", &["boolean", "dateTime"], true, false),
        ("Patient", "contained", &["Resource"], false, true),
        ("Bundle.entry", "resource", &["Resource"], false, false),
        ("Bundle.entry", "link", &["Bundle.link"], false, true),
        ("Parameters.parameter", "part", &["Parameters.parameter"], false, true),
        ("Questionnaire.item", "item", &["Questionnaire.item"], false, true),
        ("Observation.component", "referenceRange", &["Observation.referenceRange"], false, true),
        ("HumanName", "given", &["string"], false, true),
        ("string", "extension", &["Extension"], false, true),
        ("date", "id", &["string"], false, false),
        ("Extension", "url", &["uri"], false, false),
        ("Timing", "repeat", &["Timing.repeat"], false, false),
        ("Timing.repeat", "bounds", &["Duration", "Range", "Period"], true, false),
        ("Resource", "meta", &["Meta"], false, false),
        ("DomainResource", "text", &["Narrative"], false, false),
        ("Age", "value", &["decimal"], false, false),
    ] {
        let element = registry.element(parent, name).unwrap_or_else(|| panic!("{parent}.{name}"));
        assert_eq!(element.types, types, "{parent}.{name}");
        assert_eq!((element.choice, element.many), (choice, many), "{parent}.{name}");
    }
    let value = registry.element("Observation", "value").expect("value");
    assert_eq!(value.types.len(), 11);
    for (parent, name) in [("Observation", "valueQuantity"), ("Patient", "pet"), ("Pet", "name")] {
        assert_eq!(registry.element(parent, name), None, "{parent}.{name}");
    }
}

#[test]
fn types_come_from_types() {
    for (name, base, expected) in [
        ("Patient", "Patient", true),
        ("Patient", "DomainResource", true),
        ("Patient", "Resource", true),
        ("Patient", "Element", false),
        ("Bundle", "DomainResource", false),
        ("Bundle", "Resource", true),
        ("Age", "Quantity", true),
        ("Quantity", "Age", false),
        ("code", "string", true),
        ("canonical", "uri", true),
        ("positiveInt", "integer", true),
        ("Patient.contact", "BackboneElement", true),
        ("Patient.contact", "Element", true),
        ("Timing.repeat", "BackboneElement", false),
        ("Pet", "Resource", false),
    ] {
        assert_eq!(Registry::r4().is_a(name, base), expected, "{name} is a {base}");
    }
}

#[test]
fn what_subsets_keep() {
    let registry = Registry::r4();
    let names: Vec<_> =
        registry.mandatory(kind("Observation")).map(|element| element.name).collect();
    assert_eq!(names, ["status", "code"]);
    for (path, name, expected) in [
        ("Patient", "name", true),
        ("Patient", "photo", false),
        ("Patient", "contact", false),
        ("Patient", "pet", false),
        ("Quantity", "value", true),
    ] {
        assert_eq!(registry.is_summary(path, name), expected, "{path}.{name}");
    }
    let order: Vec<_> = registry.elements("Period").iter().map(|element| element.name).collect();
    assert_eq!(order, ["id", "extension", "start", "end"]);
    let status = registry.structure("Observation").and_then(|it| it.element("status")).expect("it");
    assert!(status.modifier && status.required && !status.many);
    assert!(registry.codes(status).expect("codes").codes.contains(&"entered-in-error"));
    let subject = registry.structure("Observation").and_then(|it| it.key("subject")).expect("it");
    let mut targets: Vec<_> = registry.targets(subject).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["Device", "Group", "Location", "Patient"]);
}
