//! The matrix of roles: what of FHIR each reaches, by which letters, and whose.

use super::{Published, hasher};
use crate::{
    Access, Action, Caller, FhirUser, Related, Relations, Role, Roles, Rules, Scopes, Treatment,
};
use canonical_model::{ResourceId, ResourceType};
use search::IndexEntries;
use std::sync::Arc;

/// A type of each kind that the table of roles tells apart.
const TYPES: [&str; 10] = [
    "Patient",
    "Observation",
    "Condition",
    "CarePlan",
    "Appointment",
    "Slot",
    "Claim",
    "Binary",
    "AuditEvent",
    "Practitioner",
];

fn rules(treatment: Treatment) -> Rules {
    let outside = ["Slot", "Binary", "Practitioner"];
    Rules::new(move |kind| !outside.contains(&kind.name()), treatment)
}

fn caller(role: Option<Role>, user: &str, patient: &str, scopes: &str) -> Caller {
    Caller {
        subject: Some("a user".into()),
        scopes: Scopes::parse(scopes).unwrap(),
        patient: ResourceId::parse(patient).ok(),
        fhir_user: FhirUser::parse(user).ok(),
        roles: Roles::parse(role.map(Role::as_str)).unwrap(),
        ..Caller::of_client("app")
    }
}

/// The letters that a type may be reached by; in brackets with those whose resources alone.
fn letters(rules: &Rules, caller: &Caller, name: &str) -> String {
    let kind = ResourceType::find(name).unwrap();
    let (mut letters, mut whose) = (String::new(), String::new());
    for action in Action::ALL {
        let Ok(access) = Access::decide(rules, caller, kind, action, &Published) else { continue };
        letters.push(action.letter());
        let only = access.only_patient(kind).map(|id| format!("({id})"));
        let related = access.relations(kind);
        let related: Vec<&str> = related.into_iter().map(first).collect();
        let related = (!related.is_empty()).then(|| format!("[{}]", related.join(",")));
        whose = [only, related].into_iter().flatten().collect();
    }
    format!("{}{whose}", if letters.is_empty() { "-" } else { &letters })
}

fn first(relations: &Arc<Relations>) -> &str {
    relations.patients().first().map_or("", ResourceId::as_str)
}

/// A row for each role: the letters of each of [`TYPES`], by `user/*.cruds`.
fn matrix(treatment: Treatment) -> Vec<String> {
    let rules = rules(treatment);
    let row = |role: Role| {
        let user = match role {
            Role::Patient => "Patient/p1",
            Role::Proxy => "RelatedPerson/r1",
            _ => "Practitioner/d1",
        };
        let caller = caller(Some(role), user, "p9", "user/*.cruds");
        let cells: Vec<String> = TYPES.iter().map(|name| letters(&rules, &caller, name)).collect();
        format!("{}: {}", role.as_str(), cells.join(" "))
    };
    Role::ALL.into_iter().map(row).collect()
}

#[test]
fn each_role_reaches_what_its_rows_say() {
    // Patient, Observation, Condition, CarePlan, Appointment, Slot, Claim, Binary, AuditEvent, Practitioner
    assert_eq!(
        matrix(Treatment::Open),
        [
            "clinician: cruds cruds cruds cruds cruds rs - cruds - rs",
            "care-coordinator: rs rs rs cruds cruds rs - rs - rs",
            "front-desk: crus - - - crus crus - - - rs",
            "billing: rs - rs - rs rs crus - - rs",
            "integration: cruds cruds cruds cruds cruds cruds cruds cruds cruds cruds",
            "auditor: - - - - - rs - - rs rs",
            "admin: - - - - - rs - - - rs",
            "patient: cruds(p1) cruds(p1) cruds(p1) cruds(p1) cruds(p1) - cruds(p1) - cruds(p1) -",
            "proxy: cruds(p9) cruds(p9) cruds(p9) cruds(p9) cruds(p9) - cruds(p9) - cruds(p9) -",
        ]
    );
}

