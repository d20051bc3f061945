//! Writers beside a server that indexes anew: what a write replaces in the index is what it read of the head,
//! or it reads again. Each row of the index is there once, and no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use canonical_model::{Error, Resource, ResourceType};
use it::ledger::until;
use it::{Answer, Client, Database, Fixture};
use search::{Catalogue, IndexEntries, extract};
use sqlx::PgConnection;
use store::{Indexing, Store};
use telemetry::Clock;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::reindex::store;
use crate::search_custom::{matches, put, whole};

const WAIT_MAX: Duration = Duration::from_secs(30);
/// Less than anybody waits for a lock.
const RING_AFTER: Duration = Duration::from_secs(8);
const ALL: &str = "select from resource for update";
/// In the order of all writers.
const FIRST: &str = "select from resource order by id_hash limit 1 for update";

/// All rows of the index, as text, in order.
async fn rows(owner: &mut PgConnection) -> Result<Vec<String>> {
    let all = "select 'token ' || t::text from token_index t
        union all select 'string ' || t::text from string_index t
        union all select 'date ' || t::text from date_index t
        union all select 'number ' || t::text from number_index t
        union all select 'timeline ' || t::text from timeline_index t order by 1";
    Ok(sqlx::query_scalar(all).fetch_all(owner).await?)
}

/// Empties the index, as if no form before had anything in it; all is to be indexed anew.
async fn empty(owner: &mut PgConnection) -> Result<()> {
    for statement in [
        "begin",
        "update index_state set form = form - 1, reached = 0, last = 0",
        "update resource set keys = '{}', facets = '{}', string_param = '{}', string_value = '{}',
            date_param = '{}', date_lo = '{}', date_hi = '{}', number_param = '{}', number_lo = '{}',
            number_hi = '{}', timeline_key = '{}', timeline_at = '{}'",
        "delete from token_index",
        "delete from string_index",
        "delete from date_index",
        "delete from number_index",
        "delete from timeline_index",
        "commit",
    ] {
        sqlx::query(statement).execute(&mut *owner).await?;
    }
    Ok(())
}

async fn more(
    store: &Store,
    entries: impl Fn(&Resource) -> canonical_model::Result<IndexEntries>,
) -> Result<Option<Indexing>> {
    let state = store.index_state().await?.context("the newest schema")?;
    Ok(store.index_more(Clock::system().now(), state.goal, entries).await?)
}

/// Indexes all that is left.
async fn index_all(store: &Store) -> Result<()> {
    let catalogue = Catalogue::new(store.hasher().clone());
    while more(store, |resource| extract(&catalogue, "http://any/fhir", resource)).await?.is_some()
    {
    }
    Ok(())
}

/// Waits until so many sessions wait for a lock.
async fn waiting(owner: &mut PgConnection, count: i64) -> Result<()> {
    const WAITING: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let met = async || {
        sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut *owner).await.ok() == Some(count)
    };
    until("sessions wait for the locks of heads", WAIT_MAX, met).await?;
    Ok(())
}

/// Lets two come to the same heads at once, and the second one read them before the first has changed them: both
/// wait for what this statement locks.
async fn race<A, B>(
    database: &Database,
    lock: &'static str,
    first: impl Future<Output = Result<A>>,
    second: impl Future<Output = Result<B>>,
) -> Result<(A, B)> {
    let (mut holder, mut watcher) = (database.connect().await?, database.connect().await?);
    for statement in ["begin", lock] {
        sqlx::query(statement).execute(&mut holder).await?;
    }
    let second = async {
        waiting(&mut watcher, 1).await?;
        let release = async {
            waiting(&mut watcher, 2).await?;
            sqlx::query("rollback").execute(&mut holder).await?;
            anyhow::Ok(())
        };
        let (second, released) = tokio::join!(second, release);
        released?;
        second
    };
    let (first, second) = tokio::join!(first, second);
    Ok((first?, second?))
}

fn patient(id: &str, born: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","birthDate":"{born}","gender":"female",
        "name":[{{"family":"Same"}}],"generalPractitioner":[{{"reference":"Practitioner/p"}}]}}"#
    )
}

