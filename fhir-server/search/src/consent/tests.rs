//! What Consents come to, the published examples among them.

use super::*;
use crate::keys::Hasher;
use canonical_model::{ResourceType, json};

const BASE: &str = "http://x.example/fhir";

fn catalogue() -> Catalogue {
    Catalogue::new(Hasher::new(&[8; 16]))
}

/// An active privacy Consent with this base rule and provision.
fn consent(policy: &str, provision: &str) -> Resource {
    let policy = match policy {
        "" => String::new(),
        code => format!(r#","policyRule":{{"coding":[{{"code":"{code}"}}]}}"#),
    };
    let provision = match provision {
        "" => String::new(),
        text => format!(r#","provision":{text}"#),
    };
    let text = format!(
        r#"{{"resourceType":"Consent","id":"c","status":"active","scope":{{"coding":[{{"code":"patient-privacy"}}]}},
            "patient":{{"reference":"Patient/p"}}{policy}{provision}}}"#
    );
    Resource::parse(text.as_bytes()).expect("a Consent")
}

/// Each rule in words: its effect, and what it speaks of.
fn told(catalogue: &Catalogue, resource: &Resource) -> String {
    let patients = [7];
    let rules = match consent_rules(catalogue, BASE, resource, &patients) {
        Err(error) => {
            let issue = error.issues.first().expect("an issue");
            return format!("refused at {}", issue.expression.as_deref().unwrap_or_default());
        }
        Ok(rules) => rules,
    };
    rules.iter().map(|rule| in_words(catalogue.hasher(), rule)).collect::<Vec<_>>().join("; ")
}

fn in_words(hasher: &Hasher, rule: &ConsentRule) -> String {
    assert_eq!(rule.patient, 7);
    let mut words = vec![
        match rule.effect {
            Effect::Deny => "deny",
            Effect::DenyWithin => "deny!",
            Effect::Permit => "permit",
        }
        .to_owned(),
    ];
    let kind = |number: &i16| ResourceType::from_number(*number).expect("a type").name();
    words.extend(rule.types.as_ref().map(|it| it.iter().map(kind).collect::<Vec<_>>().join("+")));
    let known = [("Practitioner", "d"), ("Organization", "o"), ("Practitioner", "e")];
    for (name, id) in known {
        let identity = hasher.identity(ResourceType::find(name).expect(name), id);
        words.extend(
            rule.actors.as_ref().filter(|it| it.contains(&identity)).map(|_| id.to_owned()),
        );
    }
    let observation = ResourceType::find("Observation").expect("a type");
    for (param, code) in [
        ("_security", "R"),
        ("_security", "V"),
        ("_security", "ETHUD"),
        ("code", "1-8"),
        ("category", "lab"),
    ] {
        let key = hasher.code(hasher.param(observation, param), code);
        words.extend(
            rule.keys.as_ref().filter(|it| it.contains(&key)).map(|_| format!("{param}={code}")),
        );
    }
    words.extend(rule.actions.map(|bits| format!("actions {bits}")));
    words.extend(rule.purposes.as_ref().map(|it| it.join("+")));
    words.extend(rule.since.map(|_| "since".to_owned()));
    words.extend(rule.until.map(|_| "until".to_owned()));
    words.join(" ")
}

fn actor(reference: &str, role: &str) -> String {
    format!(
        r#""actor":[{{"role":{{"coding":[{{"code":"{role}"}}]}},"reference":{{"reference":"{reference}"}}}}]"#
    )
}

