//! More SearchParameters than may be, and some that cannot be read: a server starts, uses what it can, and
//! says the rest.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use it::ledger::until;
use it::{Answer, Client, Database, Fixture};
use sqlx::PgConnection;

use crate::search_custom::{matches, parameter, patient, put, whole};
use crate::search_custom_admitted::{bundle, other};

/// How a server stands with the search parameters of one's own, by its `/readyz`.
pub(crate) async fn standing(server: &Fixture, what: &str) -> Result<i64> {
    let ready = Answer::of(server.client.request("GET", &format!("{}/readyz", server.origin()?)));
    let ready = ready.await?;
    assert_eq!(ready.status, 200, "{}", ready.text);
    let number =
        ready.at(&format!("search_parameters.{what}")).and_then(|it| it.as_number()?.to_i64());
    number.context("a number")
}

/// As many more heads like that of `SearchParameter/nick`, with other ids and this changed, as JSON.
async fn multiply(owner: &mut PgConnection, name: &str, count: i64, change: &str) -> Result<()> {
    let copy = format!(
        "insert into resource select (q.r).* from (
            select jsonb_populate_record(x, jsonb_build_object('rid', m.at + n, 'id_hash', m.at + n,
                'id', '{name}' || n) || '{change}') as r
            from resource x, generate_series(1, $1) n, (select max(rid) + 1000000 as at from resource) m
            where x.id = 'nick') q"
    );
    sqlx::query(sqlx::AssertSqlSafe(copy)).bind(count).execute(owner).await?;
    Ok(())
}

#[tokio::test]
async fn too_many_keep_no_server_from_starting() -> Result<()> {
    let database = Database::create().await?;
    let mut first = Fixture::on(database.clone(), |_| {}).await?;
    put(&first.client, "Patient", "a", &patient("a", "Ozzy")).await?;
    put(&first.client, "SearchParameter", "nick", &parameter("")).await?;
    first.stop().await;
    let mut owner = database.connect().await?;
    multiply(&mut owner, "gone", 20_001, r#"{"method":2,"content":null,"wire":null}"#).await?;
    multiply(&mut owner, "odd", 1, r#"{"wire":"\\x09"}"#).await?;
    multiply(&mut owner, "again", 2_004, "{}").await?;

    let server = Fixture::on(database.clone(), |_| {}).await?;
    let client = &server.client;
    assert_eq!(matches(&whole(client, "/Patient?nickname=ozzy").await?), 1);
    assert_eq!((standing(&server, "used").await?, standing(&server, "unused").await?), (1, 2_005));
    // One that asks for something has no room, nor one that repeats what FHIR says; others have.
    let repeated =
        other("family").replace("Patient.name.where(use='nickname').text", "Patient.name.family");
    for body in [other("more"), repeated] {
        let refused = client.send("POST", "/SearchParameter", &body).await?;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.text_at("issue.0.expression.0"), "SearchParameter.status");
        assert!(refused.text.contains("2000 active SearchParameters"), "{}", refused.text);
    }
    let draft = other("more").replace("active", "draft");
    assert_eq!(client.send("POST", "/SearchParameter", &draft).await?.status, 201);
    put(client, "SearchParameter", "nick", &parameter("").replace("What friends", "What all"))
        .await?;

    // Where they go, there is room again.
    let go = "update resource set content = null, wire = null, method = 2, version = version + 1
        where id like 'again%' or id like 'odd%'";
    sqlx::query(go).execute(&mut owner).await?;
    let none = async || standing(&server, "unused").await.is_ok_and(|unused| unused == 0);
    until("they are read again", Duration::from_secs(30), none).await?;
    let taken = client.send("POST", "/SearchParameter", &other("more")).await?;
    assert_eq!(taken.status, 201, "{}", taken.text);
    assert_eq!(standing(&server, "used").await?, 2);
    Ok(())
}

#[tokio::test]
async fn there_is_room_for_so_many_also_for_several_at_once() -> Result<()> {
    const AT_ONCE: i64 = 8;
    let server = Fixture::start().await?;
    let client = &server.client;
    let most = post(client, &bundle((0..498).map(|n| other(&format!("p{n}"))))).await?;
    assert_eq!(most.status, 200, "{}", most.text);
    let race = (0..AT_ONCE).map(|n| async move {
        let answer = client.send("POST", "/SearchParameter", &other(&format!("q{n}"))).await?;
        assert!(matches!(answer.status, 201 | 422), "{}", answer.text);
        Ok::<_, anyhow::Error>(i64::from(answer.status == 201))
    });
    let taken: i64 = try_join_all(race).await?.into_iter().sum();
    assert!((2..=AT_ONCE).contains(&taken), "{taken}");
    assert_eq!(standing(&server, "used").await?, 500);
    // Those that were one too many are stored and said.
    assert_eq!(standing(&server, "unused").await?, taken - 2);
    let refused = client.send("POST", "/SearchParameter", &other("last")).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("500 search parameters in use"), "{}", refused.text);
    Ok(())
}