/// On a timeline, with a number.
fn observation(value: u8) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"o","status":"final","subject":{{"reference":"Patient/a"}},
        "code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}},
        "effectivePeriod":{{"start":"2020","end":"2021"}},"valueQuantity":{{"value":{value},
        "system":"http://unitsofmeasure.org","code":"mg"}}}}"#
    )
}

fn transaction() -> String {
    let (patient, observation) = (patient("a", "1983-03-03"), observation(3));
    format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"resource":{patient},"request":{{"method":"PUT","url":"Patient/a"}}}},
        {{"resource":{observation},"request":{{"method":"PUT","url":"Observation/o"}}}}]}}"#
    )
}

#[tokio::test]
async fn a_write_beside_indexing_leaves_each_row_once() -> Result<()> {
    let database = Database::create().await?;
    let server = Fixture::on(database.clone(), |settings| settings.roles.worker = false).await?;
    let client = &server.client;
    put(client, "Patient", "a", &patient("a", "1980-01-01")).await?;
    put(client, "Patient", "b", &patient("b", "1980-01-01")).await?;
    put(client, "Observation", "o", &observation(1)).await?;
    let mut owner = database.connect().await?;
    let store = store(&database.url).await?;
    let catalogue = Catalogue::new(store.hasher().clone());
    let once = ("if-match", "W/\"2\"");
    for (method, path, condition, body) in [
        ("PUT", "/Patient/a", ("x-none", ""), patient("a", "1981-01-01")),
        ("PUT", "/Patient/a", once, patient("a", "1982-02-02")),
        ("PUT", "/Observation/o", ("x-none", ""), observation(2)),
        ("PUT", "/Patient/b", ("idempotency-key", "k"), patient("b", "1984-04-04")),
        ("POST", "", ("x-none", ""), transaction()),
        ("DELETE", "/Patient/b", ("x-none", ""), String::new()),
    ] {
        empty(&mut owner).await?;
        let request = client.request(method, path).header("content-type", "application/fhir+json");
        let write = Answer::of(request.header(condition.0, condition.1).body(body));
        let indexing = more(&store, |one| extract(&catalogue, "http://any/fhir", one));
        let (indexed, answer) = race(&database, ALL, indexing, write).await?;
        assert!(indexed.is_some(), "there was something to index");
        assert!(matches!(answer.status, 200 | 204), "{method} {path}: {}", answer.text);
        index_all(&store).await?;
        let left = rows(&mut owner).await?;
        empty(&mut owner).await?;
        index_all(&store).await?;
        assert_eq!(left, rows(&mut owner).await?, "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_write_beside_what_cannot_be_indexed_takes_its_note_away() -> Result<()> {
    let database = Database::create().await?;
    let server = Fixture::on(database.clone(), |settings| settings.roles.worker = false).await?;
    put(&server.client, "Patient", "a", &patient("a", "1980-01-01")).await?;
    put(&server.client, "Patient", "b", &patient("b", "1980-01-01")).await?;
    let mut owner = database.connect().await?;
    let (store, other) = (store(&database.url).await?, store(&database.url).await?);
    let key = store.hasher().unindexed(ResourceType::PATIENT);
    let sql = "update index_state set form = form - 1, reached = 0, last = 0";
    sqlx::query(sql).execute(&mut owner).await?;
    assert!(other.index_now(&[]).await?.is_some_and(|state| state.lack().is_some()));

    let indexing = more(&store, |_| Err(Error::invalid("It has too many values.")));
    let body = patient("a", "1981-01-01");
    let write = server.client.send("PUT", "/Patient/a", &body);
    let (indexed, answer) = race(&database, ALL, indexing, write).await?;
    assert!(indexed.is_some() && answer.status == 200, "{}", answer.text);
    let heads = "select id from resource where $1 = any (keys) order by 1";
    let noted = "select r.id from token_index t join resource r on r.rid = t.rid where t.key = $1 order by 1";
    for sql in [heads, noted] {
        let ids: Vec<String> = sqlx::query_scalar(sql).bind(key).fetch_all(&mut owner).await?;
        assert_eq!(ids, ["b"], "the write had its way");
    }
    // A server that hears of the end hears of the notes too.
    index_all(&store).await?;
    assert!(other.index_now(&[]).await?.is_some_and(|state| state.lack().is_none()));
    assert!(other.index_mark().has_unindexed(ResourceType::PATIENT));

    // A note that no head knows of, as earlier builds could leave it, counts for nothing.
    put(&server.client, "Patient", "b", &patient("b", "1981-01-01")).await?;
    let stray = "insert into token_index (key, rid) select $1, rid from resource";
    sqlx::query(stray).bind(key).execute(&mut owner).await?;
    store.index_state().await?;
    assert!(!store.index_mark().has_unindexed(ResourceType::PATIENT));
    assert_eq!(store.unindexed(9).await?, store::Unindexed::default());
    Ok(())
}

/// What is only noted and what is indexed is locked in one order: neither waits for the other in a ring.
#[tokio::test]
async fn indexing_and_a_transaction_do_not_wait_for_each_other() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    // Nobody is to break a ring, so that it shows: the one who is chosen would begin again.
    let wait = "do $$ begin execute format('alter database %I set deadlock_timeout = ''1min''',
        current_database()); end $$";
    sqlx::query(wait).execute(&mut owner).await?;
    let server = Fixture::on(database.clone(), |settings| settings.roles.worker = false).await?;
    put(&server.client, "Patient", "a", &patient("a", "1980-01-01")).await?;
    put(&server.client, "Observation", "o", &observation(1)).await?;
    let store = store(&database.url).await?;
    let catalogue = Catalogue::new(store.hasher().clone());
    empty(&mut owner).await?;
    // The one that all others lock last.
    let last = "select id from resource order by id_hash desc limit 1";
    let last: String = sqlx::query_scalar(last).fetch_one(&mut owner).await?;
    let indexing = more(&store, |one| match one.id() {
        Some(id) if id == last => Err(Error::invalid("It has too many values.")),
        _ => extract(&catalogue, "http://any/fhir", one),
    });
    let body = transaction();
    let write = server.client.send("POST", "", &body);
    let raced = timeout(RING_AFTER, race(&database, FIRST, write, indexing)).await;
    let (answer, indexed) = raced.context("they wait for each other")??;
    assert!(indexed.is_some() && answer.status == 200, "{}", answer.text);
    Ok(())
}

