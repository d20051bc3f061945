//! What definitions are read as, pinned to the form of the index: two releases that read one SearchParameter
//! differently, and have the same form, would each index everything anew when it starts.

use canonical_model::Resource;
use canonical_model::json::parse;

use super::Custom;
use crate::entries::INDEX_FORM;
use crate::keys::Hasher;
use crate::limits::CUSTOMS_MAX;

/// For each form of the index, a digest of what is made of [`DEFINITIONS`]. Where the test below finds another
/// one: raise [`INDEX_FORM`], and add a line. Those of releases stay as they are.
const READINGS: &[(i16, i64)] = &[
    (4, 1_173_292_989_868_006_686),
    (5, 1_173_292_989_868_006_686),
    (6, 1_173_292_989_868_006_686),
    (7, 1_173_292_989_868_006_686),
    (8, 1_173_292_989_868_006_686),
    (9, 1_173_292_989_868_006_686),
    (10, 1_173_292_989_868_006_686),
    (11, 1_173_292_989_868_006_686),
    (12, 1_173_292_989_868_006_686),
    (13, 1_173_292_989_868_006_686),
];

/// Definitions of every kind, and of all that decides how one is read.
const DEFINITIONS: &str = r#"[
    {"code":"nickname","base":["Patient"],"type":"string","expression":"Patient.name.where(use='nickname').text"},
    {"code":"name-text","base":["Patient","Person"],"type":"string","expression":"Patient.name.text | Person.name.text"},
    {"code":"own-text","base":["Patient","Person"],"type":"string","expression":"name.text"},
    {"code":"version-id","base":["Resource"],"type":"token","expression":"Resource.meta.versionId"},
    {"code":"ruled","base":["DomainResource"],"type":"uri","expression":"DomainResource.implicitRules"},
    {"code":"born","base":["Patient"],"type":"date","expression":"Patient.birthDate"},
    {"code":"names","base":["Patient"],"type":"number","expression":"Patient.name.count()"},
    {"code":"measured","base":["Observation"],"type":"quantity","expression":"Observation.value as Quantity"},
    {"code":"friend","base":["Patient"],"type":"reference","target":["Patient","Person"],
        "expression":"Patient.extension.where(url='http://x.example/friend').value"},
    {"code":"anything","base":["Patient"],"type":"reference","target":["Resource"],"expression":"Patient.link.other"},
    {"code":"extended","base":["Patient"],"type":"token","expression":"Patient.extension('http://x.example/e')"},
    {"code":"family","base":["Patient","Group"],"type":"string","expression":"Patient.name.family | Group.name"},
    {"code":"family","base":["Patient"],"type":"string","expression":"Patient.name.family"},
    {"code":"family","base":["Patient"],"type":"string","expression":"Patient.name.text"},
    {"code":"deceased","base":["Patient"],"type":"token","url":"http://hl7.org/fhir/SearchParameter/Patient-deceased",
        "expression":"Patient.deceased.exists() and Patient.deceased != false"},
    {"code":"dead","base":["Patient"],"type":"token","url":"http://hl7.org/fhir/SearchParameter/Patient-deceased",
        "expression":"Patient.deceased"},
    {"code":"draft","base":["Patient"],"type":"token","status":"draft","expression":"Patient.gender"},
    {"code":"composed","base":["Patient"],"type":"composite","expression":"Patient"},
    {"code":"near-by","base":["Location"],"type":"special","expression":"Location.position"},
    {"code":"a.b","base":["Patient"],"type":"token","expression":"Patient.gender"},
    {"code":"mistyped","base":["Patient"],"type":"date","expression":"Patient.name.text"},
    {"code":"unknown","base":["Pacient"],"type":"token","expression":"Patient.gender"},
    {"code":"stray","base":["Patient"],"type":"string","expression":"Patient.name.text | Resource.language"}
]"#;

/// What names all that is made of one; nothing where it is not used, for whatever reason.
fn reading(hasher: &Hasher, definition: &canonical_model::Value) -> String {
    let mut body = parse(br#"{"resourceType":"SearchParameter","id":"a","status":"active","url":"http://x.example/a"}"#)
        .expect("it is JSON");
    for (name, value) in definition.as_object().expect("an object").iter() {
        body.as_object_mut().expect("an object").set(name, value.clone());
    }
    let custom = Custom::read(&Resource::from_value(body).expect("a resource"), hasher);
    custom.ok().flatten().map(|custom| custom.digest.to_string()).unwrap_or_default()
}

#[test]
fn another_reading_needs_another_form_of_the_index() {
    let hasher = Hasher::new(&[1; 16]);
    let definitions = parse(DEFINITIONS.as_bytes()).expect("it is JSON");
    let made: Vec<String> = definitions.items().iter().map(|one| reading(&hasher, one)).collect();
    // How many of them are used is a part of it.
    let text = format!("{CUSTOMS_MAX}\n{}", made.join("\n"));
    let made = (INDEX_FORM, hasher.digest(text.as_bytes()));
    let forms: Vec<i16> = READINGS.iter().map(|(form, _)| *form).collect();
    assert!(forms.is_sorted_by(|a, b| a < b), "one line for each form: {forms:?}");
    assert_eq!(READINGS.last(), Some(&made), "raise INDEX_FORM, and add what is made now");
}
