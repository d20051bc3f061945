//! Migrations: harmless to repeat, harmless from several at once, and demanded before a start.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use it::{Client, Database, Fixture};
use server::{DatabaseSettings, Settings};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::net::TcpListener;

const OLDER: &str =
    "The database's schema is older than this server. Run `carebridge migrate` first.";

/// A database without any schema, beside the given one.
async fn empty(database: &Database, name: &str) -> Result<String> {
    let mut owner = database.connect().await?;
    let name = format!("{}_{name}", database.url.rsplit('/').next().context("a name")?);
    run(&mut owner, &format!("create database {name}")).await?;
    let (server, _) = database.url.rsplit_once('/').context("a path")?;
    Ok(format!("{server}/{name}"))
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await?;
    Ok(())
}

/// Every table, column, index, function and grant, as text.
async fn schema(url: &str) -> Result<Vec<String>> {
    let mut connection = Database { url: url.to_owned() }.connect().await?;
    let facts = "select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
            where table_schema = 'public'
        union all select indexdef from pg_indexes where schemaname = 'public'
        union all select grantee || ' ' || privilege_type || ' ' || table_name
            from information_schema.role_table_grants where table_schema = 'public'
        union all select proname from pg_proc where pronamespace = 'public'::regnamespace
        union all select version || ' ' || success from _sqlx_migrations
        union all select name from site
        order by 1";
    Ok(sqlx::query_scalar(facts).fetch_all(&mut connection).await?)
}

async fn start(url: &str) -> Result<server::Running> {
    let settings = Settings {
        database: DatabaseSettings {
            url: Some(url.parse()?),
            connections: 2,
            reserve_mib: 0,
            ..DatabaseSettings::default()
        },
        ..Settings::default()
    };
    server::start(settings, TcpListener::bind("127.0.0.1:0").await?).await
}

#[tokio::test]
async fn migrating_again_changes_nothing() -> Result<()> {
    let mut server = Fixture::start().await?;
    let body = r#"{"resourceType":"Patient","id":"a","name":[{"family":"Stays"}]}"#;
    assert_eq!(server.client.send("PUT", "/Patient/a", body).await?.status, 201);
    let before = schema(&server.database.url).await?;
    assert!(before.len() > 100, "{before:?}");
    store::migrate(&server.database.url).await?;
    assert_eq!(schema(&server.database.url).await?, before);
    // The hash key of the index stays: the index is of use.
    assert_eq!(server.client.get("/Patient?family=stays").await?.entries().len(), 1);
    server.stop().await;
    let again = start(&server.database.url).await?;
    again.stop().await;
    Ok(())
}

#[tokio::test]
async fn migrating_from_several_at_once_is_migrating() -> Result<()> {
    let database = Database::create().await?;
    let url = empty(&database, "several").await?;
    let all = (0..4).map(|_| store::migrate(&url));
    futures::future::try_join_all(all).await?;
    assert_eq!(schema(&url).await?, schema(&database.url).await?);
    start(&url).await?.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_older_database_is_refused_in_a_sentence() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let last = "from _sqlx_migrations
        where version >= (select max(version) - 1 from _sqlx_migrations)";
    run(&mut owner, &format!("create table kept as select * {last}")).await?;
    run(&mut owner, &format!("delete {last}")).await?;
    let refused = start(&database.url).await.err().context("it started")?;
    assert!(format!("{refused:#}").contains(OLDER), "{refused:#}");
    run(&mut owner, "insert into _sqlx_migrations select * from kept").await?;
    start(&database.url).await?.stop().await;
    // A migration that failed halfway counts as none.
    run(&mut owner, "update _sqlx_migrations set success = false").await?;
    let refused = start(&database.url).await.err().context("it started")?;
    assert!(format!("{refused:#}").contains(OLDER), "{refused:#}");
    Ok(())
}

#[tokio::test]
async fn a_database_without_schema_is_refused_in_a_sentence() -> Result<()> {
    let database = Database::create().await?;
    let refused = start(&empty(&database, "none").await?).await.err().context("it started")?;
    assert!(format!("{refused:#}").contains("Run `carebridge migrate` first."), "{refused:#}");
    Ok(())
}

