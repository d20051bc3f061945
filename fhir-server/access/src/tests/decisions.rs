//! Decisions as tables: scopes and caller in, reach out.

use super::{Published, hasher};
use crate::{
    Access, Action, Asker, Binding, Caller, Consent, FhirUser, Filter, Role, Roles, Rules, Scopes,
    Treatment, TypeSet,
};
use canonical_model::{Kind, ResourceId, ResourceType};
use search::IndexEntries;
use std::sync::Arc;

fn rules() -> Rules {
    let compartment = |kind: ResourceType| matches!(kind.name(), "Observation" | "Condition");
    Rules::new(compartment, Treatment::Related)
}

fn kind(name: &str) -> ResourceType {
    ResourceType::find(name).unwrap()
}

fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}

/// Who may do all that scopes say: the roles of users are a table of their own.
fn caller(scopes: &str, patient: &str, fhir_user: &str) -> Caller {
    let role = if fhir_user.contains("Practitioner") { "integration" } else { "patient" };
    let roles = [role].into_iter().chain((!patient.is_empty()).then_some("proxy"));
    Caller {
        roles: Roles::parse(roles).unwrap(),
        scopes: Scopes::parse(scopes).unwrap(),
        patient: ResourceId::parse(patient).ok(),
        fhir_user: FhirUser::parse(fhir_user).ok(),
        ..Caller::of_client("app")
    }
}

/// The expression as `Type,Type` or `Type of id`, joined by ` or `.
fn show(filter: &Filter) -> String {
    let clauses = match filter {
        Filter::Everything => return "everything".into(),
        Filter::Nothing => return "nothing".into(),
        Filter::AnyOf(clauses) => clauses,
    };
    let types = |types: TypeSet| types.iter().map(|t| t.name()).collect::<Vec<_>>().join(",");
    let one = |clause: &crate::Clause| {
        let when = clause.when.as_ref().map_or("", |_| " where");
        match &clause.patients {
            None => format!("{}{when}", types(clause.types)),
            Some(patients) => {
                let patients: Vec<_> = patients.iter().map(ResourceId::as_str).collect();
                format!("{} of {}{when}", types(clause.types), patients.join(","))
            }
        }
    };
    clauses.iter().map(one).collect::<Vec<_>>().join(" or ")
}

