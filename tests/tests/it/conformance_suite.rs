//! The conformance suite against this server, as anybody runs it: none fails, and what it skips is known.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use auth::ClientConfig;
use it::Signed;
use serde_json::json;
use suite::{Options, Variables, Verdict, client_keys};

/// What is skipped here, and why: `tls` tries the two.
const SKIPPED: [(&str, &str); 2] =
    [("G06", "the base URL is http"), ("G09", "the base URL is http")];

/// Where the app is opened that is started from here.
const LAUNCH_URL: &str = "https://app.example.org/launch";

/// An Observation of the patient that the suite signs in with, of each of two categories.
const OBSERVATIONS: [(&str, &str); 2] = [("vital", "vital-signs"), ("lab", "laboratory")];

#[tokio::test]
async fn none_fails() -> Result<()> {
    let mut variables = Variables::default();
    let jwks = client_keys(&mut variables)?.to_string();
    let signed = Signed::start_with(|settings| {
        for client in settings.clients.iter_mut().filter(|client| client.id == "spa") {
            client.launch_url = Some(LAUNCH_URL.to_owned());
            client.scope = format!("launch {}", it::APP_SCOPE);
        }
        let scope = "system/Patient.rs".to_owned();
        settings.clients.push(ClientConfig {
            id: "keyed".into(),
            scope,
            jwks: Some(jwks),
            ..ClientConfig::default()
        });
    })
    .await?;
    let patient = json!({
        "resourceType": "Patient", "id": "cora", "name": [{ "family": "Gamma" }],
        "identifier": [{ "system": "urn:mrn", "value": "C-1" }], "gender": "female", "birthDate": "1980-02-01",
    });
    let made = signed.server.client.send("PUT", "/Patient/cora", &patient.to_string()).await?;
    ensure!(made.status == 201, "{}", made.text);
    let visit = json!({
        "resourceType": "Encounter", "id": "visit", "status": "finished", "class": { "code": "AMB" },
        "subject": { "reference": "Patient/cora" },
    });
    let made = signed.server.client.send("PUT", "/Encounter/visit", &visit.to_string()).await?;
    ensure!(made.status == 201, "{}", made.text);
    let origin = json!({
        "resourceType": "Provenance", "id": "origin", "recorded": "2024-01-01T00:00:00Z",
        "target": [{ "reference": "Patient/cora" }], "agent": [{ "who": { "display": "Somebody" } }],
    });
    let made = signed.server.client.send("PUT", "/Provenance/origin", &origin.to_string()).await?;
    ensure!(made.status == 201, "{}", made.text);
    for (id, category) in OBSERVATIONS {
        let body = json!({
            "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
            "subject": { "reference": "Patient/cora" },
            "category": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category,
            }] }],
        });
        let path = format!("/Observation/{id}");
        let answer = signed.server.client.send("PUT", &path, &body.to_string()).await?;
        ensure!(answer.status == 201, "{}", answer.text);
    }
    variables.set("launch_page", format!("{}/auth/launch", signed.origin));
    for (name, value) in [
        ("app_launch", LAUNCH_URL),
        ("visit", "visit"),
        ("client_id", "dev-backend"),
        ("client_secret", "dev-secret"),
        ("key_client", "keyed"),
        ("app_client", "spa"),
        ("app_redirect", it::REDIRECT),
        ("login", "clara"),
        ("password", it::PASSWORD),
        ("patient_identifier", "C-1"),
        ("other_patient", "bert"),
        ("vital_sign", "vital"),
        ("laboratory", "lab"),
        ("provenance", "origin"),
    ] {
        variables.set(name, value);
    }
    let base = format!("{}/fhir", signed.origin);
    let options = Options { base, variables, ..Options::default() };
    let report = suite::run(options, |_| ()).await?;
    let skipped = report.cases.iter().filter_map(|case| match &case.verdict {
        // What the server does not say that it does is not tried.
        Verdict::Skipped(why) if !why.starts_with("it declares no") => {
            Some((case.id, why.as_str()))
        }
        _ => None,
    });
    let skipped: BTreeMap<_, _> = skipped.collect();
    assert_eq!(BTreeMap::from(SKIPPED), skipped);
    ensure!(report.ok() && report.gaps == 0 && report.passed > 150, "{report}");
    // What the clinician gave to the app meanwhile is over.
    let clinician = signed.store.account_of("clara").await?.account;
    let left = signed.store.given(clinician, None).await?;
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}
