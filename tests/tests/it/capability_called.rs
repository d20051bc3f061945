//! The CapabilityStatement says the truth: all that it declares is called, and what it does not is asked for and refused.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use canonical_model::{Resource, ResourceType, Value, object};
use it::{Answer, Client, Fixture};

use crate::least::least;

/// <https://hl7.org/fhir/R4/valueset-type-restful-interaction.html>
const OF_TYPES: [&str; 9] = [
    "create",
    "delete",
    "history-instance",
    "history-type",
    "patch",
    "read",
    "search-type",
    "update",
    "vread",
];
const OF_SYSTEM: [&str; 4] = ["batch", "history-system", "search-system", "transaction"];

/// Operations of R4 and of others, asked for wherever they are not declared.
const OPERATIONS: [&str; 16] = [
    "apply",
    "closure",
    "document",
    "everything",
    "expand",
    "export",
    "find-matches",
    "graphql",
    "lookup",
    "match",
    "meta",
    "process-message",
    "subsumes",
    "translate",
    "validate",
    "validate-code",
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).map(Value::items).unwrap_or_default()
}

fn texts<'a>(value: &'a Value, key: &str, part: &str) -> BTreeSet<&'a str> {
    list(value, key).iter().map(|one| text(one, part)).collect()
}

async fn rest(server: &Fixture) -> Result<Value> {
    let statement = server.client.get("/metadata").await?.json()?;
    list(&statement, "rest").first().cloned().context("no rest")
}

async fn ask(client: &Client, method: &str, path: &str, kind: &str, body: &str) -> Result<Answer> {
    let request = client.request(method, path);
    let request = if body.is_empty() { request } else { request.header("content-type", kind) };
    Answer::of(request.body(body.to_owned())).await
}

const JSON: &str = "application/fhir+json";

/// All of an instance's life, in one type.
async fn live(client: &Client, kind: ResourceType) -> Result<Vec<(&'static str, u16)>> {
    let body = Resource::from_value(least(kind)?)?.to_text();
    let created = ask(client, "POST", &format!("/{kind}"), JSON, &body).await?;
    let judged = ask(client, "POST", &format!("/{kind}/$validate"), JSON, &body).await?;
    let mut told = vec![("$validate", judged.status), ("create", created.status)];
    if created.status != 201 {
        return Ok(told);
    }
    let (id, mut stored) = (created.id(), created.json()?);
    let path = format!("/{kind}/{id}");
    if let Some(members) = stored.as_object_mut() {
        members.set("language", "en");
    }
    let patch = r#"[{"op":"add","path":"/implicitRules","value":"urn:x"}]"#;
    let rows = [
        ("read", "GET", path.clone(), "", String::new()),
        ("vread", "GET", format!("{path}/_history/1"), "", String::new()),
        ("update", "PUT", path.clone(), JSON, stored.to_text()),
        ("patch", "PATCH", path.clone(), "application/json-patch+json", patch.to_owned()),
        ("history-instance", "GET", format!("{path}/_history"), "", String::new()),
        ("history-type", "GET", format!("/{kind}/_history"), "", String::new()),
        ("search-type", "GET", format!("/{kind}?_id={id}"), "", String::new()),
        ("delete", "DELETE", path, "", String::new()),
    ];
    for (name, method, path, media_type, body) in rows {
        let request = client.request(method, &path).header("accept", JSON);
        let request = match media_type {
            "" => request,
            name => request.header("content-type", name),
        };
        let answer = Answer::of(request.body(body)).await?;
        told.push((name, answer.status));
    }
    Ok(told)
}

