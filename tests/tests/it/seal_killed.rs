//! Kills between a change and its seal, again and again, with writers at work: no change is without its row, and
//! every row comes under the one chain that there is.

use std::time::Duration;

use anyhow::{Context, Result};
use it::ledger::{ServerProcess, Swarm, quiet, report, rounds, seed, until, verify};
use it::{Database, record_keys, seal_rows};
use store::record::{Question, Verifier};

const WRITERS: u64 = 16;
/// A server seals when it starts, and each second.
const SEALS_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_killed_between_change_and_seal() -> Result<()> {
    let (kills, mut rng) = (rounds(6, 200), fastrand::Rng::with_seed(seed()));
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let mut server = ServerProcess::start_sealed(&database.url).await?;
    let swarm = Swarm::start(&server.origin, WRITERS, seed()).await?;
    let mut seals = 0;
    for _ in 0..kills {
        // There is something new under a seal, so the next seal is not far when the server dies.
        until("the server seals", SEALS_MAX, async || {
            let count = sqlx::query_scalar::<_, i64>("select count(*) from audit_seal");
            count.fetch_one(&mut owner).await.is_ok_and(|count| count > seals)
        })
        .await?;
        swarm.ledger.progress(rng.usize(1..40)).await?;
        server.kill9().await?;
        seals = sqlx::query_scalar("select count(*) from audit_seal").fetch_one(&mut owner).await?;
        server.restart().await?;
    }
    swarm.ledger.progress(20).await?;
    let ledger = swarm.finish().await?;
    server.kill9().await?;
    quiet(&mut owner).await?;
    let verdict = verify(&database.url, &ledger).await?;
    let unsealed: i64 = sqlx::query_scalar(
        "select (select count(*) from audit) - (select sum(count) from audit_seal)::bigint",
    )
    .fetch_one(&mut owner)
    .await?;
    let unsealed = usize::try_from(unsealed).context("no row is sealed twice")?;
    seal_rows(&mut database.notary().await?, unsealed).await?;
    let question = Question { changes: true, ..Question::default() };
    let verifier = Verifier::new(&database.url, record_keys()?)?;
    let verified = verifier.verify(&question, &mut |_, _| ()).await?;
    assert!(verified.faults.is_empty(), "{:?}", verified.faults);
    let rows: i64 = sqlx::query_scalar("select count(*) from audit").fetch_one(&mut owner).await?;
    assert_eq!((verified.unsealed.rows, i64::try_from(verified.rows)?), (0, rows));
    let note = format!(
        "  {} seals over {} rows, {unsealed} of them after the last kill; {} versions, each with its row",
        verified.seals, verified.rows, verified.versions
    );
    report(&format!("kill -9 between change and seal ×{kills}"), &verdict, &[note]);
    Ok(())
}