#[test]
fn decisions_reach_what_scopes_and_caller_allow() {
    let compartment = "Condition,Observation,Patient";
    for (scopes, patient, user, asked, reach) in [
        ("system/*.cruds", "", "", "Observation.r", "everything".to_owned()),
        ("system/*.read", "", "", "Observation.s", "everything".into()),
        ("system/*.read", "", "", "Observation.c", "403 system/Observation.c".into()),
        ("system/Patient.rs system/Group.r", "", "", "Patient.r", "Group,Patient".into()),
        ("system/Patient.rs system/Group.r", "", "", "Group.s", "403 system/Group.s".into()),
        ("", "", "", "Patient.r", "403 system/Patient.r".into()),
        ("openid", "p1", "Practitioner/1", "Patient.r", "403 system/Patient.r".into()),
        ("patient/*.rs", "p1", "", "Observation.r", format!("{compartment} of p1")),
        ("patient/*.rs", "p1", "", "Patient.s", format!("{compartment} of p1")),
        ("patient/*.rs", "p1", "", "Practitioner.r", "403 user/Practitioner.r".into()),
        ("patient/*.rs", "", "", "Observation.r", "403 patient/Observation.r".into()),
        (
            "patient/Observation.rs user/Practitioner.r",
            "p1",
            "Practitioner/1",
            "Observation.r",
            "Practitioner or Observation of p1".into(),
        ),
        (
            "patient/Observation.rs user/Observation.r",
            "p1",
            "Practitioner/1",
            "Observation.r",
            "Observation".into(),
        ),
        ("user/*.rs", "", "", "Observation.r", "403 user/Observation.r".into()),
        ("user/*.rs", "", "Practitioner/1", "Slot.r", "everything".into()),
        ("user/*.rs", "", "https://h/fhir/PractitionerRole/1", "Slot.r", "everything".into()),
        ("user/*.rs", "", "Patient/p2", "Slot.r", "403 role Slot.r".into()),
        ("user/*.rs", "", "Patient/p2", "Condition.r", format!("{compartment} of p2")),
        ("user/*.rs", "", "RelatedPerson/9", "Condition.r", "403 role Condition.r".into()),
        (
            "user/Condition.r patient/Observation.r",
            "p1",
            "Patient/p2",
            "Condition.r",
            "Condition of p2 or Condition,Observation of p1".into(),
        ),
        (
            "user/Condition.r patient/Observation.r",
            "p1",
            "Patient/p1",
            "Condition.r",
            "Condition,Observation of p1".into(),
        ),
        ("system/Observation.rs?code=1", "", "", "Observation.r", "Observation where".into()),
        (
            "patient/Observation.rs?code=1",
            "p1",
            "",
            "Observation.s",
            "Observation of p1 where".into(),
        ),
        (
            "patient/Observation.rs?code=1 patient/Condition.r?code=2",
            "p1",
            "",
            "Observation.r",
            "Observation of p1 where or Condition of p1 where".into(),
        ),
        // Each with a constraint of its own; the same one, and what is open already, only once.
        (
            "system/Observation.r?code=1 system/Observation.rs?code=2 system/Observation.rs?code=1",
            "",
            "",
            "Observation.r",
            "Observation where or Observation where".into(),
        ),
        (
            "patient/Observation.rs?code=1 patient/Observation.r",
            "p1",
            "",
            "Observation.r",
            "Observation of p1".into(),
        ),
        (
            "user/Observation.rs?code=1 patient/Observation.r",
            "p1",
            "Practitioner/1",
            "Observation.r",
            "Observation of p1 or Observation where".into(),
        ),
        ("system/Observation.rs?code=1 system/*.r", "", "", "Observation.r", "everything".into()),
        (
            "system/Observation.rs?code=1",
            "",
            "",
            "Observation.c",
            "403 system/Observation.c".into(),
        ),
        ("patient/Slot.rs?status=free", "p1", "", "Slot.r", "403 user/Slot.r".into()),
        (
            "patient/Observation.rs?code=1",
            "",
            "",
            "Observation.r",
            "403 patient/Observation.r".into(),
        ),
        (
            "system/Observation.rs?_source=urn:x",
            "",
            "",
            "Observation.r",
            "403 system/Observation.r".into(),
        ),
    ] {
        let (name, letter) = asked.split_once('.').unwrap();
        let action = Action::ALL.into_iter().find(|a| letter.starts_with(a.letter())).unwrap();
        let decided = Access::decide(
            &rules(),
            &caller(scopes, patient, user),
            kind(name),
            action,
            &Published,
        );
        let shown = match decided {
            Ok(access) => {
                assert_eq!(access.action(), Some(action));
                show(access.filter())
            }
            Err(error) => {
                assert_eq!(error.kind, Kind::Forbidden);
                let text = &error.issues[0].diagnostics;
                let role = text.strip_prefix("No role of this user reaches ");
                let needed = text.strip_prefix("This needs the scope ");
                match (role.and_then(|role| role.split_once(',')), needed) {
                    (Some((shut, _)), _) => format!("403 role {shut}"),
                    (None, needed) => format!("403 {}", needed.unwrap().strip_suffix('.').unwrap()),
                }
            }
        };
        assert_eq!(shown, reach, "{scopes} asks {asked}");
    }
}