#[test]
fn without_relationships_nobody_reaches_patients_who_needs_one() {
    assert_eq!(
        matrix(Treatment::Related),
        [
            "clinician: - - - - - rs - - - rs",
            "care-coordinator: - - - - - rs - - - rs",
            "front-desk: - - - - - crus - - - rs",
            "billing: - - - - - rs - - - rs",
            "integration: cruds cruds cruds cruds cruds cruds cruds cruds cruds cruds",
            "auditor: - - - - - rs - - rs rs",
            "admin: - - - - - rs - - - rs",
            "patient: cruds(p1) cruds(p1) cruds(p1) cruds(p1) cruds(p1) - cruds(p1) - cruds(p1) -",
            "proxy: cruds(p9) cruds(p9) cruds(p9) cruds(p9) cruds(p9) - cruds(p9) - cruds(p9) -",
        ]
    );
}

/// An app that is launched for one patient reaches of them what its user's roles let it.
#[test]
fn an_app_of_one_patient_is_bounded_by_its_user_too() {
    let rules = |open| rules(if open { Treatment::Open } else { Treatment::Related });
    for (role, user, open, name, expected) in [
        (Some(Role::Clinician), "Practitioner/d1", true, "Observation", "cruds(p1)"),
        (Some(Role::Clinician), "Practitioner/d1", false, "Observation", "-"),
        (Some(Role::Clinician), "Practitioner/d1", true, "Claim", "-"),
        (Some(Role::FrontDesk), "Practitioner/d1", true, "Observation", "-"),
        (Some(Role::FrontDesk), "Practitioner/d1", true, "Appointment", "crus(p1)"),
        (Some(Role::Auditor), "Practitioner/d1", true, "Observation", "-"),
        (Some(Role::Patient), "Patient/p1", false, "Observation", "cruds(p1)"),
        // Another's, which needs another role.
        (Some(Role::Patient), "Patient/p2", true, "Observation", "-"),
        (Some(Role::Patient), "", true, "Observation", "-"),
        (Some(Role::Proxy), "RelatedPerson/r1", false, "Observation", "cruds(p1)"),
        (None, "Patient/p1", true, "Observation", "-"),
        (Some(Role::Patient), "Patient/p1", true, "Slot", "-"),
    ] {
        let caller = caller(role, user, "p1", "patient/*.cruds");
        assert_eq!(letters(&rules(open), &caller, name), expected, "{role:?} {user} {open} {name}");
    }
}

#[test]
fn a_role_narrows_and_a_missing_claim_shuts() {
    let rules = rules(Treatment::Open);
    for (role, user, scopes, name, expected) in [
        (Some(Role::Clinician), "Practitioner/d1", "user/*.rs", "Observation", "rs"),
        (Some(Role::Clinician), "Practitioner/d1", "user/Condition.rs", "Observation", "-"),
        (Some(Role::Billing), "Practitioner/d1", "user/Condition.cruds", "Condition", "rs"),
        (Some(Role::Clinician), "", "user/*.rs", "Observation", "-"),
        (Some(Role::Clinician), "Patient/p1", "user/*.rs", "Observation", "-"),
        (Some(Role::Integration), "Patient/p1", "user/*.rs", "Observation", "-"),
        (Some(Role::Patient), "Practitioner/d1", "user/*.rs", "Observation", "-"),
        (None, "Practitioner/d1", "user/*.rs", "Observation", "-"),
        (None, "", "system/*.rs", "Observation", "rs"),
    ] {
        let caller = caller(role, user, "", scopes);
        assert_eq!(letters(&rules, &caller, name), expected, "{role:?} {user} {scopes} {name}");
    }
}

#[test]
fn a_refusal_tells_a_role_from_a_scope() {
    let kind = ResourceType::find("Observation").unwrap();
    let refused = |role, scopes: &str| {
        let caller = caller(role, "Practitioner/d1", "", scopes);
        let rules = rules(Treatment::Related);
        let error = Access::decide(&rules, &caller, kind, Action::Read, &Published).unwrap_err();
        error.issues[0].diagnostics.clone()
    };
    let role = "No role of this user reaches Observation.r, or only for patients to whom there is a relationship.";
    assert_eq!(refused(Some(Role::Clinician), "user/*.rs"), role);
    assert_eq!(refused(None, "user/Observation.r"), role);
    let scope = "This needs the scope user/Observation.r.";
    assert_eq!(refused(Some(Role::Clinician), "user/Condition.rs"), scope);
    assert_eq!(refused(Some(Role::Clinician), "user/*.s"), scope);
}

/// Who treats `t`, and works for an organisation of which `o` is.
fn related() -> Option<Arc<Related>> {
    let of = |id: &str| Relations::new(ResourceId::parse(id).into_iter().collect(), Vec::new());
    Some(Arc::new(Related::new(of("t"), of("o"))))
}