#[test]
fn a_consent_is_read_as_what_it_denies() {
    let (doctor, other) = (actor("Practitioner/d", "PRCP"), actor("Practitioner/e", "IRCP"));
    let elsewhere = actor("http://other.example/Practitioner/d", "PRCP");
    let (keeper, author) = (actor("Organization/o", "CST"), actor("Practitioner/d", "AUT"));
    let here = actor(&format!("{BASE}/Practitioner/d"), "PRCP");
    let labs = r#""class":[{"code":"Observation"}]"#;
    let secret = r#""securityLabel":[{"code":"R"}]"#;
    let catalogue = catalogue();
    for (policy, provision, expected) in [
        ("", String::new(), ""),
        ("OPTIN", String::new(), ""),
        ("OPTOUT", String::new(), "deny"),
        ("OPTOUT", r#"{"period":{"start":"2020","end":"2030"}}"#.to_owned(), "deny since until"),
        ("OPTIN", r#"{"period":{"start":"2020","end":"2030"}}"#.to_owned(), ""),
        ("", r#"{"type":"deny"}"#.to_owned(), "deny"),
        ("", r#"{"type":"permit"}"#.to_owned(), ""),
        ("", format!("{{{doctor}}}"), "refused at Consent.provision.type"),
        ("", format!(r#"{{"type":"deny",{doctor}}}"#), "deny d"),
        ("", format!(r#"{{"type":"deny",{here}}}"#), "deny d"),
        ("", format!(r#"{{"type":"deny",{elsewhere}}}"#), "refused at Consent.provision.actor.reference"),
        ("", format!(r#"{{"type":"deny",{keeper}}}"#), "deny"),
        ("", format!(r#"{{"type":"deny",{author}}}"#), "refused at Consent.provision.actor.role"),
        ("", format!(r#"{{"type":"deny",{labs}}}"#), "deny Observation"),
        ("", r#"{"type":"deny","class":[{"code":"CDA"}]}"#.to_owned(), "refused at Consent.provision.class"),
        ("", format!(r#"{{"type":"deny",{secret}}}"#), "deny _security=R _security=V"),
        ("", r#"{"type":"deny","securityLabel":[{"code":"ETH"}]}"#.to_owned(), "deny _security=ETHUD"),
        ("", r#"{"type":"deny","code":[{"coding":[{"code":"1-8"}]}]}"#.to_owned(), "deny code=1-8"),
        ("", r#"{"type":"deny","code":[{"coding":[{"system":"urn:c","code":"lab"}]}]}"#.to_owned(), "deny category=lab"),
        ("", r#"{"type":"deny","code":[{"text":"lab"}]}"#.to_owned(), "refused at Consent.provision.code"),
        ("", r#"{"type":"deny","code":[{"coding":[{"code":"a"}]}],"securityLabel":[{"code":"R"}]}"#.to_owned(), "refused at Consent.provision.securityLabel"),
        ("", r#"{"type":"deny","action":[{"coding":[{"code":"access"}]},{"coding":[{"code":"correct"}]}]}"#.to_owned(), "deny actions 30"),
        ("", r#"{"type":"deny","action":[{"coding":[{"code":"burn"}]}]}"#.to_owned(), "refused at Consent.provision.action"),
        ("", r#"{"type":"deny","purpose":[{"code":"HMARKT"}]}"#.to_owned(), "deny HMARKT"),
        ("", r#"{"type":"deny","dataPeriod":{"start":"2020"}}"#.to_owned(), "refused at Consent.provision.dataPeriod"),
        ("", r#"{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Observation/1"}}]}"#.to_owned(), "refused at Consent.provision.data"),
        ("", r#"{"type":"deny","period":{"start":"2021","end":"2020"}}"#.to_owned(), "refused at Consent.provision.period"),
        // Exceptions.
        ("", format!(r#"{{"type":"deny","provision":[{{"type":"permit",{doctor}}}]}}"#), "deny; permit d"),
        ("", format!(r#"{{"type":"permit","provision":[{{"type":"deny",{doctor}}}]}}"#), "deny! d"),
        ("", format!(r#"{{"type":"permit",{other},"provision":[{{"type":"deny",{labs}}}]}}"#), "deny! Observation e"),
        ("", format!(r#"{{"type":"permit",{other},"provision":[{{"type":"deny",{doctor}}}]}}"#), ""),
        ("", format!(r#"{{"type":"deny",{labs},"provision":[{{"type":"deny",{doctor}}}]}}"#), "deny Observation"),
        ("", format!(r#"{{"type":"deny",{secret},"provision":[{{"type":"permit","code":[{{"coding":[{{"code":"1-8"}}]}}]}}]}}"#), "deny _security=R _security=V; permit code=1-8"),
        ("", format!(r#"{{"type":"deny","provision":[{{"type":"permit",{author}}}]}}"#), "deny"),
        ("", r#"{"type":"deny","provision":[{"type":"permit","provision":[{"type":"deny"}]}]}"#.to_owned(), "refused at Consent.provision.provision.provision"),
        // The base rule, an exception to it, and one to that.
        ("OPTIN", format!("{{{doctor}}}"), "deny d"),
        ("OPTIN", format!(r#"{{"type":"deny",{doctor},"provision":[{{"type":"permit",{labs}}}]}}"#), "deny d; permit Observation"),
        ("OPTOUT", format!(r#"{{"type":"permit",{doctor}}}"#), "deny; permit d"),
        ("OPTOUT", format!(r#"{{"type":"permit",{doctor},"provision":[{{"type":"deny",{secret}}}]}}"#), "deny; permit d; deny! d _security=R _security=V"),
        ("OPTOUT", format!(r#"{{"type":"deny",{labs},"provision":[{{"type":"permit",{doctor}}}]}}"#), "deny; permit Observation d"),
        (
            "OPTOUT",
            format!(r#"{{{doctor},{secret},"provision":[{{"securityLabel":[{{"code":"ETH"}}]}}]}}"#),
            "deny; permit d _security=R; deny! d _security=ETHUD",
        ),
        (
            "OPTOUT",
            format!(
                r#"{{"type":"deny",{secret},"provision":[{{"type":"permit","securityLabel":[{{"code":"ETH"}}]}}]}}"#
            ),
            "deny",
        ),
        ("OPTOUT", format!("{{{keeper}}}"), "deny"),
    ] {
        assert_eq!(told(&catalogue, &consent(policy, &provision)), expected, "{policy} {provision}");
    }
}

#[test]
fn only_active_consents_to_privacy_of_one_patient_count() {
    let catalogue = catalogue();
    let deny = consent("OPTOUT", "").to_text();
    for (from, to, expected) in [
        ("active", "active", "deny"),
        ("active", "inactive", ""),
        ("active", "proposed", ""),
        ("patient-privacy", "research", ""),
        (r#""resourceType":"Consent""#, r#""resourceType":"Contract""#, ""),
    ] {
        let resource = Resource::parse(deny.replace(from, to).as_bytes()).expect("a resource");
        assert_eq!(told(&catalogue, &resource), expected, "{to}");
    }
    let nobody = consent_rules(&catalogue, BASE, &consent("OPTOUT", ""), &[]);
    assert!(nobody.is_err(), "{nobody:?}");
}

/// Each code is looked for by every parameter that finds codes; so many that nobody can wait for them are refused.
#[test]
fn what_takes_too_long_to_look_for_is_refused() {
    let catalogue = catalogue();
    let one = |codes: usize, class: &str| {
        let codes: Vec<String> =
            (0..codes).map(|n| format!(r#"{{"coding":[{{"code":"c{n}"}}]}}"#)).collect();
        format!(r#"{{"type":"deny","code":[{}]{class}}}"#, codes.join(","))
    };
    let class = r#","class":[{"code":"Observation"},{"code":"Condition"}]"#;
    let nested = |one: String| format!(r#"{{"type":"permit","provision":[{one},{one},{one}]}}"#);
    for (provision, expected) in [
        (one(1, ""), ""),
        (one(50, ""), "Consent.provision.code"),
        (one(50, class), ""),
        (nested(one(2, "")), ""),
        (nested(one(9, "")), "Consent.provision"),
    ] {
        let told = told(&catalogue, &consent("", &provision));
        let refused = told.strip_prefix("refused at ").unwrap_or_default();
        assert_eq!(refused, expected, "{told}");
    }
}

/// What a write refuses may be stored already: then nobody sees anything, rather than what should not be seen.
#[test]
fn what_is_not_understood_denies_all() {
    let catalogue = catalogue();
    let resource = consent("", r#"{"type":"deny","dataPeriod":{"start":"2020"}}"#);
    let entries = crate::extract(&catalogue, BASE, &resource).expect("indexed");
    let patient = catalogue.hasher().identity(ResourceType::PATIENT, "p");
    let [rule] = entries.rules.as_slice() else { panic!("{:?}", entries.rules) };
    assert_eq!((rule.patient, rule.effect, rule.types.is_none()), (patient, Effect::Deny, true));
    let body = json::parse(br#"{"resourceType":"Basic","id":"b"}"#).expect("it is JSON");
    let other = Resource::from_value(body).expect("a resource");
    assert!(crate::extract(&catalogue, BASE, &other).expect("indexed").rules.is_empty());
}