#[test]
fn the_system_is_bounded_by_the_types_granted() {
    for (scopes, action, reach) in [
        ("system/*.cruds", Action::Search, Some("everything")),
        ("system/Patient.rs", Action::Search, Some("Patient")),
        ("system/Patient.r", Action::Search, None),
        ("", Action::Read, None),
    ] {
        let decided =
            Access::decide_system(&rules(), &caller(scopes, "", ""), action, &Published).ok();
        assert_eq!(decided.map(|access| show(access.filter())).as_deref(), reach, "{scopes}");
    }
}

#[test]
fn a_refusal_says_what_else_would_help_and_nothing_of_the_data() {
    let refused = |scopes: &str, name: &str| {
        let caller = caller(scopes, "", "");
        let error =
            Access::decide(&rules(), &caller, kind(name), Action::Read, &Published).unwrap_err();
        error.issues.into_iter().skip(1).map(|issue| issue.diagnostics).collect::<Vec<_>>()
    };
    let hint =
        "The `?` of a scope cannot be applied here, so it grants nothing: name other parameters.";
    assert_eq!(refused("system/Observation.rs?_source=urn:x", "Observation"), [hint]);
    assert!(refused("system/Observation.s?_source=urn:x", "Observation").is_empty());
    assert!(refused("system/Observation.rs?code=1", "Slot").is_empty());
    assert!(refused("system/Observation.rs", "Slot").is_empty());
    assert_eq!(refused("patient/*.rs", "Slot").len(), 2);
    assert_eq!(
        refused("user/*.rs", "Slot"),
        ["user/ scopes need a token of a user who signed in."]
    );
}

#[test]
fn one_resource_is_reached_through_its_patients() {
    let (p1, p2) = (id("p1"), id("p2"));
    let both = [p1.clone(), p2.clone()];
    for (scopes, action, name, patients, permitted) in [
        ("patient/*.cruds", Action::Read, "Observation", &both[..], true),
        ("patient/*.cruds", Action::Read, "Observation", &both[1..], false),
        ("patient/*.cruds", Action::Search, "Observation", &[], false),
        ("patient/*.cruds", Action::Create, "Observation", &both[..1], true),
        ("patient/*.cruds", Action::Create, "Observation", &both[..], false),
        ("patient/*.cruds", Action::Update, "Observation", &both[1..], false),
        ("patient/*.cruds", Action::Update, "Observation", &[], false),
        ("patient/*.cruds", Action::Delete, "Slot", &both[..1], false),
        ("patient/*.cruds system/Slot.c", Action::Create, "Slot", &[], true),
        ("patient/*.cruds system/Slot.c", Action::Create, "Observation", &[], false),
        ("system/*.cruds", Action::Create, "Slot", &[], true),
    ] {
        let caller = caller(scopes, "p1", "");
        let access = Access::decide_system(&rules(), &caller, action, &Published).unwrap();
        let entries = IndexEntries { owners: patients.to_vec(), ..IndexEntries::default() };
        assert_eq!(
            access.permits(kind(name), &entries, &hasher(), &|_, _| false),
            permitted,
            "{scopes} {action:?} {name}"
        );
    }
}

#[test]
fn one_patient_alone_is_told_from_more() {
    for (scopes, user, name, only) in [
        ("patient/*.rs", "", "Observation", Some("p1")),
        ("patient/*.rs", "", "Patient", Some("p1")),
        ("patient/*.rs", "", "Slot", None),
        ("patient/*.rs system/Observation.s", "", "Observation", None),
        ("patient/*.rs system/Observation.s", "", "Condition", Some("p1")),
        ("patient/*.rs user/*.rs", "Patient/p2", "Observation", None),
        ("patient/Observation.s?code=1", "", "Observation", Some("p1")),
        (
            "patient/Observation.s?code=1 patient/Observation.s?code=2",
            "",
            "Observation",
            Some("p1"),
        ),
        ("patient/Observation.s?code=1 system/Observation.s?code=2", "", "Observation", None),
        ("system/*.rs", "", "Observation", None),
    ] {
        let caller = caller(scopes, "p1", user);
        let access = Access::decide_system(&rules(), &caller, Action::Search, &Published).unwrap();
        assert_eq!(
            access.only_patient(kind(name)).map(ResourceId::as_str),
            only,
            "{scopes} {name}"
        );
    }
}

