//! Every route and what it asks: the list that the routers are made of, held to what is written here, and to what
//! a server does. A route that comes must be written here, or this fails.

use anyhow::{Context, Result};
use auth::Listed;
use it::{Answer, Client, Fixture, Signer};
use reqwest::Method;
use serde_json::json;

/// `GET` stands for `GET` and `HEAD`.
const ROUTES: &str = "
GET /healthz: open
GET /readyz: open
GET /metrics: monitor
GET /openapi.json: open
GET /docs: open
POST /auth/token: client
POST /auth/introspect: client
POST /auth/revoke: client
POST /auth/register: registrar
GET /auth/register/{client}: registered
PUT /auth/register/{client}: registered
DELETE /auth/register/{client}: registered
GET /auth/.well-known/openid-configuration: open
GET /auth/jwks: open
GET /auth/smart-style.json: open
GET /auth/authorize: app
POST /auth/authorize: app
POST /auth/login: form
GET /auth/external: away
GET /auth/callback: away
GET /auth/link: open
POST /auth/link: form
POST /auth/factor: form
GET /auth/device: open
POST /auth/device: form
POST /auth/logout: form
POST /auth/patient: form
POST /auth/consent: form
GET /auth/launch: open
POST /auth/launch: form
GET /auth/manage: open
POST /auth/manage: form
GET /auth/break-glass: open
POST /auth/break-glass: form
GET /auth/review: open
POST /auth/review: form
GET /auth/record: open
GET /auth/record.csv: open
GET /auth/style.css: open
GET /fhir/.well-known/smart-configuration: open
GET /fhir/metadata: open
GET /fhir/_history: granted s
GET /fhir: granted s
POST /fhir/_search: granted s
POST /fhir: entries
GET /fhir/{type}: granted s
POST /fhir/{type}/_search: granted s
POST /fhir/{type}: granted c
PUT /fhir/{type}: granted us
PATCH /fhir/{type}: granted us
DELETE /fhir/{type}: granted ds
GET /fhir/{type}/_history: granted s
GET /fhir/AuditEvent/$journal: record s
GET /fhir/AuditEvent/{event}: record r
GET /fhir/OperationDefinition/{operation}: open
GET /fhir/{type}/{id}: granted r
PUT /fhir/{type}/{id}: granted u
PATCH /fhir/{type}/{id}: granted u
DELETE /fhir/{type}/{id}: granted d
GET /fhir/Patient/{id}/$access-report: record s
GET /fhir/Patient/{id}/$accounting-of-disclosures: record s
GET /fhir/CodeSystem/$lookup: granted s
POST /fhir/CodeSystem/$lookup: granted s
GET /fhir/CodeSystem/$validate-code: granted s
POST /fhir/CodeSystem/$validate-code: granted s
GET /fhir/CodeSystem/$subsumes: granted s
POST /fhir/CodeSystem/$subsumes: granted s
GET /fhir/ValueSet/$expand: granted s
POST /fhir/ValueSet/$expand: granted s
GET /fhir/ValueSet/$validate-code: granted s
POST /fhir/ValueSet/$validate-code: granted s
GET /fhir/ConceptMap/$translate: granted s
POST /fhir/ConceptMap/$translate: granted s
GET /fhir/CodeSystem/{id}/$validate-code: granted r
POST /fhir/CodeSystem/{id}/$validate-code: granted r
GET /fhir/CodeSystem/{id}/$subsumes: granted r
POST /fhir/CodeSystem/{id}/$subsumes: granted r
GET /fhir/ValueSet/{id}/$expand: granted r
POST /fhir/ValueSet/{id}/$expand: granted r
GET /fhir/ValueSet/{id}/$validate-code: granted r
POST /fhir/ValueSet/{id}/$validate-code: granted r
GET /fhir/ConceptMap/{id}/$translate: granted r
POST /fhir/ConceptMap/{id}/$translate: granted r
POST /fhir/Task/{id}/$release: entries
POST /fhir/{type}/$validate: granted c
GET /fhir/{type}/{id}/$validate: granted r
POST /fhir/{type}/{id}/$validate: granted r
GET /fhir/{type}/{id}/_history: granted r
GET /fhir/{type}/{id}/{member}: granted s
POST /fhir/{type}/{id}/{member}/_search: granted s
GET /fhir/{type}/{id}/_history/{version}: granted r
";

