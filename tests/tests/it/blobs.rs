//! Binaries with large content: what goes in comes out, by every way.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::Value;
use flate2::Compression;
use flate2::write::GzEncoder;
use it::{Answer, Client, Database, Fixture};
use sqlx::AssertSqlSafe;
use store::{Store, StoreOptions};

use crate::samples_load::{connection, scratch};

/// What stays in the resource, and what a chunk holds.
const INLINE: usize = 256 * 1024;
pub(crate) const CHUNK: usize = 384 * 1024;

/// Bytes that no compression makes small, the same each time.
pub(crate) fn content(seed: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

pub(crate) async fn put(client: &Client, path: &str, bytes: Vec<u8>) -> Result<Answer> {
    let request = client.request("PUT", path).header("content-type", "image/x-test");
    Answer::of(request.body(bytes)).await
}

pub(crate) async fn raw(client: &Client, path: &str) -> Result<Vec<u8>> {
    let answer = client.request("GET", path).header("accept", "image/*").send().await?;
    ensure!(answer.status() == 200, "{path}: {}", answer.status());
    Ok(answer.bytes().await?.to_vec())
}

/// The content as FHIR JSON has it.
async fn data(client: &Client, path: &str) -> Result<Vec<u8>> {
    let answer = client.get(path).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text);
    ensure!(answer.header("content-length") == answer.text.len().to_string(), "{path}: its length");
    Ok(STANDARD.decode(answer.text_at("data"))?)
}

pub(crate) async fn count(database: &Database, what: &str) -> Result<i64> {
    let query = AssertSqlSafe(format!("select count(*) from {what}"));
    Ok(sqlx::query_scalar(query).fetch_one(&mut database.connect().await?).await?)
}

pub(crate) async fn store(database: &Database) -> Result<Store> {
    let options = StoreOptions {
        url: database.url.clone(),
        connections: 1,
        reserve_mib: 0,
        search_ms: 10_000,
        probed_entries: store::limits::PROBED_ENTRIES_MAX,
        sealer: std::sync::Arc::default(),
    };
    Ok(Store::connect(&options).await?)
}

/// Lets two hours pass for all that was uploaded.
pub(crate) async fn age(database: &Database) -> Result<()> {
    let later = "update blob set made_at = made_at - interval '2 hours'";
    sqlx::query(later).execute(&mut database.connect().await?).await?;
    Ok(())
}

/// Sweeps as the server will once two hours have passed; returns the chunks that are left.
pub(crate) async fn sweep(database: &Database) -> Result<i64> {
    age(database).await?;
    let store = store(database).await?;
    store.sweep().await?;
    store.close().await;
    count(database, "blob_chunk").await
}

pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[tokio::test]
async fn content_of_any_size_comes_out_as_it_went_in() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    for size in [0, 1, INLINE, INLINE + 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 2] {
        let bytes = content(7, size);
        let path = format!("/Binary/s{size}");
        let written = put(client, &path, bytes.clone()).await?;
        assert_eq!(written.status, 201, "{size}: {}", written.text);
        for path in [path.clone(), format!("{path}/_history/1")] {
            assert!(raw(client, &path).await? == bytes, "{path}, {size}, raw");
            if size > 0 {
                assert!(data(client, &path).await? == bytes, "{path}, {size}, JSON");
            }
        }
        let head = client.request("HEAD", &path).header("accept", "image/*");
        let head = Answer::of(head).await?;
        let facts = ["content-length", "content-type", "etag"].map(|name| head.header(name));
        assert_eq!(facts, [&size.to_string(), "image/x-test", "W/\"1\""], "{size}");
        let pretty = client.get(&format!("{path}?_pretty=true")).await?;
        assert_eq!(pretty.text_at("id"), format!("s{size}"));
        assert_eq!(pretty.text_at("data"), STANDARD.encode(&bytes), "{size}, pretty");
        let known = client.request("GET", &path).header("if-none-match", "W/\"1\"");
        assert_eq!(Answer::of(known.header("accept", "image/*")).await?.status, 304);
        let packed = client
            .request("PUT", &format!("/Binary/z{size}"))
            .header("content-type", "image/x-test")
            .header("content-encoding", "gzip")
            .body(gzip(&bytes)?);
        assert_eq!(Answer::of(packed).await?.status, 201, "{size}, gzip");
        assert!(raw(client, &format!("/Binary/z{size}")).await? == bytes, "{size}, gzip");
    }
    // Five sizes are over what stays inline, twice each: 1 + 1 + 2 + 2 + 4 chunks.
    assert_eq!(count(&server.database, "blob where used").await?, 10);
    assert_eq!(sweep(&server.database).await?, 20);
    let held = "resource where content ? 'data' and octet_length(wire) > 400000";
    assert_eq!(count(&server.database, held).await?, 0);
    Ok(())
}

