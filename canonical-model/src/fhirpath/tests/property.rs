//! Expressions made at random: they compile or are refused, run or stop, and never panic.

use proptest::prelude::*;

use super::*;

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "Patient",
        "name",
        "given",
        "$this",
        "%resource",
        "1",
        "2.50",
        "'a'",
        "true",
        "{}",
        "@2024",
        "3 'mg'",
        "telecom.rank",
        "birthDate",
        "deceased",
        "contained.name",
        "extension('u').value",
        "generalPractitioner.resolve()",
        "Observation.code",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let op = prop::sample::select(vec![
            "|", "and", "or", "xor", "implies", "=", "!=", "~", "<", ">=", "+", "-", "*", "/",
            "div", "mod", "&", "in", "contains",
        ]);
        let call = prop::sample::select(vec![
            "where",
            "select",
            "exists",
            "all",
            "first",
            "last",
            "tail",
            "skip",
            "take",
            "combine",
            "intersect",
            "exclude",
            "subsetOf",
            "count",
            "distinct",
            "not",
            "startsWith",
            "single",
            "hasValue",
            "iif",
            "contains",
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), call.clone(), inner.clone())
                .prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
            (inner.clone(), call).prop_map(|(a, f)| format!("{a}.{f}()")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.prop_map(|a| format!("({a} as HumanName)")),
        ]
    })
}

proptest! {
    #[test]
    fn expressions_never_panic(expression in expression()) {
        let patient = read(PATIENT);
        if let Ok(path) = Path::compile(&expression, "Patient", &*FAKE) {
            let arena = Arena::new();
            let strict = path.evaluate(&patient, &arena).map(|items| render(&items));
            let lenient = render(&path.eval(&patient));
            prop_assert!(lenient.is_empty() || strict.is_ok_and(|text| text == lenient));
            drop(path.locations(&patient));
        }
    }

    #[test]
    fn texts_never_panic(text in any::<String>(), soup in "[a-z().|'@$%`\\[\\]{}/*= 0-9]{0,40}") {
        drop(Path::compile(&text, "Patient", &*FAKE));
        drop(Path::compile(&soup, "Patient", &*FAKE));
    }
}
