//! A dump that is restored into another PostgreSQL, whose transactions count from the beginning: what was there is
//! found whole, page by page, and walks go on passing over what comes after they began.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
use it::{Client, Database, Fixture};
use sqlx::{Connection as _, PgConnection};

const PATIENTS: usize = 50;

#[tokio::test]
async fn a_restored_dump_is_walked_whole() -> Result<()> {
    let database = Database::create().await?;
    run_far_ahead(&database).await?;
    let mut server = Fixture::on(database.clone(), |_| ()).await?;
    for n in 0..PATIENTS {
        create(&server.client, n).await?;
    }
    server.stop().await;

    let elsewhere = Cluster::temporary()?;
    let restored = restore(&database, &elsewhere).await?;
    ensure!(is_behind(&restored).await?, "the other cluster must not have come as far");
    let mut server = Fixture::on(restored, |_| ()).await?;
    for query in [
        "Patient?_count=7",
        "Patient?_sort=family&_count=7",
        "Patient?_sort=-_lastUpdated&_count=7",
    ] {
        assert_eq!(walk(&server.client, query, 0).await?, PATIENTS, "{query}");
    }
    // What is written during a walk is not of it, here as before.
    assert_eq!(walk(&server.client, "Patient?_count=7", 5).await?, PATIENTS);
    assert_eq!(walk(&server.client, "Patient?_count=7", 0).await?, PATIENTS + 5);
    server.stop().await;
    // A second start is no second move.
    let mut server = Fixture::on(server.database.clone(), |_| ()).await?;
    assert_eq!(walk(&server.client, "Patient?_count=7", 5).await?, PATIENTS + 5);
    server.stop().await;
    Ok(())
}

/// Gives out as many transaction numbers as the making of a cluster does not.
async fn run_far_ahead(database: &Database) -> Result<()> {
    let text =
        "do $$ begin for i in 1..6000 loop perform pg_current_xact_id(); commit; end loop; end $$";
    let mut owner = database.connect().await?;
    sqlx::raw_sql(text).execute(&mut owner).await?;
    Ok(owner.close().await?)
}

async fn is_behind(database: &Database) -> Result<bool> {
    let text = "select max(xid) > pg_current_xact_id() from resource";
    Ok(sqlx::query_scalar(text).fetch_one(&mut database.connect().await?).await?)
}

async fn create(client: &Client, n: usize) -> Result<()> {
    let body = format!(r#"{{"resourceType":"Patient","name":[{{"family":"Family{n}"}}]}}"#);
    let answer = client.send("POST", "/Patient", &body).await?;
    ensure!(answer.status == 201, "{answer:?}");
    Ok(())
}

/// How many patients a walk meets, each once; so many more are created after its first page.
async fn walk(client: &Client, query: &str, more: usize) -> Result<usize> {
    let mut met = std::collections::BTreeSet::new();
    let mut page = client.get(&format!("/{query}")).await?;
    for n in 0..more {
        create(client, 1000 + n).await?;
    }
    loop {
        for entry in page.entries() {
            let id = entry.get("resource").and_then(|it| it.get("id")).context("an id")?.to_text();
            ensure!(met.insert(id), "one is met twice");
        }
        match page.link("next") {
            Some(next) => page = client.get(&next).await?,
            None => return Ok(met.len()),
        }
    }
}

/// As the guide for operators says: roles first, then the dump.
async fn restore(from: &Database, to: &Cluster) -> Result<Database> {
    let maintenance = to.url("postgres");
    let mut owner = PgConnection::connect(&maintenance).await?;
    for name in ["roles", "tenant"] {
        let text = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(text).execute(&mut owner).await?;
    }
    owner.close().await?;
    // The migrations make the roles that the dump grants to.
    store::migrate(&to.url("roles")).await?;
    let dump = tempfile(to)?;
    run(Command::new("pg_dump").args(["--format=custom", "--file", &dump, &from.url]))?;
    let url = to.url("tenant");
    run(Command::new("pg_restore").args(["--no-owner", "--dbname", &url, &dump]))?;
    Ok(Database { url })
}

fn tempfile(cluster: &Cluster) -> Result<String> {
    let path = cluster.dir().join("tenant.dump");
    Ok(path.to_str().context("a path of text")?.to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().context("PostgreSQL's client programs are missing")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