#[tokio::test]
async fn versions_keep_their_content_and_equal_content_makes_none() -> Result<()> {
    let server = Fixture::start().await?;
    let (client, path) = (&server.client, "/Binary/v");
    let (old, new) = (content(1, CHUNK + 5), content(2, CHUNK + 5));
    let created = put(client, path, old.clone()).await?;
    // What was just sent is not sent back.
    assert_eq!((created.status, created.at("data")), (201, None));
    assert_eq!(created.text_at("meta.tag.0.code"), "SUBSETTED");
    let same = put(client, path, old.clone()).await?;
    assert_eq!((same.status, same.version()), (200, 1), "{}", same.text);
    let changed = put(client, path, new.clone()).await?;
    assert_eq!((changed.status, changed.version()), (200, 2));
    let stale = client.request("PUT", path).header("content-type", "image/x-test");
    let stale = Answer::of(stale.header("if-match", "W/\"1\"").body(old.clone())).await?;
    assert_eq!(stale.status, 412, "{}", stale.text);
    // A patch leaves the content, unless it brings another.
    let patch = r#"[{"op":"replace","path":"/contentType","value":"a/b"}]"#;
    let patched =
        client.request("PATCH", path).header("content-type", "application/json-patch+json");
    let patched = Answer::of(patched.body(patch)).await?;
    assert_eq!((patched.status, patched.version()), (200, 3), "{}", patched.text);
    assert!(raw(client, path).await? == new);
    let small = r#"[{"op":"add","path":"/data","value":"QUJD"}]"#;
    let patched =
        client.request("PATCH", path).header("content-type", "application/json-patch+json");
    assert_eq!(Answer::of(patched.body(small)).await?.version(), 4);
    assert_eq!(raw(client, path).await?, b"ABC");
    assert_eq!(client.send("DELETE", path, "").await?.status, 204);
    assert_eq!(client.get(path).await?.status, 410);
    for (version, bytes) in [(1, &old), (2, &new), (3, &new)] {
        let path = format!("{path}/_history/{version}");
        assert!(raw(client, &path).await? == *bytes, "{path}");
        assert!(data(client, &path).await? == *bytes, "{path}");
    }
    // Two uploads led to nothing; what versions have stays, deleted or not.
    assert_eq!(sweep(&server.database).await?, 4);
    assert!(raw(client, "/Binary/v/_history/1").await? == old);
    assert_eq!(count(&server.database, "outbox").await?, 5);
    let audited = "audit where id = 'v' and action in (0, 2, 3) and status < 300";
    assert!(count(&server.database, audited).await? >= 5);
    Ok(())
}

#[tokio::test]
async fn bundles_show_it_without_its_content() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    put(client, "/Binary/b", content(3, CHUNK)).await?;
    for (path, place) in [
        ("/Binary", "entry.0.resource"),
        ("/Binary?_pretty=true", "entry.0.resource"),
        ("/Binary/b/_history", "entry.0.resource"),
        ("/_history", "entry.0.resource"),
        ("/Binary/b?_elements=contentType", ""),
        ("/Binary/b?_summary=true", ""),
    ] {
        let answer = client.get(path).await?;
        let part = |name: &str| format!("{place}.{name}").trim_start_matches('.').to_owned();
        assert_eq!(answer.text_at(&part("contentType")), "image/x-test", "{path}");
        assert_eq!(answer.text_at(&part("meta.tag.0.code")), "SUBSETTED", "{path}");
        assert_eq!(answer.at(&part("data")), None, "{path}");
    }
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Binary/b"}}]}"#;
    let answer = client.send("POST", "", batch).await?;
    assert_eq!(answer.text_at("entry.0.resource.meta.tag.0.code"), "SUBSETTED", "{}", answer.text);
    Ok(())
}

