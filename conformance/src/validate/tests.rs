//! One fault a case: where it is said to be, and of what class.

use canonical_model::json::parse;
use canonical_model::{Kind, Resource, Value, object};

use super::{validate, validate_value};

fn faults(text: &str) -> Vec<(String, &'static str)> {
    let resource = Resource::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
    let Err(error) = validate(&resource) else { return Vec::new() };
    assert_eq!(error.kind, Kind::Unprocessable, "{text}");
    let issues = error.issues.into_iter();
    issues.map(|it| (it.expression.unwrap_or_default(), it.code.as_str())).collect()
}

/// Each line: the members of a Patient, and the faults as `path code`, none for a clean one.
fn check_patient(members: &str, expected: &[&str]) {
    check(&format!(r#"{{"resourceType":"Patient",{members}}}"#), expected);
}

fn check(text: &str, expected: &[&str]) {
    let found: Vec<_> =
        faults(text).into_iter().map(|(path, code)| format!("{path} {code}")).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn structure() {
    check(r#"{"resourceType":"Patient"}"#, &[]);
    for (members, expected) in [
        (r#""id":"a","active":true"#, &[][..]),
        (r#""favourite":1"#, &["Patient.favourite structure"]),
        (r#""a b":1"#, &["Patient.? structure"]),
        (
            r#""name":[{"familie":"A"}]"#,
            &["Patient.name[0].familie structure", "Patient.name[0] invariant"],
        ),
        (r#""deceased":true"#, &["Patient.deceased structure"]),
        (r#""deceasedBoolean":true"#, &[]),
        (r#""deceasedString":"no""#, &["Patient.deceasedString structure"]),
        (r#""deceasedBoolean":true,"deceasedDateTime":"2020""#, &["Patient.deceased structure"]),
        (
            r#""deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"u","valueCode":"c"}]}"#,
            &["Patient.deceased structure"],
        ),
        (r#""deceasedBoolean":true,"_deceasedBoolean":{"id":"x"}"#, &[]),
        (r#""active":[true]"#, &["Patient.active structure"]),
        (r#""active":"true""#, &["Patient.active structure"]),
        (r#""active":null"#, &["Patient.active structure"]),
        (r#""name":{"family":"A"}"#, &["Patient.name structure"]),
        (r#""name":[]"#, &["Patient.name structure"]),
        (r#""name":[{}]"#, &["Patient.name[0] invariant"]),
        (r#""name":[{"id":"x"}]"#, &["Patient.name[0] invariant"]),
        (r#""name":[null]"#, &["Patient.name[0] structure"]),
        (r#""name":["A"]"#, &["Patient.name[0] structure"]),
        (r#""name":[{"given":"A"}]"#, &["Patient.name[0].given structure"]),
        (r#""name":[{"given":[1]}]"#, &["Patient.name[0].given[0] structure"]),
        (r#""maritalStatus":"M""#, &["Patient.maritalStatus structure"]),
        (r#""_name":[{"id":"x"}]"#, &["Patient._name structure"]),
        (
            r#""meta":{"resourceType":"Meta"}"#,
            &["Patient.meta.resourceType structure", "Patient.meta invariant"],
        ),
        (r#""multipleBirthInteger":2.0"#, &["Patient.multipleBirth value"]),
        (r#""gender":"M""#, &["Patient.gender code-invalid"]),
        (r#""link":[{"type":"seealso"}]"#, &["Patient.link[0].other required"]),
        (
            r#""link":[{"other":{"display":"x"},"type":"friend"}]"#,
            &["Patient.link[0].type code-invalid"],
        ),
        (
            r#""communication":[{"preferred":true}]"#,
            &["Patient.communication[0].language required"],
        ),
    ] {
        check_patient(members, expected);
    }
}

#[test]
fn primitives_and_their_extensions() {
    for (members, expected) in [
        (r#""_birthDate":{"extension":[{"url":"u","valueCode":"c"}]}"#, &[][..]),
        (r#""birthDate":"2020","_birthDate":{"id":"x"}"#, &[]),
        (r#""_birthDate":{"id":"x"}"#, &["Patient.birthDate invariant"]),
        (r#""_birthDate":{}"#, &["Patient.birthDate invariant"]),
        (r#""_birthDate":null"#, &["Patient.birthDate structure"]),
        (r#""_birthDate":"x""#, &["Patient.birthDate structure"]),
        (r#""_birthDate":[{"id":"x"}]"#, &["Patient.birthDate structure"]),
        (
            r#""birthDate":"2020","_birthDate":{"value":"x"}"#,
            &["Patient.birthDate.value structure"],
        ),
        (
            r#""name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}]}]"#,
            &[],
        ),
        (r#""name":[{"_given":[{"extension":[{"url":"u","valueCode":"c"}]}]}]"#, &[]),
        (r#""name":[{"given":["A","B"],"_given":[null,{"id":"x"}]}]"#, &[]),
        (r#""name":[{"given":["A",null]}]"#, &["Patient.name[0].given[1] structure"]),
        (
            r#""name":[{"given":["A",null],"_given":[null,null]}]"#,
            &["Patient.name[0].given[1] structure", "Patient.name[0].given[1] structure"],
        ),
        (
            r#""name":[{"given":["A"],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}]}]"#,
            &["Patient.name[0].given structure"],
        ),
        (
            r#""name":[{"given":["A","B"],"_given":[{"id":"x"}]}]"#,
            &["Patient.name[0].given structure"],
        ),
        (r#""name":[{"_given":[null]}]"#, &["Patient.name[0].given[0] structure"]),
        (r#""extension":[{"url":"u"}]"#, &["Patient.extension[0] invariant"]),
        (r#""extension":[{"valueCode":"c"}]"#, &["Patient.extension[0].url required"]),
        (
            r#""extension":[{"url":"u","valueCode":"c","extension":[{"url":"v","valueCode":"c"}]}]"#,
            &["Patient.extension[0] invariant"],
        ),
        (
            r#""extension":[{"url":"u","extension":[{"url":"v","valueBoolean":"yes"}]}]"#,
            &["Patient.extension[0].extension[0].value structure"],
        ),
        (
            r#""extension":[{"url":"u","valueCode":"c","valueString":"s"}]"#,
            &["Patient.extension[0].value structure"],
        ),
        (
            r#""extension":[{"url":"u","valuePatient":{}}]"#,
            &["Patient.extension[0].valuePatient structure", "Patient.extension[0] invariant"],
        ),
    ] {
        check_patient(members, expected);
    }
}

#[test]
fn required_primitives() {
    let observation =
        |rest: &str| format!(r#"{{"resourceType":"Observation","code":{{"text":"x"}}{rest}}}"#);
    for (rest, expected) in [
        (r#","status":"final""#, &[][..]),
        ("", &["Observation.status required"]),
        (r#","_status":{"extension":[{"url":"u","valueCode":"unknown"}]}"#, &[]),
        (r#","status":"done""#, &["Observation.status code-invalid"]),
        (
            r#","status":"final","valueQuantity":{"value":"6.3"}"#,
            &["Observation.value.value structure"],
        ),
        (
            r#","status":"final","valueQuantity":{"value":6.30,"comparator":"~"}"#,
            &["Observation.value.comparator code-invalid"],
        ),
        (
            r#","status":"final","component":[{"valueString":"x"}]"#,
            &["Observation.component[0].code required"],
        ),
        (
            r#","status":"final","component":[{"code":{"text":"x"},"referenceRange":[{"low":{"value":true}}]}]"#,
            &["Observation.component[0].referenceRange[0].low.value structure"],
        ),
    ] {
        check(&observation(rest), expected);
    }
}

#[test]
fn references() {
    for (reference, expected) in [
        ("Practitioner/1", None),
        ("Practitioner/1/_history/2", None),
        ("http://h/fhir/Practitioner/1", None),
        ("https://h/x", None),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", None),
        ("urn:oid:1.2.3", None),
        ("#", None),
        ("#p", None),
        ("#q", Some("not-found")),
        ("Practitioner", Some("value")),
        ("Practitioner/", Some("value")),
        ("/Practitioner/1", Some("value")),
        ("Practitioner/1/", Some("value")),
        ("Practitioner/a b", Some("value")),
        ("Practitioner/1/_history", Some("value")),
        ("Practitioner/1/_history/", Some("value")),
        ("Practitioner/1/_history/2/3", Some("value")),
        ("Doctor/1", Some("value")),
        ("1", Some("value")),
        ("http://", Some("value")),
        ("http:///x", Some("value")),
        ("https://h/a b", Some("value")),
        ("urn:uuid:1", Some("value")),
        ("urn:oid:x", Some("value")),
        ("Practitioner?identifier=1", Some("value")),
    ] {
        let members = format!(
            r#""contained":[{{"resourceType":"Practitioner","id":"p"}}],"generalPractitioner":[{{"reference":"{reference}"}}]"#
        );
        let fault = expected.map(|code| format!("Patient.generalPractitioner[0].reference {code}"));
        check_patient(&members, &fault.as_deref().into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn resources_inside_resources() {
    let patient = r#"{"resourceType":"Patient","managingOrganization":{"reference":"Organization?name=x"},"gender":"x"}"#;
    for (text, expected) in [
        (
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"POST","url":"Patient"}},"resource":{patient}}}]}}"#),
            &["Bundle.entry[0].resource.gender code-invalid"][..],
        ),
        (
            format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"a","part":[{{"name":"b","resource":{patient}}}]}}]}}"#),
            &[
                "Parameters.parameter[0].part[0].resource.managingOrganization.reference value",
                "Parameters.parameter[0].part[0].resource.gender code-invalid",
            ],
        ),
        (
            r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Pet"}},{"resource":[]}]}"#.into(),
            &["Bundle.entry[0].resource structure", "Bundle.entry[1].resource structure"],
        ),
        (
            r##"{"resourceType":"Patient","contained":[{"resourceType":"Patient","contained":[{"resourceType":"Patient"}]}]}"##.into(),
            &["Patient.contained[0].contained[0] invariant"],
        ),
        (
            r##"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#b"}},{"resourceType":"Organization","id":"b","endpoint":[{"reference":"#c"}]}]}"##.into(),
            &["Patient.contained[1].endpoint[0].reference not-found"],
        ),
    ] {
        check(&text, expected);
    }
}

#[test]
fn faults_are_gathered_up_to_the_limit_and_never_quote_values() {
    let links = vec![r#"{"type":"Jane Doe"}"#; 200].join(",");
    let text = format!(r#"{{"resourceType":"Patient","gender":"Jane Doe","link":[{links}]}}"#);
    let resource = Resource::parse(text.as_bytes()).expect("a patient");
    let error = validate(&resource).expect_err("many faults");
    assert_eq!(error.issues.len(), canonical_model::limits::ISSUES_MAX);
    assert!(!error.to_string().contains("Jane"));
    assert!(error.to_string().contains("Use one of the codes female, male, other, unknown."));
}

/// Values of a primitive type that pass and that do not, as JSON.
fn check_formats(cases: &[(&str, &[&str], &[&str])]) {
    let read = |text: &str| parse(text.as_bytes()).expect(text);
    for (kind, good, bad) in cases {
        for text in *good {
            validate_value(kind, &read(text)).unwrap_or_else(|e| panic!("{kind} {text}: {e}"));
        }
        for text in *bad {
            let error = validate_value(kind, &read(text)).expect_err(&format!("{kind} {text}"));
            assert_eq!(error.issues[0].expression.as_deref(), Some(*kind), "{text}");
        }
    }
}

#[test]
#[rustfmt::skip]
fn formats_of_numbers_and_booleans() {
    check_formats(&[
        ("boolean", &["true", "false"], &[r#""true""#, "1", "null", "[]", "{}"]),
        ("integer", &["0", "-5", "2147483647"], &["2147483648", "1.0", "1e2", "-0", r#""1""#]),
        ("unsignedInt", &["0", "7"], &["-1", "4294967295"]),
        ("positiveInt", &["1"], &["0", "-1"]),
        ("decimal", &["0", "-0.10", "1e3", "1.50"], &[r#""1""#, "true"]),
    ]);
}

#[test]
#[rustfmt::skip]
fn formats_of_text() {
    check_formats(&[
        ("string", &[r#""a""#, r#"" a ""#, r#""é""#, r#""a\nb\tc\r""#, r#""😀""#],
            &[r#""""#, r#"" ""#, r#""\t\n""#, r#""a\u0001b""#, r#""\u00a0""#, "1"]),
        ("markdown", &[r##""# A\n\n* b""##], &[r#""""#, r#""  \n""#]),
        ("code", &[r#""a""#, r#""a b""#, r#""<=""#],
            &[r#""""#, r#"" a""#, r#""a ""#, r#""a  b""#, r#""\t""#, r#""a\u001fb""#]),
        ("id", &[r#""a""#, r#""A-1.b""#], &[r#""""#, r#""a_b""#, r#""a/b""#]),
        ("uri", &[r#""urn:x""#, r##""http://a/b?c#d""##, r#""Patient/1""#, r#""é""#],
            &[r#""""#, r#""a b""#, r#"" a""#, r#""a\u00a0b""#]),
        ("url", &[r#""mailto:a@b""#], &[r#""a b""#]),
        ("canonical", &[r#""http://a|1.0""#, r##""#vs""##], &[r#""a |1""#]),
        ("oid", &[r#""urn:oid:1.2.840""#, r#""urn:oid:2.0""#],
            &[r#""1.2.3""#, r#""urn:oid:3.1""#, r#""urn:oid:1""#, r#""urn:oid:1.02""#, r#""urn:oid:1..2""#]),
        ("uuid", &[r#""urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#],
            &[r#""c757873d-ec9a-4326-a141-556f43239520""#, r#""urn:uuid:c757873d""#,
                r#""urn:uuid:C757873D-EC9A-4326-A141-556F43239520""#]),
        ("base64Binary", &[r#""QQ==""#, r#""QUI=""#, r#""QUJD""#, r#""QU\nJD""#, r#"" QUJD ""#],
            &[r#""""#, r#"" ""#, r#""Q""#, r#""QUJ""#, r#""QQ=""#, r#""QQ=a""#, r#""Q===""#, r#""QU-D""#, r#""====""#]),
        ("xhtml", &[r#""<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>""#, r#"" <div>a</div> ""#],
            &[r#""""#, r#""a""#, r#""<p>a</p>""#, r#""<div><script>x</script></div>""#]),
    ]);
}

#[test]
#[rustfmt::skip]
fn formats_of_dates() {
    check_formats(&[
        ("date", &[r#""2020""#, r#""2020-02""#, r#""2020-02-29""#],
            &[r#""""#, r#""20""#, r#""2020-13""#, r#""2021-02-29""#, r#""2020-2-1""#, r#""0000""#,
                r#""2020-01-01T00:00:00Z""#, r#""2020-01-01 ""#]),
        ("dateTime", &[r#""2020""#, r#""2020-02-29""#, r#""2020-02-29T23:59:60Z""#,
                r#""2020-01-01T00:00:00.123+14:00""#],
            &[r#""2020-01-01T10""#, r#""2020-01-01T10:00Z""#, r#""2020-01-01T10:00:00""#,
                r#""2020-01-01T24:00:00Z""#, r#""2020-01-01T10:00:00+15:00""#]),
        ("instant", &[r#""2020-02-29T23:59:59Z""#, r#""2020-02-29T23:59:59.1-05:00""#],
            &[r#""2020-02-29""#, r#""2020-02-29T23:59:59""#, r#""2020-02-30T23:59:59Z""#]),
        ("time", &[r#""00:00:00""#, r#""23:59:60""#, r#""10:00:00.5""#],
            &[r#""24:00:00""#, r#""10:00""#, r#""10:60:00""#, r#""10:00:00Z""#, r#""10:00:00.""#,
                r#""1:00:00""#, r#""10:00:61""#]),
    ]);
}

#[test]
fn what_passes_can_be_read_back() {
    for levels in [30, 31, 32, 200] {
        let leaf = object! { "url": "u", "valueCode": "c" };
        let nested = (1..levels).fold(leaf, |inner, _| {
            object! { "url": "u", "extension": vec![Value::from(inner)] }
        });
        let patient = object! { "resourceType": "Patient", "extension": vec![Value::from(nested)] };
        let resource = Resource::from_value(patient.into()).expect("a patient");
        let readable = Resource::parse(resource.to_text().as_bytes()).is_ok();
        let outcome = validate(&resource);
        assert_eq!(outcome.is_ok(), readable, "{levels} levels: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.issues.len(), 1, "{levels} levels");
            assert_eq!(error.issues[0].code.as_str(), "too-long", "{levels} levels");
        }
    }
}

#[test]
fn lone_values() {
    let read = |text: &str| parse(text.as_bytes()).expect("JSON");
    assert!(validate_value("HumanName", &read(r#"{"family":"A"}"#)).is_ok());
    assert!(validate_value("Patient.contact", &read(r#"{"gender":"male"}"#)).is_ok());
    assert!(validate_value("Reference", &read(r##"{"reference":"#a"}"##)).is_ok());
    let error = validate_value("Patient.contact", &read(r#"{"gender":1}"#)).expect_err("a number");
    assert_eq!(error.issues[0].expression.as_deref(), Some("Patient.contact.gender"));
    assert_eq!(validate_value("Pet", &Value::Null).expect_err("unknown").kind, Kind::Internal);
}

#[test]
fn contained_resources_are_few() {
    for (count, expected) in [(1_000, &[][..]), (1_001, &["Patient.contained too-long"])] {
        let contained = vec![r#"{"resourceType":"Basic","id":"a","code":{"text":"a"}}"#; count];
        check_patient(&format!(r#""contained":[{}]"#, contained.join(",")), expected);
    }
}
