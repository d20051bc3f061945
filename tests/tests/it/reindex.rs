//! An index of an older form: said while it is so, made anew in the background, beside writers.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use it::ledger::binary;
use it::{Client, Database, Fixture, Signer};
use search::{Catalogue, extract};
use sqlx::{Connection as _, PgConnection};
use store::{Indexing, Sealer, Store, StoreOptions};
use telemetry::Clock;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const ALL: usize = 450;
const QUERY: &str = "/Observation?value-quantity=5|http://unitsofmeasure.org|mg&_count=1000";

fn observation(n: usize, note: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"text":"x{note}"}},
        "valueQuantity":{{"value":5,"system":"http://unitsofmeasure.org","code":"mg"}}}}"#
    )
}

async fn load(client: &Client) -> Result<()> {
    let entry = |n: usize| {
        let body = observation(n, "");
        format!(r#"{{"resource":{body},"request":{{"method":"PUT","url":"Observation/o{n}"}}}}"#)
    };
    let entries: Vec<String> = (0..ALL).map(entry).collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    );
    let answer = client.send("POST", "/", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Ok(())
}

/// As a server of the form before would have left it.
async fn age(connection: &mut PgConnection) -> Result<()> {
    for statement in [
        "update resource set number_param = '{}', number_lo = '{}', number_hi = '{}'",
        "delete from number_index",
        "insert into number_index (param, lo, hi, rid) select 1, 4.5, 5.5, rid from resource",
        "update resource set number_param = '{1}', number_lo = '{4.5}', number_hi = '{5.5}'",
        "update index_state set form = 1, reached = 9000000, last = 9000000",
    ] {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(crate) async fn store(url: &str) -> Result<Store> {
    let options = StoreOptions {
        url: url.to_owned(),
        connections: 2,
        reserve_mib: 0,
        search_ms: 10_000,
        probed_entries: store::limits::PROBED_ENTRIES_MAX,
        sealer: Arc::new(Sealer::default()),
    };
    Ok(Store::connect(&options).await?)
}

async fn more(store: &Store) -> Result<Option<Indexing>> {
    let catalogue = Catalogue::new(store.hasher().clone());
    let anew = |resource: &_| extract(&catalogue, "http://any/fhir", resource);
    Ok(store.index_more(Clock::system().now(), catalogue.form().goal, anew).await?)
}

fn found(text: &str) -> usize {
    text.matches(r#""mode":"match""#).count()
}

async fn without_worker(url: &str) -> Result<Fixture> {
    Fixture::on(Database { url: url.to_owned() }, |settings| settings.roles.worker = false).await
}

#[tokio::test]
async fn an_older_index_is_said_and_made_anew() -> Result<()> {
    let database = Database::create().await?;
    let url = database.url.clone();
    let mut server = without_worker(&url).await?;
    load(&server.client).await?;
    let fresh = server.client.get(QUERY).await?;
    assert!(found(&fresh.text) == ALL && !fresh.text.contains("built anew"), "a new index");
    server.stop().await;
    let mut connection = database.connect().await?;
    age(&mut connection).await?;

    let mut server = without_worker(&url).await?;
    let aged = server.client.get(QUERY).await?;
    assert_eq!(found(&aged.text), 0);
    assert!(aged.text.contains("0 % of the resources are done"), "{}", aged.text);
    let (one, other) = (store(&url).await?, store(&url).await?);
    // Two at once: each batch is one's alone.
    let (a, b) = tokio::join!(more(&one), more(&other));
    assert!(a?.is_some() || b?.is_some());
    let last = one.indexing().await?.context("not done yet")?;
    assert!(last.reached > 0 && last.reached < last.last, "{last:?}");
    // A writer goes on, before and behind the place that is reached.
    for n in [0, ALL - 1] {
        let body = observation(n, "changed");
        let answer = server.client.send("PUT", &format!("/Observation/o{n}"), &body).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    while more(&one).await?.is_some() {}
    assert_eq!(one.indexing().await?, None);
    server.stop().await;

    let server = without_worker(&url).await?;
    let anew = server.client.get(QUERY).await?;
    assert!(found(&anew.text) == ALL && !anew.text.contains("built anew"), "{}", anew.text.len());
    let rows = |query: &'static str| sqlx::query_scalar::<_, i64>(query);
    let left = rows("select count(*) from number_index where param = 1");
    assert_eq!(left.fetch_one(&mut connection).await?, 0, "rows of the form before");
    let double = rows("select count(*) - count(distinct (param, rid)) from number_index");
    assert_eq!(double.fetch_one(&mut connection).await?, 0, "rows twice");
    let versions = rows("select count(*) from resource where version > 1");
    assert_eq!(versions.fetch_one(&mut connection).await?, 2, "no version is made");
    Ok(())
}

/// What is a patient's by a rule of a newer form is so for what was there before it.
#[tokio::test]
async fn a_device_becomes_its_patients() -> Result<()> {
    let (database, signer) = (Database::create().await?, Signer::create()?);
    let url = database.url.clone();
    let start = |worker: bool| {
        let (url, key) = (url.clone(), signer.file.clone());
        Fixture::on(Database { url }, move |settings| {
            settings.roles.worker = worker;
            settings.auth.signing_key = Some(key);
        })
    };
    let mut server = start(false).await?;
    for (path, rest) in [
        ("Patient/p", ""),
        ("Patient/q", ""),
        ("Device/d", r#","patient":{"reference":"Patient/p"}"#),
        ("Device/of-nobody", ""),
    ] {
        let (kind, id) = path.split_once('/').context("a path")?;
        let body = format!(r#"{{"resourceType":"{kind}","id":"{id}"{rest}}}"#);
        let answer = server.client.send("PUT", &format!("/{path}"), &body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    server.stop().await;
    let mut connection = database.connect().await?;
    let devices = format!("type = {}", canonical_model::ResourceType::parse("Device")?.number());
    for statement in [
        format!("update resource set patients = '{{}}' where {devices}"),
        "update index_state set form = 10, reached = 9000000, last = 9000000".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    let server = start(true).await?;
    let origin = server.origin()?;
    let app = |patient: &str| -> Result<Client> {
        Ok(server.client.bearing(signer.patient_token(origin, patient, "patient/Device.rs")?))
    };
    let (own, other) = (app("p")?, app("q")?);
    let reads = async || own.get("/Device/d").await.is_ok_and(|answer| answer.status == 200);
    it::ledger::until("the patient reads it", Duration::from_secs(60), reads).await?;
    assert_eq!(found(&own.get("/Device").await?.text), 1);
    assert_eq!(own.get("/Device/of-nobody").await?.status, 404);
    assert_eq!(other.get("/Device/d").await?.status, 404);
    assert_eq!(found(&other.get("/Device").await?.text), 0);
    Ok(())
}

/// A server with a worker does it unasked.
#[tokio::test]
async fn a_worker_does_it_unasked() -> Result<()> {
    let database = Database::create().await?;
    let url = database.url.clone();
    let mut server = without_worker(&url).await?;
    load(&server.client).await?;
    server.stop().await;
    age(&mut database.connect().await?).await?;
    let server = Fixture::on(Database { url }, |_| {}).await?;
    let done = async || {
        let answer = server.client.get(QUERY).await;
        answer.is_ok_and(|it| found(&it.text) == ALL && !it.text.contains("built anew"))
    };
    it::ledger::until("the index is made anew", Duration::from_secs(60), done).await?;
    Ok(())
}

/// Without a terminal it says in lines how far it is; stopped, it says how to go on.
#[tokio::test]
async fn a_command_that_is_stopped_says_how_to_go_on() -> Result<()> {
    let database = Database::create().await?;
    let mut server = without_worker(&database.url).await?;
    load(&server.client).await?;
    server.stop().await;
    let mut connection = database.connect().await?;
    age(&mut connection).await?;
    // Readers go on, whoever would write an index waits.
    let mut held = connection.begin().await?;
    sqlx::query("lock table number_index in exclusive mode").execute(&mut *held).await?;
    let command = || {
        let mut command = Command::new(binary()?);
        command.args(["admin", "reindex", "--resume"]);
        command.env("CAREBRIDGE_DATABASE_URL", &database.url).kill_on_drop(true);
        Result::<_, anyhow::Error>::Ok(command)
    };
    let mut child = command()?.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(child.stderr.take().context("its words")?).lines();
    let mut next = async || timeout(Duration::from_secs(60), said.next_line()).await;
    let line = next().await??.context("a line")?;
    assert_eq!(line, "0 % of the resources are indexed.");
    let pid = child.id().context("it runs")?.to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await?.success());
    let mut last = String::new();
    while let Some(line) = next().await?? {
        last = line;
    }
    assert!(last.contains("`carebridge admin reindex --resume` goes on from there"), "{last}");
    assert_eq!(child.wait().await?.code(), Some(130));
    held.rollback().await?;
    let done = command()?.output().await?;
    let said = String::from_utf8(done.stdout)?;
    assert!(done.status.success() && said.contains("Every resource is indexed"), "{said}");
    Ok(())
}