async fn post(client: &Client, bundle: &str) -> Result<Answer> {
    client.send("POST", "", bundle).await
}

#[tokio::test]
async fn one_that_is_too_large_is_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let large = parameter("").replace("What friends", &"What friends ".repeat(6_000));
    let refused = server.client.send("POST", "/SearchParameter", &large).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("at most 64 KiB"), "{}", refused.text);
    let draft = large.replace("active", "draft");
    assert_eq!(server.client.send("POST", "/SearchParameter", &draft).await?.status, 201);
    Ok(())
}

/// A commit settles once what all of its SearchParameters come to.
#[tokio::test]
async fn a_transaction_is_read_once() -> Result<()> {
    let server = Fixture::start().await?;
    let before = standing(&server, "readings").await?;
    let many = post(&server.client, &bundle((0..50).map(|n| other(&format!("p{n}"))))).await?;
    assert_eq!(many.status, 200, "{}", many.text);
    assert_eq!(standing(&server, "used").await?, 50);
    let readings = standing(&server, "readings").await? - before;
    // Its own, and one of a look that came in between.
    assert!((1..=2).contains(&readings), "{readings}");
    Ok(())
}

/// Those that are written at once are read for all of them.
#[tokio::test]
async fn many_writers_read_together() -> Result<()> {
    const WRITERS: i64 = 20;
    let server = Fixture::start().await?;
    let client = &server.client;
    let (mut owner, mut watcher) =
        (server.database.connect().await?, server.database.connect().await?);
    let before = standing(&server, "readings").await?;
    // Nobody sets a goal before all are stored.
    for statement in ["begin", "select goal from index_state"] {
        sqlx::query(statement).execute(&mut owner).await?;
    }
    let writers = try_join_all((0..WRITERS).map(|n| async move {
        let answer = client.send("POST", "/SearchParameter", &other(&format!("p{n}"))).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Ok::<_, anyhow::Error>(())
    }));
    let all = async || {
        let stored =
            "select count(*) from resource where content ->> 'resourceType' = 'SearchParameter'";
        let stored = sqlx::query_scalar::<_, i64>(stored).fetch_one(&mut watcher).await;
        stored.is_ok_and(|stored| stored == WRITERS)
    };
    let release = async {
        until("all are stored", Duration::from_secs(30), all).await?;
        sqlx::query("commit").execute(&mut owner).await?;
        Ok::<_, anyhow::Error>(())
    };
    tokio::try_join!(writers, release)?;
    assert_eq!(standing(&server, "used").await?, WRITERS);
    let readings = standing(&server, "readings").await? - before;
    assert!(readings < WRITERS / 2, "{readings}");
    Ok(())
}

/// Somebody holds the place of the goal all the time: the server serves, and makes up for it.
#[tokio::test]
async fn a_start_that_cannot_set_the_goal_is_made_up_for() -> Result<()> {
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    for statement in ["begin", "select goal from index_state"] {
        sqlx::query(statement).execute(&mut owner).await?;
    }
    let server = Fixture::on(database.clone(), |_| {}).await?;
    put(&server.client, "Patient", "a", &patient("a", "Ozzy")).await?;
    assert_eq!(standing(&server, "used").await?, 0);
    sqlx::query("commit").execute(&mut owner).await?;
    put(&server.client, "SearchParameter", "nick", &parameter("")).await?;
    assert_eq!(matches(&whole(&server.client, "/Patient?nickname=ozzy").await?), 1);
    Ok(())
}