#[test]
fn the_list_of_routes_is_this() -> Result<()> {
    let listed: Vec<String> = server::routes()?
        .into_iter()
        .filter(|route| route.method != Method::HEAD)
        .map(|route| route.to_string())
        .collect();
    let expected: Vec<&str> = ROUTES.trim().lines().collect();
    assert_eq!(listed, expected);
    Ok(())
}

/// A path of the route that means something, below the origin.
fn sample(route: &Listed) -> String {
    let names = [
        ("{type}", "Patient"),
        ("{id}", "a"),
        ("{member}", "Observation"),
        ("{version}", "1"),
        ("{event}", "j-1-1-0"),
        ("{operation}", "Patient-access-report"),
        ("{client}", "a"),
    ];
    names.iter().fold(route.path.to_string(), |path, (name, value)| path.replace(name, value))
}

/// The route asked for in a way that would succeed, if it may.
pub(crate) async fn ask(client: &Client, origin: &str, route: &Listed) -> Result<Answer> {
    let path = sample(route);
    let conditional =
        !path.contains("/a") && matches!(route.method.as_str(), "PUT" | "PATCH" | "DELETE");
    let query = match operation(&path) {
        Some(query) => query,
        None if conditional => "?identifier=urn:x|1",
        None => "",
    };
    let request = client.request(route.method.as_str(), &format!("{origin}{path}{query}"));
    let (media_type, body) = match route.method.as_str() {
        "POST" if path.ends_with("_search") => ("application/x-www-form-urlencoded", "_count=1"),
        "POST" if operation(&path).is_some() => {
            ("application/fhir+json", r#"{"resourceType":"Parameters"}"#)
        }
        "POST" if path == "/fhir" => {
            ("application/fhir+json", r#"{"resourceType":"Bundle","type":"batch"}"#)
        }
        "PATCH" => {
            ("application/json-patch+json", r#"[{"op":"add","path":"/active","value":true}]"#)
        }
        "POST" => ("application/fhir+json", r#"{"resourceType":"Patient"}"#),
        "PUT" => ("application/fhir+json", PATIENT),
        _ => return Answer::of(request).await,
    };
    let body = if conditional { body.replace(r#""id":"a","#, "") } else { body.to_owned() };
    Answer::of(request.header("content-type", media_type).body(body)).await
}

/// What an operation on terminology is asked with, so that it has an answer.
fn operation(path: &str) -> Option<&'static str> {
    let (at, name) = path.strip_prefix("/fhir/")?.split_once('$')?;
    let of_one = at.contains("/a/");
    Some(match (at.split('/').next()?, name, of_one) {
        ("CodeSystem", "lookup", _) => {
            "?code=male&system=http://hl7.org/fhir/administrative-gender"
        }
        ("CodeSystem", "validate-code", true) => "?code=x",
        ("CodeSystem", "validate-code", false) => {
            "?code=male&url=http://hl7.org/fhir/administrative-gender"
        }
        ("CodeSystem", "subsumes", true) => "?codeA=x&codeB=x",
        ("CodeSystem", "subsumes", false) => {
            "?codeA=male&codeB=male&system=http://hl7.org/fhir/administrative-gender"
        }
        ("ValueSet", "expand", true) => "?count=1",
        ("ValueSet", "expand", false) => "?url=http://hl7.org/fhir/ValueSet/administrative-gender",
        ("ValueSet", "validate-code", true) => "?code=x&system=urn:x",
        ("ValueSet", "validate-code", false) => {
            "?url=http://hl7.org/fhir/ValueSet/administrative-gender&code=x&system=urn:x"
        }
        ("ConceptMap", "translate", true) => "?code=x&system=urn:x",
        ("ConceptMap", "translate", false) => "?code=x&system=urn:x&targetsystem=urn:y",
        _ => return None,
    })
}

/// What they are asked of.
pub(crate) const DEFINITIONS: [(&str, &str); 3] = [
    (
        "/CodeSystem/a",
        r#"{"resourceType":"CodeSystem","id":"a","status":"active","url":"urn:x","content":"complete","concept":[{"code":"x"}]}"#,
    ),
    (
        "/ValueSet/a",
        r#"{"resourceType":"ValueSet","id":"a","status":"active","compose":{"include":[{"system":"urn:x","concept":[{"code":"x"}]}]}}"#,
    ),
    ("/ConceptMap/a", r#"{"resourceType":"ConceptMap","id":"a","status":"active"}"#),
];

pub(crate) const PATIENT: &str =
    r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:x","value":"1"}]}"#;

#[tokio::test]
async fn who_has_no_token_reaches_what_is_open_alone() -> Result<()> {
    let server = Fixture::start().await?;
    let (nobody, origin) = (server.client.anonymous(), server.origin()?);
    for route in server::routes()? {
        let answer = ask(&nobody, origin, &route).await?;
        let status = answer.status;
        match route.rule.as_str() {
            "open" => assert_eq!(status, 200, "{route}"),
            // This machine itself; whoever comes through a proxy is somebody else.
            "monitor" => {
                assert_eq!(status, 200, "{route}");
                let url = format!("{origin}{}", route.path);
                let passed_on = nobody.request(route.method.as_str(), &url);
                let passed_on = passed_on.header("x-forwarded-for", "127.0.0.1");
                assert_eq!(Answer::of(passed_on).await?.status, 403, "{route}");
            }
            // Whoever does not say so sends a form that is none.
            "client" | "app" | "away" => assert_eq!(status, 400, "{route}"),
            // Nobody registers apps here.
            "registrar" | "registered" => assert_eq!(status, 404, "{route}"),
            // It was sent as no form at all.
            "form" => assert_eq!(status, 400, "{route}"),
            _ => assert_eq!(status, 401, "{route}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_route_asks_for_just_the_rights_that_are_listed() -> Result<()> {
    let signer = Signer::create()?;
    let server =
        Fixture::start_with(|settings| settings.auth.signing_key = Some(signer.file.clone()))
            .await?;
    let origin = server.origin()?;
    let token = |letters: &str| -> Result<Client> {
        let claims = json!({ "sub": "dev-backend", "scope": format!("system/*.{letters}") });
        Ok(server.client.bearing(signer.token(origin, &claims)?))
    };
    for (path, text) in DEFINITIONS {
        let put = server.client.send("PUT", path, text).await?;
        assert_eq!(put.status, 201, "{}", put.text);
    }
    for route in server::routes()? {
        let Some(letters) = route.rule.strip_prefix("granted ") else { continue };
        // What is asked for is there each time.
        let put = server.client.send("PUT", "/Patient/a", PATIENT).await?;
        assert!(matches!(put.status, 200 | 201), "{}", put.text);
        for one in letters.chars() {
            let others: String = "cruds".chars().filter(|letter| *letter != one).collect();
            let answer = ask(&token(&others)?, origin, &route).await?;
            assert_eq!(answer.status, 403, "{route} without {one}: {}", answer.text);
        }
        let answer = ask(&token(letters)?, origin, &route).await?;
        assert!((200..300).contains(&answer.status), "{route}: {} {}", answer.status, answer.text);
    }
    Ok(())
}

/// Parts of paths, of FHIR and of others, and what none is yet.
const PARTS: [&str; 11] = [
    "auth",
    "token",
    "fhir",
    "Patient",
    "a",
    "_history",
    "_search",
    "metadata",
    "$everything",
    "console",
    "api",
];

/// Whether a listed route is meant by a path.
fn is_listed(routes: &[Listed], method: &str, path: &str) -> bool {
    let fits = |route: &&Listed| {
        let (known, asked) = (route.path.split('/'), path.split('/'));
        let fits = |(known, asked): (&str, &str)| match known {
            "{type}" | "{member}" => asked == "Patient",
            // No word begins so.
            "{id}" => !asked.starts_with(['_', '$']),
            "{version}" => false,
            known => known == asked,
        };
        known.clone().count() == asked.clone().count() && known.zip(asked).all(fits)
    };
    routes.iter().any(|route| route.method.as_str() == method && fits(&route))
}

#[tokio::test]
async fn what_is_not_listed_is_not_there() -> Result<()> {
    let server = Fixture::start().await?;
    let (origin, routes) = (server.origin()?, server::routes()?);
    let two = PARTS.iter().flat_map(|a| PARTS.iter().map(move |b| format!("/{a}/{b}")));
    let below = PARTS.iter().flat_map(|a| {
        let three = PARTS.iter().map(move |b| format!("/fhir/Patient/{a}/{b}"));
        three.chain([format!("/{a}"), format!("/fhir/Patient/{a}")])
    });
    let mut tried = 0;
    for path in two.chain(below) {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            if is_listed(&routes, method, &path) {
                continue;
            }
            let request = server.client.request(method, &format!("{origin}{path}"));
            let request = request.header("content-type", "application/fhir+json").body(PATIENT);
            let answer = Answer::of(request).await.with_context(|| path.clone())?;
            assert!(matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
    Ok(())
}
