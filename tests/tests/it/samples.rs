//! Published R4 resources come back as they were: from read, vread and history to the last zero,
//! from the JSONB column by value.

use anyhow::{Context, Result};
use canonical_model::{ResourceType, Value, json};
use it::{Answer, Fixture, samples};
use sqlx::PgConnection;

use crate::samples_compare::{numbers, plain, same_by_value};

/// What is refused, and the element that is at fault: its narrative has a status and no `div`.
const FLAWED: [(&str, &str); 1] = [("diagnosticreport-cbc.json", "DiagnosticReport.text.div")];

/// What is stored with a tag, for it breaks a rule: an entry's URL is not the resource's, or a reference leads to
/// another type than the element may refer to.
const TAGGED: [&str; 3] = [
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json",
    "Bundle-lri-example.json",
    "DeviceUseStatement-example.json",
];

#[tokio::test]
async fn published_examples_come_back_as_they_were() -> Result<()> {
    let folders = ["fhir-r4-examples", "fhir-us-core-examples"];
    let Some(all) = folders.map(samples::files).into_iter().collect::<Option<Vec<_>>>() else {
        return Ok(());
    };
    let server = Fixture::start().await?;
    let mut database = server.database.connect().await?;
    let (mut faults, mut changed, mut stored) = (Vec::new(), Vec::new(), 0);
    for (name, content) in all.into_iter().flatten() {
        let text = String::from_utf8(content)?;
        if let Some((_, element)) = FLAWED.iter().find(|(flawed, _)| *flawed == name) {
            refused(&server, &text, element).await?;
            continue;
        }
        let text = match TAGGED.contains(&name.as_str()) {
            true => tagged(&server, &text).await?,
            false => text,
        };
        match round_trip(&server, &mut database, &text).await {
            Ok(numbers) => changed.extend(numbers),
            Err(fault) => faults.push(format!("{name}: {fault:#}")),
        }
        stored += 1;
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(stored > 290, "only {stored} examples were found");
    changed.sort();
    changed.dedup();
    println!("JSONB writes {} numbers in another way: {changed:?}", changed.len());
    Ok(())
}

async fn refused(server: &Fixture, text: &str, element: &str) -> Result<()> {
    let path = path(&json::parse(text.as_bytes())?)?;
    let answer = server.client.send("PUT", &path, text).await?;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert_eq!(answer.text_at("issue.0.expression.0"), element, "{}", answer.text);
    assert_eq!(server.client.get(&path).await?.status, 404);
    Ok(())
}

/// The same as it is stored: with the tag, and else as it was.
async fn tagged(server: &Fixture, text: &str) -> Result<String> {
    let mut sent = json::parse(text.as_bytes())?;
    let answer = server.client.send("PUT", &path(&sent)?, text).await?;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let again = server.client.send("PUT", &path(&sent)?, text).await?;
    assert_eq!((again.status, again.version()), (200, 1), "the same without the tag is the same");
    let tags = r#"[{"system":"https://carebridge.example/CodeSystem/validation","code":"faults"}]"#;
    let members = sent.as_object_mut().context("an object")?;
    let mut meta = members.remove("meta").unwrap_or_else(|| json::Object::new().into());
    let known = meta.as_object_mut().context("an object")?;
    assert!(known.get("tag").is_none(), "it has tags of its own");
    known.set("tag", json::parse(tags.as_bytes())?);
    members.set("meta", meta);
    Ok(sent.to_text())
}

fn path(resource: &Value) -> Result<String> {
    let member = |name: &str| resource.get(name).and_then(Value::as_str);
    let kind = member("resourceType").context("no type")?;
    Ok(format!("/{kind}/{}", member("id").context("no id")?))
}

/// Stores a resource, reads it back in every way, and returns the numbers that JSONB rewrote.
pub(crate) async fn round_trip(
    server: &Fixture,
    database: &mut PgConnection,
    text: &str,
) -> Result<Vec<String>> {
    let sent = plain(text);
    let path = path(&sent)?;
    let written = server.client.send("PUT", &path, text).await?;
    anyhow::ensure!(matches!(written.status, 200 | 201), "PUT: {}", written.text);
    let read = server.client.get(&path).await?;
    same(&sent, &read, "read")?;
    anyhow::ensure!(read.text == written.text, "read and the PUT's answer differ");
    let version = format!("{path}/_history/{}", written.version());
    let vread = server.client.get(&version).await?;
    anyhow::ensure!(vread.text == read.text, "read and vread differ");
    let history = server.client.get(&format!("{path}/_history?_count=1")).await?;
    let entry = history.at("entry.0.resource").context("no history")?;
    anyhow::ensure!(entry == read.json()?, "read and history differ");
    in_jsonb(database, &read).await
}

fn same(sent: &Value, answer: &Answer, what: &str) -> Result<()> {
    anyhow::ensure!(answer.status == 200, "{what}: {} {}", answer.status, answer.text);
    let found = plain(&answer.text);
    anyhow::ensure!(found == *sent, "{what} differs:\n{}\n{}", sent.to_text(), found.to_text());
    Ok(())
}

/// The column is equal in PostgreSQL's eyes and, but for numbers too long to be read, in ours.
async fn in_jsonb(database: &mut PgConnection, read: &Answer) -> Result<Vec<String>> {
    let kind = ResourceType::parse(&read.text_at("resourceType"))?;
    let (content, equal): (String, bool) = sqlx::query_as(
        "select content::text, content = $3::text::jsonb from resource where type = $1 and id = $2",
    )
    .bind(kind.number())
    .bind(read.id())
    .bind(&read.text)
    .fetch_one(&mut *database)
    .await?;
    let wire = read.json()?;
    let same = json::parse(content.as_bytes()).map_or(true, |found| same_by_value(&wire, &found));
    anyhow::ensure!(equal && same, "JSONB differs: {content}");
    let mut all = Vec::new();
    numbers(&wire, &mut all);
    let rewritten = "select n || ' → ' || n::numeric::text from unnest($1::text[]) n where n::numeric::text <> n";
    Ok(sqlx::query_scalar(rewritten).bind(all).fetch_all(database).await?)
}
