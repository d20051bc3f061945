//! Patches made at random never panic and never leave a tree that cannot be read back.

use proptest::prelude::*;

use super::*;

/// Values of a few names, so that pointers often hit.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z~/\u{e9}\"]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc/~]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    let part = prop_oneof!["[abc]", "[0-3]", "~[01]", Just("-".to_owned()), "[a-c~/]{0,3}"];
    prop::collection::vec(part, 0..4)
        .prop_map(|parts| parts.iter().map(|part| format!("/{part}")).collect())
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]);
    (op, pointer(), pointer(), value()).prop_map(|(op, path, from, value)| {
        crate::object! { "op": op, "path": path, "from": from, "value": value }.into()
    })
}

fn path() -> impl Strategy<Value = String> {
    let start =
        prop::sample::select(vec!["Patient", "Patient.name", "name[0]", "contact", "%resource"]);
    let steps = [
        ".name",
        ".given",
        "[0]",
        "[1]",
        ".extension",
        ".value",
        ".contact",
        ".period",
        ".first()",
        ".where(use = 'a')",
        ".birthDate",
        ".deceased",
        ".telecom",
    ];
    (start, prop::collection::vec(prop::sample::select(steps.to_vec()), 0..4))
        .prop_map(|(start, steps)| format!("{start}{}", steps.concat()))
}

fn fhirpath_operation() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["add", "insert", "delete", "replace", "move"]);
    let name =
        prop::sample::select(vec!["name", "given", "extension", "deceased", "contact", "gender"]);
    let values = [
        r#""valueString":"x""#,
        r#""valueHumanName":{"given":["G"]}"#,
        r#""valueExtension":{"url":"u"}"#,
        r#""part":[{"name":"gender","valueCode":"x"}]"#,
        r#""_valueCode":{"id":"i"}"#,
        r#""valueBoolean":true"#,
    ];
    let value = prop::sample::select(values.to_vec());
    (kind, path(), name, 0..3, 0..3, value).prop_map(|(kind, path, name, a, b, value)| {
        format!(
            r#"{{"name":"operation","part":[{{"name":"type","valueCode":"{kind}"}},
            {{"name":"path","valueString":"{path}"}},{{"name":"name","valueString":"{name}"}},
            {{"name":"index","valueInteger":{a}}},{{"name":"source","valueInteger":{a}}},
            {{"name":"destination","valueInteger":{b}}},{{"name":"value",{value}}}]}}"#
        )
    })
}

proptest! {
    #[test]
    fn json_patch_never_panics(target in value(), patch in prop::collection::vec(operation(), 0..6)) {
        if let Ok(outcome) = json_patch(&target, &patch.into()) {
            prop_assert_eq!(read(&outcome.to_text()), outcome);
        }
    }

    #[test]
    fn what_was_added_is_found_and_can_be_removed(target in value(), added in value()) {
        prop_assume!(target.as_object().is_some_and(|object| object.get("new").is_none()));
        let add = crate::object! { "op": "add", "path": "/new", "value": added.clone() };
        let test = crate::object! { "op": "test", "path": "/new", "value": added };
        let remove = crate::object! { "op": "remove", "path": "/new" };
        let patch: Vec<Value> = vec![add.into(), test.into(), remove.into()];
        prop_assert_eq!(json_patch(&target, &patch.into()).expect("applies"), target);
    }

    #[test]
    fn fhirpath_patch_never_panics(operations in prop::collection::vec(fhirpath_operation(), 1..6)) {
        let target = read(r#"{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"g"}]},
            {"use":"a","period":{"start":"2020"}}],"birthDate":"2020","contact":[{"name":{"text":"x"}}]}"#);
        let text = format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operations.join(","));
        if let Ok(outcome) = fhirpath_patch(&target, &read(&text), &*FAKE) {
            let written = outcome.to_text();
            prop_assert!(!written.contains("{}") && !written.contains("[]"), "{}", written);
            prop_assert_eq!(read(&written), outcome);
        }
    }
}
