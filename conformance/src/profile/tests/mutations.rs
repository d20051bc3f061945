//! For each resource type an instance that is right, made from the definitions, and the same with one fault: each
//! fault must be caught. The rate is printed.

use canonical_model::json::Object;
use canonical_model::{Resource, ResourceType, Severity, Value, json, object};

use super::{Unknown, Validator};
use crate::profile::Profiles;
use crate::{Element, Primitive, Registry, Shape, Structure};

/// What some types need besides, because an invariant asks for it.
const BESIDES: [(&str, &str); 12] = [
    ("AllergyIntolerance", r#"{"clinicalStatus":{"coding":[{"system":"s","code":"active"}]}}"#),
    (
        "Appointment",
        r#"{"start":"2020-01-01T00:00:00Z","end":"2020-01-01T01:00:00Z","participant":[{"actor":{"display":"a"},"status":"accepted"}]}"#,
    ),
    ("AppointmentResponse", r#"{"actor":{"display":"a"}}"#),
    (
        "CapabilityStatement",
        r#"{"kind":"requirements","description":"a","rest":[{"mode":"server"}]}"#,
    ),
    ("Consent", r#"{"policyRule":{"text":"a"}}"#),
    ("EventDefinition", r#"{"trigger":[{"type":"named-event","name":"a"}]}"#),
    (
        "ImmunizationRecommendation",
        r#"{"recommendation":[{"vaccineCode":[{"text":"a"}],"forecastStatus":{"text":"a"}}]}"#,
    ),
    ("InsurancePlan", r#"{"name":"a"}"#),
    (
        "Linkage",
        r#"{"item":[{"type":"source","resource":{"display":"a"}},{"type":"alternate","resource":{"display":"b"}}]}"#,
    ),
    ("Organization", r#"{"name":"a"}"#),
    (
        "StructureDefinition",
        r#"{"type":"Patient","differential":{"element":[{"id":"Patient","path":"Patient"}]}}"#,
    ),
    ("TerminologyCapabilities", r#"{"kind":"requirements","description":"a"}"#),
];

fn registry() -> &'static Registry {
    Registry::r4()
}

/// A right value of a primitive type.
fn primitive(kind: Primitive, element: &Element) -> Value {
    if let Some(set) = registry().codes(element) {
        return set.codes.first().copied().unwrap_or("a").into();
    }
    match kind {
        Primitive::Boolean => true.into(),
        Primitive::Decimal | Primitive::Integer | Primitive::UnsignedInt => 1_i64.into(),
        Primitive::PositiveInt => 1_i64.into(),
        Primitive::Date | Primitive::DateTime => "2020-01-01".into(),
        Primitive::Instant => "2020-01-01T00:00:00Z".into(),
        Primitive::Time => "01:02:03".into(),
        Primitive::Oid => "urn:oid:1.2.3".into(),
        Primitive::Uuid => "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0".into(),
        Primitive::Base64Binary => "YQ==".into(),
        Primitive::Xhtml => r#"<div xmlns="http://www.w3.org/1999/xhtml">a</div>"#.into(),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => "https://a.example/a".into(),
        Primitive::Code | Primitive::Id | Primitive::Markdown | Primitive::String => "a".into(),
    }
}

fn value(element: &Element, structure: &'static Structure) -> Value {
    let one = match structure.shape {
        Shape::Primitive(kind) => primitive(kind, element),
        Shape::Resource | Shape::Abstract => {
            object! { "resourceType": "Basic", "code": object! { "text": "a" } }.into()
        }
        Shape::Datatype | Shape::Backbone => filled(structure).into(),
    };
    if element.many { vec![one].into() } else { one }
}

/// An object with all that is required, and something at all.
fn filled(structure: &'static Structure) -> Object {
    if structure.path == "Reference" {
        return object! { "display": "a" };
    }
    let mut object = Object::new();
    for (place, element) in structure.elements.iter().enumerate() {
        if element.required {
            put(&mut object, structure, place, element);
        }
    }
    if object.is_empty() && structure.shape != Shape::Resource {
        let plain = |element: &Element| {
            let kind = element.types.first().and_then(|number| registry().at(*number));
            element.name != "id" && !element.choice && kind.is_some_and(Structure::is_primitive)
        };
        let first = structure.elements.iter().enumerate().find(|(_, element)| plain(element));
        let (place, element) = first.unwrap_or_else(|| panic!("{} has no text", structure.path));
        put(&mut object, structure, place, element);
    }
    object
}

fn put(object: &mut Object, structure: &Structure, place: usize, element: &Element) {
    let key = structure.keys.iter().find(|key| usize::from(key.element) == place).expect("a key");
    let kind = registry().at(key.structure).expect("a structure");
    object.set(key.name, value(element, kind));
}

/// A right instance, with an element of a fixed list of codes where the type has one.
fn instance(kind: ResourceType) -> Object {
    let structure = registry().resource(kind).expect("a structure");
    let mut object = filled(structure);
    object.set_at(0, "resourceType", kind.name());
    let coded = structure.elements.iter().enumerate().find(|(_, element)| element.codes.is_some());
    if let Some((place, element)) = coded {
        put(&mut object, structure, place, element);
    }
    for (_, more) in BESIDES.iter().filter(|(of, _)| *of == kind.name()) {
        let more = json::parse(more.as_bytes()).expect("JSON");
        for (name, member) in more.as_object().expect("an object").iter() {
            object.set(name, member.clone());
        }
    }
    object
}

/// What is wrong with an instance.
fn faults(object: &Object) -> Vec<String> {
    let resource = match Resource::from_value(Value::Object(object.clone())) {
        Ok(resource) => resource,
        Err(error) => return vec![error.to_string()],
    };
    if let Err(error) = crate::validate(&resource) {
        return error.issues.into_iter().map(|it| it.diagnostics).collect();
    }
    let profiles = Profiles::new();
    let issues = Validator::new(&profiles, &Unknown).judge(&resource, &[]);
    let errors = issues.into_iter().filter(|it| it.severity == Severity::Error);
    errors.map(|it| format!("{}: {}", it.expression.unwrap_or_default(), it.diagnostics)).collect()
}

/// The instance with one fault each, and what the fault is.
fn mutants(kind: ResourceType, right: &Object) -> Vec<(String, Object)> {
    let structure = registry().resource(kind).expect("a structure");
    let mut mutants = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Object)| {
        let mut mutant = right.clone();
        change(&mut mutant);
        mutants.push((what, mutant));
    };
    add("extra element".into(), &|it| it.set("favouriteColour", "red"));
    for (name, member) in right.iter().filter(|(name, _)| *name != "resourceType") {
        let key = structure.key(name).expect("a key");
        let element = structure.element_of(key).expect("an element");
        if element.required {
            add(format!("{name} dropped"), &|it| drop(it.remove(name)));
        }
        let wrong = |value: &Value| match value {
            Value::Object(_) => Value::from("a"),
            Value::Number(_) | Value::Bool(_) => Value::from("1"),
            _ => Value::from(object! { "a": "b" }),
        };
        add(format!("{name} of another type"), &|it| match member {
            Value::Array(items) => it.set(name, items.iter().map(wrong).collect::<Vec<_>>()),
            one => it.set(name, wrong(one)),
        });
        add(format!("{name} of wrong cardinality"), &|it| match member {
            Value::Array(items) => it.set(name, items.first().cloned().expect("an item")),
            one => it.set(name, vec![one.clone(), one.clone()]),
        });
        if element.codes.is_some() {
            let code = Value::from("no-such-code");
            add(format!("{name} of another code"), &|it| match member {
                Value::Array(_) => it.set(name, vec![code.clone()]),
                _ => it.set(name, code.clone()),
            });
        }
    }
    mutants
}

#[test]
fn every_fault_of_every_type_is_caught() {
    let (mut wrong, mut missed, mut tried) = (Vec::new(), Vec::new(), 0);
    for kind in ResourceType::all() {
        let right = instance(kind);
        let faults_of_right = faults(&right);
        if !faults_of_right.is_empty() {
            wrong.push(format!("{kind}: {}", faults_of_right.join("; ")));
        }
        for (what, mutant) in mutants(kind, &right) {
            tried += 1;
            let found = faults(&mutant);
            if found.is_empty() || found == faults_of_right {
                missed.push(format!("{kind}: {what}"));
            }
        }
    }
    let caught = tried - missed.len();
    println!("{caught} of {tried} faults are caught: {} %", caught * 100 / tried);
    assert!(wrong.is_empty(), "{} right ones are refused:\n{}", wrong.len(), wrong.join("\n"));
    assert!(missed.is_empty(), "{} are missed:\n{}", missed.len(), missed.join("\n"));
    assert!(tried > 1_000, "{tried}");
}
