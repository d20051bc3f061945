//! History of an instance, a type and the system; its pages.
//! <https://hl7.org/fhir/R4/http.html#history>

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use canonical_model::Value;
use it::{Client, Fixture};

use crate::interactions_table::{Row, get, play, send, with};

const SETUP: &[Row] = &[
    send("PUT /Patient/a", r#"{"resourceType":"Patient","id":"a","active":true}"#, 201, &[]),
    send("PUT /Patient/a", r#"{"resourceType":"Patient","id":"a","active":false}"#, 200, &[]),
    get("DELETE /Patient/a", 204, &[]),
    send("PUT /Group/g", GROUP, 201, &[]),
];
const GROUP: &str = r#"{"resourceType":"Group","id":"g","type":"person","actual":true}"#;

#[tokio::test]
async fn of_everything() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    play(
        &server.client,
        &[
            get(
                "GET /Patient/a/_history",
                200,
                &[
                    ".type = history",
                    ".entry.len = 3",
                    ".entry.0.request.method = DELETE",
                    ".entry.0.request.url = Patient/a",
                    ".entry.0.response.status = 204",
                    ".entry.0.response.etag = W/\"3\"",
                    ".entry.0.resource absent",
                    ".entry.1.request.method = PUT",
                    ".entry.1.response.status = 200",
                    ".entry.1.resource.active = false",
                    ".entry.2.request.method = PUT",
                    ".entry.2.response.status = 201",
                    ".entry.2.resource.meta.versionId = 1",
                ],
            ),
            get("GET /Patient/_history", 200, &[".entry.len = 3"]),
            get("GET /Group/_history", 200, &[".entry.len = 1", ".entry.0.resource.id = g"]),
            get("GET /Observation/_history", 200, &[".entry absent"]),
            get("GET /_history", 200, &[".entry.len = 4", ".entry.0.resource.id = g"]),
            get("HEAD /_history", 200, &["body: empty"]),
            get("GET /Patient/none/_history", 404, &[]),
            get("GET /Pacient/_history", 404, &[]),
            get("GET /_history?_sort=_lastUpdated", 200, &[".entry.3.resource.id = g"]),
            get("GET /_history?_sort=birthdate", 400, &[]),
            get("GET /_history?_count=2", 200, &[".entry.len = 2"]),
            get("GET /_history?_count=0", 200, &[".entry absent"]),
            get("GET /_history?_count=-1", 400, &[]),
            get("GET /_history?_count=x", 400, &[]),
            get("GET /_history?_since=2000", 200, &[".entry.len = 4"]),
            get("GET /_history?_since=2100", 200, &[".entry absent"]),
            get("GET /Patient/a/_history?_since=2100-01-01", 200, &[".entry absent"]),
            get("GET /_history?_since=yesterday", 400, &[]),
            get("GET /_history?_at=2000", 200, &[".entry absent"]),
            get("GET /_history?_at=x", 400, &[]),
            get("GET /_history?_page=x", 400, &[]),
            get("GET /_history?_format=ttl", 406, &[]),
            get("GET /_history?_summary=count", 400, &[]),
            get(
                "GET /Group/_history?_elements=actual",
                200,
                &[
                    ".entry.0.resource.actual = true",
                    ".entry.0.resource.meta.tag.0.code = SUBSETTED",
                ],
            ),
            get("GET /_history?nonsense=1", 200, &[".entry.len = 4"]),
            with("GET /_history?nonsense=1", &["Prefer: handling=strict"], "", 400, &[]),
        ],
    )
    .await
}

/// `_at` finds what was current then.
#[tokio::test]
async fn at_a_time() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let first = server.client.get("/Patient/a/_history/1").await?.text_at("meta.lastUpdated");
    let second = server.client.get("/Patient/a/_history/2").await?.text_at("meta.lastUpdated");
    for (query, expected) in [
        (format!("_at={first}"), vec!["1"]),
        (format!("_at={second}"), vec!["2"]),
        (format!("_since={second}"), vec!["deleted", "2"]),
        (format!("_since={first}&_sort=_lastUpdated"), vec!["1", "2", "deleted"]),
    ] {
        let answer = server.client.get(&format!("/Patient/a/_history?{query}")).await?;
        let found: Vec<String> = answer.entries().iter().map(version).collect();
        assert_eq!(found, expected, "{query}: {}", answer.text);
    }
    Ok(())
}

