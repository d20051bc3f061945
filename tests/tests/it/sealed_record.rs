//! Sealing the record: every row once, in whole transactions, none before its transaction has ended; by one at a
//! time; and anew where transactions count anew.

use anyhow::Result;
use it::{Database, Fixture, SEAL_KEY, seal_rows};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Rows of one statement, so of one transaction.
async fn add(database: &mut PgConnection, rows: usize, at: &str) -> Result<()> {
    let statement = format!(
        "insert into audit (at, request_id, action, status, client, token_id, patients, person)
         select {at}, 'r' || n, 1, 200, 'c', 't', array[n % 3], 'Practitioner/' || n % 2
         from generate_series(1, {rows}) n"
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(database).await?;
    Ok(())
}

/// Of each seal: era, how many rows, and how many it should have by what it says.
async fn seals(database: &mut PgConnection) -> Result<Vec<(i32, i32, i64)>> {
    Ok(sqlx::query_as(
        "select s.era, s.count, (select count(*) from audit a
            where date_trunc('month', a.at, 'UTC') = s.month::timestamp at time zone 'UTC'
                and case when s.tx_lo < s.tx_hi then a.tx between s.tx_lo and s.tx_hi
                    else coalesce(a.tx, 0) = s.tx_lo and a.audit_id between s.id_lo and s.id_hi end)
         from audit_seal s order by seal",
    )
    .fetch_all(database)
    .await?)
}

#[tokio::test]
async fn what_a_server_records_is_sealed_once() -> Result<()> {
    let server = Fixture::start().await?;
    let mut database = server.database.connect().await?;
    let mut notary = server.database.notary().await?;
    // The token that the client has.
    seal_rows(&mut notary, 1).await?;
    assert_eq!(notary.seal_all().await?, 0, "nothing more yet");
    let body = r#"{"resourceType":"Patient","id":"a"}"#;
    for round in 1..=3 {
        server.client.send("PUT", "/Patient/a", body).await?;
        for path in ["/Patient/a", "/Patient?_id=a", "/Patient/nobody"] {
            server.client.get(path).await?;
        }
        seal_rows(&mut notary, 4).await?;
        assert_eq!(notary.seal_all().await?, 0, "each once, round {round}");
    }
    let seals = seals(&mut database).await?;
    assert!(seals.len() >= 3);
    assert!(seals.iter().all(|(era, count, found)| (*era, i64::from(*count)) == (0, *found)));
    let (named, keys): (i64, i64) = sqlx::query_as(
        "select (select count(distinct s.tx_lo) from audit_patient p join audit_seal s using (seal)
                join resource r on r.id_hash = p.patient where r.id = 'a'),
            (select count(*) from audit_key)",
    )
    .fetch_one(&mut database)
    .await?;
    assert!(named >= 3 && keys == 1, "each round names the patient, one key signs");
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_is_open_holds_back_what_follows_it() -> Result<()> {
    let database = Database::create().await?;
    let (mut one, mut other) = (database.connect().await?, database.connect().await?);
    let mut notary = database.notary().await?;
    add(&mut one, 2, "now()").await?;
    let mut open = one.begin().await?;
    add(&mut open, 3, "now()").await?;
    add(&mut other, 4, "now()").await?;
    seal_rows(&mut notary, 2).await?;
    assert_eq!(
        notary.seal_all().await?,
        0,
        "the later one is committed, and an earlier may still come"
    );
    open.commit().await?;
    seal_rows(&mut notary, 7).await?;
    let seals = seals(&mut other).await?;
    assert_eq!(seals.iter().map(|seal| (seal.1, seal.2)).collect::<Vec<_>>(), [(2, 2), (7, 7)]);
    Ok(())
}

