//! FHIRPath Patch: what is refused, and where the refusal points.

use super::fhirpath_patch::{parameters, patched};
use super::*;

#[test]
fn refuses() {
    const AT: &str = "Parameters.parameter[0]";
    const NAMES: &str = r#","name":[{"family":"A"},{"family":"B"}],"gender":"male","deceasedBoolean":true,"generalPractitioner":[{"reference":"Practitioner/1"}]"#;
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("path", "Patient")], "Invalid: !: the part `type` is missing"),
        (
            &[("type", "frob"), ("path", "Patient")],
            "Invalid: !: the type is add, insert, delete, replace or move",
        ),
        (&[("type", "delete")], "Invalid: !: the part `path` is missing"),
        (
            &[("type", "delete"), ("path", "Patient.")],
            "Invalid: !: FHIRPath: expected a name, at position 9",
        ),
        (
            &[("type", "delete"), ("path", "Patient.nmae")],
            "Invalid: !: FHIRPath: Patient has no element `nmae`, at position 8",
        ),
        (
            &[("type", "delete"), ("path", "Patient.name")],
            "Unprocessable: !: the path finds several elements",
        ),
        (
            &[("type", "delete"), ("path", "Patient")],
            "Unprocessable: !: the resource as a whole cannot be deleted",
        ),
        (
            &[("type", "delete"), ("path", "Patient.name.count()")],
            "Unprocessable: !: FHIRPath: not a path to an element",
        ),
        (&[("type", "delete"), ("path", "Patient.generalPractitioner.resolve().name")], ""),
        (
            &[("type", "delete"), ("path", "Patient.generalPractitioner.resolve()")],
            "Unprocessable: !: FHIRPath: not a path to an element",
        ),
        (
            &[
                ("type", "replace"),
                ("path", "Patient.birthDate"),
                ("value", r#""valueDate":"2020""#),
            ],
            "Unprocessable: !: the path finds no element",
        ),
        (
            &[("type", "replace"), ("path", "Patient"), ("value", r#""valueDate":"2020""#)],
            "Unprocessable: !: the path names no element of this resource",
        ),
        (
            &[("type", "replace"), ("path", "Patient.gender"), ("value", r#""valueBoolean":true"#)],
            "Unprocessable: !: the value has a type that is not allowed here",
        ),
        (
            &[("type", "replace"), ("path", "Patient.deceased"), ("value", r#""valueString":"x""#)],
            "Unprocessable: !: the value has a type that is not allowed here",
        ),
        (
            &[("type", "replace"), ("path", "Patient.gender")],
            "Invalid: !: the part `value` is missing",
        ),
        (
            &[("type", "replace"), ("path", "Patient.gender"), ("value", r#""id":"x""#)],
            "Invalid: !: a value is missing",
        ),
        (
            &[
                ("type", "add"),
                ("path", "Patient"),
                ("name", "gender"),
                ("value", r#""valueCode":"x""#),
            ],
            "Unprocessable: !: `gender` is there already and may not repeat",
        ),
        (
            &[
                ("type", "add"),
                ("path", "Patient"),
                ("name", "deceased"),
                ("value", r#""valueDateTime":"2020""#),
            ],
            "Unprocessable: !: `deceased` is there already and may not repeat",
        ),
        (
            &[
                ("type", "add"),
                ("path", "Patient"),
                ("name", "deceased"),
                ("value", r#""part":[]"#),
            ],
            "Unprocessable: !: the value has a type that is not allowed here",
        ),
        (
            &[("type", "add"), ("path", "Patient"), ("name", "contact"), ("value", r#""part":[]"#)],
            "Invalid: !: a value is missing",
        ),
        (
            &[
                ("type", "add"),
                ("path", "Patient"),
                ("name", "name"),
                ("value", r#""valueIdentifier":{}"#),
            ],
            "Unprocessable: !: the value has a type that is not allowed here",
        ),
        (
            &[
                ("type", "add"),
                ("path", "Patient"),
                ("name", "resourceType"),
                ("value", r#""valueCode":"x""#),
            ],
            "Unprocessable: !: Patient has no element `resourceType`",
        ),
        (
            &[
                ("type", "add"),
                ("path", "Patient.contact"),
                ("name", "gender"),
                ("value", r#""valueCode":"x""#),
            ],
            "Unprocessable: !: the path finds no element",
        ),
        (
            &[
                ("type", "insert"),
                ("path", "Patient.gender"),
                ("index", "0"),
                ("value", r#""valueCode":"x""#),
            ],
            "Unprocessable: !: `gender` does not repeat",
        ),
        (
            &[
                ("type", "insert"),
                ("path", "Patient.name[0]"),
                ("index", "0"),
                ("value", r#""valueCode":"x""#),
            ],
            "Invalid: !: FHIRPath: expected a path that ends in the name of a list",
        ),
        (
            &[
                ("type", "insert"),
                ("path", "Patient.name"),
                ("index", "3"),
                ("value", r#""valueHumanName":{"text":"x"}"#),
            ],
            "Unprocessable: !: the index lies beyond the list",
        ),
        (
            &[
                ("type", "insert"),
                ("path", "Patient.name"),
                ("index", "-1"),
                ("value", r#""valueHumanName":{"text":"x"}"#),
            ],
            "Invalid: !: the part `index` is an index from 0",
        ),
        (
            &[("type", "move"), ("path", "Patient.name"), ("source", "0"), ("destination", "2")],
            "Unprocessable: !: the index lies beyond the list",
        ),
        (
            &[
                ("type", "move"),
                ("path", "Patient.name.given"),
                ("source", "0"),
                ("destination", "0"),
            ],
            "Unprocessable: !: the path finds several elements",
        ),
    ];
    for (operation, expected) in cases {
        let outcome = patched(NAMES, &[operation]).map_err(|error| error.to_string());
        match *expected {
            "" => assert_eq!(outcome.as_deref(), Ok(NAMES), "{operation:?}"),
            fault => assert_eq!(outcome, Err(fault.replace('!', AT)), "{operation:?}"),
        }
    }
    let patient = read(r#"{"resourceType":"Patient"}"#);
    for parameters in [
        "[]",
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#,
    ] {
        assert!(fhirpath_patch(&patient, &read(parameters), &*FAKE).is_err(), "{parameters}");
    }
    let many = vec![&[("type", "delete"), ("path", "Patient.name")][..]; 1_001];
    let error = fhirpath_patch(&patient, &parameters(&many), &*FAKE).expect_err("too many");
    assert_eq!(error.kind, crate::Kind::TooLarge);
}

#[test]
fn operations_follow_each_other_and_fail_together() {
    let add =
        |name, value| [("type", "add"), ("path", "Patient"), ("name", name), ("value", value)];
    let operations: &[&[(&str, &str)]] = &[
        &add("contact", r#""part":[{"name":"gender","valueCode":"male"}]"#),
        &[
            ("type", "replace"),
            ("path", "Patient.contact[0].gender"),
            ("value", r#""valueCode":"other""#),
        ],
        &add("active", r#""valueBoolean":true"#),
    ];
    assert_eq!(
        patched("", operations).expect("applies"),
        r#","contact":[{"gender":"other"}],"active":true"#
    );
    let again = [operations, &[operations[2]][..]].concat();
    let error = patched("", &again).expect_err("active is there already");
    assert_eq!(error.issues[0].expression.as_deref(), Some("Parameters.parameter[3]"));
}

#[test]
fn nesting_stays_within_the_readers_limit() {
    let deeper = |n: usize| {
        let path = format!("Patient{}", ".extension[0]".repeat(n));
        vec![
            ("type", "add".to_owned()),
            ("path", path),
            ("name", "extension".to_owned()),
            ("value", r#""valueExtension":{"url":"u"}"#.to_owned()),
        ]
    };
    let operations: Vec<Vec<(&str, String)>> = (0..60).map(deeper).collect();
    let operations: Vec<Vec<(&str, &str)>> = operations
        .iter()
        .map(|parts| parts.iter().map(|(name, rest)| (*name, rest.as_str())).collect())
        .collect();
    let operations: Vec<&[(&str, &str)]> = operations.iter().map(Vec::as_slice).collect();
    let error = patched("", &operations).expect_err("too deep").to_string();
    assert!(error.contains("nested deeper than 64 levels"), "{error}");
}

#[test]
fn all_operations_share_one_budget() {
    let costly = format!("{}true{} = false", "(1|2|3|4|5).all(".repeat(5), ")".repeat(5));
    let path = format!("Patient.name.where({costly})");
    let delete = [("type", "delete"), ("path", path.as_str())];
    let names = r#","name":[{"text":"x"}]"#;
    assert_eq!(patched(names, &[&delete]).expect("one is affordable"), names);
    let error = patched(names, &[&delete[..]; 1_000]).expect_err("too many").to_string();
    assert!(error.contains("takes too many steps"), "{error}");
}

/// A pattern that the resource has is compiled for each element: that is paid for, and bounded.
#[test]
fn patterns_and_paths_over_many_elements_end() {
    let contact = r#"{"name":{"text":"a","family":"PATTERN"}}"#;
    for (pattern, path, many) in [
        ("\\\\w{20}", "Patient.contact.where(name.text.matches(name.family))", 1_000),
        ("b", "Patient.contact.where(name.text.matches(name.family))", 1_000),
        ("b", "Patient.contact.where(%resource.contact.count() = 1)", 20_000),
        ("b", "Patient.contact.where(%resource.gender.contains('zz'))", 2_000),
        ("b", "Patient.contact.where(%resource.gender.upper() = 'Z')", 2_000),
    ] {
        let contacts = vec![contact.replace("PATTERN", pattern); many].join(",");
        let long = "x".repeat(100_000);
        let target = read(&format!(
            r#"{{"resourceType":"Patient","gender":"{long}","contact":[{contacts}]}}"#
        ));
        let patch = read(&format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[
                {{"name":"type","valueCode":"delete"}},{{"name":"path","valueString":"{path}"}}]}}]}}"#
        ));
        let began = std::time::Instant::now();
        assert!(fhirpath_patch(&target, &patch, &*FAKE).is_err(), "{path}");
        assert!(began.elapsed().as_secs() < 20, "{path}: {:?}", began.elapsed());
    }
}
