//! Sealing that stands still is a fault: whoever seals says so, and so does whoever verifies.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use it::ledger::{ServerProcess, binary, until};
use it::{Database, SEAL_KEY, record_keys, seal_rows};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use store::record::{Question, Verifier};
use telemetry::Clock;

const STALL: &str = "Sealing of the record of accesses stands still";
/// Three seconds of the settings, and what a busy machine adds.
const SAID_MAX: Duration = Duration::from_secs(60);

async fn run(owner: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(owner).await?;
    Ok(())
}

/// A row of so long ago.
async fn row(owner: &mut PgConnection, ago: &str) -> Result<()> {
    let text = format!(
        "insert into audit (at, request_id, action, status, client, token_id)
        values (now() - interval '{ago}', 'r', 1, 200, 'c', 't')"
    );
    run(owner, &text).await
}

#[tokio::test]
async fn rows_that_wait_too_long_are_a_fault() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let verifier = Verifier::new(&database.url, record_keys()?)?;
    let clock = Clock::manual(Clock::system().now());
    let faults = async |most: TimeDelta| -> Result<Vec<String>> {
        let question = Question { sealed_until: Some(clock.now() - most), ..Question::default() };
        let verified = verifier.verify(&question, &mut |_, _| ()).await?;
        Ok(verified.faults.iter().map(|it| format!("{}: {}", it.kind.as_str(), it.text)).collect())
    };
    let most = TimeDelta::minutes(10);
    assert_eq!(faults(most).await?, [""; 0], "nothing waits");
    row(&mut owner, "0 s").await?;
    row(&mut owner, "0 s").await?;
    assert_eq!(faults(most).await?, [""; 0], "not for long");
    clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(faults(most).await?, [""; 0], "nearly");
    clock.advance(Duration::from_secs(2 * 60));
    let said = faults(most).await?;
    let [only] = said.as_slice() else { panic!("{said:?}") };
    assert!(only.starts_with("unsealed: sealing stands still: 2 rows are not sealed"), "{only}");
    assert_eq!(faults(TimeDelta::minutes(12)).await?, [""; 0], "another bound");
    let mut notary = database.notary().await?;
    assert!(notary.unsealed_since().await?.is_some());
    seal_rows(&mut notary, 2).await?;
    assert_eq!(notary.unsealed_since().await?, None);
    assert_eq!(faults(most).await?, [""; 0], "sealed");
    // What comes after the seals waits like what comes before the first.
    row(&mut owner, "1 h").await?;
    assert!(notary.unsealed_since().await?.is_some_and(|at| clock.now() - at > most));
    assert_eq!(faults(most).await?.len(), 1);
    Ok(())
}

fn verify(database: &Database, settings: &str) -> Result<(Option<i32>, Value)> {
    let name = format!("carebridge-stalls-{}-{}.toml", std::process::id(), settings.len());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, settings)?;
    let answer = Command::new(binary()?)
        .args(["audit", "verify", "--json"])
        .env("CAREBRIDGE_CONFIG", &file)
        .env("CAREBRIDGE_DATABASE_URL", &database.url)
        .env("CAREBRIDGE_SEAL_KEY", SEAL_KEY)
        .output()?;
    std::fs::remove_file(&file)?;
    let text = String::from_utf8_lossy(&answer.stderr).into_owned();
    let report = serde_json::from_slice(&answer.stdout).context(text)?;
    Ok((answer.status.code(), report))
}

#[tokio::test]
async fn the_command_says_so_and_ends_with_1() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    row(&mut owner, "1 h").await?;
    for (settings, code) in
        [("", 1), ("[audit]\nunsealed_max_s = 7200\n", 0), ("[audit]\nunsealed_max_s = 60\n", 1)]
    {
        let (ended, report) = verify(&database, settings)?;
        assert_eq!(ended, Some(code), "{settings} {report}");
        assert_eq!(report["sound"], code == 0, "{report}");
        let kind = report["faults"][0]["kind"].as_str();
        assert_eq!(kind, (code == 1).then_some("unsealed"), "{report}");
    }
    Ok(())
}

/// The role that seals may seal no more: rows go on to be written, and somebody is told.
#[tokio::test]
async fn whoever_seals_says_that_it_does_not_come_on() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let server = ServerProcess::start_sealed(&database.url).await?;
    let client = server.client().await?;
    let age = async || {
        let text = client.get(&format!("{}/metrics", server.origin)).await.ok()?.text;
        let line = text.lines().find(|it| it.starts_with("audit_unsealed_age_seconds "))?;
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let sealed = "select count(*) from audit_seal";
    let seals = async |owner: &mut PgConnection| -> Result<i64> {
        Ok(sqlx::query_scalar(sealed).fetch_one(owner).await?)
    };
    until("the server seals", SAID_MAX, async || seals(&mut owner).await.is_ok_and(|n| n > 0))
        .await?;
    assert!(!server.said().contains(STALL), "{}", server.said());
    run(&mut owner, "revoke insert on audit_seal from carebridge_seal").await?;
    assert_eq!(client.get("/Patient/a").await?.status, 404);
    until("it says so", SAID_MAX, async || server.said().contains(STALL)).await?;
    assert!(age().await.is_some_and(|age| age > 3.0), "{:?}", age().await);
    run(&mut owner, "grant insert on audit_seal to carebridge_seal").await?;
    until("it goes on", SAID_MAX, async || age().await.is_some_and(|age| age < 3.0)).await?;
    Ok(())
}
