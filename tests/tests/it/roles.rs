//! What each role may ask by each route: the routes of the router itself, so that one that comes must be written here,
//! and what a server does.

use access::{Role, Treatment};
use anyhow::{Context, Result};
use it::{Client, Fixture, Signer};
use serde_json::{Value, json};

use crate::alike::found_in;
use crate::routes::{DEFINITIONS, PATIENT, ask};

/// For each route below `/fhir` that asks for rights who has them, of Patient and its compartment, where relationships
/// are not asked for. c clinician, o care coordinator, f front desk, b billing, i integration, p patient, x proxy;
/// auditors and admins have none of them, but that all may look for whatever they reach in the whole system. All that
/// read directories may ask what codes mean.
const MATRIX: &str = "
GET /fhir/_history: c o f b i u a p x
GET /fhir: c o f b i u a p x
POST /fhir/_search: c o f b i u a p x
GET /fhir/{type}: c o f b i p x
POST /fhir/{type}/_search: c o f b i p x
POST /fhir/{type}: c f i
PUT /fhir/{type}: c f i p x
PATCH /fhir/{type}: c f i p x
DELETE /fhir/{type}: c i p x
GET /fhir/{type}/_history: c o f b i p x
GET /fhir/{type}/{id}: c o f b i p x
PUT /fhir/{type}/{id}: c f i p x
PATCH /fhir/{type}/{id}: c f i p x
DELETE /fhir/{type}/{id}: c i p x
GET /fhir/CodeSystem/$lookup: c o f b i u a
POST /fhir/CodeSystem/$lookup: c o f b i u a
GET /fhir/CodeSystem/$validate-code: c o f b i u a
POST /fhir/CodeSystem/$validate-code: c o f b i u a
GET /fhir/CodeSystem/$subsumes: c o f b i u a
POST /fhir/CodeSystem/$subsumes: c o f b i u a
GET /fhir/ValueSet/$expand: c o f b i u a
POST /fhir/ValueSet/$expand: c o f b i u a
GET /fhir/ValueSet/$validate-code: c o f b i u a
POST /fhir/ValueSet/$validate-code: c o f b i u a
GET /fhir/ConceptMap/$translate: c o f b i u a
POST /fhir/ConceptMap/$translate: c o f b i u a
GET /fhir/CodeSystem/{id}/$validate-code: c o f b i u a
POST /fhir/CodeSystem/{id}/$validate-code: c o f b i u a
GET /fhir/CodeSystem/{id}/$subsumes: c o f b i u a
POST /fhir/CodeSystem/{id}/$subsumes: c o f b i u a
GET /fhir/ValueSet/{id}/$expand: c o f b i u a
POST /fhir/ValueSet/{id}/$expand: c o f b i u a
GET /fhir/ValueSet/{id}/$validate-code: c o f b i u a
POST /fhir/ValueSet/{id}/$validate-code: c o f b i u a
GET /fhir/ConceptMap/{id}/$translate: c o f b i u a
POST /fhir/ConceptMap/{id}/$translate: c o f b i u a
POST /fhir/{type}/$validate: c f i p x
GET /fhir/{type}/{id}/$validate: c o f b i p x
POST /fhir/{type}/{id}/$validate: c o f b i p x
GET /fhir/{type}/{id}/_history: c o f b i p x
GET /fhir/{type}/{id}/{member}: c o i p x
POST /fhir/{type}/{id}/{member}/_search: c o i p x
GET /fhir/{type}/{id}/_history/{version}: c o f b i p x
";

fn letter(role: Role) -> &'static str {
    match role {
        Role::Clinician => "c",
        Role::CareCoordinator => "o",
        Role::FrontDesk => "f",
        Role::Billing => "b",
        Role::Integration => "i",
        Role::Auditor => "u",
        Role::Admin => "a",
        Role::Patient => "p",
        Role::Proxy => "x",
    }
}

/// A user of the role, who is, or stands for, Patient/a.
fn claims(role: Role) -> Value {
    let (user, patient) = match role {
        Role::Patient => ("Patient/a", None),
        Role::Proxy => ("RelatedPerson/r", Some("a")),
        _ => ("Practitioner/d", None),
    };
    let mut claims = json!({ "scope": "user/*.cruds", "fhirUser": user, "roles": [role.as_str()] });
    if let Some(patient) = patient {
        claims["patient"] = json!(patient);
    }
    claims
}

async fn server(signer: &Signer, treatment: Treatment) -> Result<Fixture> {
    let file = signer.file.clone();
    Fixture::start_with(|settings| {
        settings.auth.signing_key = Some(file);
        settings.policy.treatment = treatment;
    })
    .await
}

