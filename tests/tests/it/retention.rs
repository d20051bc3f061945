//! How long the record is kept: whole months go, each leaves a signed trace that explains it, and what is under hold
//! stays.

use std::process::Command;

use anyhow::{Context, Result};
use it::{Database, SEAL_KEY, ledger, record_keys, seal_rows};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use store::record::{Question, Retired, Verified, Verifier};
use telemetry::Clock;

const KEPT: i32 = 72;

async fn run(owner: &mut PgConnection, statements: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(owner).await?;
    Ok(())
}

/// A record with rows of two old months, of a young one and of this, all sealed. Patients 1 to 3 of each month, but
/// patient 9 of May alone.
async fn record() -> Result<(Database, PgConnection)> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let months = [
        "date '2019-05-01'",
        "date '2019-06-01'",
        "(date_trunc('month', now()) - interval '60 months')",
    ];
    for (n, month) in months.iter().enumerate() {
        let partition = format!(
            "do $$ begin execute format('create table audit_' || to_char({month}, 'YYYY_MM')
                || ' partition of audit for values from (%L) to (%L)', {month}::timestamp at time zone 'UTC',
                ({month} + interval '1 month')::timestamp at time zone 'UTC'); end $$"
        );
        run(&mut owner, &partition).await?;
        let patient = if n == 0 { 9 } else { 1 };
        run(
            &mut owner,
            &format!(
                "insert into audit (at, request_id, action, status, client, token_id, patients, person)
                 select ({month}::timestamp + interval '7 days') at time zone 'UTC', 'r', 1, 200, 'c', 't',
                    array[{patient}::bigint, n], 'Practitioner/' || n from generate_series(1, 3) n"
            ),
        )
        .await?;
    }
    let now = "insert into audit (at, request_id, action, status, client, token_id)
        select now(), 'r', 1, 200, 'c', 't' from generate_series(1, 4)";
    run(&mut owner, now).await?;
    seal_rows(&mut database.notary().await?, 13).await?;
    Ok((database, owner))
}

async fn retire(database: &Database) -> Result<String> {
    let now = Clock::system().now();
    let Retired { gone, kept } = database.notary().await?.retire(KEPT, now).await?;
    let gone = gone.iter().map(|(month, rows)| format!("{} ({rows}) goes", month.format("%Y-%m")));
    let kept = kept.iter().map(|month| format!("{} stays", month.format("%Y-%m")));
    Ok(gone.chain(kept).collect::<Vec<_>>().join(", "))
}

async fn verified(database: &Database) -> Result<Verified> {
    let verifier = Verifier::new(&database.url, record_keys()?)?;
    Ok(verifier.verify(&Question::default(), &mut |_, _| ()).await?)
}

#[tokio::test]
async fn old_months_go_and_the_record_says_so() -> Result<()> {
    let (database, mut owner) = record().await?;
    let heads: i64 =
        sqlx::query_scalar("select count(*) from audit_seal").fetch_one(&mut owner).await?;
    assert_eq!(retire(&database).await?, "2019-05 (3) goes, 2019-06 (3) goes");
    assert_eq!(retire(&database).await?, "", "once");
    let sound = verified(&database).await?;
    assert!(sound.faults.is_empty(), "{:?}", sound.faults);
    let months: Vec<String> = sound.dropped.iter().map(ToString::to_string).collect();
    assert_eq!(
        (sound.rows, sound.seals, months.join(" ").as_str()),
        (7, heads, "2019-05-01 2019-06-01")
    );
    let left: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from audit), (select count(*) from audit_patient where patient = 9),
            (select count(*) from pg_class where relname in ('audit_2019_05', 'audit_2019_06'))",
    )
    .fetch_one(&mut owner)
    .await?;
    assert_eq!(left, (7, 0, 0), "rows, what named the patient, and their tables are gone");
    Ok(())
}

/// Whoever sets one of the two clocks drops nothing: the server and the database must both say how late it is.
#[tokio::test]
async fn nothing_goes_while_the_clocks_differ() -> Result<()> {
    let (database, mut owner) = record().await?;
    let clock = Clock::system();
    for by in [-3_600, -360, 360, 3_600] {
        let now = clock.now() + chrono::TimeDelta::seconds(by);
        let refused = database.notary().await?.retire(KEPT, now).await.unwrap_err();
        let said = &refused.issues[0].diagnostics;
        assert!(said.contains("s apart, so no month of the record is dropped"), "{by}: {said}");
    }
    let left: i64 = sqlx::query_scalar("select count(*) from audit").fetch_one(&mut owner).await?;
    assert_eq!(left, 13);
    assert_eq!(retire(&database).await?, "2019-05 (3) goes, 2019-06 (3) goes");
    Ok(())
}

