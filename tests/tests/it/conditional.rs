//! Reads and writes on conditions: none, one and several that match.
//! <https://hl7.org/fhir/R4/http.html#ccreate>

use anyhow::Result;
use it::{Answer, Fixture};

use crate::interactions_table::{Row, get, play, send, with};

const A: &str =
    r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:x","value":"1"}]}"#;
const B: &str = r#"{"resourceType":"Patient","id":"b","identifier":[{"system":"urn:x","value":"2"}],"active":true}"#;
const C: &str =
    r#"{"resourceType":"Patient","id":"c","identifier":[{"system":"urn:x","value":"2"}]}"#;

/// One patient matches `urn:x|1`, two match `urn:x|2`, none `urn:x|3`.
const SETUP: &[Row] = &[
    send("PUT /Patient/a", A, 201, &[]),
    send("PUT /Patient/b", B, 201, &[]),
    send("PUT /Patient/c", C, 201, &[]),
];

#[tokio::test]
async fn read() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let unchanged: &[&str] = &["body: empty", "etag: W/\"1\"", "last-modified: *GMT"];
    play(
        &server.client,
        &[
            with("GET /Patient/a", &["If-None-Match: W/\"1\""], "", 304, unchanged),
            with("GET /Patient/a", &["If-None-Match: \"1\""], "", 304, unchanged),
            with("GET /Patient/a", &["If-None-Match: *"], "", 304, unchanged),
            with("GET /Patient/a", &["If-None-Match: W/\"7\", W/\"1\""], "", 304, unchanged),
            with(
                "GET /Patient/a",
                &["If-None-Match: W/\"7\"", "If-None-Match: W/\"1\""],
                "",
                304,
                unchanged,
            ),
            with("HEAD /Patient/a", &["If-None-Match: W/\"1\""], "", 304, unchanged),
            with("GET /Patient/a", &["If-None-Match: W/\"2\""], "", 200, &[".id = a"]),
            with("GET /Patient/a", &["If-None-Match: nonsense"], "", 200, &[".id = a"]),
            with(
                "GET /Patient/a",
                &["If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT"],
                "",
                304,
                unchanged,
            ),
            with(
                "GET /Patient/a",
                &["If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"],
                "",
                200,
                &[".id = a"],
            ),
            with("GET /Patient/a", &["If-Modified-Since: long ago"], "", 200, &[".id = a"]),
            // A tag speaks before a date.
            with(
                "GET /Patient/a",
                &["If-None-Match: W/\"2\"", "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT"],
                "",
                200,
                &[],
            ),
            with("GET /Patient/none", &["If-None-Match: *"], "", 404, &[]),
        ],
    )
    .await?;
    // The date that the server gave is not before the change it speaks of.
    let read = server.client.get("/Patient/a").await?;
    let again = server.client.request("GET", "/Patient/a");
    let again = again.header("if-modified-since", read.header("last-modified"));
    assert_eq!(Answer::of(again).await?.status, 304);
    Ok(())
}

#[tokio::test]
async fn create() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let new = r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"3"}]}"#;
    play(
        &server.client,
        &[
            with(
                "POST /Patient",
                &["If-None-Exist: identifier=urn:x|1"],
                new,
                200,
                &[".id = a", "etag: W/\"1\"", "location: */Patient/a/_history/1"],
            ),
            with("POST /Patient", &["If-None-Exist: ?identifier=urn:x|1"], new, 200, &[".id = a"]),
            with("POST /Patient", &["If-None-Exist: Patient?_id=a"], new, 200, &[".id = a"]),
            with(
                "POST /Patient",
                &["If-None-Exist: identifier=urn:x|2"],
                new,
                412,
                &[".issue.0.code = multiple-matches"],
            ),
            with("POST /Patient", &["If-None-Exist: identifier=urn:x|3"], new, 201, &[]),
            with("POST /Patient", &["If-None-Exist: identifier=urn:x|3"], new, 200, &[]),
            // Criteria that say nothing, or that are not understood, match everything.
            with("POST /Patient", &["If-None-Exist: "], new, 412, &[]),
            with("POST /Patient", &["If-None-Exist: _count=1"], new, 412, &[]),
            with("POST /Patient", &["If-None-Exist: nonsense=1"], new, 400, &[]),
            with("POST /Patient", &["If-None-Exist: _id=a", "If-None-Exist: _id=b"], new, 400, &[]),
            with(
                "POST /Patient",
                &["If-None-Exist: _id=a"],
                r#"{"resourceType":"Group"}"#,
                400,
                &[],
            ),
        ],
    )
    .await
}

