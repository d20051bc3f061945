//! The algebra of scopes under random input: narrowing never widens, parsing loses nothing.

use super::{Published, hasher, indexed};
use crate::{Access, Action, Caller, FhirUser, Role, Roles, Rules, Scopes, Treatment};
use canonical_model::{ResourceId, ResourceType};
use proptest::prelude::*;
use search::{Hasher, IndexEntries};
use std::sync::LazyLock;

const TYPES: [&str; 5] = ["*", "Patient", "Observation", "Slot", "Practitioner"];
static HASHER: LazyLock<Hasher> = LazyLock::new(hasher);
/// Parameters that all of these types have.
const CONSTRAINTS: [&str; 4] = ["", "?_tag=1", "?_tag=2,1", "?_tag=1&_profile=http://p.example"];

fn scope() -> impl Strategy<Value = String> {
    let context = prop::sample::select(vec!["patient", "user", "system"]);
    let kind = prop::sample::select(TYPES.to_vec());
    let letters =
        prop::sample::subsequence(vec!['c', 'r', 'u', 'd', 's'], 1..=5).prop_map(String::from_iter);
    let constraint = prop::sample::select(CONSTRAINTS.to_vec());
    let v1 = prop::sample::select(vec!["read", "write", "*"]);
    let v2 = (letters, constraint).prop_map(|(letters, constraint)| letters + constraint);
    (context, kind, prop_oneof![3 => v2, 1 => v1.prop_map(str::to_owned)]).prop_map(
        |(context, kind, rest)| {
            // A constraint is one type's.
            let plain = rest.split('?').next().filter(|_| kind == "*");
            format!("{context}/{kind}.{}", plain.unwrap_or(&rest))
        },
    )
}

fn scopes() -> impl Strategy<Value = Scopes> {
    prop::collection::vec(scope(), 0..6).prop_map(|words| Scopes::parse(&words.join(" ")).unwrap())
}

fn caller() -> impl Strategy<Value = Caller> {
    let patient = prop::option::of(prop::sample::select(vec!["p1", "p2"]));
    let user = prop::option::of(prop::sample::select(vec!["Practitioner/1", "Patient/p2"]));
    let roles = prop::sample::subsequence(Role::ALL.to_vec(), 0..=3);
    (patient, user, roles).prop_map(|(patient, user, roles)| Caller {
        roles: Roles::parse(roles.iter().map(|role| role.as_str())).unwrap(),
        patient: patient.map(|id| ResourceId::parse(id).unwrap()),
        fhir_user: user.map(|user| FhirUser::parse(user).unwrap()),
        ..Caller::of_client("app")
    })
}

/// Resources of each type but `*`, of every owner, with tags and profiles that the constraints tell apart.
static ALL: LazyLock<Vec<(ResourceType, IndexEntries)>> = LazyLock::new(|| {
    let ids: Vec<_> = ["p1", "p2"].map(|id| ResourceId::parse(id).unwrap()).into();
    let tag = |code: &str| format!(r#""tag":[{{"code":"{code}"}}]"#);
    let profile = r#""profile":["http://p.example"]"#;
    let metas = ["".into(), tag("1"), tag("2"), tag("3"), format!("{},{profile}", tag("1"))];
    let mut all = Vec::new();
    for name in &TYPES[1..] {
        for meta in &metas {
            let json = format!(r#"{{"resourceType":"{name}","meta":{{{meta}}}}}"#);
            for owners in [&ids[..], &ids[..1], &ids[1..], &[]] {
                let entries = IndexEntries { owners: owners.to_vec(), ..indexed(&json) };
                all.push((ResourceType::find(name).unwrap(), entries));
            }
        }
    }
    all
});

/// Everything that the scopes let the caller do, as one bit string: each action and resource.
fn reach(scopes: &Scopes, caller: &Caller) -> Vec<bool> {
    let rules = Rules::new(|kind| kind.name() == "Observation", Treatment::Open);
    let caller = Caller { scopes: scopes.clone(), ..caller.clone() };
    let mut bits = Vec::new();
    for action in Action::ALL {
        let access = Access::decide_system(&rules, &caller, action, &Published);
        let permits = |(kind, entries): &(ResourceType, IndexEntries)| {
            access
                .as_ref()
                .is_ok_and(|access| access.permits(*kind, entries, &HASHER, &|_, _| false))
        };
        bits.extend(ALL.iter().map(permits));
    }
    bits
}

fn within(small: &[bool], large: &[bool]) -> bool {
    small.iter().zip(large).all(|(small, large)| !small || *large)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(scopes in scopes()) {
        prop_assert_eq!(Scopes::parse(&scopes.to_string()).unwrap(), scopes);
    }

    #[test]
    fn narrowing_never_widens(asked in scopes(), allowed in scopes(), caller in caller()) {
        let narrowed = reach(&asked.narrowed_to(&allowed), &caller);
        prop_assert!(within(&narrowed, &reach(&asked, &caller)));
        prop_assert!(within(&narrowed, &reach(&allowed, &caller)));
    }

    #[test]
    fn narrowing_to_itself_keeps_all(scopes in scopes(), caller in caller()) {
        prop_assert_eq!(reach(&scopes.narrowed_to(&scopes), &caller), reach(&scopes, &caller));
    }

    #[test]
    fn narrowing_settles(asked in scopes(), allowed in scopes(), caller in caller()) {
        let once = asked.narrowed_to(&allowed);
        let twice = once.narrowed_to(&allowed);
        prop_assert_eq!(reach(&twice, &caller), reach(&once, &caller));
        prop_assert_eq!(twice.clinical().len(), once.clinical().len());
        prop_assert!(asked.narrowed_to(&Scopes::default()).is_empty());
    }

    #[test]
    fn a_scope_less_never_reaches_more(
        words in prop::collection::vec(scope(), 1..6), at in any::<prop::sample::Index>(),
        caller in caller(),
    ) {
        let all = Scopes::parse(&words.join(" ")).unwrap();
        let mut fewer = words.clone();
        fewer.remove(at.index(words.len()));
        let fewer = Scopes::parse(&fewer.join(" ")).unwrap();
        prop_assert!(within(&reach(&fewer, &caller), &reach(&all, &caller)));
    }

    #[test]
    fn a_claim_less_never_reaches_more(scopes in scopes(), caller in caller()) {
        let whole = reach(&scopes, &caller);
        let without_patient = Caller { patient: None, ..caller.clone() };
        let without_role = Caller { roles: Roles::NONE, ..caller.clone() };
        prop_assert!(within(&reach(&scopes, &without_role), &whole));
        let without_user = Caller { fhir_user: None, ..caller };
        prop_assert!(within(&reach(&scopes, &without_patient), &whole));
        prop_assert!(within(&reach(&scopes, &without_user), &whole));
    }

    #[test]
    fn a_constraint_never_widens(words in prop::collection::vec(scope(), 0..6), caller in caller()) {
        let without = |word: &String| word.split('?').next().unwrap_or_default().to_owned();
        let plain: Vec<_> = words.iter().map(without).collect();
        let left: Vec<_> = words.iter().filter(|word| !word.contains('?')).cloned().collect();
        let reached = |words: Vec<String>| reach(&Scopes::parse(&words.join(" ")).unwrap(), &caller);
        let (all, plain, left) = (reached(words), reached(plain), reached(left));
        prop_assert!(within(&all, &plain) && within(&left, &all));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        if let Ok(scopes) = Scopes::parse(&text) {
            prop_assert_eq!(Scopes::parse(&scopes.to_string()).unwrap(), scopes);
        }
    }
}
