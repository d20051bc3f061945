//! Slicing by each kind of discriminator, and the rules that slices have together.

use super::{Sets, faults, installed};
use crate::profile::Unknown;

/// A profile of Patient: elements as `path | members`, where the path is the element's id.
fn profile(elements: &[(&str, &str)]) -> String {
    let root = r#"{"id":"Patient","path":"Patient","min":0,"max":"*"}"#.to_owned();
    let written = elements.iter().map(|(id, members)| {
        let path: Vec<&str> =
            id.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect();
        format!(r#"{{"id":"{id}","path":"{}",{members}}}"#, path.join("."))
    });
    let elements: Vec<String> = std::iter::once(root).chain(written).collect();
    format!(
        r#"{{"resourceType":"StructureDefinition","url":"https://a.example/p","type":"Patient","kind":"resource","derivation":"constraint","snapshot":{{"element":[{}]}}}}"#,
        elements.join(",")
    )
}

fn patient(members: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","meta":{{"profile":["https://a.example/p"]}},{members}}}"#
    )
}

/// What is wrong with each list of items of an element, by a profile.
fn check(elements: &[(&str, &str)], cases: &[(&str, &[&str])]) {
    let profiles = installed(&[&profile(elements)]);
    for (members, expected) in cases {
        let told = faults(&profiles, &Unknown, &patient(members));
        assert_eq!(told, *expected, "{members}");
    }
}

fn sliced(rules: &str, ordered: bool) -> String {
    format!(
        r#""min":0,"max":"*","slicing":{{"discriminator":[{{"type":"value","path":"system"}}],"rules":"{rules}","ordered":{ordered}}}"#
    )
}