/// A Binary as FHIR JSON, its content in the middle.
fn json(id: &str, bytes: &[u8]) -> String {
    let data = STANDARD.encode(bytes);
    format!(r#"{{"resourceType":"Binary","id":"{id}","data":"{data}","contentType":"a/b"}}"#)
}

#[tokio::test]
async fn content_in_json_is_set_aside_by_every_way_of_writing() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let bytes = content(4, 2 * CHUNK);
    let body = json("j", &bytes);
    let mut ids = vec!["j".to_owned()];
    assert_eq!(client.send("PUT", "/Binary/j", &body).await?.status, 201);
    let again = client.send("PUT", "/Binary/j", &body).await?;
    assert_eq!((again.status, again.version()), (200, 1));
    for _ in 0..2 {
        let request =
            client.request("POST", "/Binary").header("content-type", "application/fhir+json");
        let request = request.header("if-none-exist", "_id=none").header("idempotency-key", "k");
        let created = Answer::of(request.body(body.clone())).await?;
        assert_eq!(created.status, 201, "{}", created.text);
        ids.push(created.id());
    }
    assert_eq!(ids.get(1), ids.get(2));
    for key in ["raw", "raw"] {
        let request = client.request("POST", "/Binary").header("content-type", "image/x-test");
        let request = request.header("idempotency-key", key).body(bytes.clone());
        ids.push(Answer::of(request).await?.id());
    }
    assert_eq!(ids.get(3), ids.get(4));
    let other = client.request("POST", "/Binary").header("content-type", "image/x-test");
    let other = other.header("idempotency-key", "raw").body(content(5, CHUNK));
    assert_eq!(Answer::of(other).await?.status, 422);
    for kind in ["transaction", "batch"] {
        let entry = |method: &str, url: &str, body: &str| {
            format!(r#"{{"resource":{body},"request":{{"method":"{method}","url":"{url}"}}}}"#)
        };
        let id = format!("in-{kind}");
        let put = entry("PUT", &format!("Binary/{id}"), &json(&id, &bytes));
        let post = entry("POST", "Binary", &json("x", &bytes));
        let bundle =
            format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{put},{post}]}}"#);
        let answer = client.send("POST", "", &bundle).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for place in ["0", "1"] {
            let id = answer.text_at(&format!("entry.{place}.resource.id"));
            assert!(!id.is_empty(), "{}", answer.text);
            ids.push(id);
        }
    }
    for id in &ids {
        assert!(data(client, &format!("/Binary/{id}")).await? == bytes, "{id}");
    }
    // Content that is JSON, and no Binary, is content.
    let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(INLINE));
    let content = client.request("PUT", "/Binary/c").header("content-type", "application/json");
    assert_eq!(Answer::of(content.body(text.clone())).await?.status, 201);
    assert!(raw(client, "/Binary/c").await? == text.as_bytes());
    // What is no base64 is refused as ever.
    let wrong = format!(
        r#"{{"resourceType":"Binary","contentType":"a/b","data":"{}"}}"#,
        "Q*".repeat(INLINE)
    );
    assert_eq!(client.send("POST", "/Binary", &wrong).await?.status, 422);
    Ok(())
}

/// A resource of about so many bytes.
pub(crate) fn basic(id: &str, bytes: usize) -> String {
    let part = "x".repeat(100_000);
    let notes: Vec<String> = (0..bytes / part.len())
        .map(|n| format!(r#"{{"url":"urn:n:{n}","valueString":"{part}"}}"#))
        .collect();
    let notes = notes.join(",");
    format!(r#"{{"resourceType":"Basic","id":"{id}","extension":[{notes}],"code":{{"text":"c"}}}}"#)
}

#[tokio::test]
async fn a_resource_has_a_limit_and_large_ones_are_read_together() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let large = basic("l", 4_000_000);
    assert_eq!(client.send("PUT", "/Basic/l", &large).await?.status, 201);
    let over = basic("o", 4_400_000);
    let refused = client.send("PUT", "/Basic/o", &over).await?;
    assert_eq!(refused.status, 413, "{}", refused.text);
    assert!(refused.text.contains("4 MiB"), "{}", refused.text);
    for (kind, status, place) in
        [("batch", 200, "entry.0.response.status"), ("transaction", 422, "")]
    {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"resource":{over},"request":{{"method":"PUT","url":"Basic/o"}}}}]}}"#
        );
        let answer = client.send("POST", "", &bundle).await?;
        assert_eq!(answer.status, status, "{kind}: {}", answer.text);
        assert!(answer.text.contains("at most 4 MiB"), "{kind}: {}", answer.text);
        if !place.is_empty() {
            assert!(answer.text_at(place).starts_with("422"), "{}", answer.text);
        }
    }
    let id = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
    let all = (0..12).map(|_| client.get("/Basic/l"));
    for answer in futures::future::try_join_all(all).await? {
        assert_eq!((answer.status, answer.version()), (200, 1));
        assert_eq!(id(&answer.json()?).context("an id")?, "l");
        assert!(answer.text.len() > 4_000_000);
    }
    assert_eq!(
        count(&server.database, "audit where action = 1 and id = 'l' and status = 200").await?,
        12
    );
    Ok(())
}

