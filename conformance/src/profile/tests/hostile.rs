//! Profiles and resources made to take for ever: each ends, with a reason, and never with "right".

use std::fmt::Write;

use canonical_model::{IssueCode, Resource, Severity, json};

use super::installed;
use crate::limits::{PROFILE_DEPTH_MAX, PROFILE_ELEMENTS_MAX};
use crate::profile::{Profile, Profiles, Unknown, Validator};

const HEAD: &str = r#"{"resourceType":"StructureDefinition","url":"https://a.example/p","type":"Patient","kind":"resource","derivation":"constraint","snapshot":{"element":["#;

fn judge(profiles: &Profiles, text: &str) -> Vec<canonical_model::Issue> {
    let resource = Resource::parse(text.as_bytes()).unwrap();
    Validator::new(profiles, &Unknown).judge(&resource, &["https://a.example/p"])
}

fn with_rule(expression: &str) -> Profiles {
    let expression = canonical_model::Value::from(expression).to_text();
    installed(&[&format!(
        r#"{HEAD}{{"id":"Patient","path":"Patient","min":0,"max":"*","constraint":[{{"key":"x-1","severity":"error","human":"a","expression":{expression}}}]}}]}}}}"#
    )])
}

#[test]
fn a_rule_that_loops_ends_as_too_costly() {
    let names: Vec<String> = (0..2_000).map(|n| format!(r#"{{"text":"{n}"}}"#)).collect();
    let text = format!(r#"{{"resourceType":"Patient","name":[{}]}}"#, names.join(","));
    let rule = "name.all(%resource.name.all(%resource.name.all(%resource.name.count() > 0)))";
    let issues = judge(&with_rule(rule), &text);
    let costly = issues.iter().find(|it| it.code == IssueCode::TooCostly).expect("said");
    assert_eq!(costly.severity, Severity::Error);
}

#[test]
fn a_rule_that_cannot_be_read_or_evaluated_is_not_taken_for_right() {
    let text = r#"{"resourceType":"Patient","name":[{"text":"a"},{"text":"b"}]}"#;
    for rule in ["no.such.element", "name.(", "name.text.toInteger() + 1 > 0", "nothing()"] {
        let issues = judge(&with_rule(rule), text);
        let said = issues.iter().any(|it| it.diagnostics.starts_with("Rule x-1 was not checked"));
        let failed = issues.iter().any(|it| it.diagnostics.ends_with("(x-1)"));
        assert!(said || failed, "{rule}: {issues:?}");
    }
}

#[test]
fn a_pattern_takes_time_in_proportion() {
    let text = format!(r#"{{"resourceType":"Patient","language":"{}b"}}"#, "a".repeat(100_000));
    let issues = judge(&with_rule("language.matches('^(a+)+$')"), &text);
    assert!(issues.iter().any(|it| it.diagnostics.ends_with("(x-1)")), "{issues:?}");
}

#[test]
fn a_profile_that_names_itself_is_asked_once() {
    let of_itself = r#"{"resourceType":"StructureDefinition","url":"https://a.example/e","type":"Extension","kind":"complex-type","derivation":"constraint","snapshot":{"element":[
        {"id":"Extension","path":"Extension","min":0,"max":"*"},
        {"id":"Extension.extension","path":"Extension.extension","min":0,"max":"*","type":[{"code":"Extension","profile":["https://a.example/e"]}]},
        {"id":"Extension.url","path":"Extension.url","min":1,"max":"1"}]}}"#;
    let contact = format!(
        r#"{HEAD}{{"id":"Patient","path":"Patient","min":0,"max":"*","type":[{{"code":"Patient","profile":["https://a.example/p"]}}]}},{{"id":"Patient.link","path":"Patient.link","min":0,"max":"*"}},{{"id":"Patient.link.other","path":"Patient.link.other","min":1,"max":"1","type":[{{"code":"Reference","targetProfile":["https://a.example/p","https://a.example/q"]}}]}}]}}}}"#
    );
    let other = contact.replace("example/p\",\"type", "example/q\",\"type");
    let profiles = installed(&[of_itself, &contact, &other]);
    let mut extension = r#"{"url":"https://a.example/e","valueCode":"a"}"#.to_owned();
    for _ in 0..20 {
        extension =
            format!(r#"{{"url":"https://a.example/e","extension":[{extension},{extension}]}}"#);
        if extension.len() > 200_000 {
            break;
        }
    }
    let text = format!(
        r##"{{"resourceType":"Patient","extension":[{extension}],"contained":[{{"resourceType":"Patient","id":"a","link":[{{"type":"refer","other":{{"reference":"#a"}}}},{{"type":"refer","other":{{"reference":"#"}}}}]}}],"link":[{{"type":"refer","other":{{"reference":"#a"}}}},{{"type":"refer","other":{{"reference":"#"}}}}]}}"##
    );
    let issues = judge(&profiles, &text);
    let bounded = issues.iter().all(|it| {
        it.severity != Severity::Error
            || it.code == IssueCode::TooCostly
            || it.code == IssueCode::Structure
    });
    assert!(bounded, "{issues:?}");
}

#[test]
fn snapshots_have_limits() {
    let refused = |elements: &str| {
        let text = format!("{HEAD}{elements}]}}}}");
        let definition = json::parse(text.as_bytes()).expect("JSON");
        Profile::compile(&definition).expect_err("refused").issues.remove(0).diagnostics
    };
    let mut deep = String::from(r#"{"id":"Patient","path":"Patient"}"#);
    let mut id = String::from("Patient");
    for _ in 0..100 {
        id.push_str(".contact");
        write!(deep, r#",{{"id":"{id}","path":"{id}"}}"#).unwrap();
    }
    assert!(id.split('.').count() > PROFILE_DEPTH_MAX && refused(&deep).contains("deeply"));
    let many: Vec<String> = (0..=PROFILE_ELEMENTS_MAX)
        .map(|n| format!(r#"{{"id":"Patient.a{n}","path":"Patient.a{n}"}}"#))
        .collect();
    assert!(refused(&many.join(",")).contains("at most"));
    assert!(
        refused(r#"{"id":"Patient","path":"Patient"},{"id":"Patient.a.b","path":"Patient.a.b"}"#)
            .contains("parent")
    );
    assert!(refused(r#"{"path":"Patient"}"#).contains("id"));
    assert!(refused("").contains("snapshot"));
}

#[test]
fn a_list_of_a_million_ends() {
    let many = vec!["{\"text\":\"a\"}"; 300_000].join(",");
    let text = format!(r#"{{"resourceType":"Patient","name":[{many}]}}"#);
    let profiles = installed(&[&format!(
        r#"{HEAD}{{"id":"Patient","path":"Patient","min":0,"max":"*"}},{{"id":"Patient.name","path":"Patient.name","min":0,"max":"5"}}]}}}}"#
    )]);
    let issues = judge(&profiles, &text);
    assert!(issues.iter().any(|it| it.severity == Severity::Error), "{issues:?}");
}

/// What a slice takes over must not multiply what the differential put there.
#[test]
fn slices_of_a_large_element_are_bounded() {
    let mut elements = format!(
        r#"{{"id":"Basic.identifier","path":"Basic.identifier","comment":"{}"}}"#,
        "x".repeat(100_000)
    );
    for n in 0..400 {
        write!(elements, r#",{{"id":"Basic.identifier:s{n}","path":"Basic.identifier"}}"#).unwrap();
    }
    let text = format!(
        r#"{{"resourceType":"StructureDefinition","url":"https://a.example/p","type":"Basic","kind":"resource","derivation":"constraint","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Basic","differential":{{"element":[{elements}]}}}}"#
    );
    let refused = Profile::compile(&json::parse(text.as_bytes()).unwrap()).unwrap_err();
    assert!(refused.to_string().contains("too large"), "{refused}");
}

#[test]
fn the_patterns_of_a_profile_are_bounded() {
    let rule = |n: usize| {
        format!(
            r#"{{"key":"x-{n}","severity":"error","human":"a","expression":"id.matches('a{n}')"}}"#
        )
    };
    for (rules, taken) in [(32, true), (33, false)] {
        let rules: Vec<String> = (0..rules).map(rule).collect();
        let text = format!(
            r#"{HEAD}{{"id":"Patient","path":"Patient","min":0,"max":"*","constraint":[{}]}}]}}}}"#,
            rules.join(",")
        );
        let compiled = Profile::compile(&json::parse(text.as_bytes()).unwrap());
        assert_eq!(compiled.is_ok(), taken, "{}", rules.len());
    }
}

/// Each was looked for among all others once: a minute and more here, where a second is enough.
#[test]
fn ids_and_local_references_take_time_in_proportion() {
    let began = std::time::Instant::now();
    let extensions: Vec<String> = (0..60_000)
        .map(|n| format!(r#"{{"id":"i{n}","url":"https://a.example/e","valueCode":"a"}}"#))
        .collect();
    let ids = format!(r#"{{"resourceType":"Patient","extension":[{}]}}"#, extensions.join(","));
    assert!(!judge(&with_rule("true"), &ids).iter().any(|it| it.code == IssueCode::Duplicate));
    let members: String = (0..400).map(|n| format!(r#""a{n}":1,"#)).collect();
    let contained = format!(r#"{{"resourceType":"Basic",{members}"id":"z"}}"#);
    let references = vec![r##"{"reference":"#z1"}"##; 20_000].join(",");
    let local = format!(
        r#"{{"resourceType":"Patient","generalPractitioner":[{references}],"contained":[{}]}}"#,
        vec![contained; 1_000].join(",")
    );
    assert!(crate::validate(&Resource::parse(local.as_bytes()).unwrap()).is_err());
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
