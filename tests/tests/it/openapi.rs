//! What the server says of itself in OpenAPI 3.1: that it is OpenAPI 3.1, and that the server answers as it says.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use it::{Answer, Client, Fixture};
use serde_json::Value;
use tokio::process::Command;

async fn document(client: &Client) -> Result<Value> {
    let url = client.base.replace("/fhir", "/openapi.json");
    let answer = Answer::of(client.anonymous().request("GET", &url)).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    ensure!(answer.header("content-type") == "application/json");
    ensure!(answer.header("access-control-allow-origin") == "*");
    Ok(serde_json::from_str(&answer.text)?)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// By a checker that is not of our making, where it is installed.
#[tokio::test]
async fn is_openapi_of_its_version() -> Result<()> {
    let server = Fixture::start().await?;
    let document = document(&server.client).await?;
    assert_eq!(document["openapi"], "3.1.0");
    let schemes: BTreeSet<&str> = members(&document["components"]["securitySchemes"])
        .map(|(name, _)| name.as_str())
        .collect();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            let named = operation["security"].as_array().into_iter().flatten().flat_map(members);
            for (name, _) in named {
                assert!(schemes.contains(name.as_str()), "{method} {path}: {name}");
            }
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{path}");
            assert!(members(&operation["responses"]).count() > 1, "{method} {path}");
        }
    }
    let there = "import openapi_spec_validator";
    let mut probe = Command::new("python3");
    let found = probe.args(["-c", there]).stderr(Stdio::null()).status().await;
    if !found.is_ok_and(|it| it.success()) {
        eprintln!("openapi-spec-validator is not installed: pip install openapi-spec-validator");
        return Ok(());
    }
    let name = format!("carebridge-openapi-{}.json", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, document.to_string())?;
    let mut checker = Command::new("python3");
    let output = checker.args(["-m", "openapi_spec_validator"]).arg(&file).output().await?;
    std::fs::remove_file(&file)?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(output.status.success(), "{said}");
    Ok(())
}

/// A path with the examples of its parameters.
fn sample(path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.fold(path.to_owned(), |path, parameter| {
        let (name, example) = (parameter["name"].as_str(), parameter["example"].as_str());
        match (name, example) {
            (Some(name), Some(example)) => path.replace(&format!("{{{name}}}"), example),
            _ => path,
        }
    })
}

/// Whether a status and media type are among those that are said.
fn is_said(operation: &Value, answer: &Answer) -> bool {
    let said = &operation["responses"];
    let said = said.get(answer.status.to_string()).or_else(|| said.get("default"));
    let media = answer.header("content-type").split(';').next().unwrap_or_default().trim();
    said.is_some_and(|it| it["content"].get(media).is_some() || answer.text.is_empty())
}

/// Each operation, by who may do nothing and by who may do much, with a body that fits and with one that is broken.
#[tokio::test]
async fn every_operation_answers_as_it_says() -> Result<()> {
    let server = Fixture::start().await?;
    let document = document(&server.client).await?;
    let origin = server.origin()?;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            let path = sample(path, operation);
            ensure!(!path.contains('{'), "{path}: an example is missing");
            let bodies = operation["requestBody"]["content"].as_object();
            let kinds = bodies.into_iter().flat_map(|it| it.keys()).map(String::as_str);
            for kind in kinds.chain([""]) {
                for body in ["", "{", "{}", "a=b", "[]", "<a/>"] {
                    if kind.is_empty() != body.is_empty() {
                        continue;
                    }
                    for client in [&server.client.anonymous(), &server.client] {
                        let url = format!("{origin}{path}");
                        let request = client.request(&method.to_uppercase(), &url);
                        let request = match kind {
                            "" => request,
                            kind => request.header("content-type", kind).body(body.to_owned()),
                        };
                        let answer = Answer::of(request).await?;
                        asked += 1;
                        let media = answer.header("content-type");
                        if answer.status >= 500 || !is_said(operation, &answer) {
                            let (method, status) = (method.to_uppercase(), answer.status);
                            wrong.push(format!("{method} {path} {kind} {body}: {status} {media}"));
                        }
                    }
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 500, "{asked}");
    Ok(())
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() -> Result<()> {
    let server = Fixture::start().await?;
    let url = format!("{}/docs", server.origin()?);
    let answer = Answer::of(server.client.anonymous().request("GET", &url)).await?;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for link in answer.text.split("href=\"").skip(1) {
        let link = link.split('"').next().context("an end")?;
        assert!(link.starts_with(['/', '#']), "{link}");
        if link.starts_with('/') {
            let url = format!("{}{}", server.origin()?, link.replace("&amp;", "&"));
            let led = Answer::of(server.client.anonymous().request("GET", &url)).await?;
            assert_eq!(led.status, 200, "{link}");
        }
    }
    assert!(!answer.text.contains("src="), "nothing is loaded but the style");
    Ok(())
}
