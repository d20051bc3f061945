//! Our own profiles: their examples meet them, and what they ask is asked.

use super::{Unknown, faults};
use crate::profile::{Profiles, own};

const PATIENT: &str = include_str!("../../../profiles/examples/patient.json");
const APPOINTMENT: &str = include_str!("../../../profiles/examples/appointment.json");
const ENCOUNTER: &str = include_str!("../../../profiles/examples/encounter.json");

#[test]
fn all_of_them_compile() {
    let profiles = Profiles::new();
    for text in own::DEFINITIONS {
        let definition = canonical_model::json::parse(text.as_bytes()).expect("JSON");
        let url = definition.get("url").and_then(canonical_model::Value::as_str).expect("a URL");
        let profile = profiles.find(url).unwrap_or_else(|| panic!("{url} does not compile"));
        let rules = profile.nodes.iter().flat_map(|node| &node.invariants);
        assert!(rules.into_iter().all(|rule| rule.rule.is_some()), "{url}");
        let told = profile.nodes.iter().filter_map(|node| node.slicing.as_ref());
        assert!(told.flat_map(|it| &it.slices).all(|slice| slice.tests.is_some()), "{url}");
        assert_eq!(crate::profile::tests::faults(&profiles, &Unknown, text), [""; 0], "{url}");
    }
}

#[test]
fn examples_meet_them_and_faults_do_not() {
    let profiles = Profiles::new();
    for (example, from, to, expected) in [
        (PATIENT, "", "", &[][..]),
        (PATIENT, "sid/mrn", "sid/other", &["error Patient.identifier required"]),
        (PATIENT, r#""birthDate": "1974-12-25","#, "", &["error Patient.birthDate required"]),
        (PATIENT, "1974-12-25", "2025-01-01", &["error Patient invariant"]),
        (
            PATIENT,
            r#""family": "Example", "given": ["Ada"]"#,
            r#""prefix": ["Dr"]"#,
            &["error Patient.name[0] invariant"],
        ),
        (APPOINTMENT, "", "", &[]),
        (APPOINTMENT, "T09:20", "T08:20", &["error Appointment invariant"]),
        (
            APPOINTMENT,
            "PractitionerRole/",
            "Location/",
            &["error Appointment.participant required"],
        ),
        (
            APPOINTMENT,
            "PractitionerRole/",
            "Patient/",
            &["error Appointment.participant structure", "error Appointment.participant required"],
        ),
        (ENCOUNTER, "", "", &[]),
        (ENCOUNTER, r#", "end": "2026-12-01T09:20:00Z""#, "", &["error Encounter invariant"]),
        (ENCOUNTER, "Patient/example", "Group/example", &["error Encounter.subject structure"]),
    ] {
        let text = example.replacen(from, to, 1);
        assert!(from.is_empty() || text != example, "{from} is there");
        assert_eq!(faults(&profiles, &Unknown, &text), expected, "{from} to {to}");
    }
}
