//! Whole records through `load` and `export`: exact counts, equal content, no reference lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use canonical_model::{Value, json};
use client::{Auth, Connection, ExportOptions, LoadOptions, LoadReport, export, load};
use generator::{Options, Population};
use it::{Fixture, samples};

use crate::samples_compare::{Graph, nameless, references, rename, same_by_value, without_name};

type Counts = BTreeMap<String, u64>;

/// A folder of this test's own.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

pub(crate) fn connection(server: &Fixture) -> Connection {
    let auth = Auth::client("dev-backend", "dev-secret");
    Connection { url: server.client.base.clone(), auth, ..Connection::default() }
}

async fn loaded(server: &Fixture, inputs: Vec<PathBuf>, scratch: &Path) -> Result<LoadReport> {
    let report = tried(server, inputs, scratch).await?;
    assert!(report.ok(), "{report}");
    Ok(report)
}

async fn tried(server: &Fixture, inputs: Vec<PathBuf>, scratch: &Path) -> Result<LoadReport> {
    load(LoadOptions {
        connection: connection(server),
        inputs,
        journal: Some(scratch.join("journal")),
        progress: false,
        ..LoadOptions::default()
    })
    .await
}

/// `_summary=count` of each type must be what was sent.
async fn check_counts(server: &Fixture, expected: &Counts) -> Result<()> {
    for (kind, count) in expected {
        let answer = server.client.get(&format!("/{kind}?_summary=count")).await?;
        let total = answer.at("total").context("no total")?.to_text();
        assert_eq!(total, count.to_string(), "{kind}");
    }
    Ok(())
}

/// Exports everything; the counts must agree, and every line is a resource of its file's type.
async fn exported(server: &Fixture, scratch: &Path, expected: &Counts) -> Result<Vec<Value>> {
    let folder = scratch.join("export");
    let report = export(ExportOptions {
        connection: connection(server),
        folder: folder.clone(),
        force: false,
        types: Vec::new(),
        gzip: false,
        progress: false,
    })
    .await?;
    assert!(report.ok(), "{report}");
    assert_eq!(&report.resources, expected);
    let mut all = Vec::new();
    for kind in expected.keys() {
        let text = std::fs::read_to_string(folder.join(format!("{kind}.ndjson")))?;
        for line in text.lines() {
            let value = json::parse(line.as_bytes())?;
            assert_eq!(value.get("resourceType").and_then(Value::as_str), Some(kind.as_str()));
            all.push(value);
        }
    }
    Ok(all)
}

/// What was sent, each under a name of its own, with the references of each bundle by those names:
/// a hospital that comes in two bundles is two.
fn sent(bundles: &[Value]) -> Graph {
    let mut graph = Graph::new();
    let mut shared = BTreeMap::new();
    for (n, bundle) in bundles.iter().enumerate() {
        let entries = bundle.get("entry").map(Value::items).unwrap_or_default();
        let mut names = shared.clone();
        for entry in entries {
            let url = entry.get("fullUrl").and_then(Value::as_str).expect("a fullUrl");
            names.insert(url.to_owned(), format!("{n} {url}"));
            let method = entry.get("request").and_then(|request| request.get("method")?.as_str());
            if method == Some("PUT") {
                let resource = entry.get("resource").expect("a resource");
                shared.insert(name(resource), format!("{n} {url}"));
            }
        }
        names.extend(shared.clone());
        for entry in entries {
            let url = entry.get("fullUrl").and_then(Value::as_str).expect("a fullUrl");
            let mut content = without_name(entry.get("resource").expect("a resource"));
            rename(&mut content, &names);
            graph.insert(names[url].clone(), content);
        }
    }
    graph
}

