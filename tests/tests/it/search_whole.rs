//! Whether the index was whole while a search looked: what ended meanwhile, and what another server made of it.

use std::time::Duration;

use anyhow::{Context, Result};
use it::ledger::until;
use it::{Answer, Database, Fixture};
use search::{Catalogue, Form, extract};
use server::Settings;
use store::{Adopted, IndexState, Lack, Mark, Store};
use telemetry::Clock;

use crate::reindex::store;
use crate::seal::{key, seal};
use crate::search_custom::{matches, parameter, patient, put, whole};
use crate::search_custom_many::standing;

async fn now(store: &Store) -> Result<IndexState> {
    store.index_now(&[]).await?.context("the newest schema")
}

async fn index_all(store: &Store) -> Result<()> {
    let (catalogue, goal) = (Catalogue::new(store.hasher().clone()), now(store).await?.goal);
    let anew = |resource: &_| extract(&catalogue, "http://any/fhir", resource);
    while store.index_more(Clock::system().now(), goal, anew).await?.is_some() {}
    Ok(())
}

/// A search that began before the end may have looked before it.
#[tokio::test]
async fn what_ended_between_two_looks_counts() -> Result<()> {
    let database = Database::create().await?;
    let server = Fixture::on(database.clone(), |settings| settings.roles.worker = false).await?;
    put(&server.client, "Patient", "a", &patient("a", "Ozzy")).await?;
    put(&server.client, "SearchParameter", "nick", &parameter("")).await?;
    let store = store(&database.url).await?;
    let begun = now(&store).await?;
    let digest = *begun.params.first().context("a search parameter")?;
    assert_eq!(begun.lack_of(digest), Some(Lack::Building(0)));
    let others = store.index_mark();

    index_all(&store).await?;
    let whole = now(&store).await?;
    // What FHIR publishes was whole all the time.
    assert_eq!(Mark::lack_between(&others, &store.index_mark()), None);
    assert_eq!(whole.lack_of(digest), None);
    assert_eq!(IndexState::lack_between(&begun, &whole, digest), Some(Lack::Building(0)));
    assert_eq!(IndexState::lack_between(&whole, &whole, digest), None);

    // A server that lags writes, and what it wrote is indexed again: both looks find nothing amiss.
    let due = "insert into index_due (rid) select rid from resource";
    sqlx::query(due).execute(&mut database.connect().await?).await?;
    index_all(&store).await?;
    let again = now(&store).await?;
    assert_eq!(again.lack_of(digest), None);
    assert_eq!(IndexState::lack_between(&whole, &again, digest), Some(Lack::Building(99)));
    assert_eq!(Mark::lack_between(&others, &store.index_mark()), Some(Lack::Building(99)));
    Ok(())
}

/// Another release may read the same definitions differently. The first one stands: they would take turns
/// otherwise, and index everything each time.
#[tokio::test]
async fn the_first_of_two_readings_stands() -> Result<()> {
    let database = Database::create().await?;
    let server = Fixture::on(database.clone(), |_| {}).await?;
    put(&server.client, "Patient", "a", &patient("a", "Ozzy")).await?;
    put(&server.client, "SearchParameter", "nick", &parameter("")).await?;
    whole(&server.client, "/Patient?nickname=ozzy").await?;
    let store = store(&database.url).await?;
    let state = store.index_state().await?.context("the newest schema")?;
    let adopt = async |goal: i64, starting: bool| {
        store.adopt(&Form { goal, seals: 0 }, &[], state.newest, starting).await
    };
    assert_eq!(adopt(7, false).await?, Adopted::NotOurs);
    assert_eq!(now(&store).await?.goal, state.goal);
    // At its start the other one has its way; then it is the running server's turn to leave it so.
    assert_eq!(adopt(7, true).await?, Adopted::Done);
    let readings = async || standing(&server, "readings").await.unwrap_or_default();
    let before = readings().await;
    let read = async || readings().await > before;
    until("the server looks", Duration::from_secs(30), read).await?;
    assert_eq!(now(&store).await?.goal, 7);
    // What it writes is indexed once more by whoever has that goal.
    put(&server.client, "Patient", "b", &patient("b", "Lemmy")).await?;
    assert!(now(&store).await?.lack().is_some());
    index_all(&store).await?;
    assert_eq!(now(&store).await?.lack(), None);
    Ok(())
}

/// Two servers of two settings: the one whose index it is not says so, and writes nothing on its word.
#[tokio::test]
async fn an_index_for_other_seals_is_said() -> Result<()> {
    let database = Database::create().await?;
    let idle = |settings: &mut Settings| settings.roles.worker = false;
    let open = Fixture::on(database.clone(), idle).await?;
    let born =
        |id: &str| format!(r#"{{"resourceType":"Patient","id":"{id}","birthDate":"1990-05-05"}}"#);
    put(&open.client, "Patient", "a", &born("a")).await?;
    let path = "/Patient?birthdate=1990-05-05";
    let before = open.client.get(path).await?;
    assert!(matches(&before) == 1 && !before.text.contains("may not find"), "{}", before.text);

    let sealing = Fixture::on(database.clone(), |settings| {
        settings.seal = seal(&["Patient.birthDate"], Some(key(3)));
    })
    .await?;
    let done = async || {
        let answer = sealing.client.get("/Patient?_id=a").await;
        answer.is_ok_and(|it| it.status == 200 && !it.text.contains("being built"))
    };
    until("the index is whole for the seals", Duration::from_secs(60), done).await?;
    let said = async || {
        open.client.get(path).await.is_ok_and(|it| it.text.contains("other sealed elements"))
    };
    until("the other server says what its index is", Duration::from_secs(30), said).await?;
    let body = born("b").replace(r#""id":"b","#, "");
    let create = open.client.request("POST", "/Patient").body(body);
    let create = create
        .header("if-none-exist", "birthdate=1990-05-05")
        .header("content-type", "application/fhir+json");
    let refused = Answer::of(create).await?;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.text.contains("other sealed elements"), "{}", refused.text);
    assert_eq!(matches(&sealing.client.get("/Patient").await?), 1, "nothing was made twice");
    Ok(())
}
