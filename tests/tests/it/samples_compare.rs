//! When two resources are the same: to the last zero, by value, or up to the ids of others.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use canonical_model::json::Object;
use canonical_model::{Resource, Value, decimal, json};

/// A resource without what a server sets.
pub(crate) fn plain(text: &str) -> Value {
    let value = json::parse(text.as_bytes()).expect("JSON");
    Resource::from_value(value).expect("a resource").without_server_meta()
}

/// Whether two values are the same by value: `1e2` is `100`.
pub(crate) fn same_by_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            decimal::compare(a.as_str(), b.as_str()) == Ordering::Equal
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_by_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_by_value(a, b)))
        }
        _ => a == b,
    }
}

/// The texts of a value's numbers.
pub(crate) fn numbers(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Number(number) => out.push(number.as_str().to_owned()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, out)),
        Value::Object(members) => members.iter().for_each(|(_, value)| numbers(value, out)),
        _ => {}
    }
}

/// Replaces references to what has another name.
pub(crate) fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                let name = value.as_str().and_then(|text| names.get(text));
                match name.filter(|_| key == "reference") {
                    Some(name) => *value = Value::from(name.as_str()),
                    None => rename(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

/// A set of resources that refer to each other: name and content without the name.
pub(crate) type Graph = BTreeMap<String, Value>;

/// What each resource of a graph is, whatever the names: its content, with each reference
/// replaced by what it refers to, so many steps deep. Two graphs are equal up to names where
/// these lists are.
pub(crate) fn nameless(graph: &Graph, steps: usize) -> Vec<String> {
    let mut labels: BTreeMap<&str, String> =
        graph.keys().map(|name| (name.as_str(), "resource".to_owned())).collect();
    for _ in 0..=steps {
        labels = graph
            .iter()
            .map(|(name, value)| {
                let mut text = String::new();
                label(value, &labels, &mut text);
                (name.as_str(), digest(&text))
            })
            .collect();
    }
    let mut all: Vec<String> = labels.into_values().collect();
    all.sort();
    all
}

/// Long labels would grow with each step.
fn digest(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn label(value: &Value, labels: &BTreeMap<&str, String>, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&str, &Value)> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in sorted {
                out.push_str(key);
                out.push(':');
                match value.as_str().and_then(|text| labels.get(text)) {
                    Some(target) if key == "reference" => out.push_str(target),
                    _ => label(value, labels, out),
                }
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                label(item, labels, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_text()),
    }
}

/// Content without its id and what a server sets.
pub(crate) fn without_name(value: &Value) -> Value {
    let resource = Resource::from_value(value.clone()).expect("a resource");
    let mut value = resource.without_server_meta();
    if let Some(members) = value.as_object_mut() {
        members.remove("id");
    }
    value
}

/// Every local reference of a value.
pub(crate) fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => of_object(members, out),
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

fn of_object(members: &Object, out: &mut Vec<String>) {
    for (key, value) in members.iter() {
        match value {
            Value::String(text) if key == "reference" => out.push(text.to_string()),
            other => references(other, out),
        }
    }
}

#[test]
fn equal_by_value_and_nameless() {
    let read = |text: &str| json::parse(text.as_bytes()).unwrap();
    for (a, b, same) in [
        ("[1e2]", "[100]", true),
        ("[1.50]", "[1.5]", true),
        ("[1.50]", "[1.51]", false),
        (r#"{"a":1,"b":null}"#, r#"{"b":null,"a":1}"#, true),
        (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
        (r#"["1"]"#, "[1]", false),
    ] {
        assert_eq!(same_by_value(&read(a), &read(b)), same, "{a} {b}");
    }
    let graph = |first: &str, second: &str, target: &str| {
        let refers = format!(r#"{{"x":1,"s":{{"reference":"{target}"}}}}"#);
        Graph::from([
            (first.to_owned(), read(r#"{"name":"A"}"#)),
            (second.to_owned(), read(r#"{"name":"B"}"#)),
            ("o".to_owned(), read(&refers)),
        ])
    };
    assert_eq!(nameless(&graph("p", "q", "p"), 2), nameless(&graph("8", "9", "8"), 2));
    assert_ne!(nameless(&graph("p", "q", "p"), 2), nameless(&graph("8", "9", "9"), 2));
}