/// Servers may be replaced before the database is migrated: the new code runs on the schema before,
/// and what it wrote there is found after the migration.
#[tokio::test]
async fn the_previous_schema_is_served() -> Result<()> {
    let database = Database::create().await?;
    let url = empty(&database, "previous").await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fhir-server/store/migrations");
    let all = Migrator::new(folder.as_path()).await?;
    let versions: Vec<i64> = all.iter().map(|migration| migration.version).collect();
    let previous = versions.iter().rev().nth(1).context("two migrations")?;
    let mut owner = Database { url: url.clone() }.connect().await?;
    all.run_to(*previous, &mut owner).await?;

    let mut server = Fixture::on(Database { url: url.clone() }, |_| {}).await?;
    for (path, body) in [
        (
            "/Patient/a",
            r#"{"resourceType":"Patient","id":"a","birthDate":"1980-05-01","name":[{"family":"Before"}]}"#,
        ),
        (
            "/Patient/a",
            r#"{"resourceType":"Patient","id":"a","birthDate":"1980-05-01","name":[{"family":"Previous","given":["Ada"]}],"telecom":[{"system":"phone","value":"555"}]}"#,
        ),
        (
            "/Patient/gone",
            r#"{"resourceType":"Patient","id":"gone","name":[{"family":"Previous"}]}"#,
        ),
        (
            "/Observation/o",
            r#"{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/a"},"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"effectivePeriod":{"start":"2020","end":"2021"}}"#,
        ),
    ] {
        let answer = server.client.send("PUT", path, body).await?;
        assert!(matches!(answer.status, 200 | 201), "{} {}", answer.status, answer.text);
    }
    assert_eq!(server.client.send("DELETE", "/Patient/gone", "").await?.status, 204);
    let created = server.client.send("POST", "/Patient", r#"{"resourceType":"Patient"}"#).await?;
    assert_eq!(created.status, 201, "{}", created.text);
    // Search parameters of one's own have had their place since the schema before.
    let own = r#"{"resourceType":"SearchParameter","url":"http://x.example/n","name":"N","description":"n",
        "status":"active","code":"n","base":["Patient"],"type":"string","expression":"Patient.name.text"}"#;
    let created = server.client.send("POST", "/SearchParameter", own).await?;
    assert_eq!(created.status, 201, "{}", created.text);
    finds_all(&server.client).await?;
    server.stop().await;

    store::migrate(&url).await?;
    assert_eq!(schema(&url).await?, schema(&database.url).await?);
    let mut server = Fixture::on(Database { url }, |_| {}).await?;
    // What the schema before had no place for is indexed now.
    let indexed = async || {
        let answer = server.client.get("/Patient?_count=1").await;
        answer.is_ok_and(|answer| !answer.text.contains("built anew"))
    };
    it::ledger::until("the index is made anew", Duration::from_secs(60), indexed).await?;
    finds_all(&server.client).await?;
    let created = server.client.send("POST", "/Patient", r#"{"resourceType":"Patient"}"#).await?;
    assert_eq!(created.status, 201, "{}", created.text);
    server.stop().await;
    Ok(())
}

async fn finds_all(client: &Client) -> Result<()> {
    for query in [
        "Patient?family=previous",
        "Patient?name=previous",
        "Patient?name=ada",
        "Patient?telecom=555",
        "Patient?birthdate=ge1980-05-01&birthdate=lt1980-05-02",
        "Observation?code=8867-4",
        "Observation?code=http://loinc.org|8867-4,x",
        "Observation?patient=a&code=8867-4",
        "Observation?date=gt2020-06",
        "Observation?date=sa2019",
    ] {
        let found = client.get(&format!("/{query}")).await?;
        assert_eq!((found.status, found.entries().len()), (200, 1), "{query}: {}", found.text);
    }
    let none = client.get("/Patient?family=before").await?;
    assert!(none.entries().is_empty(), "{}", none.text);
    Ok(())
}

/// A newer release may have migrated first: an old binary goes on beside it.
#[tokio::test]
async fn a_newer_database_is_served() -> Result<()> {
    let mut server = Fixture::start().await?;
    let mut owner = server.database.connect().await?;
    run(
        &mut owner,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values (9999, 'of a newer release', true, '', 0);
         alter table resource add column of_a_newer_release text;
         alter table audit add column of_a_newer_release text",
    )
    .await?;
    let body = r#"{"resourceType":"Patient","id":"a"}"#;
    assert_eq!(server.client.send("PUT", "/Patient/a", body).await?.status, 201);
    server.stop().await;
    start(&server.database.url).await?.stop().await;
    Ok(())
}
