//! Scopes as tables: what is read, how it is written back, what is refused.

use crate::{Action, Actions, Scopes};

/// What of a parameter is understood, action by action, and its spelling on the way back.
fn show(text: &str) -> String {
    match Scopes::parse(text) {
        Ok(scopes) => scopes.to_string(),
        Err(error) => format!("{}: {}", error.kind.as_str(), error.issues[0].diagnostics),
    }
}

#[test]
fn are_written_back_as_they_were_asked() {
    let form = "invalid: scope: a scope is context/Type.cruds, as `system/Patient.rs`";
    let letters = "invalid: scope: its letters are some of `cruds`, in that order";
    let types = "invalid: scope: its type is `*` or a resource type of FHIR R4";
    let query = "invalid: scope: after `?` come parameters, as `category=laboratory`";
    let ascii = "invalid: scope: printable ASCII without quote and backslash only";
    for (text, shown) in [
        ("", ""),
        ("   ", ""),
        ("system/*.cruds", "system/*.cruds"),
        (" user/Patient.rs  user/Patient.rs ", "user/Patient.rs"),
        ("patient/*.read user/*.write system/*.*", "patient/*.read user/*.write system/*.*"),
        (
            "system/Patient.rs openid fhirUser launch/patient openid",
            "openid fhirUser launch/patient system/Patient.rs",
        ),
        (
            "patient/Observation.rs?category=laboratory&code=urn:x|1",
            "patient/Observation.rs?category=laboratory&code=urn:x|1",
        ),
        ("tenant/Patient.rs", "tenant/Patient.rs"),
        ("system/Patient", form),
        ("system/", form),
        ("system/Patient.", letters),
        ("system/Patient.sr", letters),
        ("system/Patient.rr", letters),
        ("system/Patient.rx", letters),
        ("system/Patient.Read", letters),
        ("system/Patient.cruds.c", letters),
        ("system/patient.r", types),
        ("system/Person*.r", types),
        ("system/Patient.rs?", query),
        ("system/Patient.rs?category", query),
        ("system/Patient.rs?=x", query),
        ("system/Patient.rs?a=1&&b=2", query),
        (
            "system/Patient.read?gender=male",
            "invalid: scope: `?` goes with the letters of version 2, as in `.rs?category=laboratory`",
        ),
        (
            "system/*.rs?code=1",
            "invalid: scope: with `?` it names one type, whose parameters these are",
        ),
        (
            "patient/Observation.rs?category=http%3A%2F%2Fh.example%7Claboratory,vital-signs&date=ge2024",
            "patient/Observation.rs?category=http%3A%2F%2Fh.example%7Claboratory,vital-signs&date=ge2024",
        ),
        (
            "user/Observation.rs?code=%zz",
            "invalid: scope: The query has a `%` without two hex digits. (at character 1 of its value)",
        ),
        (
            "user/Observation.rs?code:not=1",
            "invalid: scope: code:not: no modifiers here; leave out the `:` and what is behind it",
        ),
        (
            "user/Observation.rs?code=%5C",
            "invalid: scope: code: `` stands before `,`, `|`, `$` or `` only (at character 1)",
        ),
        (
            "user/Observation.rs?subject.name=a",
            "invalid: scope: subject.name: no chains here; leave out the `.` and what is behind it",
        ),
        ("system/Patient.r\tsystem/Patient.s", ascii),
        ("openid\"", ascii),
        ("système", ascii),
    ] {
        assert_eq!(show(text), shown, "{text}");
    }
}

#[test]
fn too_many_or_too_long_are_refused() {
    let many: Vec<_> = (0..301).map(|n| format!("w{n}")).collect();
    assert_eq!(show(&many.join(" ")), "invalid: scope: at most 300 scopes");
    assert_eq!(show(&"w".repeat(8_193)), "invalid: scope: at most 8192 bytes");
    let parameters = |n: usize| vec!["status=final"; n].join("&");
    let values = |n: usize| format!("status={}", vec!["final"; n].join(","));
    let scopes = |n: usize| {
        let one = |n| format!("user/Observation.r?code={n}");
        (0..n).map(one).collect::<Vec<_>>().join(" ") + " user/Patient.r?gender=male"
    };
    for (fits, over, said) in [
        (parameters(8), parameters(9), "at most 8 parameters after `?`"),
        (values(16), values(17), "at most 16 values of one parameter after `?`"),
    ] {
        let of = |constraint: &str| format!("user/Observation.rs?{constraint}");
        assert_eq!(show(&of(&fits)), of(&fits));
        assert_eq!(show(&of(&over)), format!("invalid: scope: {said}"));
    }
    assert_eq!(show(&scopes(16)), scopes(16));
    assert_eq!(show(&scopes(17)), "invalid: scope: at most 16 scopes with `?` on one type");
}

