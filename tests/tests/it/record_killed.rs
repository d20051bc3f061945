//! Kills while people sign in and out: each session has its row in the record and each row its session, whenever the
//! server died.

use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use it::ledger::{ServerProcess, quiet, rounds, seed, until};
use it::{Database, PASSWORD, Visitor, people};
use sqlx::PgConnection;

/// Longer than a log-in takes on a busy machine.
const SIGNED_IN_MAX: Duration = Duration::from_secs(60);
const LOGINS: [&str; 4] = ["anna", "bert", "clara", "aude"];

/// Signs in and out again and again, until nobody answers any more.
async fn come_and_go(origin: String, login: &str) -> Result<()> {
    loop {
        let mut visitor = Visitor::new(&origin)?;
        let page = visitor.open("/auth/manage").await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", PASSWORD);
        let page = visitor.submit(&form).await?;
        visitor.submit(&page.form("/auth/logout")?).await?;
    }
}

/// Sessions, log-ins in the record; sessions that were ended, log-outs in the record.
async fn counts(owner: &mut PgConnection) -> Result<[i64; 4]> {
    let (began, log_ins, ended, log_outs) = sqlx::query_as(
        "select (select count(*) from session), (select count(*) from audit where action = 6 and status = 200),
            (select count(*) from session where ends_at <= now()), (select count(*) from audit where action = 14)",
    )
    .fetch_one(owner)
    .await?;
    Ok([began, log_ins, ended, log_outs])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_killed_between_a_log_in_and_its_row() -> Result<()> {
    let (kills, mut rng) = (rounds(5, 200), fastrand::Rng::with_seed(seed()));
    let database = Database::create().await?;
    people(&database).await?.close().await;
    let mut owner = database.connect().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    for _ in 0..kills {
        let [before, ..] = counts(&mut owner).await?;
        let enough = before + rng.i64(1..12);
        let going = LOGINS.map(|login| tokio::spawn(come_and_go(server.origin.clone(), login)));
        until("people sign in", SIGNED_IN_MAX, async || {
            counts(&mut owner).await.is_ok_and(|[began, ..]| began >= enough)
        })
        .await?;
        server.kill9().await?;
        // They end where nobody answers.
        for ended in join_all(going).await {
            assert!(ended?.is_err());
        }
        quiet(&mut owner).await?;
        let [began, log_ins, ended, log_outs] = counts(&mut owner).await?;
        assert_eq!((began, ended), (log_ins, log_outs), "seed {}", seed());
        server.restart().await?;
    }
    Ok(())
}
