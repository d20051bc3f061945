//! Kills under load: the server, a backend of PostgreSQL, all of PostgreSQL. Whatever was
//! acknowledged is there once, whatever was refused is not, and the rest is whole or absent.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Mode, Options};
use it::Database;
use it::ledger::{ServerProcess, Swarm, report, rounds, seed, verify};
use sqlx::{Connection, PgConnection};

const WRITERS: u64 = 16;
/// From the end of a fault until a write succeeds again, on a machine that does much else.
const BACK_MAX: Duration = Duration::from_secs(30);

/// Successes between two faults: a number by chance, so that each fault meets other work.
fn pause(rng: &mut fastrand::Rng) -> usize {
    rng.usize(10..60)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_killed() -> Result<()> {
    let (kills, mut rng) = (rounds(6, 200), fastrand::Rng::with_seed(seed()));
    let database = Database::create().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    let swarm = Swarm::start(&server.origin, WRITERS, seed()).await?;
    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        swarm.ledger.progress(pause(&mut rng)).await?;
        server.kill9().await?;
        slowest = slowest.max(server.restart().await?);
    }
    swarm.ledger.progress(pause(&mut rng)).await?;
    let ledger = swarm.finish().await?;
    let verdict = verify(&database.url, &ledger).await?;
    let note = format!("  ready again after at most {} ms", slowest.as_millis());
    report(&format!("kill -9 of the server ×{kills}, {WRITERS} clients"), &verdict, &[note]);
    Ok(())
}

/// A PostgreSQL of this test's own with one migrated database.
async fn own_cluster() -> Result<(Cluster, String)> {
    let cluster = tokio::task::block_in_place(|| Cluster::open(Options::temporary()))?;
    let mut owner = PgConnection::connect(&cluster.url("postgres")).await?;
    sqlx::query("create database chaos").execute(&mut owner).await?;
    owner.close().await?;
    let url = cluster.url("chaos");
    store::migrate(&url).await?;
    Ok((cluster, url))
}

/// Breaks PostgreSQL again and again under load.
async fn break_postgresql(
    heading: &str,
    rounds: usize,
    mut fault: impl FnMut(&mut Cluster, &mut fastrand::Rng) -> Result<()>,
) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(seed());
    let (mut cluster, url) = own_cluster().await?;
    let server = ServerProcess::start(&url).await?;
    let swarm = Swarm::start(&server.origin, WRITERS, seed()).await?;
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        swarm.ledger.progress(pause(&mut rng)).await?;
        tokio::task::block_in_place(|| fault(&mut cluster, &mut rng))?;
        let began = Instant::now();
        // The first answers may be those of writes that were durable before.
        swarm.ledger.progress(usize::try_from(WRITERS)? + 1).await?;
        slowest = slowest.max(began.elapsed());
    }
    let ledger = swarm.finish().await?;
    let verdict = verify(&url, &ledger).await?;
    let note = format!("  writes again after at most {} ms", slowest.as_millis());
    report(&format!("{heading} ×{rounds}, {WRITERS} clients"), &verdict, &[note]);
    ensure!(slowest < BACK_MAX, "writes again only after {slowest:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_is_killed() -> Result<()> {
    break_postgresql("kill -9 of a PostgreSQL backend", rounds(6, 100), |cluster, rng| {
        let backends = cluster.backend_pids();
        let pid = rng.choice(backends).context("no backend serves the server")?;
        // One that ended in this moment was at rest; the next round takes another.
        cluster.kill9_backend(pid);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_stopped_at_once() -> Result<()> {
    break_postgresql("immediate stop and start of PostgreSQL", rounds(3, 50), |cluster, _| {
        cluster.stop(Mode::Immediate);
        Ok(cluster.start()?)
    })
    .await
}