fn user(server: &Fixture, signer: &Signer, claims: &Value) -> Result<Client> {
    Ok(server.client.bearing(signer.token(server.origin()?, claims)?))
}

#[tokio::test]
async fn each_role_may_ask_what_is_written_here() -> Result<()> {
    let signer = Signer::create()?;
    let server = server(&signer, Treatment::Open).await?;
    let origin = server.origin()?;
    let rows: Vec<(&str, &str)> =
        MATRIX.trim().lines().filter_map(|line| line.split_once(": ")).collect();
    for (path, text) in DEFINITIONS {
        assert_eq!(server.client.send("PUT", path, text).await?.status, 201, "{path}");
    }
    let mut found = Vec::new();
    for route in server::routes()? {
        if !route.rule.starts_with("granted ") || route.method == reqwest::Method::HEAD {
            continue;
        }
        let name = format!("{} {}", route.method, route.path);
        let mut may = Vec::new();
        for role in Role::ALL {
            // What is asked for is there each time.
            let put = server.client.send("PUT", "/Patient/a", PATIENT).await?;
            assert!(matches!(put.status, 200 | 201), "{}", put.text);
            let user = user(&server, &signer, &claims(role))?;
            let answer = ask(&user, origin, &route).await?;
            match answer.status {
                200..300 => may.push(letter(role)),
                403 => {}
                status => anyhow::bail!("{name} by {role:?}: {status} {}", answer.text),
            }
        }
        found.push((name, may.join(" ")));
    }
    let found: Vec<(&str, &str)> = found.iter().map(|(name, may)| (&**name, &**may)).collect();
    assert_eq!(found, rows);
    Ok(())
}

/// As it is without a choice of the operator's: who needs a relationship and has none reaches nobody, whatever they
/// ask.
#[tokio::test]
async fn who_needs_a_relationship_and_has_none_reaches_nobody() -> Result<()> {
    let signer = Signer::create()?;
    let server = server(&signer, Treatment::default()).await?;
    for text in [PATIENT, r#"{"resourceType":"Practitioner","id":"d","name":[{"family":"D"}]}"#] {
        let value: Value = serde_json::from_str(text)?;
        let part = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let path = format!("/{}/{}", part("resourceType"), part("id"));
        assert_eq!(server.client.send("PUT", &path, text).await?.status, 201);
    }
    let staff = [Role::Clinician, Role::CareCoordinator, Role::FrontDesk, Role::Billing];
    for role in staff {
        let user = user(&server, &signer, &claims(role))?;
        let scoped = json!({ "scope": "patient/*.cruds", "patient": "a", "fhirUser": "Practitioner/d",
            "roles": [role.as_str()] });
        let launched = self::user(&server, &signer, &scoped)?;
        for path in ["/Patient/a", "/Patient", "/Patient/a/_history", "/Patient/a/*"] {
            for client in [&user, &launched] {
                let answer = client.get(path).await?;
                assert!(!answer.text.contains("urn:x"), "{role:?} {path}: {}", answer.text);
                let found = answer.status == 200 && found_in(&answer) > 0;
                let shut = matches!(answer.status, 200 | 404) && !found;
                assert!(shut, "{role:?} {path}: {} {}", answer.status, answer.text);
            }
        }
        assert_eq!(user.get("/Practitioner/d").await?.status, 200, "{role:?}");
        let included = user.get("/Practitioner?_revinclude=Patient:general-practitioner").await?;
        assert_eq!(found_in(&included), 1, "{role:?}: {}", included.text);
    }
    Ok(())
}

/// A token without one of its claims never reaches more.
#[tokio::test]
async fn a_claim_that_is_missing_shuts() -> Result<()> {
    let signer = Signer::create()?;
    let server = server(&signer, Treatment::Open).await?;
    assert_eq!(server.client.send("PUT", "/Patient/a", PATIENT).await?.status, 201);
    for role in Role::ALL {
        let whole = claims(role);
        let all = user(&server, &signer, &whole)?.get("/Patient/a").await?.status;
        for missing in ["roles", "fhirUser", "patient", "scope"] {
            let mut fewer = whole.clone();
            let removed = fewer.as_object_mut().context("claims")?.remove(missing);
            if missing == "scope" {
                fewer["scope"] = json!("");
            }
            let status = user(&server, &signer, &fewer)?.get("/Patient/a").await?.status;
            // Who stands for a patient is no FHIR resource of their own here.
            let kept = removed.is_none() || (role == Role::Proxy && missing == "fhirUser");
            let expected = if kept { all } else { 403 };
            assert_eq!(status, expected, "{role:?} without {missing}");
        }
    }
    Ok(())
}