/// In square brackets the patients to whom there must be a relationship: of both kinds, `t` stands first.
#[test]
fn with_relationships_each_role_reaches_those_that_its_row_speaks_of() {
    let rules = rules(Treatment::Related);
    let row = |role: Role| {
        let caller = caller(Some(role), "Practitioner/d1", "", "user/*.cruds");
        let caller = Caller { related: related(), ..caller };
        let cells: Vec<String> = TYPES.iter().map(|name| letters(&rules, &caller, name)).collect();
        format!("{}: {}", role.as_str(), cells.join(" "))
    };
    let roles = [Role::Clinician, Role::CareCoordinator, Role::FrontDesk, Role::Billing];
    assert_eq!(
        roles.map(row),
        [
            "clinician: cruds[t] cruds[t] cruds[t] cruds[t] cruds[t] rs - - - rs",
            "care-coordinator: rs[t] rs[t] rs[t] cruds[t] cruds[t] rs - - - rs",
            "front-desk: crus[o] - - - crus[o] crus - - - rs",
            "billing: rs[o] - rs[o] - rs[o] rs crus[o] - - rs",
        ]
    );
}

#[test]
fn one_resource_is_reached_through_a_relationship() {
    let rules = rules(Treatment::Related);
    let kind = ResourceType::find("Observation").unwrap();
    let owners = |ids: &[&str]| IndexEntries {
        owners: ids.iter().map(|id| ResourceId::parse(id).unwrap()).collect(),
        ..IndexEntries::default()
    };
    for (scopes, chosen, action, patients, known, permitted) in [
        ("user/*.cruds", "", Action::Read, &["t"][..], "", true),
        ("user/*.cruds", "", Action::Read, &["o"], "", false),
        ("user/*.cruds", "", Action::Read, &["x", "t"], "", true),
        ("user/*.cruds", "", Action::Read, &[], "", false),
        ("user/*.cruds", "", Action::Create, &["x", "t"], "", false),
        ("user/*.cruds", "", Action::Create, &["x", "t"], "x", true),
        ("user/*.cruds", "", Action::Create, &["x"], "y", false),
        ("user/*.cruds", "", Action::Create, &[], "x", false),
        // An app of one patient is of one who is treated.
        ("patient/*.cruds", "t", Action::Read, &["t"], "", true),
        ("patient/*.cruds", "x", Action::Read, &["x", "t"], "", false),
        ("patient/*.cruds", "x", Action::Read, &["x"], "x", true),
        ("patient/*.cruds", "x", Action::Read, &["t"], "x", false),
    ] {
        let caller = caller(Some(Role::Clinician), "Practitioner/d1", chosen, scopes);
        let caller = Caller { related: related(), ..caller };
        let access = Access::decide(&rules, &caller, kind, action, &Published).unwrap();
        let by_keys = |_: &Relations, patient: &ResourceId| patient.as_str() == known;
        let found = access.permits(kind, &owners(patients), &hasher(), &by_keys);
        assert_eq!(found, permitted, "{scopes} {chosen} {action:?} {patients:?} {known}");
    }
}

/// One patient, as if the clinician treated them, and nobody else's.
#[test]
fn in_an_emergency_one_patient_is_reached_without_a_relationship() {
    let row = |purpose: &str, chosen: &str, scopes: &str| {
        let caller = caller(Some(Role::Clinician), "Practitioner/d1", chosen, scopes);
        let purpose = (!purpose.is_empty()).then(|| purpose.into());
        let caller = Caller { purpose, subject: Some("u".into()), related: related(), ..caller };
        letters(&rules(Treatment::Related), &caller, "Observation")
    };
    for (purpose, chosen, scopes, expected) in [
        ("BTG", "x", "patient/*.cruds", "cruds(x)"),
        ("BTG", "x", "user/*.cruds", "cruds(x)"),
        ("BTG", "", "patient/*.cruds", "-"),
        ("BTG", "", "user/*.cruds", "cruds[t]"),
        ("TREAT", "x", "patient/*.cruds", "cruds(x)[t]"),
        ("", "x", "user/*.cruds", "cruds[t]"),
    ] {
        assert_eq!(row(purpose, chosen, scopes), expected, "{purpose} {chosen} {scopes}");
    }
}
