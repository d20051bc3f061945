//! Search parameters of one's own: from POST to DELETE, while they are indexed, and refused where they cannot
//! be used.

use std::time::Duration;

use anyhow::{Context, Result};
use it::ledger::until;
use it::{Answer, Client, Database, Fixture};

const URL: &str = "http://x.example/SearchParameter/patient-nickname";

pub(crate) fn parameter(change: &str) -> String {
    let usual = r#""status":"active","code":"nickname","base":["Patient"],"type":"string",
        "expression":"Patient.name.where(use='nickname').text""#;
    let said = if change.is_empty() { usual } else { change };
    format!(
        r#"{{"resourceType":"SearchParameter","id":"nick","url":"{URL}","name":"Nickname",
        "description":"What friends call the patient",{said}}}"#
    )
}

pub(crate) fn patient(id: &str, nickname: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","name":[{{"use":"nickname","text":"{nickname}"}}]}}"#
    )
}

pub(crate) async fn put(client: &Client, kind: &str, id: &str, body: &str) -> Result<Answer> {
    let answer = client.send("PUT", &format!("/{kind}/{id}"), body).await?;
    assert!(matches!(answer.status, 200 | 201), "{kind}/{id}: {}", answer.text);
    Ok(answer)
}

pub(crate) fn matches(answer: &Answer) -> usize {
    answer.text.matches(r#""mode":"match""#).count()
}

/// Waits until a search says nothing of an index in the making.
pub(crate) async fn whole(client: &Client, path: &str) -> Result<Answer> {
    let done = async || {
        let answer = client.get(path).await;
        answer.is_ok_and(|it| it.status == 200 && !it.text.contains("being built"))
    };
    until("the index is whole", Duration::from_secs(60), done).await?;
    client.get(path).await
}

async fn server(database: &Database, worker: bool) -> Result<Fixture> {
    Fixture::on(database.clone(), |settings| settings.roles.worker = worker).await
}

#[tokio::test]
async fn from_post_to_delete() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    for (id, name) in [("a", "Ozzy"), ("b", "Lemmy")] {
        put(client, "Patient", id, &patient(id, name)).await?;
    }
    let strict =
        |path: &str| Answer::of(client.request("GET", path).header("prefer", "handling=strict"));
    let path = "/Patient?nickname=ozzy";
    assert_eq!(strict(path).await?.status, 400);
    put(client, "SearchParameter", "nick", &parameter("")).await?;
    // What was there is indexed in the background, and until then the answer says so.
    assert_eq!(matches(&whole(client, path).await?), 1);
    assert_eq!(strict(path).await?.status, 200);
    // What comes is indexed at once.
    put(client, "Patient", "c", &patient("c", "Ozzy the second")).await?;
    assert_eq!(matches(&client.get(path).await?), 2);
    for (query, found) in [
        ("nickname:exact=Ozzy", 1),
        ("nickname:missing=true", 0),
        ("nickname:contains=mm", 1),
        ("nickname=x", 0),
        ("_filter=nickname sw ozzy", 2),
    ] {
        let answer = client.get(&format!("/Patient?{query}")).await?;
        assert_eq!((answer.status, matches(&answer)), (200, found), "{query}: {}", answer.text);
    }
    let sorted = client.get("/Patient?_sort=nickname&_elements=id").await?;
    let ids: Vec<String> =
        (0..3).map(|n| sorted.text_at(&format!("entry.{n}.resource.id"))).collect();
    assert_eq!(ids, ["b", "a", "c"]);
    let statement = client.get("/metadata").await?.text;
    let entry = format!(
        r#"{{"name":"nickname","definition":"{URL}","type":"string","documentation":"What friends call the patient"}}"#
    );
    assert!(statement.contains(&entry));

    // Another expression: the old values are found no more, the new ones are.
    let change = r#""status":"active","code":"nickname","base":["Patient","Person"],"type":"string",
        "expression":"Patient.name.family | Person.name.family""#;
    put(client, "SearchParameter", "nick", &parameter(change)).await?;
    assert_eq!(matches(&whole(client, path).await?), 0);
    let person = r#"{"resourceType":"Person","id":"p","name":[{"family":"Kilmister"}]}"#;
    put(client, "Person", "p", person).await?;
    assert_eq!(matches(&client.get("/Person?nickname=kilm").await?), 1);

    // Retired, it is not known any more; used again, it is indexed again.
    put(client, "SearchParameter", "nick", &parameter(&change.replace("active", "retired")))
        .await?;
    assert_eq!(strict(path).await?.status, 400);
    let ignored = client.get(path).await?;
    assert!(ignored.status == 200 && ignored.text.contains("has no search parameter `nickname`"));
    assert!(!client.get("/metadata").await?.text.contains(URL));
    put(client, "Patient", "d", r#"{"resourceType":"Patient","id":"d","name":[{"family":"New"}]}"#)
        .await?;
    put(client, "SearchParameter", "nick", &parameter(change)).await?;
    assert_eq!(matches(&whole(client, "/Patient?nickname=new").await?), 1);
    assert_eq!(client.send("DELETE", "/SearchParameter/nick", "").await?.status, 204);
    assert_eq!(strict(path).await?.status, 400);
    Ok(())
}

/// By a transaction too; of references, with what hangs on them.
#[tokio::test]
async fn references_lead_on() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let bundle = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"SearchParameter","url":"http://x.example/f","name":"F","status":"active",
            "description":"d","code":"friend","base":["Patient"],"type":"reference","target":["Patient"],
            "expression":"Patient.extension.where(url='http://x.example/friend').value"},
         "request":{"method":"POST","url":"SearchParameter"}},
        {"resource":{"resourceType":"Patient","id":"a","name":[{"family":"Alpha"}]},
         "request":{"method":"PUT","url":"Patient/a"}},
        {"resource":{"resourceType":"Patient","id":"b","name":[{"family":"Beta"}],
            "extension":[{"url":"http://x.example/friend","valueReference":{"reference":"Patient/a"}}]},
         "request":{"method":"PUT","url":"Patient/b"}}]}"#;
    let answer = client.send("POST", "", bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    whole(client, "/Patient?friend=Patient/a").await?;
    for (query, found, all) in [
        ("friend=Patient/a", 1, 1),
        ("friend=a", 1, 1),
        ("friend.family=alpha", 1, 1),
        ("friend:Patient.family=beta", 0, 0),
        ("_has:Patient:friend:family=beta", 1, 1),
        ("family=beta&_include=Patient:friend", 1, 2),
        ("family=alpha&_revinclude=Patient:friend", 1, 2),
    ] {
        let answer = client.get(&format!("/Patient?{query}")).await?;
        let counts = (matches(&answer), answer.entries().len());
        assert_eq!(counts, (found, all), "{query}: {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_used_is_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    put(client, "SearchParameter", "nick", &parameter("")).await?;
    let usual = r#""status":"active","code":"x","base":["Patient"],"type":"string","expression":"Patient.name.text""#;
    for (from, to, at) in [
        (r#""code":"x""#, r#""code":"name""#, "SearchParameter.code"),
        (r#""code":"x""#, r#""code":"nickname""#, "SearchParameter.code"),
        (r#""code":"x""#, r#""code":"a:b""#, "SearchParameter.code"),
        ("Patient.name.text", "Patient.nick", "SearchParameter.expression"),
        ("Patient.name.text", "Person.name.text", "SearchParameter.expression"),
        ("Patient.name.text", "Patient.name.(", "SearchParameter.expression"),
        (r#""type":"string""#, r#""type":"date""#, "SearchParameter.type"),
        (r#""type":"string""#, r#""type":"special""#, "SearchParameter.type"),
        (r#"["Patient"]"#, r#"["Element"]"#, "SearchParameter.base[0]"),
        (r#""status":"active""#, r#""status":"ready""#, "SearchParameter.status"),
    ] {
        let body = parameter(&usual.replace(from, to)).replace(r#""id":"nick","#, "");
        let refused = client.send("POST", "/SearchParameter", &body).await?;
        assert_eq!(refused.status, 422, "{to}: {}", refused.text);
        assert_eq!(refused.text_at("issue.0.expression.0"), at, "{to}: {}", refused.text);
    }
    // Nobody uses a draft: it may be anything.
    let draft = parameter(&usual.replace("active", "draft").replace(r#""x""#, r#""name""#));
    let kept =
        client.send("POST", "/SearchParameter", &draft.replace(r#""id":"nick","#, "")).await?;
    assert_eq!(kept.status, 201, "{}", kept.text);
    Ok(())
}

/// Nobody indexes: the answer says how far it is, and nothing is done on the strength of it.
#[tokio::test]
async fn an_index_in_the_making_is_said() -> Result<()> {
    let database = Database::create().await?;
    let mut idle = server(&database, false).await?;
    let client = idle.client.clone();
    put(&client, "Patient", "a", &patient("a", "Ozzy")).await?;
    put(&client, "SearchParameter", "nick", &parameter("")).await?;
    let path = "/Patient?nickname=ozzy";
    let said = client.get(path).await?;
    assert_eq!((said.status, matches(&said)), (200, 0), "{}", said.text);
    assert!(said.text.contains("Patient.nickname is being built and 0 %"), "{}", said.text);
    let sorted = client.get("/Patient?_sort=nickname").await?;
    assert!(sorted.text.contains("is being built"), "{}", sorted.text);
    let other = client.get("/Patient?name=ozzy").await?;
    assert!(!other.text.contains("being built") && matches(&other) == 1, "{}", other.text);
    let strict = client.request("GET", path).header("prefer", "handling=strict");
    let refused = Answer::of(strict).await?;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{}", refused.text);

    let ozzy = patient("x", "Ozzy").replace(r#""id":"x","#, "");
    let entry = |request: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{ozzy},"request":{request}}}]}}"#
        )
    };
    let create = entry(r#"{"method":"POST","url":"Patient","ifNoneExist":"nickname=ozzy"}"#);
    let update = entry(r#"{"method":"PUT","url":"Patient?nickname=ozzy"}"#);
    let requests = [
        client
            .request("POST", "/Patient")
            .header("if-none-exist", "nickname=ozzy")
            .body(ozzy.clone()),
        client.request("PUT", path).body(ozzy.clone()),
        client.request("DELETE", path),
        client.request("POST", "").body(create.clone()),
        client.request("POST", "").body(update),
    ];
    for request in requests {
        let request = request.header("content-type", "application/fhir+json");
        let refused = Answer::of(request).await?;
        assert_eq!(refused.status, 503, "{}", refused.text);
        assert_eq!(refused.header("retry-after"), "1");
        assert!(refused.text.contains("still being indexed"), "{}", refused.text);
    }
    assert_eq!(matches(&client.get("/Patient").await?), 1, "nothing was made twice, or removed");
    idle.stop().await;

    // One that indexes ends it, also after a restart: then the criteria find what there is.
    let busy = server(&database, true).await?;
    assert_eq!(matches(&whole(&busy.client, path).await?), 1);
    let found = busy.client.send("POST", "", &create).await?;
    assert_eq!(found.text_at("entry.0.response.status"), "200 OK", "{}", found.text);
    assert_eq!(matches(&busy.client.get("/Patient").await?), 1);
    Ok(())
}

/// A server that has not heard of a parameter yet writes without it. That is noticed and made up for, whoever
/// writes what meanwhile.
#[tokio::test]
async fn a_server_that_lags_leaves_nothing_out() -> Result<()> {
    const WRITERS: i64 = 4;
    const EACH: i64 = 8;
    let database = Database::create().await?;
    let (one, other) = (server(&database, true).await?, server(&database, false).await?);
    for round in 0..5 {
        let code = format!("nick{round}");
        let body = parameter(&format!(
            r#""status":"active","code":"{code}","base":["Patient"],"type":"string",
            "expression":"Patient.name.where(use='nickname').text""#
        ));
        let writer = |w: i64| {
            let client = if w % 2 == 0 { &one.client } else { &other.client };
            async move {
                for n in 0..EACH {
                    let id = format!("w{w}n{n}");
                    put(client, "Patient", &id, &patient(&id, &format!("Ozzy {round}"))).await?;
                }
                Ok::<(), anyhow::Error>(())
            }
        };
        let writers = futures::future::try_join_all((0..WRITERS).map(writer));
        let define = put(&one.client, "SearchParameter", "nick", &body);
        let (defined, written) = tokio::join!(define, writers);
        defined?;
        written?;
        for client in [&other.client, &one.client] {
            // The one that lags hears of it when it is asked.
            for (name, expected) in
                [("ozzy", WRITERS * EACH), (&format!("ozzy {round}"), WRITERS * EACH)]
            {
                let path = format!("/Patient?{code}={name}&_summary=count");
                let total = whole(client, &path).await?.at("total");
                let total = total.and_then(|it| it.as_number()?.to_i64());
                assert_eq!(total, Some(expected), "{path}");
            }
        }
    }
    let mut owner = database.connect().await?;
    let due: i64 =
        sqlx::query_scalar("select count(*) from index_due").fetch_one(&mut owner).await?;
    assert_eq!(due, 0);
    Ok(())
}

/// What nobody asks for any more does not fill the index.
#[tokio::test]
async fn a_parameter_that_goes_leaves_nothing_behind() -> Result<()> {
    const ROWS: &str = "select count(*) from string_index";
    const REST: &str =
        "select types = '{}' and not exists (select from index_due) from index_state";
    let server = Fixture::start().await?;
    let mut owner = server.database.connect().await?;
    for n in 0..20 {
        let id = format!("p{n}");
        put(&server.client, "Patient", &id, &patient(&id, "Ozzy")).await?;
    }
    let before: i64 = sqlx::query_scalar(ROWS).fetch_one(&mut owner).await?;
    put(&server.client, "SearchParameter", "nick", &parameter("")).await?;
    whole(&server.client, "/Patient?nickname=ozzy").await?;
    let with: i64 = sqlx::query_scalar(ROWS).fetch_one(&mut owner).await?;
    assert!(with >= before + 20, "{with} {before}");
    assert_eq!(server.client.send("DELETE", "/SearchParameter/nick", "").await?.status, 204);
    let done = async || {
        sqlx::query_scalar::<_, bool>(REST).fetch_one(&mut owner).await.is_ok_and(|rest| rest)
    };
    until("the walk ends", Duration::from_secs(60), done).await?;
    let after: i64 = sqlx::query_scalar(ROWS).fetch_one(&mut owner).await?;
    assert_eq!(after, before);
    Ok(())
}

/// Killed between the write of a parameter and its use: the next start makes up for it.
#[tokio::test]
async fn a_restart_takes_up_what_was_left() -> Result<()> {
    let database = Database::create().await?;
    let mut first = server(&database, false).await?;
    put(&first.client, "Patient", "a", &patient("a", "Ozzy")).await?;
    put(&first.client, "SearchParameter", "old", &parameter(r#""status":"draft","code":"old","base":["Patient"],"type":"string","expression":"Patient.name.text""#).replace("nick\"", "old\"")).await?;
    let mut owner = database.connect().await?;
    let kept = "create table kept as select goal, seen from index_state";
    sqlx::query(kept).execute(&mut owner).await?;
    put(&first.client, "SearchParameter", "nick", &parameter("")).await?;
    first.stop().await;
    for statement in [
        "update index_state set goal = kept.goal, seen = kept.seen, types = '{}' from kept",
        "delete from index_param",
    ] {
        assert_eq!(
            sqlx::query(statement).execute(&mut owner).await?.rows_affected(),
            1,
            "{statement}"
        );
    }
    let second = server(&database, true).await?;
    assert_eq!(matches(&whole(&second.client, "/Patient?nickname=ozzy").await?), 1);
    let built: bool = sqlx::query_scalar("select bool_and(built) from index_param")
        .fetch_one(&mut owner)
        .await
        .context("one parameter")?;
    assert!(built);
    Ok(())
}
