//! SIGTERM under load: the real binary answers what is in flight, takes nothing new, and ends well.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use it::Database;
use it::ledger::{ServerProcess, Swarm, report, seed, until, verify};
use sqlx::Connection;
use tokio::net::TcpStream;
use tokio::time::timeout;

const WRITERS: u64 = 16;
/// What a supervisor grants before it kills.
const DRAIN_MAX: Duration = Duration::from_secs(25);
/// The server's own limit for a wait on a lock is 10 s.
const LOCKED_MAX: Duration = Duration::from_secs(8);

const SLOW: &str = r#"{"resourceType":"Patient","id":"slow","gender":"female"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_nothing() -> Result<()> {
    let database = Database::create().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    let swarm = Swarm::start(&server.origin, WRITERS, seed()).await?;
    swarm.ledger.progress(100).await?;
    server.terminate().await?;
    let began = Instant::now();
    let status = timeout(DRAIN_MAX, server.wait()).await.context("it did not end in time")??;
    let took = began.elapsed();
    ensure!(status.success(), "it ended with {status}: {}", server.said());
    let ledger = swarm.finish().await?;
    let verdict = verify(&database.url, &ledger).await?;
    let note = format!("  ended well {} ms after SIGTERM", took.as_millis());
    report(&format!("SIGTERM under load, {WRITERS} clients"), &verdict, &[note]);
    assert_eq!(verdict.unknown_written(), 0, "what was written was also answered");
    Ok(())
}

/// A write that waits for a lock when the signal comes is answered as if nothing had happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_request_is_answered_after_sigterm() -> Result<()> {
    let database = Database::create().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    let client = server.client().await?;
    let made = client.send("PUT", "/Patient/slow", &SLOW.replace("female", "male")).await?;
    assert_eq!(made.status, 201, "{}", made.text);

    let (mut holder, mut watcher) = (database.connect().await?, database.connect().await?);
    let mut held = holder.begin().await?;
    sqlx::query("select from resource where id = 'slow' for update").execute(&mut *held).await?;
    let slow = tokio::spawn(async move { client.send("PUT", "/Patient/slow", SLOW).await });
    const WAITING: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    until("the write waits for the lock", LOCKED_MAX, async || {
        sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut watcher).await.ok() == Some(1)
    })
    .await?;

    server.terminate().await?;
    let address = server.origin.trim_start_matches("http://").to_owned();
    until("the server takes nothing new", LOCKED_MAX, async || {
        TcpStream::connect(&address).await.is_err()
    })
    .await?;
    held.rollback().await?;
    let answer = slow.await??;
    assert_eq!((answer.status, answer.version()), (200, 2), "{}", answer.text);
    let status = timeout(DRAIN_MAX, server.wait()).await.context("it did not end in time")??;
    ensure!(status.success(), "it ended with {status}: {}", server.said());
    let version: i32 = sqlx::query_scalar("select version from resource where id = 'slow'")
        .fetch_one(&mut watcher)
        .await?;
    assert_eq!(version, 2);
    Ok(())
}