fn version(entry: &Value) -> String {
    let number = entry.get("resource").and_then(|it| it.get("meta")?.get("versionId")?.as_str());
    number.unwrap_or("deleted").to_owned()
}

/// What names a version: its URL and its ETag.
fn name(entry: &Value) -> Option<String> {
    let url = entry.get("fullUrl")?.as_str()?;
    Some(format!("{url} {}", entry.get("response")?.get("etag")?.as_str()?))
}

async fn walk(client: &Client, path: &str) -> Result<Vec<String>> {
    let (mut names, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(url) = next {
        let page = client.get(&url).await?;
        assert_eq!(page.status, 200, "{url}: {}", page.text);
        for entry in page.entries() {
            names.push(name(&entry).context("an entry without a name")?);
        }
        next = page.link("next");
    }
    Ok(names)
}

#[tokio::test]
async fn pages_hold_each_version_once() -> Result<()> {
    let server = Fixture::start().await?;
    let mut written = BTreeSet::new();
    for round in 0..4 {
        for id in 0..4 {
            let body = format!(
                r#"{{"resourceType":"Patient","id":"p{id}","multipleBirthInteger":{round}}}"#
            );
            let answer = server.client.send("PUT", &format!("/Patient/p{id}"), &body).await?;
            let url = format!("{}/Patient/p{id}", server.client.base);
            written.insert(format!("{url} {}", answer.header("etag")));
        }
    }
    for (path, total) in [("/_history", 16), ("/Patient/_history", 16), ("/Patient/p1/_history", 4)]
    {
        for count in [1, 3, 4, 16, 1000] {
            let newest = walk(&server.client, &format!("{path}?_count={count}")).await?;
            let mut oldest =
                walk(&server.client, &format!("{path}?_count={count}&_sort=_lastUpdated")).await?;
            assert_eq!(newest.len(), total, "{path} {count}");
            oldest.reverse();
            assert_eq!(newest, oldest, "{path} {count}");
            let found: BTreeSet<String> = newest.into_iter().collect();
            assert!(found.len() == total && found.is_subset(&written), "{path} {count}");
        }
    }
    Ok(())
}

/// Versions that are superseded during a walk are met all the same, once.
#[tokio::test]
async fn a_walk_under_writers() -> Result<()> {
    let server = Fixture::start().await?;
    let put = async |id: i32, round: i32| {
        let body =
            format!(r#"{{"resourceType":"Patient","id":"p{id}","multipleBirthInteger":{round}}}"#);
        server.client.send("PUT", &format!("/Patient/p{id}"), &body).await
    };
    for id in 0..6 {
        put(id, 0).await?;
    }
    for (sort, stamp) in [("_lastUpdated", 100), ("-_lastUpdated", 200)] {
        let before: BTreeSet<String> =
            walk(&server.client, "/_history?_count=1000").await?.into_iter().collect();
        let mut next = Some(format!("/_history?_count=2&_sort={sort}"));
        let (mut names, mut round) = (Vec::new(), 0);
        while let Some(url) = next {
            let page = server.client.get(&url).await?;
            names.extend(page.entries().iter().filter_map(name));
            next = page.link("next");
            if round < 6 {
                put(round, stamp + round).await?;
                round += 1;
            }
        }
        let found: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(found.len(), names.len(), "{sort}: a version came twice");
        assert!(found.is_superset(&before), "{sort}: a version was passed over");
    }
    Ok(())
}