/// What says that a month was dropped is signed, of those rows and those seals.
#[tokio::test]
async fn a_forged_trace_explains_nothing() -> Result<()> {
    for (forgery, expected) in [
        (
            "update audit_drop set rows = 2 where month = '2019-05-01'",
            "the month 2019-05 is gone, and what says so is not signed",
        ),
        (
            "update audit_drop set signature = sha512('x') where month = '2019-06-01'",
            "the month 2019-06 is gone, and what says so is not signed",
        ),
        (
            "delete from audit_drop where month = '2019-06-01'",
            "the month 2019-06 is gone, and nothing says that it was dropped",
        ),
    ] {
        let (database, mut owner) = record().await?;
        retire(&database).await?;
        run(&mut owner, forgery).await?;
        let found = verified(&database).await?;
        let [fault] = found.faults.as_slice() else { panic!("{forgery}: {:?}", found.faults) };
        assert_eq!(fault.kind.as_str(), "month-gone");
        assert!(fault.text.starts_with(expected), "{forgery}: {}", fault.text);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_sealed_to_its_last_row_stays() -> Result<()> {
    let (database, mut owner) = record().await?;
    let late = "insert into audit (at, request_id, action, status, client, token_id)
        values ('2019-05-20T00:00:00Z', 'r', 1, 200, 'c', 't')";
    run(&mut owner, late).await?;
    assert_eq!(retire(&database).await?, "2019-06 (3) goes, 2019-05 stays");
    seal_rows(&mut database.notary().await?, 1).await?;
    assert_eq!(retire(&database).await?, "2019-05 (4) goes");
    assert!(verified(&database).await?.faults.is_empty());
    Ok(())
}

/// A command on this database; its answer as JSON.
fn audit(database: &Database, arguments: &[&str]) -> Result<Value> {
    audit_by(database, arguments, Some("ada"))
}

/// The same, by a user of the system who has this name in the environment.
fn audit_by(database: &Database, arguments: &[&str], user: Option<&str>) -> Result<Value> {
    let mut command = Command::new(ledger::binary()?);
    match user {
        Some(user) => command.env("USER", user),
        None => command.env_remove("USER"),
    };
    let answer = command
        .arg("audit")
        .args(arguments)
        .arg("--json")
        .env("CAREBRIDGE_DATABASE_URL", &database.url)
        .env("CAREBRIDGE_SEAL_KEY", SEAL_KEY)
        .output()?;
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    anyhow::ensure!(answer.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&answer.stdout).context("JSON")
}

#[tokio::test]
async fn months_under_hold_stay_until_it_is_released() -> Result<()> {
    let (database, mut owner) = record().await?;
    let server = it::Fixture::on(database.clone(), |_| ()).await?;
    server.client.send("PUT", "/Patient/p9", r#"{"resourceType":"Patient","id":"p9"}"#).await?;
    // The patient of May is that one.
    run(
        &mut owner,
        "update audit_patient set patient = (select id_hash from resource where id = 'p9') where patient = 9",
    )
    .await?;
    for (hold, expected) in [
        (&["--patient", "p9"][..], "2019-06 (3) goes, 2019-05 stays"),
        (&["--patient", "p9", "--from", "2019-06-01"], "2019-05 (3) goes"),
    ] {
        let laid = audit(&database, &[&["hold", "--reason", "Case 7"], hold].concat())?;
        assert_eq!(retire(&database).await?, expected, "{hold:?}");
        let number = laid["hold"].to_string();
        let listed = audit(&database, &["list"])?;
        let mine = listed["holds"].as_array().context("holds")?.last().context("a hold")?.clone();
        assert_eq!(
            (mine["patient"].as_str(), mine["made_by"].as_str(), mine["released_by"].as_str()),
            (Some("p9"), Some("ada"), None)
        );
        audit(&database, &["release", &number])?;
        assert!(audit(&database, &["release", &number]).is_err(), "once");
    }
    // Who laid and who released them stays in the record, under the patient.
    let told: i64 = sqlx::query_scalar(
        "select count(*) from audit a join resource r on a.patients = array[r.id_hash]
        where r.id = 'p9' and action = 13 and detail ~ '^hold [0-9]+ (laid|released) by ada$'",
    )
    .fetch_one(&mut owner)
    .await?;
    assert_eq!(told, 4);
    let unknown = audit(&database, &["hold", "--reason", "Case 8", "--patient", "p-9"]);
    let unknown = format!("{:#}", unknown.err().context("a hold on nobody")?);
    assert!(unknown.contains("There never was a Patient/p-9"), "{unknown}");
    let (database, _) = record().await?;
    audit(
        &database,
        &["hold", "--person", "Practitioner/2", "--to", "2019-05-31", "--reason", "x"],
    )?;
    assert_eq!(retire(&database).await?, "2019-06 (3) goes, 2019-05 stays");
    let (database, _) = record().await?;
    let all = audit(&database, &["hold", "--everything", "--reason", "x"])?["hold"].to_string();
    assert_eq!(retire(&database).await?, "2019-05 stays, 2019-06 stays");
    audit(&database, &["release", &all])?;
    assert_eq!(retire(&database).await?, "2019-05 (3) goes, 2019-06 (3) goes");
    // A service has no USER: then it is the account that the command runs as, or who is named.
    let account = Command::new("id").arg("-un").output()?.stdout;
    let account = String::from_utf8(account)?.trim().to_owned();
    for (user, named, by) in
        [(None, None, account.as_str()), (Some(""), None, &account), (None, Some("eve"), "eve")]
    {
        let mut words = vec!["hold", "--everything", "--reason", "x"];
        words.extend(named.map(|name| ["--by", name]).into_iter().flatten());
        let number = audit_by(&database, &words, user)?["hold"].clone();
        let listed = audit(&database, &["list"])?;
        let holds = listed["holds"].as_array().context("holds")?;
        let laid = holds.iter().find(|hold| hold["hold"] == number).context("the hold")?;
        assert_eq!(laid["made_by"].as_str(), Some(by), "{user:?} {named:?}");
        audit_by(&database, &["release", &number.to_string()], user)?;
    }
    for refused in [
        &["hold", "--reason", "x"][..],
        &["hold", "--everything", "--patient", "a", "--reason", "x"],
        &["hold", "--everything", "--reason", " "],
        &["hold", "--person", "Practitioner", "--reason", "x"],
        &["hold", "--everything", "--from", "2020-02-01", "--to", "2020-01-01", "--reason", "x"],
        &["release", "99"],
    ] {
        assert!(audit(&database, refused).is_err(), "{refused:?}");
    }
    Ok(())
}
