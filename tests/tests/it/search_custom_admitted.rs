//! Which SearchParameters are put to use: beside themselves, beside each other, and beside what is sealed.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use it::ledger::until;
use it::{Answer, Client, Database, Fixture};

use crate::search_custom::{matches, parameter, put, whole};

/// One of another code, without an id.
pub(crate) fn other(code: &str) -> String {
    parameter("")
        .replace(r#""id":"nick","#, "")
        .replace("nickname\",\"base", &format!("{code}\",\"base"))
}

async fn post(client: &Client, path: &str, body: &str) -> Result<Answer> {
    client.send("POST", path, body).await
}

pub(crate) fn bundle(bodies: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
    for (n, body) in bodies.into_iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let request = r#""request":{"method":"POST","url":"SearchParameter"}"#;
        write!(text, r#"{comma}{{"resource":{body},{request}}}"#).expect("a string takes all");
    }
    text + "]}"
}

/// How many living SearchParameters there are.
async fn stored(client: &Client) -> Result<usize> {
    Ok(matches(&client.get("/SearchParameter?_count=100").await?))
}

#[tokio::test]
async fn one_is_known_by_the_id_that_it_is_stored_under() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    put(client, "SearchParameter", "nick", &parameter("")).await?;
    // The same again, found by its URL: it does not stand in its own way.
    let named = "/SearchParameter?url=http://x.example/SearchParameter/patient-nickname";
    let body = other("nickname").replace("What friends", "What the friends");
    let again = client.send("PUT", named, &body).await?;
    assert_eq!((again.status, again.text_at("id")), (200, "nick".to_owned()), "{}", again.text);
    // A POST makes another, whatever id the body has.
    let twice = post(client, "/SearchParameter", &parameter("")).await?;
    assert_eq!(twice.status, 422, "{}", twice.text);
    assert_eq!(twice.text_at("issue.0.expression.0"), "SearchParameter.code");
    assert_eq!(stored(client).await?, 1);
    Ok(())
}

#[tokio::test]
async fn those_of_one_transaction_suit_each_other() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let clashing = post(client, "", &bundle([other("a"), other("b"), other("a")])).await?;
    assert_eq!(clashing.status, 422, "{}", clashing.text);
    let at = clashing.text_at("issue.0.expression.0");
    assert_eq!(at, "Bundle.entry[2].resource.code");
    let many = post(client, "", &bundle((0..501).map(|n| other(&format!("p{n}"))))).await?;
    assert_eq!(many.status, 422, "{}", many.text);
    let at = many.text_at("issue.0.expression.0");
    assert_eq!(at, "Bundle.entry[500].resource.status");
    assert_eq!(stored(client).await?, 0);
    let both = post(client, "", &bundle([other("a"), other("b")])).await?;
    assert_eq!(both.status, 200, "{}", both.text);
    for path in ["/Patient?a=x", "/Patient?b=x"] {
        assert!(!whole(client, path).await?.text.contains("has no search parameter"));
    }
    Ok(())
}

/// What takes too much is left out, which is said; nothing is done on the strength of what is not found.
#[tokio::test]
async fn what_is_left_out_is_said() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let photos: Vec<String> = (0..4_100).map(|n| format!(r#"{{"title":"Number {n}"}}"#)).collect();
    let album = format!(
        r#"{{"resourceType":"Patient","id":"album","name":[{{"text":"Number 7"}}],"photo":[{}]}}"#,
        photos.join(",")
    );
    put(client, "Patient", "album", &album).await?;
    let titles = parameter(
        r#""status":"active","code":"title","base":["Patient"],"type":"string","expression":"Patient.photo.title""#,
    );
    put(client, "SearchParameter", "nick", &titles).await?;
    let path = "/Patient?title=number";
    let said = whole(client, path).await?;
    assert!(said.text.contains("cannot be found by Patient.title"), "{}", said.text);
    assert_eq!(matches(&said), 0);
    let create = client
        .request("POST", "/Patient")
        .header("content-type", "application/fhir+json")
        .header("if-none-exist", "title=number")
        .body(album.clone());
    let refused = Answer::of(create).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("cannot be found by Patient.title"), "{}", refused.text);
    // It can be changed all the same; with less of it, it is found, and nothing is said any more.
    put(client, "Patient", "album", &album.replace("Number 7\"}],", "Number 8\"}],")).await?;
    let few = r#"{"resourceType":"Patient","id":"album","photo":[{"title":"Number 1"}]}"#;
    put(client, "Patient", "album", few).await?;
    let found = client.get(path).await?;
    assert!(!found.text.contains("cannot be found"), "{}", found.text);
    assert_eq!(matches(&found), 1);
    Ok(())
}

/// Also where it is found again before the search has ended.
#[tokio::test]
async fn what_was_left_out_before_the_search_is_said() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let photos: Vec<String> = (0..4_100).map(|n| format!(r#"{{"title":"Number {n}"}}"#)).collect();
    let photos = photos.join(",");
    let album = format!(r#"{{"resourceType":"Patient","id":"album","photo":[{photos}]}}"#);
    let titles = parameter(
        r#""status":"active","code":"title","base":["Patient"],"type":"string","expression":"Patient.photo.title""#,
    );
    put(client, "SearchParameter", "nick", &titles).await?;
    whole(client, "/Patient?title=number").await?;
    put(client, "Patient", "album", &album).await?;

    let (mut owner, mut watcher) =
        (server.database.connect().await?, server.database.connect().await?);
    for statement in ["begin", "lock table string_index in access exclusive mode"] {
        sqlx::query(statement).execute(&mut owner).await?;
    }
    let searching = client.get("/Patient?title=number");
    let waits = "select exists (select from pg_locks where not granted and relation = 'string_index'::regclass)";
    let waiting = async || {
        let waits = sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watcher).await;
        waits.is_ok_and(|waits| waits)
    };
    let change = async {
        until("the search waits", Duration::from_secs(30), waiting).await?;
        for statement in ["delete from token_index", "commit"] {
            sqlx::query(statement).execute(&mut owner).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let (said, changed) = tokio::join!(searching, change);
    changed?;
    let said = said?;
    assert_eq!((said.status, matches(&said)), (200, 0), "{}", said.text);
    assert!(said.text.contains("cannot be found by Patient.title"), "{}", said.text);
    Ok(())
}

/// A URL or a description changes nothing that is found, but all servers show it.
#[tokio::test]
async fn new_words_reach_every_server() -> Result<()> {
    let database = Database::create().await?;
    let one = Fixture::on(database.clone(), |_| {}).await?;
    let other = Fixture::on(database, |_| {}).await?;
    put(&one.client, "SearchParameter", "nick", &parameter("")).await?;
    let shows = async |client: &Client, words: &str| {
        let statement = client.get("/metadata").await;
        statement.is_ok_and(|it| it.text.contains(words))
    };
    for words in ["What friends call the patient", "What the family calls the patient"] {
        let body = parameter("").replace("What friends call the patient", words);
        put(&one.client, "SearchParameter", "nick", &body).await?;
        assert!(shows(&one.client, words).await, "{words}");
        let shown = async || shows(&other.client, words).await;
        until("the other server shows it", Duration::from_secs(30), shown).await?;
    }
    Ok(())
}
