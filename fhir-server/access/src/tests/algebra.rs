//! The algebra of scopes under random input: narrowing never widens, parsing loses nothing.

use crate::{Access, Action, Caller, FhirUser, Rules, Scopes};
use canonical_model::{ResourceId, ResourceType};
use proptest::prelude::*;

const TYPES: [&str; 5] = ["*", "Patient", "Observation", "Slot", "Practitioner"];
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
    (patient, user).prop_map(|(patient, user)| Caller {
        patient: patient.map(|id| ResourceId::parse(id).unwrap()),
        fhir_user: user.map(|user| FhirUser::parse(user).unwrap()),
        ..Caller::of_client("app")
    })
}

/// Everything that the scopes let the caller do, as one bit string: each action, type and owner.
fn reach(scopes: &Scopes, caller: &Caller) -> Vec<bool> {
    let rules = Rules::new(|kind| kind.name() == "Observation");
    let caller = Caller { scopes: scopes.clone(), ..caller.clone() };
    let ids: Vec<_> = ["p1", "p2"].map(|id| ResourceId::parse(id).unwrap()).into();
    let owners = [&ids[..], &ids[..1], &ids[1..], &[]];
    let mut bits = Vec::new();
    for action in Action::ALL {
        for name in &TYPES[1..] {
            let kind = ResourceType::find(name).unwrap();
            let access = Access::decide(&rules, &caller, kind, action);
            for owners in owners {
                bits.push(access.as_ref().is_ok_and(|access| access.permits(kind, owners)));
            }
        }
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
        let without_user = Caller { fhir_user: None, ..caller };
        prop_assert!(within(&reach(&scopes, &without_patient), &whole));
        prop_assert!(within(&reach(&scopes, &without_user), &whole));
    }

    #[test]
    fn a_constraint_grants_nothing_yet(words in prop::collection::vec(scope(), 0..6), caller in caller()) {
        let plain: Vec<_> = words.iter().filter(|word| !word.contains('?')).cloned().collect();
        let (all, plain) = (words.join(" "), plain.join(" "));
        let (all, plain) = (Scopes::parse(&all).unwrap(), Scopes::parse(&plain).unwrap());
        prop_assert_eq!(reach(&all, &caller), reach(&plain, &caller));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        if let Ok(scopes) = Scopes::parse(&text) {
            prop_assert_eq!(Scopes::parse(&scopes.to_string()).unwrap(), scopes);
        }
    }
}