#[test]
fn internal_work_reaches_everything_and_says_why() {
    let access = Access::internal("the relay reads what it was told of");
    assert_eq!(access.filter(), &Filter::Everything);
    assert_eq!(access.internal_reason(), Some("the relay reads what it was told of"));
    assert_eq!(access.action(), None);
    assert!(
        access.permits(kind("Slot"), &IndexEntries::default(), &hasher(), &|_, _| false)
            && access.reaches(kind("Slot"))
    );
}

#[test]
fn logs_show_no_patient() {
    let scopes = "patient/*.rs user/Observation.rs?subject=Patient/canary-3";
    let caller = caller(scopes, "canary-1", "Patient/canary-2");
    let access = Access::decide_system(&rules(), &caller, Action::Read, &Published).unwrap();
    let shown = format!("{caller:?} {access:?}");
    assert!(shown.contains("patient/*.rs") && !shown.contains("canary"), "{shown}");
}

#[test]
fn users_are_people_and_roles() {
    for reference in ["Group/1", "Practitioner/", "Practitioner", "1", "", "Patient/a b"] {
        assert!(FhirUser::parse(reference).is_err(), "{reference}");
    }
    for reference in ["Practitioner/d1", "https://fhir.example.org/fhir/Practitioner/d1"] {
        assert_eq!(FhirUser::parse(reference).unwrap().reference(), "Practitioner/d1");
    }
}

#[test]
fn roles_are_a_set_of_known_names() {
    for role in Role::ALL {
        let roles = Roles::parse([role.as_str(), role.as_str()]).unwrap();
        assert_eq!(roles.iter().collect::<Vec<_>>(), [role]);
    }
    let two = Roles::parse(["auditor", "clinician"]).unwrap();
    assert_eq!(format!("{two:?}"), r#"{"clinician", "auditor"}"#);
    assert!(two.contains(Role::Auditor) && !two.contains(Role::Admin));
    for unknown in ["", "Auditor", "root", "auditor "] {
        assert!(Roles::parse(["auditor", unknown]).is_err(), "{unknown}");
    }
}

#[test]
fn a_client_that_has_said_nothing_reaches_nothing() {
    let caller = Caller::of_client("app");
    for action in Action::ALL {
        assert!(Access::decide_system(&rules(), &caller, action, &Published).is_err());
    }
    assert!(!caller.is_operator());
}

/// Nobody is let through because nobody asked.
#[test]
fn who_is_bound_by_consent_is_refused_until_somebody_asked() {
    let rules = rules().with_consent(Binding::All);
    let caller = |scopes: &str| Caller {
        scopes: Scopes::parse(scopes).unwrap(),
        ..Caller::of_client("app")
    };
    let decide = |caller: &Caller| {
        let one = Access::decide(&rules, caller, kind("Slot"), Action::Read, &Published);
        let all = Access::decide_system(&rules, caller, Action::Search, &Published);
        [one, all].map(|it| it.map(|it| it.asker().is_some()).map_err(|it| it.kind))
    };
    let bound = caller("system/*.rs");
    assert_eq!(decide(&bound), [Err(Kind::Internal), Err(Kind::Internal)]);
    let none = Caller { consent: Consent::None, ..bound.clone() };
    assert_eq!(decide(&none), [Ok(false), Ok(false)]);
    let asker = Arc::new(Asker::new(&bound, Vec::new()));
    let some = Caller { consent: Consent::Some(asker), ..bound };
    assert_eq!(decide(&some), [Ok(true), Ok(true)]);
    assert_eq!(decide(&caller("system/*.cruds")), [Ok(false), Ok(false)]);
}
