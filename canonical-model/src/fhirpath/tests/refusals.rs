//! What is refused at the reader, and what is stopped when it runs.

use super::*;
use crate::fhirpath::parse::parse;

#[test]
fn refuses_with_a_position() {
    for (expression, fault) in [
        ("", "the expression ends too early, at position 1"),
        ("Patient.", "expected a name, at position 9"),
        ("Patient.name.", "expected a name, at position 14"),
        ("Patient.name)", "text after the end of the expression, at position 13"),
        ("(Patient.name", "expected `)`, at position 14"),
        ("Patient.nmae", "Patient has no element `nmae`, at position 8"),
        ("Patient.name.where(foo = 1)", "HumanName has no element `foo`, at position 20"),
        ("Pacient.name", "expected the name of a type, at position 1"),
        ("Patient.name.frobnicate()", "the function `frobnicate` is not offered, at position 13"),
        ("Patient.name.first(1)", "`first` takes 0 arguments, at position 13"),
        ("Patient.name as 5", "expected a name, at position 17"),
        ("Patient.extension(url)", "expected the extension's URL in quotes, at position 8"),
        ("'abc", "a text without its closing quote, at position 1"),
        ("'\\q'", "an unknown escape, at position 2"),
        ("/* open", "a comment without its end, at position 1"),
        ("@2024-13", "not a date or time, at position 1"),
        ("%unknown", "a variable that is not known here, at position 1"),
        ("$place", "expected `$this`, `$index` or `$total`, at position 1"),
        ("'a'.matches('(')", "not a pattern that can be used here, at position 4"),
        ("name.descendants()", "a function that is not offered here, at position 5"),
        ("Patient.name ; drop", "a character that has no place here, at position 14"),
        ("007", "not a number, at position 1"),
    ] {
        let error = Path::compile(expression, "Patient", &*FAKE).expect_err(expression);
        assert_eq!(error.to_string(), format!("Invalid: FHIRPath: {fault}"), "{expression}");
    }
}

#[test]
fn limits_are_errors() {
    let deep =
        |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    for hostile in [
        deep("(", ")", 100_000),
        deep("(", ")", 60),
        deep("name.where(", ")", 60),
        deep("name[", "]", 60),
        format!("a{}", ".a".repeat(5_000)),
        format!("1{}", " | 1".repeat(5_000)),
        format!("true{}", " implies true".repeat(5_000)),
        "-".repeat(100_000),
        " ".repeat(20_000),
    ] {
        assert!(parse(&hostile).is_err(), "{hostile:.12}…");
    }
    for fine in [
        format!("name{}", ".where(true)".repeat(300)),
        format!("1{}", " | 1".repeat(1_500)),
        deep("(", ")", 40),
    ] {
        let path = Path::compile(&fine, "Patient", &*FAKE).expect("within the limits");
        assert!(!path.eval(&read(PATIENT)).is_empty());
    }
    let patient = read(PATIENT);
    let large = format!("('{}' | 'b')", "x".repeat(4_000));
    for (hostile, fault) in [
        (format!("{}true{}", "(1|2|3|4).all(".repeat(20), ")".repeat(20)), "takes too many steps"),
        (
            format!(
                "{}true{}",
                "%resource.contained.all(%resource = %resource and ".repeat(18),
                ")".repeat(18)
            ),
            "takes too many steps",
        ),
        (format!("{large}.select($this.replace('', $this))"), "the text becomes too long"),
        (
            format!(
                "{}%resource.name.given.select('{}' & ''){}",
                "%resource.name.given.select(".repeat(5),
                "x".repeat(9_000),
                ")".repeat(5)
            ),
            "makes too much text",
        ),
    ] {
        let path = Path::compile(&hostile, "Patient", &*FAKE).expect("within the limits");
        let error = path.evaluate(&patient, &Arena::new()).expect_err(fault).to_string();
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn sets_do_not_care_how_many() {
    let codes = |n: usize| {
        (0..n)
            .map(|n| format!(r#"{{"value":"{n}"}},{{"value":"{n}"}}"#))
            .collect::<Vec<_>>()
            .join(",")
    };
    let patient =
        read(&format!(r#"{{"resourceType":"Patient","identifier":[{}]}}"#, codes(20_000)));
    for (expression, count) in [
        ("identifier | identifier.value", 40_000),
        ("identifier.distinct()", 20_000),
        ("identifier.value.intersect(identifier.value)", 20_000),
        ("identifier.value.exclude(identifier[0].value)", 39_998),
        ("identifier.subsetOf(identifier)", 1),
    ] {
        let path = compiled(expression, &patient);
        assert_eq!(path.eval(&patient).len(), count, "{expression}");
    }
}
