//! Invariants: what `%context`, `%resource` and `%rootResource` are, and what counts as holding.

use crate::fhirpath::fake::FAKE;
use crate::fhirpath::{Path, Spot};
use crate::json::{Value, parse};

fn patient() -> Value {
    let text = r##"{"resourceType":"Patient","id":"outer","birthDate":"2020-01-01",
        "contained":[{"resourceType":"Patient","id":"inner","contact":[{"gender":"male","name":{"text":"a"}}]}],
        "contact":[{"gender":"female"}]}"##;
    parse(text.as_bytes()).expect("JSON")
}

/// Whether an invariant of contacts holds at the contact of the contained patient.
fn at_inner_contact(expression: &str) -> Result<Option<bool>, &'static str> {
    let outer = patient();
    let inner = &outer.get("contained").expect("contained").items()[0];
    let contact = &inner.get("contact").expect("a contact").items()[0];
    let kinds = ["Patient.contact".into()];
    let path = Path::compile_invariant(expression, &kinds, "Patient", &*FAKE)
        .unwrap_or_else(|e| panic!("{expression}: {e}"));
    let spot = Spot {
        value: contact,
        kind: "Patient.contact",
        extension: None,
        resource: inner,
        container: &outer,
    };
    let mut steps = 1_000;
    path.holds(&spot, &mut steps)
}

#[test]
fn knows_where_it_is() {
    for (expression, holds) in [
        ("name.exists()", true),
        ("telecom.exists()", false),
        ("$this.gender = 'male'", true),
        ("%context.gender = 'male'", true),
        ("name.where(%context.gender = 'male').exists()", true),
        ("%resource.id = 'inner'", true),
        ("%rootResource.id = 'outer'", true),
        ("%resource.contact.gender = 'male'", true),
        ("%rootResource.contained.contact.gender = 'male'", true),
        // Any one item is true.
        ("name", true),
    ] {
        assert_eq!(at_inner_contact(expression), Ok(Some(holds)), "{expression}");
    }
    for nothing in ["telecom", "telecom.rank = 1", "telecom.value.startsWith('0').not()"] {
        assert_eq!(at_inner_contact(nothing), Ok(None), "{nothing}");
    }
    assert!(at_inner_contact("(name | gender)").is_err(), "several items are no truth value");
}

#[test]
fn steps_are_spent_and_run_out() {
    let outer = patient();
    let path =
        Path::compile_invariant("contact.gender.exists()", &["Patient".into()], "Patient", &*FAKE)
            .expect("a rule");
    let spot = Spot {
        value: &outer,
        kind: "Patient",
        extension: None,
        resource: &outer,
        container: &outer,
    };
    let mut steps = 100;
    assert_eq!(path.holds(&spot, &mut steps), Ok(Some(true)));
    assert!(steps < 100, "{steps}");
    let mut none = 1;
    assert!(path.holds(&spot, &mut none).is_err());
    assert_eq!(none, 0);
}

#[test]
fn an_element_of_several_types_and_a_primitive_without_value() {
    let text = r#"{"resourceType":"Observation","_effectiveDateTime":{"extension":[{"url":"u","valueCode":"c"}]}}"#;
    let observation = parse(text.as_bytes()).expect("JSON");
    let kinds = ["dateTime".into(), "Period".into()];
    let compile =
        |text: &str| Path::compile_invariant(text, &kinds, "Observation", &*FAKE).expect("a rule");
    let spot = Spot {
        value: &Value::Null,
        kind: "dateTime",
        extension: observation.get("_effectiveDateTime"),
        resource: &observation,
        container: &observation,
    };
    let mut steps = 1_000;
    assert_eq!(compile("extension.exists()").holds(&spot, &mut steps), Ok(Some(true)));
    assert_eq!(compile("hasValue()").holds(&spot, &mut steps), Ok(Some(false)));
    assert_eq!(
        compile("start.exists() or $this is dateTime").holds(&spot, &mut steps),
        Ok(Some(true))
    );
}
