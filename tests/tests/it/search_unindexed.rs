//! Resources that cannot be indexed anew: they are in nobody's way, and searches say that they may miss them.

use std::time::Duration;

use anyhow::{Context, Result};
use canonical_model::Value;
use canonical_model::json::parse;
use it::ledger::{binary, until};
use it::{Answer, Database, Fixture};
use tokio::process::Command;

use crate::search_custom::{matches, put};

const SAID: &str = "There are Patient resources that could not be indexed anew";

fn patient(id: &str, identifiers: usize) -> String {
    let all: Vec<String> =
        (0..identifiers).map(|n| format!(r#"{{"system":"urn:x","value":"{id}{n}"}}"#)).collect();
    format!(r#"{{"resourceType":"Patient","id":"{id}","identifier":[{}]}}"#, all.join(","))
}

#[tokio::test]
async fn what_cannot_be_indexed_anew_is_said() -> Result<()> {
    let database = Database::create().await?;
    // As an earlier form, by which they had fewer values, would have left them.
    let mut first = Fixture::on(database.clone(), |settings| settings.policy.index = false).await?;
    put(&first.client, "Patient", "many", &patient("many", 4_100)).await?;
    put(&first.client, "Patient", "odd", &patient("odd", 1)).await?;
    put(&first.client, "Patient", "few", &patient("few", 1)).await?;
    first.stop().await;
    let mut owner = database.connect().await?;
    let odd = r"update resource set wire = '\x09' where id = 'odd'";
    sqlx::query(odd).execute(&mut owner).await?;
    let begin = "update index_state set form = form - 1, reached = 0, last = 0";
    sqlx::query(begin).execute(&mut owner).await?;

    let server = Fixture::on(database.clone(), |_| {}).await?;
    let client = &server.client;
    let path = "/Patient?identifier=few0";
    let said = async |path: &str| client.get(path).await.is_ok_and(|it| it.text.contains(SAID));
    let done = async || client.get(path).await.is_ok_and(|it| !it.text.contains("built anew"));
    until("the walk ends", Duration::from_secs(30), done).await?;
    assert!(said(path).await);
    assert_eq!(matches(&client.get(path).await?), 1, "the others are indexed");
    let linked = "/Observation?subject:Patient.identifier=few0";
    for (path, expected) in [
        ("/Patient?_id=few&_sort=birthdate", true),
        (linked, true),
        ("/Patient?_id=few", false),
        ("/Observation?code=x", false),
    ] {
        assert_eq!(said(path).await, expected, "{path}");
    }
    let create = client.request("POST", "/Patient").header("if-none-exist", "identifier=many7");
    let create = create.header("content-type", "application/fhir+json");
    let refused = Answer::of(create.body(patient("x", 1).replace(r#""id":"x","#, ""))).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains(SAID), "{}", refused.text);

    // The command names them; it tries each again, and notes none twice.
    let report = reindex(&database.url).await?;
    assert_eq!(report.get("unindexed").and_then(|it| it.as_number()?.to_i64()), Some(2));
    let named = report.get("first_unindexed").map(Value::to_text).context("some names")?;
    assert_eq!(named, r#"["Patient/many","Patient/odd"]"#);

    // With fewer values, or without them, nothing is said any more.
    put(client, "Patient", "many", &patient("many", 2)).await?;
    sqlx::query(r"update resource set wire = '\x00' || convert_to(content::text, 'utf8')::bytea where id = 'odd'")
        .execute(&mut owner)
        .await?;
    assert_eq!(client.send("DELETE", "/Patient/odd", "").await?.status, 204);
    until("it is not said", Duration::from_secs(30), async || !said(path).await).await?;
    assert_eq!(matches(&client.get("/Patient?identifier=many1").await?), 1);
    Ok(())
}

/// What `carebridge admin reindex` reports of a database where something cannot be indexed.
async fn reindex(url: &str) -> Result<Value> {
    let command = ["admin", "reindex", "--json"];
    let mut program = Command::new(binary()?);
    let done = program.args(command).env("CAREBRIDGE_DATABASE_URL", url).output().await?;
    let (out, err) = (String::from_utf8(done.stdout)?, String::from_utf8(done.stderr)?);
    assert_eq!(done.status.code(), Some(1), "{out} {err}");
    Ok(parse(out.trim().as_bytes())?)
}