fn counts<'a>(resources: impl Iterator<Item = &'a Value>) -> Counts {
    let mut counts = Counts::new();
    for resource in resources {
        let kind = resource.get("resourceType").and_then(Value::as_str).expect("a type");
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    counts
}

fn name(resource: &Value) -> String {
    let part = |name: &str| resource.get(name).and_then(Value::as_str).expect("type and id");
    format!("{}/{}", part("resourceType"), part("id"))
}

/// Every reference names something that is there, and nothing was changed but names.
fn check_content(sent: &Graph, found: &[Value]) {
    let stored: Graph = found.iter().map(|value| (name(value), without_name(value))).collect();
    let mut all = Vec::new();
    found.iter().for_each(|value| references(value, &mut all));
    let lost: BTreeSet<&String> = all
        .iter()
        .filter(|to| !to.starts_with('#') && !to.contains('?') && !stored.contains_key(*to))
        .collect();
    assert!(lost.is_empty(), "references to nothing: {lost:?}");
    assert!(all.len() > found.len() / 2, "only {} references", all.len());
    let (sent, stored) = (nameless(sent, 3), nameless(&stored, 3));
    let lost = sent.iter().filter(|label| stored.binary_search(label).is_err()).count();
    assert!(sent == stored, "{lost} of {} resources are not what they were", sent.len());
}

#[tokio::test]
async fn synthea_records_load_and_read_back_equal() -> Result<()> {
    let Some(files) = samples::files("fhir-synthea") else { return Ok(()) };
    let bundles: Vec<Value> =
        files.iter().map(|(_, content)| json::parse(content)).collect::<Result<_, _>>()?;
    let sent = sent(&bundles);
    let expected = counts(sent.values());
    let server = Fixture::start().await?;
    let scratch = scratch("synthea")?;
    let folder = samples::folder("fhir-synthea").context("a folder")?;
    let report = loaded(&server, vec![folder], &scratch).await?;
    assert_eq!(report.loaded, expected.values().sum::<u64>());
    check_counts(&server, &expected).await?;
    check_content(&sent, &exported(&server, &scratch, &expected).await?);
    Ok(())
}

#[tokio::test]
async fn bulk_exports_load_and_read_back_equal() -> Result<()> {
    let Some(files) = samples::files("fhir-bulk-ndjson") else { return Ok(()) };
    let mut sent = BTreeMap::new();
    for (_, content) in files.iter().filter(|(name, _)| !name.starts_with("log.")) {
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let value = json::parse(line)?;
            sent.insert(name(&value), without_name(&value));
        }
    }
    // A conditional reference becomes one to what it found.
    let found_by = identified(&sent);
    sent.values_mut().for_each(|value| rename(value, &found_by));
    let expected = counts(sent.values());
    let server = Fixture::start().await?;
    let scratch = scratch("bulk")?;
    let folder = samples::folder("fhir-bulk-ndjson").context("a folder")?;
    let report = loaded(&server, vec![folder], &scratch).await?;
    assert_eq!((report.loaded, report.files_passed_over.len()), (sent.len() as u64, 1));
    check_counts(&server, &expected).await?;
    let found = exported(&server, &scratch, &expected).await?;
    let found: BTreeMap<String, Value> =
        found.iter().map(|value| (name(value), without_name(value))).collect();
    let differing: Vec<String> = sent
        .iter()
        .filter(|(name, value)| found.get(*name) != Some(value))
        .map(|(name, value)| format!("{name}: {}", value.to_text()))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(sent.len(), found.len());
    Ok(())
}

/// `Location?identifier=system|value` of everything that has an identifier.
fn identified(resources: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let mut found_by = BTreeMap::new();
    for (name, resource) in resources {
        let kind = name.split('/').next().unwrap_or_default();
        for identifier in resource.get("identifier").map(Value::items).unwrap_or_default() {
            let part =
                |name: &str| identifier.get(name).and_then(Value::as_str).unwrap_or_default();
            let query = format!("{kind}?identifier={}|{}", part("system"), part("value"));
            found_by.insert(query, name.clone());
        }
    }
    found_by
}

#[tokio::test]
async fn generated_records_load_and_read_back_equal() -> Result<()> {
    let population = Population::new(Options::new(11, 12))?;
    let scratch = scratch("generated")?;
    let input = scratch.join("input");
    std::fs::create_dir(&input)?;
    let mut texts = vec![population.shared_bundle()];
    for index in 0..population.options().patients {
        let mut out = Vec::new();
        population.write_bundle(index, &mut out);
        texts.push(out);
    }
    let mut ndjson = Vec::new();
    for text in &texts {
        ndjson.extend_from_slice(text);
        ndjson.push(b'\n');
    }
    std::fs::write(input.join("population.ndjson"), ndjson)?;
    let bundles: Vec<Value> =
        texts.iter().map(|text| json::parse(text)).collect::<Result<_, _>>()?;
    let sent = sent(&bundles);
    let expected = counts(sent.values());
    let server = Fixture::start().await?;
    let report = loaded(&server, vec![input], &scratch).await?;
    assert_eq!(report.loaded, expected.values().sum::<u64>());
    check_counts(&server, &expected).await?;
    check_content(&sent, &exported(&server, &scratch, &expected).await?);
    Ok(())
}