#[test]
fn letters_mean_the_same_in_both_versions() {
    for (v1, v2) in [("read", "rs"), ("write", "cud"), ("*", "cruds")] {
        let of =
            |word: &str| Scopes::parse(&format!("user/*.{word}")).unwrap().clinical()[0].actions();
        assert_eq!(of(v1), of(v2), "{v1}");
    }
    assert_eq!(Actions::parse(""), None);
    for action in Action::ALL {
        assert!(Actions::parse(&action.letter().to_string()).unwrap().contains(action));
    }
}

#[test]
fn narrow_to_what_is_allowed() {
    for (asked, allowed, granted) in [
        ("system/*.cruds", "system/*.cruds", "system/*.cruds"),
        ("system/*.read", "system/Patient.cruds", "system/Patient.read"),
        ("system/*.*", "system/Patient.rs", "system/Patient.read"),
        ("system/Patient.cruds", "system/*.rs", "system/Patient.rs"),
        ("system/Patient.rs", "system/Patient.r system/Patient.s", "system/Patient.rs"),
        ("system/*.rs", "system/Patient.r system/Group.s", "system/Patient.r system/Group.s"),
        ("system/Patient.c", "system/Patient.rud", ""),
        ("user/Patient.rs", "system/*.cruds patient/*.cruds", ""),
        ("openid offline_access", "openid launch", "openid"),
        ("system/Observation.rs", "system/Observation.rs?code=1", "system/Observation.rs?code=1"),
        ("system/Observation.rs?code=1", "system/Observation.r", "system/Observation.r?code=1"),
        ("system/Observation.rs?code=1", "system/Observation.rs?code=2", ""),
        ("system/*.rs", "system/Patient.rs system/*.r", "system/Patient.rs system/*.r"),
        ("system/Patient.rs", "system/Patient.r system/*.rs", "system/Patient.rs"),
        ("system/*.s", "system/List.s?code=1 system/*.s", "system/*.s"),
        (
            "system/Observation.rs?code=1&status=final",
            "system/Observation.r?code=2,1",
            "system/Observation.r?code=1&status=final",
        ),
        (
            "system/Observation.rs?code=1,2",
            "system/Observation.rs?code=%31",
            "system/Observation.rs?code=%31",
        ),
        (
            "system/Observation.rs?code=1",
            "system/Observation.rs?code=1&status=final,amended",
            "system/Observation.rs?code=1&status=final,amended",
        ),
        ("system/Observation.rs?code=1", r"system/Observation.rs?code=1%5C,2", ""),
        ("system/Observation.read", "system/Observation.rs?code=1", "system/Observation.rs?code=1"),
        (
            "system/Observation.r?code=1 system/Observation.s?code=1",
            "system/Observation.rs?code=1,2 system/Observation.rs",
            "system/Observation.rs?code=1",
        ),
        ("", "system/*.cruds", ""),
    ] {
        let narrowed = Scopes::parse(asked).unwrap().narrowed_to(&Scopes::parse(allowed).unwrap());
        assert_eq!(narrowed.to_string(), granted, "{asked} to {allowed}");
    }
}

#[test]
fn what_is_narrowed_can_be_read_again_however_much_there_was() {
    let many = |of: &dyn Fn(usize) -> String| {
        Scopes::parse(&(0..16).map(of).collect::<Vec<_>>().join(" ")).unwrap()
    };
    let asked = many(&|n| format!("user/Observation.rs?code=a{n}"));
    let allowed = many(&|n| format!("user/Observation.rs?code=a{n}&status=final"));
    let wider = Scopes::parse(&format!("{asked} user/Patient.r")).unwrap();
    let both = wider.narrowed_to(&allowed);
    assert_eq!(both.clinical().len(), 16);
    assert_eq!(Scopes::parse(&both.to_string()).unwrap(), both);
}

#[test]
fn logs_show_that_there_is_a_constraint_and_no_more() {
    let scopes = Scopes::parse("openid user/Observation.rs?subject=Patient/canary").unwrap();
    assert_eq!(format!("{scopes:?}"), r#"["openid", user/Observation.rs?‹phi›]"#);
}