#[tokio::test]
async fn large_transactions_months_and_rows_of_before_are_sealed_whole() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    // Rows of before there were transactions, some in the month before.
    add(&mut owner, 12_000, "now() - interval '1 month' * (n / 6001)").await?;
    sqlx::query("update audit set tx = null").execute(&mut owner).await?;
    add(&mut owner, 9_000, "now()").await?;
    add(&mut owner, 9_000, "now()").await?;
    add(&mut owner, 25_000, "now()").await?;
    add(&mut owner, 5, "now() - interval '1 month' * (n / 3)").await?;
    for _ in 0..40 {
        add(&mut owner, 1, "now()").await?;
    }
    let mut notary = database.notary().await?;
    seal_rows(&mut notary, 12_000 + 18_000 + 25_000 + 5 + 40).await?;
    let seals = seals(&mut owner).await?;
    assert!(seals.iter().all(|(_, count, found)| i64::from(*count) == *found), "{seals:?}");
    let large: Vec<i32> = seals.iter().map(|seal| seal.1).filter(|count| *count > 100).collect();
    assert_eq!(large, [6_000, 4_000, 2_000, 9_000, 9_000, 10_000, 10_000, 5_000]);
    let sound: bool = sqlx::query_scalar(
        "select bool_and(n = 0) from (
            select count(*) filter (where b.head_before <> a.head
                or (b.tx_lo, b.id_lo) <= (a.tx_hi, a.id_hi) and b.tx_lo > 0 and b.tx_lo <> a.tx_hi) as n
            from audit_seal a join audit_seal b on b.seal = a.seal + 1) x",
    )
    .fetch_one(&mut owner)
    .await?;
    assert!(sound, "each goes on where the one before ended");
    Ok(())
}

#[tokio::test]
async fn one_at_a_time_seals() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    add(&mut owner, 3, "now()").await?;
    let mut turn = owner.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('seal_audit', 0))")
        .execute(&mut *turn)
        .await?;
    let mut notary = database.notary().await?;
    assert_eq!(notary.seal_all().await?, 0, "another has the turn");
    turn.rollback().await?;
    let mut second = database.notary().await?;
    let (one, two) = tokio::join!(notary.seal_all(), second.seal_all());
    seal_rows(&mut notary, 3 - one? - two?).await?;
    assert_eq!(seals(&mut owner).await?, [(0, 3, 3)]);
    Ok(())
}

/// As after a restore into another cluster: what is there counts higher than what comes.
#[tokio::test]
async fn an_era_begins_where_transactions_count_anew() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let mut notary = database.notary().await?;
    add(&mut owner, 3, "now()").await?;
    seal_rows(&mut notary, 3).await?;
    // The seal and its rows, and two rows that were not sealed yet, are of a cluster that counts higher.
    add(&mut owner, 2, "now()").await?;
    sqlx::raw_sql(
        "update audit set tx = tx + 1000000000;
         update audit_seal set tx_lo = tx_lo + 1000000000, tx_hi = tx_hi + 1000000000",
    )
    .execute(&mut owner)
    .await?;
    add(&mut owner, 4, "now()").await?;
    let mut notary = database.notary().await?;
    seal_rows(&mut notary, 6).await?;
    add(&mut owner, 5, "now()").await?;
    seal_rows(&mut notary, 5).await?;
    let mut other = database.notary().await?;
    add(&mut owner, 1, "now()").await?;
    seal_rows(&mut other, 1).await?;
    let seals: Vec<(i32, i32)> = sqlx::query_as("select era, count from audit_seal order by seal")
        .fetch_all(&mut owner)
        .await?;
    assert_eq!(seals, [(0, 3), (0, 2), (1, 4), (1, 5), (1, 1)]);
    Ok(())
}

/// A server seals by itself, and says where the chain stands.
#[tokio::test]
async fn a_server_seals_and_leaves_heads() -> Result<()> {
    let heads = std::env::temp_dir().join(format!("carebridge-heads-{}", std::process::id()));
    let mut server = Fixture::start_with(|settings| {
        settings.seal.key = SEAL_KEY.parse().ok();
        settings.audit.seal_every = std::time::Duration::from_millis(10);
        settings.audit.heads = Some(heads.clone());
    })
    .await?;
    server.client.get("/Patient/a").await?;
    let mut database = server.database.connect().await?;
    let sealed = "select exists (select from audit_seal)";
    let limit = std::time::Duration::from_secs(20);
    it::ledger::until("the record is sealed", limit, async || {
        sqlx::query_scalar(sealed).fetch_one(&mut database).await.unwrap_or(false)
    })
    .await?;
    server.stop().await;
    let head: (i64, Vec<u8>) =
        sqlx::query_as("select seal, head from audit_seal order by seal desc limit 1")
            .fetch_one(&mut database)
            .await?;
    let said = std::fs::read_to_string(&heads)?;
    std::fs::remove_file(&heads)?;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let hex: String = head.1.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((last["seal"].as_i64(), last["head"].as_str()), (Some(head.0), Some(hex.as_str())));
    Ok(())
}
