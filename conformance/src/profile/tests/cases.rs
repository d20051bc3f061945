//! What R4's own definitions and profiles ask, one fault a case.

use super::{Sets, faults};
use crate::profile::{Profiles, Unknown};

/// Each line: a resource, and its faults as `severity expression code`.
fn check(cases: &[(&str, &[&str])]) {
    let profiles = Profiles::new();
    for (text, expected) in cases {
        assert_eq!(faults(&profiles, &Unknown, text), *expected, "{text}");
    }
}

#[test]
fn invariants() {
    check(&[
        (r#"{"resourceType":"Patient","contact":[{"name":{"text":"a"}}]}"#, &[]),
        (
            r#"{"resourceType":"Patient","contact":[{"gender":"male"}]}"#,
            &["error Patient.contact[0] invariant"],
        ),
        (
            r#"{"resourceType":"Patient","telecom":[{"value":"1"}]}"#,
            &["error Patient.telecom[0] invariant"],
        ),
        (
            r#"{"resourceType":"Patient","name":[{"text":"a","period":{"start":"2020","end":"2019"}}]}"#,
            &["error Patient.name[0].period invariant"],
        ),
        (
            r#"{"resourceType":"Observation","status":"final","code":{"text":"a"},"valueString":"x","dataAbsentReason":{"text":"u"}}"#,
            &["error Observation invariant"],
        ),
        (
            r#"{"resourceType":"Observation","status":"final","code":{"text":"a"},"valueQuantity":{"value":1,"code":"kg"}}"#,
            &["error Observation.value invariant"],
        ),
        (
            r#"{"resourceType":"Appointment","status":"booked","participant":[{"status":"accepted","actor":{"display":"a"}}]}"#,
            &["error Appointment invariant"],
        ),
        (
            r#"{"resourceType":"RiskAssessment","status":"final","subject":{"display":"a"},"prediction":[{"probabilityDecimal":101}]}"#,
            &["error RiskAssessment.prediction[0] invariant"],
        ),
        (
            r#"{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group"}]}"#,
            &["error Questionnaire.item[0] invariant"],
        ),
        // A contentReference: items of items are as items are.
        (
            r#"{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"2","type":"group"}]}]}"#,
            &["error Questionnaire.item[0].item[0] invariant"],
        ),
        (
            r#"{"resourceType":"Patient","name":[{"id":"a","text":"x"}],"address":[{"id":"a","text":"x"}]}"#,
            &["error Patient.address[0].id duplicate"],
        ),
        (
            r#"{"resourceType":"ValueSet","status":"draft","name":"not a name"}"#,
            &["warning ValueSet invariant"],
        ),
    ]);
}

#[test]
fn contained_resources_and_references() {
    let organization = r#"{"resourceType":"Organization","id":"o","name":"a"}"#;
    check(&[
        (
            &format!(
                r##"{{"resourceType":"Patient","contained":[{organization}],"managingOrganization":{{"reference":"#o"}}}}"##
            ),
            &[],
        ),
        (
            &format!(r#"{{"resourceType":"Patient","contained":[{organization}]}}"#),
            &["error Patient.contained[0] invariant"],
        ),
        (
            r##"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}],"managingOrganization":{"reference":"#o"}}"##,
            &["error Patient.contained[0] invariant"],
        ),
        (
            &format!(
                r##"{{"resourceType":"Patient","contained":[{organization}],"generalPractitioner":[{{"reference":"#o"}}],"link":[{{"type":"refer","other":{{"reference":"#o"}}}}]}}"##
            ),
            &["error Patient.link[0].other structure"],
        ),
        (
            r#"{"resourceType":"Patient","managingOrganization":{"reference":"Patient/1"}}"#,
            &["error Patient.managingOrganization structure"],
        ),
        (
            r#"{"resourceType":"Patient","managingOrganization":{"type":"Patient","display":"a"}}"#,
            &["error Patient.managingOrganization structure"],
        ),
        (
            r#"{"resourceType":"Patient","managingOrganization":{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}}"#,
            &[],
        ),
    ]);
}

#[test]
fn extensions() {
    let birth_place = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
    let with = |extension: &str| format!(r#"{{"resourceType":"Patient",{extension}}}"#);
    check(&[
        (
            &with(&format!(
                r#""extension":[{{"url":"{birth_place}","valueAddress":{{"city":"a"}}}}]"#
            )),
            &[],
        ),
        (
            &with(&format!(r#""extension":[{{"url":"{birth_place}","valueString":"a"}}]"#)),
            &["error Patient.extension[0].value structure"],
        ),
        (
            &with(&format!(
                r#""name":[{{"text":"a","extension":[{{"url":"{birth_place}","valueAddress":{{"city":"a"}}}}]}}]"#
            )),
            &["error Patient.name[0].extension[0] extension"],
        ),
        (
            &with(&format!(
                r#""modifierExtension":[{{"url":"{birth_place}","valueAddress":{{"city":"a"}}}}]"#
            )),
            &["error Patient.modifierExtension[0] extension"],
        ),
        (
            &with(r#""modifierExtension":[{"url":"https://a.example/x","valueCode":"a"}]"#),
            &["error Patient.modifierExtension[0] extension"],
        ),
        (&with(r#""extension":[{"url":"https://a.example/x","valueCode":"a"}]"#), &[]),
        (
            &with(r#""extension":[{"url":"x","valueCode":"a"}]"#),
            &["error Patient.extension[0].url value"],
        ),
        (
            &with(
                r#""_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"2020-01-01T01:02:03Z"}]}"#,
            ),
            &[],
        ),
        (
            &with(
                r#""_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueString":"a"}]}"#,
            ),
            &["error Patient.birthDate.extension[0].value structure"],
        ),
        (
            &with(
                r#""extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-nationality","extension":[{"url":"code","valueCodeableConcept":{"text":"a"}}]}]"#,
            ),
            &[],
        ),
    ]);
}

#[test]
fn bundles() {
    let bundle = |kind: &str, entries: &str| {
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#)
    };
    let patient = r#"{"resourceType":"Patient","id":"1"}"#;
    check(&[
        (
            &bundle(
                "collection",
                &format!(r#"{{"fullUrl":"https://a.example/Patient/1","resource":{patient}}}"#),
            ),
            &[],
        ),
        (
            &bundle("collection", &format!(r#"{{"fullUrl":"Patient/1","resource":{patient}}}"#)),
            &["error Bundle.entry[0].fullUrl value"],
        ),
        (
            &bundle(
                "collection",
                &format!(r#"{{"fullUrl":"https://a.example/Patient/2","resource":{patient}}}"#),
            ),
            &["error Bundle.entry[0].fullUrl invalid"],
        ),
        (
            &bundle("collection", &format!(r#"{{"fullUrl":"urn:uuid:1","resource":{patient}}}"#)),
            &["error Bundle.entry[0].fullUrl value"],
        ),
        (
            &bundle(
                "collection",
                &format!(
                    r#"{{"fullUrl":"https://a.example/Patient/1","resource":{patient}}},{{"fullUrl":"https://a.example/Patient/1","resource":{patient}}}"#
                ),
            ),
            &["error Bundle.entry[1].fullUrl duplicate"],
        ),
        (
            &bundle("transaction", &format!(r#"{{"resource":{patient}}}"#)),
            &["error Bundle invariant"],
        ),
        (
            &bundle("transaction", r#"{"request":{"method":"POST","url":"Patient"}}"#),
            &["error Bundle.entry[0].resource required"],
        ),
        (
            &bundle(
                "document",
                &format!(r#"{{"fullUrl":"https://a.example/Patient/1","resource":{patient}}}"#),
            ),
            &["error Bundle invariant", "error Bundle invariant", "error Bundle invariant"],
        ),
        // A reference is followed within the bundle.
        (
            &bundle(
                "collection",
                &format!(
                    r#"{{"fullUrl":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0","resource":{patient}}},{{"fullUrl":"https://a.example/Patient/9","resource":{{"resourceType":"Patient","id":"9","managingOrganization":{{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}}}}}}"#
                ),
            ),
            &["error Bundle.entry[1].resource.managingOrganization structure"],
        ),
    ]);
}

const BP: &str = r#"{"resourceType":"Observation","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bp"]},
"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020-01-01",
"component":[
{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"#;

#[test]
fn a_profile_of_r4() {
    let profiles = Profiles::new();
    for (from, to, expected) in [
        ("", "", &[][..]),
        ("8480-6", "8480-7", &["error Observation.component required"]),
        ("vital-signs", "laboratory", &["error Observation.category required"]),
        ("85354-9", "85354-8", &["error Observation.code.coding required"]),
        (r#","effectiveDateTime":"2020-01-01""#, "", &["error Observation.effective required"]),
        ("2020-01-01", "2020", &["error Observation.effective invariant"]),
        (r#""subject":{"reference":"Patient/1"},"#, "", &["error Observation.subject required"]),
        ("Patient/1", "Group/1", &["error Observation.subject structure"]),
        (
            r#""value":120,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]""#,
            r#""value":120,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"kPa""#,
            &["error Observation.component[0].value.code value"],
        ),
        (
            r#""component":["#,
            r#""valueString":"a","component":["#,
            &["error Observation.value structure", "error Observation.value structure"],
        ),
    ] {
        let text = if from.is_empty() { BP.to_owned() } else { BP.replacen(from, to, 1) };
        assert!(from.is_empty() || text != BP, "{from} is there");
        assert_eq!(faults(&profiles, &Unknown, &text), expected, "{from} to {to}");
    }
}

#[test]
fn bindings() {
    const MARITAL: &str = "http://hl7.org/fhir/ValueSet/marital-status";
    let sets = Sets(&[
        (MARITAL, "s", "M"),
        ("http://hl7.org/fhir/ValueSet/languages", "urn:ietf:bcp:47", "de"),
    ]);
    let profiles = Profiles::new();
    for (members, expected) in [
        (r#""maritalStatus":{"coding":[{"system":"s","code":"M"}]}"#, &[][..]),
        (
            r#""maritalStatus":{"coding":[{"system":"t","code":"M"}]}"#,
            &["warning Patient.maritalStatus code-invalid"],
        ),
        (r#""maritalStatus":{"text":"a"}"#, &[]),
        (
            r#""maritalStatus":{"coding":[{"system":"t","code":"x"},{"system":"s","code":"M"}]}"#,
            &[],
        ),
    ] {
        let text = format!(r#"{{"resourceType":"Patient",{members}}}"#);
        assert_eq!(faults(&profiles, &sets, &text), expected, "{text}");
    }
}

#[test]
fn what_nobody_knows_is_told() {
    let text = r#"{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"},"maritalStatus":{"coding":[{"system":"s","code":"M"}]}}"#;
    let resource = canonical_model::Resource::parse(text.as_bytes()).unwrap();
    let profiles = Profiles::new();
    let validator = crate::profile::Validator::new(&profiles, &Unknown);
    let told = super::told(&validator.judge(&resource, &[]));
    assert_eq!(told, ["information Patient.maritalStatus informational"]);
    let told = super::told(&validator.judge(&resource, &["https://a.example/none"]));
    assert_eq!(told[0], "error Patient not-found");
    let told =
        super::told(&validator.judge(&resource, &["http://hl7.org/fhir/StructureDefinition/bp"]));
    assert_eq!(told[0], "error Patient invalid");
}

#[test]
fn no_text_repeats_what_was_sent() {
    let text = r#"{"resourceType":"Patient","telecom":[{"value":"canary-7"}],"maritalStatus":{"coding":[{"system":"canary-7","code":"canary-7"}]},"extension":[{"url":"https://canary-7.example/x","valueCode":"canary-7"}],"meta":{"profile":["https://canary-7.example/y"]},"managingOrganization":{"reference":"Patient/canary-7"}}"#;
    let resource = canonical_model::Resource::parse(text.as_bytes()).unwrap();
    let profiles = Profiles::new();
    let validator = crate::profile::Validator::new(&profiles, &Unknown);
    let issues = validator.judge(&resource, &[]);
    assert!(issues.len() > 4, "{issues:?}");
    assert!(issues.iter().all(|it| !it.diagnostics.contains("canary-7")), "{issues:?}");
}
