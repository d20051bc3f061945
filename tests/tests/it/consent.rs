//! What a patient denies by a Consent has no effect on what others find, acts at once, and its reader is told.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use it::{Answer, Client, Database, Fixture, Signer};
use serde_json::{Value, json};

use crate::alike::{
    LAB, SEEN, Side, UNSEEN, found_in, itself, observation, put, reads_alike, same, sides,
};
use crate::scope_conditions_versions::walked;

/// A user of this role, who reaches every patient by relationship or without.
fn user(role: &str, person: &str, orgs: &[&str]) -> Value {
    json!({ "scope": "user/*.cruds", "fhirUser": person, "roles": [role], "orgs": orgs })
}

/// The resource with a label that no role needs to be cleared for.
fn labelled(text: &str) -> Result<String> {
    let mut value: Value = serde_json::from_str(text)?;
    value["meta"] = json!({ "security": [{ "system": "urn:labels", "code": "HTEST" }] });
    if value["resourceType"] == "List" {
        value["subject"] = json!({ "reference": "Patient/p" });
    }
    Ok(value.to_string())
}

/// A patient's active Consent that is but this.
fn consent(patient: &str, provision: &str) -> String {
    format!(
        r#"{{"resourceType":"Consent","id":"c-{patient}","status":"active",
            "scope":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}}]}},
            "category":[{{"coding":[{{"code":"59284-0"}}]}}],"patient":{{"reference":"Patient/{patient}"}},
            "policyRule":{{"coding":[{{"code":"hipaa-auth"}}]}},"provision":{provision}}}"#
    )
}

const SECRET: &str = r#"{"type":"deny","securityLabel":[{"code":"HTEST"}]}"#;

#[tokio::test]
async fn what_is_denied_has_no_effect_on_what_is_read() -> Result<()> {
    let scope =
        "user/Patient.cruds user/Observation.cruds user/Encounter.rs user/List.rs user/Task.cruds";
    let claims = json!({ "scope": scope, "fhirUser": "Practitioner/d", "roles": ["clinician"] });
    let unseen = UNSEEN.iter().map(|text| labelled(text)).collect::<Result<Vec<_>>>()?;
    let sides = sides(&claims, &unseen).await?;
    for side in &sides {
        for patient in ["p", "q"] {
            put(&side.server.client, &consent(patient, SECRET)).await?;
        }
    }
    reads_alike(&sides).await?;
    for (method, path, status) in [
        ("GET", "/Observation/x1/_history/1", 404),
        ("GET", "/Observation/x1/_history", 404),
        ("GET", "/Observation/o1", 200),
        ("DELETE", "/Task/none", 204),
    ] {
        assert_eq!(same(&sides, method, path, "").await?.status, status, "{method} {path}");
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        { "request": { "method": "GET", "url": "Observation?code=canary" } },
        { "request": { "method": "GET", "url": "Observation/o1" } },
        { "request": { "method": "POST", "url": "Task", "ifNoneExist": "identifier=urn:i|canary" },
          "resource": { "resourceType": "Task", "status": "draft", "intent": "order" } },
    ] });
    same(&sides, "POST", "/", &bundle.to_string()).await?;
    Ok(())
}

/// The resources of one patient: themselves, a laboratory result, a vital sign with a label, a condition.
async fn patient(client: &Client, id: &str) -> Result<()> {
    let of = |text: String| text.replace("Patient/p", &format!("Patient/{id}"));
    let lab = observation(&format!("l-{id}"), LAB);
    let vital = r#""category":[{"coding":[{"code":"vital"}]}]"#;
    let condition = format!(
        r#"{{"resourceType":"Condition","id":"d-{id}","subject":{{"reference":"Patient/p"}}}}"#
    );
    for text in [
        format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#),
        of(lab),
        labelled(&of(observation(&format!("s-{id}"), vital)))?,
        of(condition),
    ] {
        put(client, &text).await?;
    }
    Ok(())
}

