//! Rows of every kind as events.

use chrono::{DateTime, Utc};
use store::AuditAction;
use store::record::{JournalKey, JournalRow};

use super::view::{Seen, event_id, parse_event_id};

fn row(action: AuditAction, interaction: i16, status: i16) -> JournalRow {
    JournalRow {
        key: JournalKey { era: 0, tx: 5, audit_id: 42 },
        at: "2026-03-05T12:00:00.123456Z".parse::<DateTime<Utc>>().expect("a time"),
        request_id: "r".to_owned(),
        action: action as i16,
        status,
        kind: Some(canonical_model::ResourceType::PATIENT.number()),
        version: Some(3),
        id: Some("a".to_owned()),
        client: "app".to_owned(),
        subject: Some("ada".to_owned()),
        token_id: "t".to_owned(),
        detail: None,
        interaction: Some(interaction),
        patients: vec![7],
        person: None,
        address: Some("10.0.0.7".to_owned()),
        purpose: Some("TREAT".to_owned()),
        rules: None,
        recipient: None,
    }
}

/// `profile|type|subtypes|action|client server user`.
fn told(row: &JournalRow) -> String {
    let seen = Seen { row, n: 0, patient: Some("a"), base: "https://x.example/fhir", query: true };
    let event: serde_json::Value = serde_json::from_str(&seen.event().to_text()).expect("an event");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let profile = text(&event["meta"]["profile"][0]);
    let profile = profile.rsplit('.').next().unwrap_or_default().to_owned();
    let all = |list: &serde_json::Value, of: fn(&serde_json::Value) -> &serde_json::Value| {
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter().map(|one| text(of(one))).collect::<Vec<_>>().join(" ")
    };
    format!(
        "{profile}|{}|{}|{}|{}",
        text(&event["type"]["code"]),
        all(&event["subtype"], |one| &one["code"]),
        text(&event["action"]),
        all(&event["agent"], |one| &one["type"]["coding"][0]["code"]),
    )
}

#[test]
fn each_kind_of_row_is_its_kind_of_event() {
    use AuditAction as Did;
    for (action, interaction, status, expected) in [
        (Did::Create, 8, 201, "PatientCreate|rest|create|C|110153 110152 AUT"),
        (Did::Create, 12, 201, "PatientCreate|rest|create transaction|C|110153 110152 AUT"),
        (Did::Read, 0, 200, "PatientRead|rest|read|R|110152 110153 IRCP"),
        (Did::Read, 1, 200, "PatientRead|rest|vread|R|110152 110153 IRCP"),
        (Did::Read, 5, 200, "|rest|history-instance|R|110152 110153 IRCP"),
        (Did::Read, 0, 404, "|rest|read|R|110152 110153 IRCP"),
        (Did::Update, 2, 200, "PatientUpdate|rest|update|U|110153 110152 AUT"),
        (Did::Update, 3, 200, "PatientUpdate|rest|patch|U|110153 110152 AUT"),
        (Did::Delete, 4, 204, "PatientDelete|rest|delete|D|110150 custodian CST"),
        (Did::Search, 9, 200, "PatientQuery|rest|search-type|E|110153 110152 IRCP"),
        (Did::Search, 10, 200, "PatientQuery|rest|search-system|E|110153 110152 IRCP"),
        (Did::Search, 7, 200, "|rest|history-system|E|110153 110152 IRCP"),
        (Did::Operation, 13, 200, "|rest|operation|E|110153 110152 IRCP"),
        (Did::Operation, 11, 200, "|rest|batch|E|110153 110152 IRCP"),
        (Did::LogIn, 13, 200, "|110114|110122|E|110150 custodian IRCP"),
        (Did::Token, 13, 200, "|110114|110122|E|110150 custodian IRCP"),
        (Did::Revocation, 13, 200, "|110114|110123|E|110150 custodian IRCP"),
        (Did::Export, 13, 200, "|110106||R|110150 custodian IRCP"),
        (Did::Disclosure, 13, 200, "|110106|disclose|R|110150 custodian IRCP"),
        (Did::BreakGlass, 13, 200, "|110113|110127|E|110150 custodian IRCP"),
        (Did::Review, 13, 200, "|110101||E|110150 custodian IRCP"),
        (Did::Accounts, 13, 200, "|110113|110137|E|110150 custodian IRCP"),
        (Did::LogOut, 13, 200, "|110114|110123|E|110150 custodian IRCP"),
        (Did::Consent, 13, 403, "|110113|AuthZ-Consent|E|110150 custodian IRCP"),
        (Did::Introspection, 13, 200, "|110114|ITI-102|E|110150 custodian IRCP"),
    ] {
        assert_eq!(told(&row(action, interaction, status)), expected, "{action:?} {interaction}");
    }
}

#[test]
fn no_profile_is_claimed_that_is_not_met() {
    let read = || row(AuditAction::Read, 0, 200);
    for (row, profile) in [
        (read(), "PatientRead"),
        (JournalRow { patients: Vec::new(), ..read() }, "Read"),
        (JournalRow { address: None, ..read() }, ""),
        (JournalRow { id: None, ..read() }, ""),
        (JournalRow { interaction: None, ..read() }, "PatientRead"),
    ] {
        let told = told(&row);
        assert_eq!(told.split('|').next(), Some(profile), "{told}");
    }
}

#[test]
fn what_was_withheld_and_to_whom_it_went_is_said() {
    let given = JournalRow {
        rules: Some("consent:Consent/7".to_owned()),
        recipient: Some("Dr. No".to_owned()),
        ..row(AuditAction::Disclosure, 13, 503)
    };
    let seen = Seen { row: &given, n: 1, patient: None, base: "b", query: false };
    let text = seen.event().to_text();
    for part in [
        r#""id":"j-1772712000123456-42-1""#,
        r#""outcome":"8","outcomeDesc":"HTTP 503; withheld by consent:Consent/7""#,
        r#""who":{"display":"Dr. No"}"#,
        r#""what":{"display":"unknown"}"#,
        r#""policy":["urn:ietf:params:oauth:jti:t"]"#,
        r#""recorded":"2026-03-05T12:00:00.123Z""#,
        r#""code":"TREAT""#,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// What was said may name others: auditors see it, patients do not.
#[test]
fn what_was_decided_is_said_to_auditors() {
    let decided = JournalRow {
        detail: Some("authorization 7 given: patient/*.rs".to_owned()),
        ..row(AuditAction::Consent, 13, 200)
    };
    for query in [true, false] {
        let seen = Seen { row: &decided, n: 0, patient: Some("a"), base: "b", query };
        let text = seen.event().to_text();
        let said = r#""description":"authorization 7 given: patient/*.rs""#;
        assert_eq!(text.contains(said), query, "{text}");
    }
}

#[test]
fn ids_of_events_are_told_from_others() {
    let one = row(AuditAction::Read, 0, 200);
    assert_eq!(parse_event_id(&event_id(&one, 2)), Some((1_772_712_000_123_456, 42, 2)));
    for other in ["j", "j-1-2", "j-1-2-3-4", "j-1-x-3", "j-1--3", "J-1-2-3", "j--1-2-3", "x-1-2-3"]
    {
        assert_eq!(parse_event_id(other), None, "{other}");
    }
}