#[tokio::test]
async fn every_interaction_that_is_declared_is_there() -> Result<()> {
    let server = Fixture::start().await?;
    let rest = rest(&server).await?;
    let (mut wrong, mut created) = (Vec::new(), 0);
    for entry in list(&rest, "resource") {
        let kind = ResourceType::find(text(entry, "type")).context("a type")?;
        let declared = texts(entry, "interaction", "code");
        assert_eq!(
            declared,
            OF_TYPES.into_iter().collect(),
            "{kind}: tell this test what is refused"
        );
        assert!(texts(entry, "operation", "name").contains("validate"), "{kind}");
        for (name, status) in live(&server.client, kind).await? {
            created += usize::from(name == "create" && status == 201);
            // What is refused for what it says was understood.
            let there = matches!(status, 200 | 201 | 204) || (name == "create" && status == 422);
            if !there {
                wrong.push(format!("{kind} {name}: {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{created} types have had a life");
    assert!(created > 135, "{created}");
    assert_eq!(texts(&rest, "interaction", "code"), OF_SYSTEM.into_iter().collect());
    for (method, path, body) in [
        ("GET", "?_type=Patient", ""),
        ("GET", "/_history?_count=1", ""),
        ("POST", "", r#"{"resourceType":"Bundle","type":"batch"}"#),
        ("POST", "", r#"{"resourceType":"Bundle","type":"transaction"}"#),
    ] {
        let answer = ask(&server.client, method, path, JSON, body).await?;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
    }
    Ok(())
}

/// What the statement does not say.
#[tokio::test]
async fn what_is_not_declared_is_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let rest = rest(&server).await?;
    let patient = r#"{"resourceType":"Patient"}"#;
    for (method, path) in [
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PUT", "/metadata"),
        ("DELETE", "/_history"),
        ("POST", "/_history"),
        ("POST", "/Patient/_history"),
        ("DELETE", "/Patient/a/_history"),
        ("DELETE", "/Patient/a/_history/1"),
        ("POST", "/Patient/a"),
        ("GET", "/Pacient"),
        ("GET", "/_nothing"),
    ] {
        let answer = ask(&server.client, method, path, JSON, patient).await?;
        assert!(matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
    }
    let of_system = texts(&rest, "operation", "name");
    let mut refused = 0;
    for entry in list(&rest, "resource") {
        let (kind, declared) = (text(entry, "type"), texts(entry, "operation", "name"));
        for operation in OPERATIONS.iter().filter(|it| !declared.contains(*it)) {
            for path in [format!("/{kind}/${operation}"), format!("/{kind}/a/${operation}")] {
                for (method, body) in [("GET", ""), ("POST", r#"{"resourceType":"Parameters"}"#)] {
                    let answer = ask(&server.client, method, &path, JSON, body).await?;
                    assert!(
                        matches!(answer.status, 404 | 405),
                        "{method} {path}: {}",
                        answer.status
                    );
                    refused += 1;
                }
            }
        }
        let path = format!("/{kind}?nonsense=1");
        let strict = server.client.request("GET", &path).header("prefer", "handling=strict");
        assert_eq!(Answer::of(strict).await?.status, 400, "{path}");
    }
    for operation in OPERATIONS.iter().filter(|it| !of_system.contains(*it)) {
        let answer = ask(&server.client, "GET", &format!("/${operation}"), "", "").await?;
        assert!(matches!(answer.status, 404 | 405), "${operation}: {}", answer.status);
    }
    assert!(refused > 5_000, "{refused}");
    Ok(())
}

/// A value that a parameter of the kind takes.
fn value(name: &str, kind: &str) -> Option<&'static str> {
    Some(match (name, kind) {
        ("_list", _) => "a",
        ("_filter", _) => "_id eq a",
        ("_has", _) => return None,
        ("_type", _) => "Patient",
        ("near", _) => "1|1|1|km",
        (_, "number") => "1",
        (_, "date") => "2020",
        (_, "reference") => "Patient/a",
        (_, "quantity") => "1",
        (_, "uri") => "urn:x",
        (_, "composite") => return None,
        _ => "a",
    })
}

/// Every search parameter, asked for strictly: one that were not known would be refused.
#[tokio::test]
async fn every_search_parameter_that_is_declared_is_taken() -> Result<()> {
    let server = Fixture::start().await?;
    let rest = rest(&server).await?;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for entry in list(&rest, "resource") {
        let kind = text(entry, "type");
        let mut names = Vec::new();
        let mut entries = Vec::new();
        for parameter in list(entry, "searchParam") {
            let (name, how) = (text(parameter, "name"), text(parameter, "type"));
            let query = match (name, value(name, how)) {
                ("_has", _) => "_has:Observation:patient:code=a".to_owned(),
                (_, Some(value)) => format!("{name}={}", value.replace(' ', "%20")),
                // Its parts differ; that it is missing can be asked of any.
                (_, None) => format!("{name}:missing=true"),
            };
            if name == "_has"
                && !list(entry, "searchRevInclude")
                    .iter()
                    .any(|it| it.as_str() == Some("Observation:patient"))
            {
                continue;
            }
            let url = format!("{kind}?{query}&_summary=count");
            entries
                .push(Value::from(object! { "request": object! { "method": "GET", "url": url } }));
            names.push(name);
        }
        asked += names.len();
        let bundle = object! { "resourceType": "Bundle", "type": "batch", "entry": entries };
        let request = server.client.request("POST", "").header("content-type", JSON);
        let request = request.header("prefer", "handling=strict");
        let answer = Answer::of(request.body(Value::from(bundle).to_text())).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answers = answer.json()?;
        for (name, one) in names.iter().zip(list(&answers, "entry")) {
            let response = one.get("response").context("a response")?;
            if text(response, "status") != "200 OK" {
                wrong.push(format!("{kind} {name}: {}", response.to_text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    println!("{asked} search parameters were asked for");
    assert!(asked > 3_000, "{asked}");
    Ok(())
}

#[tokio::test]
async fn every_operation_has_its_definition() -> Result<()> {
    let server = Fixture::start().await?;
    let rest = rest(&server).await?;
    let nobody = server.client.anonymous();
    let (base, mut read) = (server.client.base.as_str(), 0);
    let places = list(&rest, "resource").iter().map(|entry| (text(entry, "type"), entry));
    for (kind, entry) in places.chain([("", &rest)]) {
        for operation in list(entry, "operation") {
            let (name, definition) = (text(operation, "name"), text(operation, "definition"));
            // FHIR's own are known by FHIR's URL; here is read what of them is offered.
            let own = definition.starts_with(base);
            let place = if own { definition } else { definition.rsplit('/').next().unwrap_or("") };
            let path = if own { place.to_owned() } else { format!("/OperationDefinition/{place}") };
            let answer = nobody.get(&path).await?;
            assert_eq!(answer.status, 200, "{kind} ${name}: {path}: {}", answer.text);
            assert_eq!(answer.text_at("code"), name);
            let said = answer.json()?;
            assert!(
                kind.is_empty()
                    || list(&said, "resource").iter().any(
                        |it| matches!(it.as_str(), Some(one) if one == kind || one == "Resource")
                    ),
                "{kind} ${name}"
            );
            conformance::validate(&Resource::from_value(said)?)?;
            read += 1;
        }
    }
    assert!(read >= 3, "{read}");
    // Nobody can put another in its place.
    let path = "/OperationDefinition/Patient-access-report";
    for (method, body) in [("PUT", "{}"), ("PATCH", "[]"), ("DELETE", "")] {
        assert_eq!(ask(&server.client, method, path, JSON, body).await?.status, 405, "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn capabilities_come_in_modes() -> Result<()> {
    let server = Fixture::start().await?;
    for (query, kind) in [
        ("", "CapabilityStatement"),
        ("?mode=full", "CapabilityStatement"),
        ("?mode=normative", "CapabilityStatement"),
        ("?mode=terminology", "TerminologyCapabilities"),
    ] {
        for format in ["json", "xml"] {
            let mark = if query.is_empty() { '?' } else { '&' };
            let path = format!("/metadata{query}{mark}_format={format}");
            let answer = server.client.anonymous().get(&path).await?;
            assert_eq!(
                (answer.status, answer.text_at("resourceType").as_str()),
                (200, kind),
                "{path}"
            );
            conformance::validate(&Resource::from_value(answer.json()?)?)?;
        }
    }
    let terminology = server.client.get("/metadata?mode=terminology").await?.json()?;
    let systems = texts(&terminology, "codeSystem", "uri");
    assert!(systems.contains("http://hl7.org/fhir/administrative-gender") && systems.len() > 500);
    assert_eq!(server.client.get("/metadata?mode=some").await?.status, 400);
    Ok(())
}