#[tokio::test]
async fn the_jsonb_column_can_be_asked_by_sql() -> Result<()> {
    let server = Fixture::start().await?;
    let text = r#"{"resourceType":"Patient","id":"x","name":[{"family":"Ober"}],"multipleBirthInteger":2}"#;
    assert_eq!(server.client.send("PUT", "/Patient/x", text).await?.status, 201);
    let mut database = server.database.connect().await?;
    let found: String = sqlx::query_scalar(
        r#"select content::text from resource where content @> '{"name":[{"family":"Ober"}]}'"#,
    )
    .fetch_one(&mut database)
    .await?;
    let read = server.client.get("/Patient/x").await?;
    assert!(same_by_value(&json::parse(found.as_bytes())?, &read.json()?), "{found}");
    Ok(())
}

/// What was loaded in the last 24 hours is not loaded again without its journal either: the report says so, and `again`
/// brings back what was deleted.
#[tokio::test]
async fn what_the_server_still_knows_is_told() -> Result<()> {
    let server = Fixture::start().await?;
    let scratch = scratch("load-replays")?;
    let file = scratch.join("patients.ndjson");
    std::fs::write(
        &file,
        "{\"resourceType\":\"Patient\",\"id\":\"kept\"}\n{\"resourceType\":\"Patient\",\"id\":\"gone\"}\n",
    )?;
    let first = loaded(&server, vec![file.clone()], &scratch).await?;
    assert_eq!((first.loaded, first.replayed), (2, 0), "{first}");
    server.client.send("DELETE", "/Patient/gone", "").await?;
    std::fs::remove_file(scratch.join("journal"))?;
    let second = loaded(&server, vec![file.clone()], &scratch).await?;
    assert_eq!((second.loaded, second.resumed, second.replayed), (0, 2, 2), "{second}");
    assert!(second.to_string().contains("The server knew 2 of these"), "{second}");
    assert!(second.to_string().contains("--again"), "{second}");
    assert_eq!(server.client.get("/Patient/gone").await?.status, 410);
    let again = LoadOptions {
        connection: connection(&server),
        inputs: vec![file],
        journal: Some(scratch.join("journal")),
        again: true,
        progress: false,
        ..LoadOptions::default()
    };
    let third = load(again).await?;
    assert_eq!((third.loaded, third.replayed), (2, 0), "{third}");
    assert_eq!(server.client.get("/Patient/gone").await?.status, 200);
    Ok(())
}

/// Entries of a collection that refer to each other by names of their Bundle alone: all of them or none.
#[tokio::test]
async fn links_within_a_collection_hold_for_all_of_it() -> Result<()> {
    let server = Fixture::start().await?;
    let scratch = scratch("linked")?;
    let collection = |gender: &str| {
        let name = "urn:uuid:0b0a7d0e-6f0f-4f7c-9a59-2d1c5a0e8b11";
        let patient = |n: usize| {
            let gender = if n == 149 { gender } else { "female" };
            format!(
                r#"{{"fullUrl":"urn:oid:1.2.{n}","resource":{{"resourceType":"Patient","gender":"{gender}",
                "managingOrganization":{{"reference":"{name}"}}}}}}"#
            )
        };
        let patients: Vec<String> = (0..150).map(patient).collect();
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"{name}","resource":
            {{"resourceType":"Organization","name":"x"}}}},{}]}}"#,
            patients.join(",")
        )
    };
    let file = scratch.join("linked.json");
    std::fs::write(&file, collection("bogus"))?;
    let refused = tried(&server, vec![file.clone()], &scratch).await?;
    assert_eq!((refused.loaded, refused.failed), (0, 151), "{refused}");
    std::fs::write(&file, collection("female"))?;
    let report = tried(&server, vec![file], &scratch).await?;
    assert_eq!((report.loaded, report.failed), (151, 0), "{report}");
    let all = server.client.get("/Organization").await?;
    let organization = all.text_at("entry.0.resource.id");
    let members = format!("/Patient?organization={organization}&_summary=count");
    let members = server.client.get(&members).await?;
    assert!(members.text.contains(r#""total":150"#), "{}", members.text);
    Ok(())
}
