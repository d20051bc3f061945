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
        ("system/Patient.read?a=1", query),
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
        ("system/*.s", "system/*.s?code=1 system/*.s", "system/*.s"),
        ("", "system/*.cruds", ""),
    ] {
        let narrowed = Scopes::parse(asked).unwrap().narrowed_to(&Scopes::parse(allowed).unwrap());
        assert_eq!(narrowed.to_string(), granted, "{asked} to {allowed}");
    }
}
