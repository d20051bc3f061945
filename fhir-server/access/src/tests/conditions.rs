//! What a constraint lets through of one resource.

use super::{Published, hasher, indexed};
use crate::{Access, Action, Caller, Condition, Role, Roles, Rules, Scopes, Treatment};
use canonical_model::{ResourceId, ResourceType};
use search::Expr;

/// An Observation of these patients, with a category.
fn observation(category: &str, patients: [&str; 2]) -> search::IndexEntries {
    let [subject, performer] = patients.map(|id| format!(r#"{{"reference":"Patient/{id}"}}"#));
    indexed(&format!(
        r#"{{"resourceType":"Observation","id":"o","status":"final","code":{{"text":"x"}},
            "category":[{{"coding":[{{"system":"urn:c","code":"{category}"}}]}}],
            "subject":{subject},"performer":[{performer}]}}"#
    ))
}

#[test]
fn one_resource_must_meet_it() {
    let lab = "Observation.cruds?category=urn:c|lab";
    let vital = "Observation.cruds?category=urn:c|vital";
    for (scopes, action, category, patients, permitted) in [
        (vec![format!("system/{lab}")], Action::Read, "lab", ["p1", "p2"], true),
        (vec![format!("system/{lab}")], Action::Read, "vital", ["p1", "p2"], false),
        (vec![format!("system/{lab}")], Action::Create, "lab", ["p1", "p2"], true),
        (vec![format!("system/{lab}")], Action::Update, "vital", ["p1", "p1"], false),
        (vec![format!("patient/{lab}")], Action::Read, "lab", ["p1", "p2"], true),
        (vec![format!("patient/{lab}")], Action::Read, "lab", ["p2", "p2"], false),
        (vec![format!("patient/{lab}")], Action::Read, "vital", ["p1", "p1"], false),
        // A write must be within the reach of each of its patients.
        (vec![format!("patient/{lab}")], Action::Update, "lab", ["p1", "p2"], false),
        (vec![format!("patient/{lab}")], Action::Update, "lab", ["p1", "p1"], true),
        (vec![format!("patient/{lab}")], Action::Update, "vital", ["p1", "p1"], false),
        (
            vec![format!("patient/{lab}"), format!("system/{vital}")],
            Action::Update,
            "vital",
            ["p2", "p2"],
            true,
        ),
        (
            vec![format!("patient/{lab}"), format!("system/{vital}")],
            Action::Update,
            "lab",
            ["p2", "p2"],
            false,
        ),
    ] {
        let scopes = scopes.join(" ");
        let caller = Caller {
            scopes: Scopes::parse(&scopes).unwrap(),
            patient: ResourceId::parse("p1").ok(),
            roles: Roles::parse([Role::Proxy.as_str()]).unwrap(),
            ..Caller::of_client("app")
        };
        let rules = Rules::new(|kind| kind.name() == "Observation", Treatment::Open);
        let kind = ResourceType::find("Observation").unwrap();
        let access = Access::decide(&rules, &caller, kind, action, &Published).unwrap();
        let entries = observation(category, patients);
        assert_eq!(
            access.permits(kind, &entries, &hasher(), &|_, _| false),
            permitted,
            "{scopes} {action:?} {category} {patients:?}"
        );
    }
}

#[test]
fn one_way_in_is_told_from_several() {
    for (scopes, sole) in [
        ("system/Observation.s?code=1", true),
        ("patient/Observation.s?code=1", true),
        ("patient/Observation.s?code=1 system/Patient.s", true),
        ("system/Observation.s?code=1 system/Observation.s?code=2", false),
        ("system/Observation.s?code=1 patient/Observation.s", false),
        ("system/Observation.s", false),
    ] {
        let caller = Caller {
            scopes: Scopes::parse(scopes).unwrap(),
            patient: ResourceId::parse("p1").ok(),
            roles: Roles::parse([Role::Proxy.as_str()]).unwrap(),
            ..Caller::of_client("app")
        };
        let rules = Rules::new(|kind| kind.name() == "Observation", Treatment::Open);
        let kind = ResourceType::find("Observation").unwrap();
        let access = Access::decide(&rules, &caller, kind, Action::Search, &Published).unwrap();
        assert_eq!(access.only_condition(kind).is_some(), sole, "{scopes}");
    }
}

#[test]
fn what_one_resource_does_not_decide_is_no_condition() {
    let kind = ResourceType::PATIENT;
    for (expr, taken) in [
        (Expr::Facet(1), true),
        (Expr::Not(Box::new(Expr::Facet(1))), true),
        (Expr::Identity(vec![1]), false),
        (Expr::Or(vec![Expr::Facet(1), Expr::Identity(vec![1])]), false),
        (Expr::Not(Box::new(Expr::Words { content: true, words: vec!["a".into()] })), false),
    ] {
        assert_eq!(Condition::new(kind, "", expr.clone()).is_some(), taken, "{expr:?}");
    }
}