const MRN: [(&str, &str); 2] = [
    ("Patient.identifier:mrn", r#""sliceName":"mrn","min":1,"max":"1""#),
    ("Patient.identifier:mrn.system", r#""min":1,"max":"1","fixedUri":"urn:mrn""#),
];
const SSN: [(&str, &str); 3] = [
    ("Patient.identifier:ssn", r#""sliceName":"ssn","min":0,"max":"1""#),
    ("Patient.identifier:ssn.system", r#""min":1,"max":"1","fixedUri":"urn:ssn""#),
    ("Patient.identifier:ssn.value", r#""min":1,"max":"1""#),
];

fn identifiers(systems: &[&str]) -> String {
    let one = |it: &&str| format!(r#"{{"system":"urn:{it}","value":"1"}}"#);
    format!(r#""identifier":[{}]"#, systems.iter().map(one).collect::<Vec<_>>().join(","))
}

#[test]
fn numbers_of_a_slice_and_what_is_in_it() {
    let open = sliced("open", false);
    let elements = [&[("Patient.identifier", &*open)][..], &MRN, &SSN].concat();
    check(
        &elements,
        &[
            (&identifiers(&["mrn"]), &[]),
            (&identifiers(&["other", "mrn", "other"]), &[]),
            (&identifiers(&["other"]), &["error Patient.identifier required"]),
            (r#""active":true"#, &["error Patient.identifier required"]),
            (&identifiers(&["mrn", "mrn"]), &["error Patient.identifier structure"]),
            (
                r#""identifier":[{"system":"urn:mrn","value":"1"},{"system":"urn:ssn"}]"#,
                &["error Patient.identifier[1].value required"],
            ),
        ],
    );
}

#[test]
fn closed_ordered_and_open_at_the_end() {
    for (rules, ordered, cases) in [
        (
            "closed",
            false,
            &[(&["mrn", "ssn"][..], None), (&["ssn", "mrn"], None), (&["mrn", "x"], Some(1))][..],
        ),
        ("closed", true, &[(&["mrn", "ssn"], None), (&["ssn", "mrn"], Some(1))]),
        ("openAtEnd", false, &[(&["mrn", "x"], None), (&["mrn", "x", "ssn"], Some(2))]),
        ("open", true, &[(&["x", "mrn", "x", "ssn"], None), (&["ssn", "x", "mrn"], Some(2))]),
    ] {
        let written = sliced(rules, ordered);
        let elements = [&[("Patient.identifier", &*written)][..], &MRN, &SSN].concat();
        for (systems, fault) in cases {
            let expected: Vec<String> =
                fault.iter().map(|n| format!("error Patient.identifier[{n}] structure")).collect();
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            check(&elements, &[(&identifiers(systems), &expected)]);
        }
    }
}

#[test]
fn by_pattern_and_by_value_set() {
    let by = |path: &str| {
        format!(
            r#""min":0,"max":"*","slicing":{{"discriminator":[{{"type":"pattern","path":"{path}"}}],"rules":"closed"}}"#
        )
    };
    let of_type = by("type");
    check(
        &[
            ("Patient.identifier", &of_type),
            ("Patient.identifier:a", r#""sliceName":"a","min":0,"max":"1""#),
            (
                "Patient.identifier:a.type",
                r#""min":1,"max":"1","patternCodeableConcept":{"coding":[{"code":"A"}]}"#,
            ),
        ],
        &[
            (
                r#""identifier":[{"type":{"coding":[{"code":"B"},{"code":"A","display":"x"}]}}]"#,
                &[],
            ),
            (
                r#""identifier":[{"type":{"coding":[{"code":"B"}]}}]"#,
                &["error Patient.identifier[0] structure"],
            ),
        ],
    );
    let elements = [
        ("Patient.communication", &*by("language")),
        ("Patient.communication:a", r#""sliceName":"a","min":0,"max":"1""#),
        (
            "Patient.communication:a.language",
            r#""min":1,"max":"1","type":[{"code":"CodeableConcept"}],"binding":{"strength":"required","valueSet":"https://a.example/vs"}"#,
        ),
    ];
    let profiles = installed(&[&profile(&elements)]);
    let sets = Sets(&[("https://a.example/vs", "s", "de")]);
    for (code, expected) in [("de", &[][..]), ("fr", &["error Patient.communication[0] structure"])]
    {
        let text = patient(&format!(
            r#""communication":[{{"language":{{"coding":[{{"system":"s","code":"{code}"}}]}}}}]"#
        ));
        assert_eq!(faults(&profiles, &sets, &text), expected, "{code}");
    }
}

#[test]
fn by_existence_type_and_profile() {
    let by = |kind: &str, path: &str| {
        format!(
            r#""min":0,"max":"*","slicing":{{"discriminator":[{{"type":"{kind}","path":"{path}"}}],"rules":"closed"}}"#
        )
    };
    check(
        &[
            ("Patient.telecom", &by("exists", "period")),
            ("Patient.telecom:old", r#""sliceName":"old","min":0,"max":"1""#),
            ("Patient.telecom:old.period", r#""min":1,"max":"1""#),
            ("Patient.telecom:new", r#""sliceName":"new","min":0,"max":"2""#),
            ("Patient.telecom:new.period", r#""min":0,"max":"0""#),
        ],
        &[
            (
                r#""telecom":[{"system":"phone","value":"1","period":{"start":"2020"}},{"system":"phone","value":"2"}]"#,
                &[],
            ),
            (
                r#""telecom":[{"system":"phone","value":"1","period":{"start":"2020"}},{"system":"phone","value":"2","period":{"start":"2021"}}]"#,
                &["error Patient.telecom structure"],
            ),
        ],
    );
    check(
        &[
            (
                "Patient.deceased[x]",
                r#""min":0,"max":"1","slicing":{"discriminator":[{"type":"type","path":"$this"}],"rules":"closed"},"type":[{"code":"boolean"},{"code":"dateTime"}]"#,
            ),
            (
                "Patient.deceased[x]:deceasedDateTime",
                r#""sliceName":"deceasedDateTime","min":0,"max":"1","type":[{"code":"dateTime"}]"#,
            ),
        ],
        &[
            (r#""deceasedDateTime":"2020""#, &[]),
            (r#""deceasedBoolean":true"#, &["error Patient.deceased structure"]),
        ],
    );
    // By the type of the target, though the target is not here; and by its profile, where it is.
    check(
        &[
            ("Patient.generalPractitioner", &by("type", "resolve()")),
            (
                "Patient.generalPractitioner:person",
                r#""sliceName":"person","min":1,"max":"1","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Practitioner"]}]"#,
            ),
        ],
        &[
            (r#""generalPractitioner":[{"reference":"Practitioner/1"}]"#, &[]),
            (
                r#""generalPractitioner":[{"reference":"Organization/1"}]"#,
                &[
                    "error Patient.generalPractitioner[0] structure",
                    "error Patient.generalPractitioner required",
                ],
            ),
        ],
    );
    let named = r#"{"resourceType":"StructureDefinition","url":"https://a.example/named","type":"Organization","kind":"resource","derivation":"constraint","snapshot":{"element":[{"id":"Organization","path":"Organization","min":0,"max":"*"},{"id":"Organization.name","path":"Organization.name","min":1,"max":"1"}]}}"#;
    let elements = [
        ("Patient.generalPractitioner", &*by("profile", "resolve()")),
        (
            "Patient.generalPractitioner:named",
            r#""sliceName":"named","min":1,"max":"1","type":[{"code":"Reference","targetProfile":["https://a.example/named"]}]"#,
        ),
    ];
    let profiles = installed(&[&profile(&elements), named]);
    for (member, expected) in [
        (r#""name":"a""#, &[][..]),
        (
            r#""identifier":[{"value":"1"}]"#,
            &[
                "error Patient.generalPractitioner[0] structure",
                "error Patient.generalPractitioner required",
            ],
        ),
    ] {
        let text = patient(&format!(
            r##""contained":[{{"resourceType":"Organization","id":"o",{member}}}],"generalPractitioner":[{{"reference":"#o"}}]"##
        ));
        assert_eq!(faults(&profiles, &Unknown, &text), expected, "{member}");
    }
}

#[test]
fn default_slices_slices_within_slices_and_what_cannot_be_told() {
    let open = sliced("closed", false);
    let elements = [
        &[("Patient.identifier", &*open)][..],
        &MRN,
        &[
            ("Patient.identifier:@default", r#""sliceName":"@default","min":0,"max":"*""#),
            ("Patient.identifier:@default.value", r#""min":1,"max":"1""#),
        ],
    ]
    .concat();
    check(
        &elements,
        &[
            (r#""identifier":[{"system":"urn:mrn"},{"system":"urn:x","value":"1"}]"#, &[]),
            (
                r#""identifier":[{"system":"urn:mrn"},{"system":"urn:x"}]"#,
                &["error Patient.identifier[1].value required"],
            ),
        ],
    );
    let elements = [
        &[("Patient.identifier", &*open)][..],
        &MRN,
        &[
            ("Patient.identifier:mrn/old", r#""sliceName":"mrn/old","min":0,"max":"0""#),
            ("Patient.identifier:mrn/old.system", r#""min":1,"max":"1","fixedUri":"urn:mrn""#),
        ],
    ]
    .concat();
    check(&elements, &[(&identifiers(&["mrn"]), &["error Patient.identifier structure"])]);
    let told = {
        let by = r#""min":0,"max":"*","slicing":{"discriminator":[{"type":"value","path":"period.start + 1"}],"rules":"closed"}"#;
        let slice = ("Patient.identifier:a", r#""sliceName":"a","min":1,"max":"1""#);
        let profiles = installed(&[&profile(&[("Patient.identifier", by), slice])]);
        let resource = canonical_model::Resource::parse(patient(&identifiers(&["x"])).as_bytes());
        let validator = crate::profile::Validator::new(&profiles, &Unknown);
        super::told(&validator.judge(&resource.unwrap(), &[]))
    };
    assert!(told.contains(&"information Patient.identifier informational".to_owned()), "{told:?}");
    assert!(!told.iter().any(|it| it.starts_with("error")), "{told:?}");
}
