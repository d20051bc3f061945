//! RFC 6902: what applies, what is refused, what is bounded.

use super::*;

#[test]
fn applies() {
    for (target, patch, expected) in [
        (r#"{"a":1}"#, r#"[]"#, r#"{"a":1}"#),
        (r#"{"a":1}"#, r#"[{"op":"add","path":"/b","value":null}]"#, r#"{"a":1,"b":null}"#),
        (r#"{"a":1,"b":2}"#, r#"[{"op":"add","path":"/a","value":1.50}]"#, r#"{"a":1.50,"b":2}"#),
        (r#"{"a":[1,3]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, r#"{"a":[1,2,3]}"#),
        (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, r#"{"a":[1,2]}"#),
        (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/-","value":2}]"#, r#"{"a":[1,2]}"#),
        (r#"{"a":1,"b":2}"#, r#"[{"op":"remove","path":"/a"}]"#, r#"{"b":2}"#),
        (r#"{"a":[1,2]}"#, r#"[{"op":"remove","path":"/a/0"}]"#, r#"{"a":[2]}"#),
        (r#"{"a":{"b":1}}"#, r#"[{"op":"replace","path":"/a/b","value":[]}]"#, r#"{"a":{"b":[]}}"#),
        (r#"{"a":1,"b":2}"#, r#"[{"op":"move","from":"/a","path":"/c"}]"#, r#"{"b":2,"c":1}"#),
        (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a/b","path":"/a"}]"#, r#"{"a":1}"#),
        (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#, r#"{"a":1}"#),
        (r#"{"a":[1,2,3]}"#, r#"[{"op":"move","from":"/a/0","path":"/a/2"}]"#, r#"{"a":[2,3,1]}"#),
        (
            r#"{"a":{"b":1}}"#,
            r#"[{"op":"copy","from":"/a","path":"/c"}]"#,
            r#"{"a":{"b":1},"c":{"b":1}}"#,
        ),
        (
            r#"{"a/b":{"~":1}}"#,
            r#"[{"op":"test","path":"/a~1b/~0","value":1}]"#,
            r#"{"a/b":{"~":1}}"#,
        ),
        (r#"{"":1}"#, r#"[{"op":"remove","path":"/"}]"#, r#"{}"#),
        (r#"{"a":1.50}"#, r#"[{"op":"test","path":"/a","value":15e-1}]"#, r#"{"a":1.50}"#),
        (
            r#"{"a":{"x":[1,{"y":2}],"z":"é"}}"#,
            r#"[{"op":"test","path":"/a","value":{"z":"\u00e9","x":[1.0,{"y":2}]}}]"#,
            r#"{"a":{"x":[1,{"y":2}],"z":"é"}}"#,
        ),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2}}]"#, r#"{"b":2}"#),
    ] {
        let outcome = json_patch(&read(target), &read(patch)).expect(patch);
        assert_eq!(outcome.to_text(), expected, "{patch}");
    }
}

#[test]
fn refuses() {
    const TARGET: &str = r#"{"resourceType":"Patient","a":{"b":[1,2]},"s":"x"}"#;
    const NAMED: &str = "JSON Patch, operation 0 at";
    for (patch, fault) in [
        (r#"{}"#, "Invalid: A JSON Patch is an array of operations".to_owned()),
        (r#"[1]"#, format!("Invalid: {NAMED} ``: `path` is missing or no text")),
        (
            r#"[{"op":"add","path":"x"}]"#,
            format!("Invalid: {NAMED} `x`: `path` is no JSON Pointer, such as `/name/0/use`"),
        ),
        (
            r#"[{"op":"add","path":"/~2","value":1}]"#,
            format!("Invalid: {NAMED} `/~2`: `path` is no JSON Pointer, such as `/name/0/use`"),
        ),
        (r#"[{"path":"/a"}]"#, format!("Invalid: {NAMED} `/a`: `op` is missing or no text")),
        (
            r#"[{"op":"spam","path":"/a"}]"#,
            format!("Invalid: {NAMED} `/a`: `op` is add, remove, replace, move, copy or test"),
        ),
        (r#"[{"op":"add","path":"/a"}]"#, format!("Invalid: {NAMED} `/a`: `value` is missing")),
        (
            r#"[{"op":"move","path":"/a"}]"#,
            format!("Invalid: {NAMED} `/a`: `from` is missing or no text"),
        ),
        (
            r#"[{"op":"add","path":"/x/y","value":1}]"#,
            format!("Unprocessable: {NAMED} `/x/y`: there is no such value"),
        ),
        (
            r#"[{"op":"add","path":"/s/0","value":1}]"#,
            format!("Unprocessable: {NAMED} `/s/0`: there is no such value"),
        ),
        (
            r#"[{"op":"add","path":"/a/b/3","value":1}]"#,
            format!("Unprocessable: {NAMED} `/a/b/3`: no such place in the array"),
        ),
        (
            r#"[{"op":"add","path":"/a/b/01","value":1}]"#,
            format!("Unprocessable: {NAMED} `/a/b/01`: no such place in the array"),
        ),
        (
            r#"[{"op":"add","path":"/a/b/1e0","value":1}]"#,
            format!("Unprocessable: {NAMED} `/a/b/1e0`: no such place in the array"),
        ),
        (
            r#"[{"op":"remove","path":"/a/b/-"}]"#,
            format!("Unprocessable: {NAMED} `/a/b/-`: there is no such value"),
        ),
        (
            r#"[{"op":"remove","path":""}]"#,
            format!("Unprocessable: {NAMED} ``: the resource as a whole cannot be removed"),
        ),
        (
            r#"[{"op":"replace","path":"/x","value":1}]"#,
            format!("Unprocessable: {NAMED} `/x`: there is no such value"),
        ),
        (
            r#"[{"op":"test","path":"/x","value":null}]"#,
            format!("Unprocessable: {NAMED} `/x`: there is no such value"),
        ),
        (
            r#"[{"op":"test","path":"/s","value":"y"}]"#,
            format!("Unprocessable: {NAMED} `/s`: the value is another than the test expects"),
        ),
        (
            r#"[{"op":"move","from":"/a","path":"/a/c"}]"#,
            format!("Unprocessable: {NAMED} `/a/c`: a value cannot be moved into itself"),
        ),
        (
            r#"[{"op":"remove","path":"/<b>"}]"#,
            format!("Unprocessable: {NAMED} `…`: there is no such value"),
        ),
        (
            r#"[{"op":"replace","path":"/resourceType","value":"Group"}]"#,
            "Unprocessable: resourceType: A patch cannot change resourceType".to_owned(),
        ),
        (
            r#"[{"op":"remove","path":"/resourceType"}]"#,
            "Unprocessable: resourceType: A patch cannot change resourceType".to_owned(),
        ),
        (
            r#"[{"op":"replace","path":"","value":[]}]"#,
            "Unprocessable: resourceType: A patch cannot change resourceType".to_owned(),
        ),
    ] {
        let error = json_patch(&read(TARGET), &read(patch)).expect_err(patch);
        assert_eq!(error.to_string(), fault, "{patch}");
    }
}

#[test]
fn is_bounded() {
    let repeated = |operation: &str, n: usize| format!("[{}]", vec![operation; n].join(","));
    let copy = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
    let target = format!(r#"{{"a":["{}"]}}"#, "x".repeat(1_000_000));
    for (target, patch, fault) in [
        ("{}", repeated(r#"{"op":"add","path":"/a","value":1}"#, 1_001), "at most 1000 operations"),
        (target.as_str(), repeated(copy, 20), "copies at most 16 MiB"),
        (
            r#"{"a":[1]}"#,
            repeated(r#"{"op":"copy","from":"","path":"/b"}"#, 80),
            "nested deeper than 64 levels",
        ),
        (r#"{"a":{}}"#, repeated(r#"{"op":"move","from":"/a","path":"/b/c"}"#, 1), "no such value"),
    ] {
        let error = json_patch(&read(target), &read(&patch)).expect_err(fault).to_string();
        assert!(error.contains(fault), "{error}");
    }
}
