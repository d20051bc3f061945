//! The matrix of roles: what of FHIR each reaches, by which letters, and whose.

use super::Published;
use crate::{Access, Action, Caller, FhirUser, Filter, Role, Roles, Rules, Scopes, Treatment};
use canonical_model::{ResourceId, ResourceType};

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
        whose = match access.filter() {
            Filter::AnyOf(_) => access.only_patient(kind).map(|id| format!("({id})")),
            Filter::Everything | Filter::Nothing => None,
        }
        .unwrap_or_default();
    }
    format!("{}{whose}", if letters.is_empty() { "-" } else { &letters })
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