/// Which of them a caller sees, by the first letters: `P`atient, `l`ab, `s`ecret, `d`isease.
async fn seen(client: &Client, id: &str) -> Result<String> {
    let mut letters = String::new();
    for (letter, kind, name) in [
        ('P', "Patient", id.to_owned()),
        ('l', "Observation", format!("l-{id}")),
        ('s', "Observation", format!("s-{id}")),
        ('d', "Condition", format!("d-{id}")),
    ] {
        let read = client.get(&format!("/{kind}/{name}")).await?;
        let found = found_in(&client.get(&format!("/{kind}?_id={name}")).await?);
        let included = match kind {
            "Patient" => found,
            _ => {
                let path = format!("/Patient/{id}/{kind}?_id={name}");
                found_in(&client.get(&path).await?)
            }
        };
        match (read.status, found, included) {
            (200, 1, 1) => letters.push(letter),
            (403, 0, 0) => assert_eq!(read.text_at("issue.0.code"), "suppressed", "{}", read.text),
            other => panic!("{kind}/{name}: {other:?} {}", read.text),
        }
    }
    Ok(letters)
}

#[tokio::test]
async fn a_consent_denies_what_it_says_to_whom_it_says() -> Result<()> {
    let side = Side::holding(&SEEN[..1], "system/*.rs").await?;
    let actor = |who: &str| {
        format!(
            r#""actor":[{{"role":{{"coding":[{{"code":"PRCP"}}]}},"reference":{{"reference":"{who}"}}}}]"#
        )
    };
    let (doctor, employer) = (actor("Practitioner/d"), actor("Organization/o"));
    let doctor_of = user("clinician", "Practitioner/d", &["o"]);
    let callers = [
        doctor_of.clone(),
        user("clinician", "Practitioner/e", &[]),
        user("billing", "Practitioner/f", &[]),
        json!({ "scope": "user/*.rs", "fhirUser": "Practitioner/d", "roles": ["clinician"], "pou": "HMARKT" }),
        itself("system/*.rs"),
        itself("system/*.cruds"),
    ];
    // Who sees what: d of o, e, billing, d for marketing, a client for itself, the operator's own.
    let all = ["Plsd", "Plsd", "Plsd", "Plsd", "Plsd", "Plsd"];
    let rules: [(String, [&str; 6]); 20] = [
        (r#"{"type":"permit"}"#.into(), all),
        (r#"{"type":"deny"}"#.into(), ["", "", "", "", "", "Plsd"]),
        (r#"{"type":"deny","class":[{"code":"Observation"}]}"#.into(), ["Pd", "Pd", "Pd", "Pd", "Pd", "Plsd"]),
        (r#"{"type":"deny","code":[{"coding":[{"code":"lab"}]}]}"#.into(), ["Psd", "Psd", "Psd", "Psd", "Psd", "Plsd"]),
        (SECRET.into(), ["Pld", "Pld", "Pld", "Pld", "Pld", "Plsd"]),
        (format!(r#"{{"type":"deny",{doctor}}}"#), ["", "Plsd", "Plsd", "", "Plsd", "Plsd"]),
        (format!(r#"{{"type":"deny",{employer}}}"#), ["", "Plsd", "Plsd", "Plsd", "Plsd", "Plsd"]),
        (r#"{"type":"deny","purpose":[{"code":"HMARKT"}]}"#.into(), ["Plsd", "Plsd", "Plsd", "", "", "Plsd"]),
        (r#"{"type":"deny","purpose":[{"code":"HPAYMT"}]}"#.into(), ["Plsd", "Plsd", "", "Plsd", "", "Plsd"]),
        (r#"{"type":"deny","period":{"start":"2001","end":"2002"}}"#.into(), all),
        (r#"{"type":"deny","period":{"start":"2901","end":"2902"}}"#.into(), all),
        (r#"{"type":"deny","period":{"start":"2001","end":"2902"}}"#.into(), ["", "", "", "", "", "Plsd"]),
        (r#"{"type":"deny","action":[{"coding":[{"code":"correct"}]}]}"#.into(), all),
        (r#"{"type":"deny","action":[{"coding":[{"code":"access"}]}]}"#.into(), ["", "", "", "", "", "Plsd"]),
        (format!(r#"{{"type":"deny","provision":[{{"type":"permit",{doctor}}}]}}"#), ["Plsd", "", "", "Plsd", "", "Plsd"]),
        (r#"{"type":"deny","provision":[{"type":"permit","purpose":[{"code":"TREAT"}]}]}"#.into(), ["Plsd", "Plsd", "", "", "", "Plsd"]),
        (r#"{"type":"deny","provision":[{"type":"permit","class":[{"code":"Patient"}]}]}"#.into(), ["P", "P", "P", "P", "P", "Plsd"]),
        (format!(r#"{{"type":"permit",{doctor},"provision":[{{"type":"deny","securityLabel":[{{"code":"HTEST"}}]}}]}}"#), ["Pld", "Plsd", "Plsd", "Pld", "Plsd", "Plsd"]),
        (format!(r#"{{"type":"deny",{doctor},"class":[{{"code":"Observation"}}],"provision":[{{"type":"permit","code":[{{"coding":[{{"code":"lab"}}]}}]}}]}}"#), ["Pld", "Plsd", "Plsd", "Pld", "Plsd", "Plsd"]),
        (r#"{"type":"deny","class":[{"code":"Observation"}],"period":{"end":"2902"},"code":[{"coding":[{"code":"vital"}]}]}"#.into(), ["Pld", "Pld", "Pld", "Pld", "Pld", "Plsd"]),
    ];
    let clients = callers.iter().map(|it| side.bearing(it)).collect::<Result<Vec<_>>>()?;
    for (n, (rule, expected)) in rules.iter().enumerate() {
        let id = format!("r{n}");
        patient(&side.server.client, &id).await?;
        put(&side.server.client, &consent(&id, rule)).await?;
        let mut found = Vec::new();
        for (client, claims) in clients.iter().zip(&callers) {
            found.push(if claims["roles"][0] == "billing" {
                // What billing has no right to, whatever a Consent says, is not asked for.
                billed(client, &id).await?
            } else {
                seen(client, &id).await?
            });
        }
        let expected: Vec<String> = expected
            .iter()
            .zip(&callers)
            .map(|(letters, claims)| match claims["roles"][0] == "billing" {
                true => letters.replace(['l', 's'], ""),
                false => (*letters).to_owned(),
            })
            .collect();
        assert_eq!(found, expected, "{rule}");
        let own = json!({ "scope": "patient/*.rs", "fhirUser": format!("Patient/{id}"), "patient": id, "roles": ["patient"] });
        assert_eq!(seen(&side.bearing(&own)?, &id).await?, "Plsd", "{rule}");
    }
    // Denied by any Consent is denied; one that is not in force denies nothing.
    let doctor = side.bearing(&doctor_of)?;
    patient(&side.server.client, "twice").await?;
    put(&side.server.client, &consent("twice", r#"{"type":"deny"}"#).replace("active", "inactive"))
        .await?;
    assert_eq!(seen(&doctor, "twice").await?, "Plsd");
    put(&side.server.client, &consent("twice", r#"{"type":"permit"}"#)).await?;
    let second = consent("twice", SECRET).replace("c-twice", "second");
    put(&side.server.client, &second).await?;
    assert_eq!(seen(&doctor, "twice").await?, "Pld");
    ensure!(side.server.client.send("DELETE", "/Consent/second", "").await?.status == 204);
    assert_eq!(seen(&doctor, "twice").await?, "Plsd");
    Ok(())
}

/// A user is the practitioner, the roles of it, and those whom they work for, by whichever of them they sign in.
#[tokio::test]
async fn a_user_is_known_by_each_of_their_names() -> Result<()> {
    let side = Side::holding(&SEEN[..2], "system/*.rs").await?;
    let whole = &side.server.client;
    let role = r#"{"resourceType":"PractitionerRole","id":"r","active":true,
        "practitioner":{"reference":"Practitioner/d"},"organization":{"reference":"Organization/o"}}"#;
    put(whole, role).await?;
    let by_role = side.bearing(&user("clinician", "PractitionerRole/r", &[]))?;
    let by_name = side.bearing(&user("clinician", "Practitioner/d", &[]))?;
    let other = side.bearing(&user("clinician", "Practitioner/e", &[]))?;
    for who in ["Practitioner/d", "PractitionerRole/r", "Organization/o"] {
        let actor = format!(
            r#"{{"type":"deny","actor":[{{"role":{{"coding":[{{"code":"IRCP"}}]}},"reference":{{"reference":"{who}"}}}}]}}"#
        );
        put(whole, &consent("p", &actor)).await?;
        let status =
            async |client: &Client| -> Result<u16> { Ok(client.get("/Patient/p").await?.status) };
        let all = [status(&by_role).await?, status(&by_name).await?, status(&other).await?];
        assert_eq!(all, [403, 403, 200], "{who}");
    }
    Ok(())
}

/// As [`seen`], of what billing reads at all.
async fn billed(client: &Client, id: &str) -> Result<String> {
    let mut letters = String::new();
    for (letter, path) in [('P', format!("/Patient/{id}")), ('d', format!("/Condition/d-{id}"))] {
        if client.get(&path).await?.status == 200 {
            letters.push(letter);
        }
    }
    Ok(letters)
}

#[tokio::test]
async fn the_rule_is_named_in_the_record_and_its_class_to_the_reader() -> Result<()> {
    let side = Side::of(&SEEN, &user("clinician", "Practitioner/d", &[])).await?;
    let claims = json!({ "scope": "patient/*.rs", "patient": "q", "fhirUser": "Practitioner/d", "roles": ["clinician"] });
    let launched = side.bearing(&claims)?;
    let said = async |client: &Client, path: &str| -> Result<bool> {
        Ok(client.get(path).await?.text.contains("what patients deny by their Consents"))
    };
    ensure!(!said(&side.limited, "/Observation").await?, "nobody denies anything yet");
    put(&side.server.client, &consent("p", r#"{"type":"deny"}"#)).await?;
    let mut database = side.server.database.connect().await?;
    let mut rules = async || -> Result<Option<String>> {
        let text = "select rules from audit order by audit_id desc limit 1";
        Ok(sqlx::query_scalar(text).fetch_one(&mut database).await?)
    };
    let refused = side.limited.get("/Observation/o1").await?;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(refused.text_at("issue.0.diagnostics"), "The patient denies this by a Consent.");
    assert_eq!(rules().await?.as_deref(), Some("consent:Consent/c-p"));
    assert_eq!(side.limited.get("/Observation/o2").await?.status, 200);
    assert_eq!(rules().await?, None);
    // By the rules in force, not by what there is.
    for path in ["/Observation", "/Observation?code=none", "/Patient?_id=q"] {
        ensure!(said(&side.limited, path).await?, "{path}");
        ensure!(rules().await?.is_some_and(|rules| rules.ends_with(" consent")), "{path}");
    }
    // Who would not reach it without the Consent is told nothing of it.
    assert_eq!(launched.get("/Observation/o1").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_that_its_writer_is_denied_and_nobody_lifts_what_binds_them()
-> Result<()> {
    let side = Side::of(&SEEN, &user("clinician", "Practitioner/d", &[])).await?;
    let (clinician, whole) = (&side.limited, &side.server.client);
    put(whole, &consent("p", r#"{"type":"deny","class":[{"code":"Observation"}]}"#)).await?;
    let new = observation("", LAB);
    let of_q = |text: &str| text.replace("Patient/p", "Patient/q");
    let lifted = consent("p", r#"{"type":"permit"}"#);
    let entry = json!({ "request": { "method": "POST", "url": "Observation" }, "resource": serde_json::from_str::<Value>(&new)? });
    let bundle = |kind: &str, more: Value| {
        json!({ "resourceType": "Bundle", "type": kind, "entry": [entry, more] }).to_string()
    };
    let none = json!({ "request": { "method": "DELETE", "url": "Task/none" } });
    let other = json!({ "request": { "method": "POST", "url": "Observation" }, "resource": serde_json::from_str::<Value>(&of_q(&new))? });
    let patch = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    for (method, path, body, status) in [
        ("POST", "/Observation", new.as_str(), 403),
        ("POST", "/Observation", &of_q(&new), 201),
        ("PUT", "/Observation/o1", &observation("o1", LAB), 403),
        ("PUT", "/Observation/o2", &observation("o2", LAB), 403),
        ("PUT", "/Observation/o1", &of_q(&observation("o1", LAB)), 403),
        ("PATCH", "/Observation/o1", patch, 404),
        ("DELETE", "/Observation/o1", "", 204),
        ("POST", "/", &bundle("transaction", none.clone()), 403),
        ("POST", "/", &bundle("transaction", other.clone()), 403),
        ("PUT", "/Consent/c-p", &lifted, 403),
        ("DELETE", "/Consent/c-p", "", 204),
        ("POST", "/Consent", &lifted.replace(r#""id":"c-p","#, ""), 201),
        ("GET", "/Consent/c-p", "", 200),
        ("GET", "/Observation/o1", "", 403),
    ] {
        let media_type =
            if method == "PATCH" { "application/json-patch+json" } else { "application/fhir+json" };
        let request = clinician.request(method, path).header("content-type", media_type);
        let answer = Answer::of(request.body(body.to_owned())).await?;
        assert_eq!(answer.status, status, "{method} {path} {}", answer.text);
    }
    assert_eq!(whole.get("/Observation/o1").await?.version(), 1);
    let own = json!({ "scope": "patient/*.cruds", "fhirUser": "Patient/p", "patient": "p", "roles": ["patient"] });
    let own = side.bearing(&own)?;
    let answer = own.send("PUT", "/Consent/c-p", &lifted).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(clinician.get("/Observation/o1").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_is_not_understood_is_refused() -> Result<()> {
    let server = Fixture::start().await?;
    for (provision, element) in [
        (r#"{"type":"deny","dataPeriod":{"start":"2020"}}"#, "Consent.provision.dataPeriod"),
        (r#"{"type":"deny","class":[{"code":"CDA"}]}"#, "Consent.provision.class"),
        (
            r#"{"type":"permit","provision":[{"type":"deny","provision":[{"type":"permit"}]}]}"#,
            "Consent.provision.provision.provision",
        ),
    ] {
        let text = consent("p", provision);
        let answer = server.client.send("PUT", "/Consent/c-p", &text).await?;
        assert_eq!(answer.status, 422, "{provision}: {}", answer.text);
        assert_eq!(answer.text_at("issue.0.expression.0"), element, "{}", answer.text);
        // Where it is not in force nobody relies on it.
        for stored in [
            text.replace("\"active\"", "\"proposed\""),
            text.replace("patient-privacy", "research"),
        ] {
            let answer = server.client.send("PUT", "/Consent/c-p", &stored).await?;
            ensure!(answer.status < 300, "{}", answer.text);
        }
    }
    Ok(())
}

/// A label is a version's: what was denied stays denied, what was not is read, until what is current is denied too.
#[tokio::test]
async fn of_superseded_versions_each_is_denied_by_itself() -> Result<()> {
    let side = Side::of(&SEEN, &user("clinician", "Practitioner/d", &[])).await?;
    let plain = observation("m", LAB);
    for (n, secret) in [true, false, true, false].into_iter().enumerate() {
        let text = plain.replace("\"new\"", &format!("\"{n}\""));
        put(&side.server.client, &if secret { labelled(&text)? } else { text }).await?;
    }
    put(&side.server.client, &consent("p", SECRET)).await?;
    let clinician = &side.limited;
    assert_eq!(walked(clinician, "/Observation/m/_history").await?, ["m/4", "m/2"]);
    assert_eq!(
        walked(clinician, "/Observation/_history?_count=1").await?,
        ["m/4", "m/2", "o2/1", "o1/1"]
    );
    let versions = async |expected: [u16; 4]| -> Result<()> {
        for (version, status) in (1..).zip(expected) {
            let answer = clinician.get(&format!("/Observation/m/_history/{version}")).await?;
            assert_eq!(answer.status, status, "{version}");
        }
        Ok(())
    };
    versions([404, 200, 404, 200]).await?;
    put(&side.server.client, &labelled(&plain)?).await?;
    versions([404; 4]).await?;
    assert_eq!(walked(clinician, "/Observation/_history").await?, ["o2/1", "o1/1"]);
    assert_eq!(clinician.get("/Observation/m/_history").await?.status, 404);
    Ok(())
}

/// A server of this database, or of a new one.
async fn node(signer: &Signer, of: Option<&Fixture>, worker: bool) -> Result<Fixture> {
    let file = signer.file.clone();
    let (database, origin) = match of {
        Some(of) => (Database { url: of.database.url.clone() }, Some(of.origin()?.to_owned())),
        None => (Database::create().await?, None),
    };
    Fixture::on(database, |settings| {
        settings.auth.signing_key = Some(file);
        settings.policy.treatment = access::Treatment::Open;
        settings.roles.worker = worker;
        settings.base_url = origin.or_else(|| settings.base_url.clone());
    })
    .await
}

/// A Consent acts on every server within five seconds, the first of all too, and ends as fast.
#[tokio::test]
async fn it_acts_on_every_server_at_once() -> Result<()> {
    let signer = Signer::create()?;
    let here = node(&signer, None, true).await?;
    let there = node(&signer, Some(&here), true).await?;
    for text in SEEN {
        put(&here.client, text).await?;
    }
    let claims = user("clinician", "Practitioner/d", &[]);
    let one = here.client.bearing(signer.token(here.origin()?, &claims)?);
    let mut other = one.clone();
    other.base = format!("http://{}/fhir", there.address()?);
    for client in [&one, &other] {
        ensure!(client.get("/Observation/o1").await?.status == 200);
    }
    for (text, status) in [
        (consent("p", r#"{"type":"deny"}"#), 403),
        (consent("p", r#"{"type":"permit"}"#), 200),
        (consent("p", SECRET), 200),
        (consent("p", r#"{"type":"deny"}"#), 403),
    ] {
        put(&here.client, &text).await?;
        assert_eq!(one.get("/Observation/o1").await?.status, status, "{text}");
        let begun = Instant::now();
        while other.get("/Observation/o1").await?.status != status {
            ensure!(begun.elapsed() < Duration::from_secs(5), "{text}");
        }
    }
    Ok(())
}

/// Those of a release that read none are read in with the index; until then nobody is let through whom they may bind.
#[tokio::test]
async fn those_of_before_are_read_in() -> Result<()> {
    let signer = Signer::create()?;
    let server = node(&signer, None, false).await?;
    for text in SEEN {
        put(&server.client, text).await?;
    }
    put(&server.client, &consent("p", r#"{"type":"deny"}"#)).await?;
    let mut database = server.database.connect().await?;
    for statement in [
        "delete from consent_rule",
        "update index_state set form = form - 1, reached = 0, last = 0",
    ] {
        sqlx::query(statement).execute(&mut database).await?;
    }
    let claims = user("clinician", "Practitioner/d", &[]);
    let clinician = server.client.bearing(signer.token(server.origin()?, &claims)?);
    let until = async |status: u16, most: u64| -> Result<()> {
        let begun = Instant::now();
        while clinician.get("/Observation/o1").await?.status != status {
            ensure!(begun.elapsed() < Duration::from_secs(most), "{status}");
        }
        Ok(())
    };
    until(503, 5).await?;
    assert_eq!(clinician.get("/Observation/o2").await?.status, 503);
    assert_eq!(server.client.get("/Observation/o1").await?.status, 200);
    let _worker = node(&signer, Some(&server), true).await?;
    until(403, 60).await?;
    assert_eq!(clinician.get("/Observation/o2").await?.status, 200);
    Ok(())
}
