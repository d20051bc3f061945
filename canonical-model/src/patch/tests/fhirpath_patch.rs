//! FHIRPath Patch: each operation in a table.

use super::*;

/// A patch from its operations; each is a list of part name and the part's other members.
pub(super) fn parameters(operations: &[&[(&str, &str)]]) -> Value {
    let part = |(name, rest): &(&str, &str)| {
        let rest = match *name {
            "type" => format!(r#""valueCode":"{rest}""#),
            "path" | "name" => format!(r#""valueString":"{rest}""#),
            "index" | "source" | "destination" => format!(r#""valueInteger":{rest}"#),
            _ => (*rest).to_owned(),
        };
        format!(r#"{{"name":"{name}",{rest}}}"#)
    };
    let operation = |parts: &&[(&str, &str)]| {
        let parts = parts.iter().map(part).collect::<Vec<_>>().join(",");
        format!(r#"{{"name":"operation","part":[{parts}]}}"#)
    };
    let all = operations.iter().map(operation).collect::<Vec<_>>().join(",");
    read(&format!(r#"{{"resourceType":"Parameters","parameter":[{all}]}}"#))
}

pub(super) fn patched(members: &str, operations: &[&[(&str, &str)]]) -> Result<String> {
    let target = read(&format!(r#"{{"resourceType":"Patient"{members}}}"#));
    let outcome = fhirpath_patch(&target, &parameters(operations), &*FAKE)?.to_text();
    let rest =
        outcome.strip_prefix(r#"{"resourceType":"Patient""#).and_then(|x| x.strip_suffix('}'));
    Ok(rest.expect("a patient").to_owned())
}

type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn check(cases: &[Case<'_>]) {
    for (before, operation, after) in cases {
        let outcome = match patched(before, &[operation]) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        };
        assert_eq!(outcome, *after, "{operation:?}");
    }
}

#[test]
fn adds() {
    const ADD: (&str, &str) = ("type", "add");
    const HERE: (&str, &str) = ("path", "Patient");
    check(&[
        (
            "",
            &[ADD, HERE, ("name", "birthDate"), ("value", r#""valueDate":"1930-01-01""#)],
            r#","birthDate":"1930-01-01""#,
        ),
        (
            "",
            &[ADD, HERE, ("name", "name"), ("value", r#""valueHumanName":{"family":"A"}"#)],
            r#","name":[{"family":"A"}]"#,
        ),
        (
            r#","name":[{"text":"x"}]"#,
            &[ADD, HERE, ("name", "name"), ("value", r#""valueHumanName":{"family":"A"}"#)],
            r#","name":[{"text":"x"},{"family":"A"}]"#,
        ),
        (
            "",
            &[ADD, HERE, ("name", "deceased"), ("value", r#""valueBoolean":true"#)],
            r#","deceasedBoolean":true"#,
        ),
        (
            "",
            &[ADD, HERE, ("name", "deceased[x]"), ("value", r#""valueDateTime":"2020""#)],
            r#","deceasedDateTime":"2020""#,
        ),
        (
            "",
            &[ADD, HERE, ("name", "gender"), ("value", r#""valueString":"male""#)],
            r#","gender":"male""#,
        ),
        (
            "",
            &[ADD, HERE, ("name", "birthDate"), ("value", r#""_valueDate":{"id":"x"}"#)],
            r#","_birthDate":{"id":"x"}"#,
        ),
        (
            "",
            &[
                ADD,
                HERE,
                ("name", "contact"),
                (
                    "value",
                    r#""part":[{"name":"name","valueHumanName":{"family":"B"}},{"name":"telecom","part":[{"name":"system","valueCode":"phone"}]},{"name":"telecom","part":[{"name":"value","valueString":"1"}]}]"#,
                ),
            ],
            r#","contact":[{"name":{"family":"B"},"telecom":[{"system":"phone"},{"value":"1"}]}]"#,
        ),
        (
            r#","contact":[{"gender":"male"}]"#,
            &[
                ADD,
                ("path", "Patient.contact[0]"),
                ("name", "name"),
                ("value", r#""valueHumanName":{"family":"B"}"#),
            ],
            r#","contact":[{"gender":"male","name":{"family":"B"}}]"#,
        ),
        (
            r#","name":[{"given":["A"]}]"#,
            &[ADD, ("path", "Patient.name"), ("name", "given"), ("value", r#""valueString":"B""#)],
            r#","name":[{"given":["A","B"]}]"#,
        ),
        (
            r#","name":[{"given":["A"]}]"#,
            &[
                ADD,
                ("path", "name[0]"),
                ("name", "given"),
                ("value", r#""valueString":"B","_valueString":{"id":"b"}"#),
            ],
            r#","name":[{"given":["A","B"],"_given":[null,{"id":"b"}]}]"#,
        ),
        (
            r#","birthDate":"1930""#,
            &[
                ADD,
                ("path", "Patient.birthDate"),
                ("name", "extension"),
                ("value", r#""valueExtension":{"url":"u"}"#),
            ],
            r#","birthDate":"1930","_birthDate":{"extension":[{"url":"u"}]}"#,
        ),
        (
            r#","name":[{"given":["A","B"]}]"#,
            &[
                ADD,
                ("path", "Patient.name.given[1]"),
                ("name", "extension"),
                ("value", r#""valueExtension":{"url":"u"}"#),
            ],
            r#","name":[{"given":["A","B"],"_given":[null,{"extension":[{"url":"u"}]}]}]"#,
        ),
        (
            "",
            &[
                ADD,
                HERE,
                ("name", "contained"),
                ("value", r#""resource":{"resourceType":"Group","id":"g"}"#),
            ],
            r#","contained":[{"resourceType":"Group","id":"g"}]"#,
        ),
        (
            r#","contained":[{"resourceType":"Practitioner"}]"#,
            &[
                ADD,
                ("path", "Patient.contained[0]"),
                ("name", "name"),
                ("value", r#""valueHumanName":{"family":"C"}"#),
            ],
            r#","contained":[{"resourceType":"Practitioner","name":[{"family":"C"}]}]"#,
        ),
    ]);
}

#[test]
fn deletes() {
    let delete = |before: &str, path: &str, after: &str| {
        check(&[(before, &[("type", "delete"), ("path", path)], after)]);
    };
    delete(r#","gender":"male","birthDate":"1930""#, "Patient.birthDate", r#","gender":"male""#);
    delete(r#","gender":"male""#, "Patient.birthDate", r#","gender":"male""#);
    delete(r#","birthDate":"1930","_birthDate":{"id":"x"}"#, "Patient.birthDate", "");
    delete(r#","_birthDate":{"id":"x"}"#, "Patient.birthDate", "");
    delete(r#","deceasedBoolean":true"#, "Patient.deceased", "");
    delete(r#","contact":[{"gender":"male"}]"#, "Patient.contact.gender", "");
    delete(
        r#","contact":[{"gender":"male"},{"name":{"text":"x"}}]"#,
        "Patient.contact[1].name.text",
        r#","contact":[{"gender":"male"}]"#,
    );
    delete(
        r#","name":[{"given":["A","B"],"_given":[{"id":"a"},{"id":"b"}]}]"#,
        "Patient.name.given[0]",
        r#","name":[{"given":["B"],"_given":[{"id":"b"}]}]"#,
    );
    delete(
        r#","name":[{"given":[null,"B"],"_given":[{"id":"a"},null]}]"#,
        "Patient.name.given[0]",
        r#","name":[{"given":["B"]}]"#,
    );
    delete(
        r#","name":[{"given":["A","B"],"_given":[null,{"extension":[{"url":"u"}]}]}]"#,
        "Patient.name.given.extension",
        r#","name":[{"given":["A","B"]}]"#,
    );
    delete(
        r#","birthDate":"1930","_birthDate":{"extension":[{"url":"u"}]}"#,
        "Patient.birthDate.extension('u')",
        r#","birthDate":"1930""#,
    );
    delete(
        r#","identifier":[{"value":"1"},{"value":"2"}]"#,
        "Patient.identifier.where(value = '1')",
        r#","identifier":[{"value":"2"}]"#,
    );
}

#[test]
fn replaces() {
    let replace = |before: &str, path: &str, value: &str, after: &str| {
        check(&[(before, &[("type", "replace"), ("path", path), ("value", value)], after)]);
    };
    replace(
        r#","gender":"male","active":true"#,
        "Patient.gender",
        r#""valueCode":"other""#,
        r#","gender":"other","active":true"#,
    );
    replace(
        r#","deceasedBoolean":true,"active":true"#,
        "Patient.deceased",
        r#""valueDateTime":"2020""#,
        r#","deceasedDateTime":"2020","active":true"#,
    );
    replace(
        r#","birthDate":"1930","_birthDate":{"id":"x"}"#,
        "Patient.birthDate",
        r#""valueDate":"1931""#,
        r#","birthDate":"1931""#,
    );
    replace(
        r#","_birthDate":{"id":"x"},"active":true"#,
        "Patient.birthDate",
        r#""valueDate":"1931","_valueDate":{"id":"y"}"#,
        r#","birthDate":"1931","_birthDate":{"id":"y"},"active":true"#,
    );
    replace(
        r#","name":[{"given":["A","B"],"_given":[{"id":"a"},null]}]"#,
        "Patient.name.given[0]",
        r#""valueString":"C""#,
        r#","name":[{"given":["C","B"]}]"#,
    );
    replace(
        r#","name":[{"family":"A"}]"#,
        "Patient.name",
        r#""valueHumanName":{"text":"B"}"#,
        r#","name":[{"text":"B"}]"#,
    );
    replace(
        r#","contact":[{"gender":"male"}]"#,
        "Patient.contact[0]",
        r#""part":[{"name":"gender","valueCode":"other"}]"#,
        r#","contact":[{"gender":"other"}]"#,
    );
    replace(
        r#","birthDate":"1930","_birthDate":{"extension":[{"url":"u","valueString":"a"}]}"#,
        "Patient.birthDate.extension.value",
        r#""valueBoolean":true"#,
        r#","birthDate":"1930","_birthDate":{"extension":[{"url":"u","valueBoolean":true}]}"#,
    );
    replace(
        r#","contained":[{"resourceType":"Practitioner","name":[{"text":"a"}]}]"#,
        "Patient.contained.name.text",
        r#""valueString":"b""#,
        r#","contained":[{"resourceType":"Practitioner","name":[{"text":"b"}]}]"#,
    );
}

#[test]
fn orders_lists() {
    let name = |given: &str| format!(r#","name":[{{"given":{given}}}]"#);
    let insert = |index| {
        [
            ("type", "insert"),
            ("path", "Patient.name[0].given"),
            ("index", index),
            ("value", r#""valueString":"X""#),
        ]
    };
    check(&[
        (&name(r#"["A","B"]"#), &insert("0"), &name(r#"["X","A","B"]"#)),
        (&name(r#"["A","B"]"#), &insert("2"), &name(r#"["A","B","X"]"#)),
        (
            &name(r#"["A"],"_given":[{"id":"a"}]"#),
            &insert("0"),
            &name(r#"["X","A"],"_given":[null,{"id":"a"}]"#),
        ),
        (r#","name":[{"family":"F"}]"#, &insert("0"), r#","name":[{"family":"F","given":["X"]}]"#),
        (
            "",
            &[
                ("type", "insert"),
                ("path", "Patient.name"),
                ("index", "0"),
                ("value", r#""valueHumanName":{"text":"x"}"#),
            ],
            r#","name":[{"text":"x"}]"#,
        ),
        (
            r#","birthDate":"1930""#,
            &[
                ("type", "insert"),
                ("path", "Patient.birthDate.extension"),
                ("index", "0"),
                ("value", r#""valueExtension":{"url":"u"}"#),
            ],
            r#","birthDate":"1930","_birthDate":{"extension":[{"url":"u"}]}"#,
        ),
    ]);
    let shift = |source, destination| {
        [
            ("type", "move"),
            ("path", "Patient.name.given"),
            ("source", source),
            ("destination", destination),
        ]
    };
    check(&[
        (&name(r#"["A","B","C"]"#), &shift("0", "2"), &name(r#"["B","C","A"]"#)),
        (&name(r#"["A","B","C"]"#), &shift("2", "0"), &name(r#"["C","A","B"]"#)),
        (
            &name(r#"["A","B"],"_given":[{"id":"a"},null]"#),
            &shift("0", "1"),
            &name(r#"["B","A"],"_given":[null,{"id":"a"}]"#),
        ),
    ]);
}