/// Larger than any JSON body may be, and loaded by another server all the same.
#[tokio::test]
async fn an_export_has_all_of_it_and_loads() -> Result<()> {
    let (server, other) = tokio::try_join!(Fixture::start(), Fixture::start())?;
    let (large, small) = (content(9, 13 << 20), content(9, 100));
    put(&server.client, "/Binary/large", large.clone()).await?;
    put(&server.client, "/Binary/small", small.clone()).await?;
    let folder = scratch("export-of-blobs")?;
    let report = client::export(client::ExportOptions {
        connection: connection(&server),
        folder: folder.clone(),
        force: false,
        types: vec!["Binary".to_owned()],
        gzip: false,
        progress: false,
    })
    .await?;
    assert!(report.ok() && report.total == 2, "{report}");
    for line in std::fs::read_to_string(folder.join("Binary.ndjson"))?.lines() {
        let binary = canonical_model::json::parse(line.as_bytes())?;
        let member = |name: &str| binary.get(name).and_then(Value::as_str).unwrap_or_default();
        let expected = if member("id") == "large" { &large } else { &small };
        assert!(STANDARD.decode(member("data"))? == *expected, "{}", member("id"));
        assert!(!line.contains("SUBSETTED"));
    }
    let report = client::load(client::LoadOptions {
        connection: connection(&other),
        journal: Some(folder.join("journal")),
        inputs: vec![folder],
        progress: false,
        ..client::LoadOptions::default()
    })
    .await?;
    assert!(report.ok() && report.loaded == 2, "{report}");
    assert!(raw(&other.client, "/Binary/large").await? == large);
    assert!(raw(&other.client, "/Binary/small").await? == small);
    Ok(())
}

#[tokio::test]
async fn a_part_of_the_content_is_a_part() -> Result<()> {
    let server = Fixture::start().await?;
    for size in [1_000, 2 * CHUNK + 10] {
        let bytes = content(11, size);
        put(&server.client, "/Binary/r", bytes.clone()).await?;
        for (range, expected) in [
            ("bytes=0-9".to_owned(), 0..10),
            ("bytes=5-".to_owned(), 5..size),
            ("bytes=-7".to_owned(), size - 7..size),
            (format!("bytes={}-{}", size / 3, size / 2), size / 3..size / 2 + 1),
            (format!("bytes={}-{}", size - 20, size + 20), size - 20..size),
        ] {
            let request = server.client.request("GET", "/Binary/r").header("accept", "image/*");
            let answer = request.header("range", &range).send().await?;
            let headers = ["content-range", "content-length", "accept-ranges"]
                .map(|name| answer.headers().get(name).and_then(|value| value.to_str().ok()));
            let place = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
            let length = expected.len().to_string();
            assert_eq!(headers, [Some(place.as_str()), Some(length.as_str()), Some("bytes")]);
            assert_eq!(answer.status(), 206, "{range}");
            assert!(answer.bytes().await? == bytes[expected], "{range} of {size}");
        }
        for (range, status, place) in [
            (format!("bytes={size}-"), 416, format!("bytes */{size}")),
            ("bytes=1-2,4-5".to_owned(), 200, String::new()),
        ] {
            let request = server.client.request("GET", "/Binary/r").header("accept", "image/*");
            let answer = request.header("range", &range).send().await?;
            let said =
                answer.headers().get("content-range").map_or("", |it| it.to_str().unwrap_or("?"));
            assert_eq!((answer.status().as_u16(), said), (status, place.as_str()), "{range}");
        }
    }
    Ok(())
}

/// Several members are one content; what is behind the last and is none is refused.
#[tokio::test]
async fn content_of_several_members_is_whole() -> Result<()> {
    let server = Fixture::start().await?;
    for size in [1_000, 2 * CHUNK] {
        let bytes = content(7, size);
        let (first, second) = bytes.split_at(size / 2);
        let members = [gzip(first)?, gzip(second)?].concat();
        let garbage = [gzip(&bytes)?, b"GARBAGE".to_vec()].concat();
        for (body, status) in [(members, 201), (garbage, 400)] {
            let request = server.client.request("PUT", &format!("/Binary/m{size}"));
            let request = request.header("content-type", "application/octet-stream");
            let request = request.header("content-encoding", "gzip").body(body);
            assert_eq!(Answer::of(request).await?.status, status, "{size}");
        }
        assert!(raw(&server.client, &format!("/Binary/m{size}")).await? == bytes, "{size}");
    }
    Ok(())
}