#[tokio::test]
async fn update() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let nameless =
        r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"active":true}"#;
    let third = r#"{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"3"}]}"#;
    let fourth =
        r#"{"resourceType":"Patient","id":"d","identifier":[{"system":"urn:x","value":"4"}]}"#;
    play(
        &server.client,
        &[
            send("PUT /Patient?identifier=urn:x|1", nameless, 200, &[".id = a", "etag: W/\"2\""]),
            send("PUT /Patient?identifier=urn:x|1", A, 200, &[".id = a", "etag: W/\"3\""]),
            send("PUT /Patient?identifier=urn:x|1", A, 200, &[".id = a", "etag: W/\"3\""]),
            send("PUT /Patient?identifier=urn:x|1", B, 400, &[]),
            send("PUT /Patient?identifier=urn:x|2", B, 412, &[".issue.0.code = multiple-matches"]),
            send("PUT /Patient?identifier=urn:x|3", third, 201, &["etag: W/\"1\""]),
            send("PUT /Patient?identifier=urn:x|3", third, 200, &["etag: W/\"1\""]),
            send("PUT /Patient?identifier=urn:x|4", fourth, 201, &[".id = d"]),
            send("PUT /Patient", nameless, 412, &[]),
            send("PUT /Patient?nonsense=1", nameless, 400, &[]),
            send("PUT /Patient?_id=a", r#"{"resourceType":"Group"}"#, 400, &[]),
            with("PUT /Patient?_id=a", &["If-Match: W/\"1\""], nameless, 412, &[]),
            with("PUT /Patient?_id=a", &["If-Match: W/\"3\""], nameless, 200, &["etag: W/\"4\""]),
            with("PUT /Patient?_id=none", &["If-Match: W/\"1\""], nameless, 412, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn patch() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let json: &[&str] = &["Content-Type: application/json-patch+json"];
    let on = r#"[{"op":"add","path":"/active","value":true}]"#;
    play(
        &server.client,
        &[
            with("PATCH /Patient?identifier=urn:x|1", json, on, 200, &[".id = a", "etag: W/\"2\""]),
            with("PATCH /Patient?identifier=urn:x|1", json, on, 200, &["etag: W/\"2\""]),
            with("PATCH /Patient?identifier=urn:x|2", json, on, 412, &[]),
            with("PATCH /Patient?identifier=urn:x|3", json, on, 404, &[]),
            with("PATCH /Patient", json, on, 412, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn delete_several() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    play(
        &server.client,
        &[
            with("DELETE /Patient?identifier=urn:x|1", &["If-Match: W/\"2\""], "", 412, &[]),
            with("DELETE /Patient?identifier=urn:x|3", &["If-Match: *"], "", 412, &[]),
            get("DELETE /Patient?identifier=urn:x|1", 204, &["body: empty", "etag: W/\"2\""]),
            get("GET /Patient/a", 410, &[]),
            get("DELETE /Patient?identifier=urn:x|1", 204, &[]),
            get("DELETE /Patient", 412, &[]),
            get("DELETE /Patient?_count=1", 412, &[]),
            get("DELETE /Patient?nonsense=1", 400, &[]),
            get("GET /Patient/b", 200, &[]),
            with(
                "DELETE /Patient?identifier=urn:x|2",
                &["Prefer: return=OperationOutcome"],
                "",
                200,
                &["body has 2 resources", "etag:"],
            ),
            get("GET /Patient/b", 410, &[]),
            get("GET /Patient/c", 410, &[]),
            // Nobody asked, but it was more than one; nobody wants to know; there is nothing.
            send("PUT /Patient/b", B, 201, &[]),
            send("PUT /Patient/c", C, 201, &[]),
            get("DELETE /Patient?identifier=urn:x|2", 200, &["body has 2 resources", "etag:"]),
            send("PUT /Patient/b", B, 201, &[]),
            send("PUT /Patient/c", C, 201, &[]),
            with(
                "DELETE /Patient?identifier=urn:x|2",
                &["Prefer: return=minimal"],
                "",
                204,
                &["body: empty"],
            ),
            get("GET /Patient/b", 410, &[]),
            get("DELETE /Patient?identifier=urn:x|2", 204, &["body: empty"]),
        ],
    )
    .await
}

#[tokio::test]
async fn delete_one_only() -> Result<()> {
    let server = Fixture::start_with(|it| it.policy.delete_multiple = false).await?;
    play(&server.client, SETUP).await?;
    play(
        &server.client,
        &[
            get("DELETE /Patient?identifier=urn:x|2", 412, &[".issue.0.code = multiple-matches"]),
            get("GET /Patient/b", 200, &[]),
            get("DELETE /Patient?identifier=urn:x|1", 204, &[]),
        ],
    )
    .await
}

/// No version is below 1: a tag that names none must not pass for a new resource.
#[tokio::test]
async fn an_unknown_tag_on_an_unknown_id_creates_nothing() -> Result<()> {
    let server = Fixture::start().await?;
    let body = r#"{"resourceType":"Patient","id":"new"}"#;
    for tag in
        ["If-Match: W/\"0\"", "If-Match: \"abc\"", "If-Match: W/\"99999999999\"", "If-Match: *"]
    {
        let request = server.client.request("PUT", "/Patient/new").body(body);
        let (name, value) = tag.split_once(": ").unwrap_or_default();
        let request = request.header(name, value).header("content-type", "application/fhir+json");
        let answer = Answer::of(request).await?;
        assert_eq!(answer.status, 412, "{tag}: {}", answer.text);
    }
    assert_eq!(server.client.get("/Patient/new").await?.status, 404);
    Ok(())
}

/// Two updates with one set of criteria and different ids: one is created, the other finds it.
#[tokio::test]
async fn conditional_updates_with_ids_of_their_own_make_one_resource() -> Result<()> {
    let server = Fixture::start().await?;
    let bodies: Vec<String> = (0..8)
        .map(|n| {
            format!(
                r#"{{"resourceType":"Patient","id":"own{n}","identifier":[{{"system":"urn:own","value":"1"}}]}}"#
            )
        })
        .collect();
    let all =
        bodies.iter().map(|body| server.client.send("PUT", "/Patient?identifier=urn:own|1", body));
    let answers: Vec<Answer> = futures::future::try_join_all(all).await?;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| matches!(answer.status, 400 | 409)).count();
    assert_eq!(
        (created, refused),
        (1, 7),
        "{:?}",
        answers.iter().map(|a| (a.status, &a.text)).collect::<Vec<_>>()
    );
    let found = server.client.get("/Patient?identifier=urn:own|1").await?;
    assert_eq!(found.entries().len(), 1, "{}", found.text);
    Ok(())
}

/// Criteria are looked up at a glance; a value that many systems use, and a resource that is large, need more.
#[tokio::test]
async fn one_value_under_many_systems_and_a_large_match_are_told_apart() -> Result<()> {
    let server = Fixture::start().await?;
    let patient = |system: usize, text: &str| {
        format!(
            r#"{{"resourceType":"Patient","name":[{{"text":"{text}"}}],"identifier":[{{"system":"urn:s{system}","value":"same"}}]}}"#
        )
    };
    for system in 0..20 {
        let answer = server.client.send("POST", "/Patient", &patient(system, "one")).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let create = async |criteria: &str, body: &str| {
        let request = server.client.request("POST", "/Patient").body(body.to_owned());
        let request = request
            .header("if-none-exist", criteria)
            .header("prefer", "return=representation")
            .header("content-type", "application/fhir+json");
        Answer::of(request).await
    };
    let there = create("identifier=urn:s7|same", &patient(7, "two")).await?;
    assert_eq!(there.status, 200, "{}", there.text);
    assert!(there.text.contains("urn:s7") && there.text.contains("one"), "{}", there.text);
    assert_eq!(create("identifier=same", &patient(7, "two")).await?.status, 412);
    let large = patient(99, &"x".repeat(300 * 1024));
    assert_eq!(create("identifier=urn:s99|same", &large).await?.status, 201);
    let again = create("identifier=urn:s99|same", &patient(99, "two")).await?;
    assert_eq!(again.status, 200, "{}", again.text);
    assert!(again.text.len() > 300 * 1024, "{} bytes", again.text.len());
    // With few others: found at a glance but for its text.
    let alone = large.replace("same", "alone");
    assert_eq!(create("identifier=urn:s99|alone", &alone).await?.status, 201);
    let again = create("identifier=urn:s99|alone", &patient(99, "two")).await?;
    assert_eq!((again.status, again.text.len() > 300 * 1024), (200, true));
    assert_eq!(create("identifier=urn:s98|alone", &patient(98, "two")).await?.status, 201);
    Ok(())
}
