//! A search that takes too long is ended in the database, and costs the next one nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use it::Fixture;
use sqlx::{Connection, PgConnection};

use crate::search::ids;

const BUDGET: Duration = Duration::from_millis(300);

/// The application's sessions: their numbers, and whether each is at rest outside of a transaction.
async fn sessions(watch: &mut PgConnection) -> Result<Vec<(i32, String)>> {
    let facts = "select pid, state from pg_stat_activity
        where datname = current_database() and application_name = 'carebridge'
            and query not like '%audit%' order by 1";
    Ok(sqlx::query_as(facts).fetch_all(watch).await?)
}

#[tokio::test]
async fn a_search_beyond_its_time_is_ended_and_its_connection_is_clean() -> Result<()> {
    let budget_ms = u32::try_from(BUDGET.as_millis())?;
    let server = Fixture::start_with(|settings| {
        settings.database.search_ms = budget_ms;
        settings.database.connections = 1;
    })
    .await?;
    let body = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Peter"}],"gender":"male"}"#;
    assert_eq!(server.client.send("PUT", "/Patient/p", body).await?.status, 201);
    assert_eq!(ids(&server.client.get("/Patient?family=peter").await?), "p");

    let mut watch = server.database.connect().await?;
    let mut holder = server.database.connect().await?;
    for query in ["family=peter", "gender=male&_summary=count", "_sort=birthdate"] {
        let before = sessions(&mut watch).await?;
        // Who must wait for a lock takes as long as one who reads all.
        let mut held = holder.begin().await?;
        sqlx::query("lock table resource in access exclusive mode").execute(&mut *held).await?;
        let begun = Instant::now();
        let ended = server.client.get(&format!("/Patient?{query}")).await?;
        let took = begun.elapsed();
        held.rollback().await?;
        assert_eq!(ended.status, 503, "{query}: {}", ended.text);
        assert_eq!(ended.text_at("issue.0.code"), "too-costly", "{query}");
        let advice = ended.text_at("issue.0.diagnostics");
        assert!(advice.contains("Narrow it"), "{query}: {advice}");
        assert_eq!(ended.header("retry-after"), "", "it would not help");
        assert!(took >= BUDGET && took < BUDGET * 10, "{query}: {took:?}");

        // The same session answers the next search, and a write that may take longer than a search.
        assert_eq!(ids(&server.client.get("/Patient?family=peter").await?), "p", "{query}");
        assert_eq!(sessions(&mut watch).await?, before, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn the_budget_of_searches_is_not_that_of_writes() -> Result<()> {
    let server = Fixture::start_with(|settings| {
        settings.database.search_ms = 300;
        settings.database.connections = 1;
    })
    .await?;
    let body = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Peter"}]}"#;
    assert_eq!(server.client.send("PUT", "/Patient/p", body).await?.status, 201);
    for _ in 0..2 {
        assert_eq!(ids(&server.client.get("/Patient?family=peter").await?), "p");
        let mut holder = server.database.connect().await?;
        let mut held = holder.begin().await?;
        sqlx::query("lock table resource in access exclusive mode").execute(&mut *held).await?;
        let client = server.client.clone();
        let writing = tokio::spawn(async move {
            client.send("PUT", "/Patient/p", &body.replace("Peter", "Petra")).await
        });
        let mut watch = server.database.connect().await?;
        waits_longer(&mut watch, Duration::from_millis(600)).await?;
        held.rollback().await?;
        let written = writing.await??;
        assert_eq!(written.status, 200, "{}", written.text);
        assert_eq!(server.client.send("PUT", "/Patient/p", body).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn searches_of_a_transaction_have_the_budget_and_its_writes_have_not() -> Result<()> {
    let server = Fixture::start_with(|settings| {
        settings.database.search_ms = 300;
        settings.database.connections = 2;
    })
    .await?;
    let entry = |family: &str| {
        format!(
            r#"{{"request":{{"method":"POST","url":"Patient","ifNoneExist":"family={family}"}},"resource":{{"resourceType":"Patient","name":[{{"family":"{family}"}}]}}}}"#
        )
    };
    let bundle = |families: &[&str]| {
        let entries: Vec<String> = families.iter().map(|family| entry(family)).collect();
        let entries = entries.join(",");
        format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#)
    };
    let mut holder = server.database.connect().await?;
    let mut held = holder.begin().await?;
    sqlx::query("lock table resource in access exclusive mode").execute(&mut *held).await?;
    let begun = Instant::now();
    let ended = server.client.send("POST", "", &bundle(&["Abel", "Bell"])).await?;
    let took = begun.elapsed();
    held.rollback().await?;
    assert_eq!(ended.status, 503, "{}", ended.text);
    assert_eq!(ended.text_at("issue.0.code"), "too-costly");
    assert!(took >= BUDGET && took < BUDGET * 10, "{took:?}");

    // Now the search finds nothing at once, and only the write waits.
    let mut held = holder.begin().await?;
    sqlx::query("lock table resource in share mode").execute(&mut *held).await?;
    let (client, body) = (server.client.clone(), bundle(&["Abel", "Bell"]));
    let writing = tokio::spawn(async move { client.send("POST", "", &body).await });
    let mut watch = server.database.connect().await?;
    waits_longer(&mut watch, Duration::from_millis(600)).await?;
    held.rollback().await?;
    let written = writing.await??;
    assert_eq!(written.status, 200, "{}", written.text);
    assert_eq!(server.client.get("/Patient?family=abel,bell").await?.entries().len(), 2);
    Ok(())
}

/// Until a statement of the application has waited for a lock this long.
async fn waits_longer(watch: &mut PgConnection, long: Duration) -> Result<()> {
    let waited =
        "select coalesce(max(extract(epoch from clock_timestamp() - query_start)), 0)::float8
        from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let begun = Instant::now();
    loop {
        let seconds: f64 = sqlx::query_scalar(waited).fetch_one(&mut *watch).await?;
        if seconds >= long.as_secs_f64() {
            return Ok(());
        }
        (begun.elapsed().as_secs() < 20).then_some(()).context("nothing waits for the lock")?;
    }
}