const PATIENTS: usize = 100;

fn numbered(n: usize, born: usize) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"p{n}","birthDate":"{}-01-01","gender":"female",
        "telecom":[{{"system":"phone","value":"{n}"}}]}}"#,
        1900 + born % 100
    )
}

/// Writes one after the other until told to stop; returns how many.
async fn writing(client: Client, seed: u64, stop: Arc<AtomicBool>) -> Result<usize> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let n = random.usize(..PATIENTS);
        put(&client, "Patient", &format!("p{n}"), &numbered(n, random.usize(..))).await?;
        written += 1;
    }
    Ok(written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_parameters_that_come_beside_writers_count_each_once() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    for n in 0..PATIENTS {
        put(client, "Patient", &format!("p{n}"), &numbered(n, n)).await?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for seed in 0..4 {
        writers.spawn(writing(client.clone(), seed, Arc::clone(&stop)));
    }
    let codes: Vec<String> = (0..6).map(|n| format!("own{n}")).collect();
    for code in &codes {
        let body = format!(
            r#"{{"resourceType":"SearchParameter","id":"{code}","url":"http://x.example/{code}",
            "name":"{code}","status":"active","description":"d","code":"{code}","base":["Patient"],
            "type":"token","expression":"Patient.gender | Patient.telecom.value"}}"#
        );
        put(client, "SearchParameter", code, &body).await?;
        whole(client, &format!("/Patient?{code}=female&_count=1")).await?;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(written) = writers.join_next().await {
        assert!(written?? > 0, "each got on");
    }
    for code in &codes {
        let path = format!("/Patient?{code}=female&_total=accurate&_count=1000&_elements=id");
        let answer = whole(client, &path).await?;
        let total = answer.at("total").and_then(|it| it.as_number()?.to_i64());
        assert_eq!(total, i64::try_from(PATIENTS).ok(), "{code}");
        assert_eq!(matches(&answer), PATIENTS, "{code}");
    }
    let mut owner = server.database.connect().await?;
    let left = rows(&mut owner).await?;
    empty(&mut owner).await?;
    whole(client, "/Patient?own0=female&_count=1").await?;
    assert_eq!(left, rows(&mut owner).await?, "as if all were indexed at once");
    Ok(())
}
