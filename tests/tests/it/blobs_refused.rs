//! Large content that comes to nothing: refused, cut off, or too late. Nothing of it is left behind.

use std::time::Duration;

use anyhow::Result;
use canonical_model::{Kind, ResourceId, ResourceType};
use futures::stream;
use it::ledger::{quiet, until};
use it::{Answer, Client, Database, Fixture};
use store::{Applied, Change, Method, Once, RequestContext};
use tokio::sync::mpsc;

use crate::blobs::{CHUNK, age, content, count, gzip, put, raw, store, sweep};

#[tokio::test]
async fn what_is_refused_leaves_nothing_behind() -> Result<()> {
    let secret = auth::SecretHash::of(&auth::Secret::new("reads-only".to_owned()))?;
    let server = Fixture::start_with(|settings| {
        settings.bodies.content_bytes_max = 1 << 20;
        settings.clients.push(auth::ClientConfig {
            id: "reader".to_owned(),
            secret: Some(secret),
            scope: "system/Binary.rs".to_owned(),
            ..auth::ClientConfig::default()
        });
    })
    .await?;
    let reader = Client::connect(server.origin()?, "reader", "reads-only").await?;
    let (fits, large) = (content(6, 1 << 20), content(6, (1 << 20) + 1));
    let request =
        |client: &Client| client.request("PUT", "/Binary/r").header("content-type", "image/x-test");
    let pieces = |bytes: &[u8]| {
        let pieces: Vec<std::io::Result<Vec<u8>>> =
            bytes.chunks(100_000).map(|piece| Ok(piece.to_vec())).collect();
        reqwest::Body::wrap_stream(stream::iter(pieces))
    };
    let packed = gzip(&vec![0; (1 << 20) + 1])?;
    for (name, request, status) in [
        ("length", request(&server.client).body(large.clone()), 413),
        ("no length", request(&server.client).body(pieces(&large)), 413),
        ("bomb", request(&server.client).header("content-encoding", "gzip").body(packed), 413),
        ("no rights", request(&reader).body(fits.clone()), 403),
        (
            "no gzip",
            request(&server.client).header("content-encoding", "gzip").body(fits.clone()),
            400,
        ),
        ("other type", server.client.request("PUT", "/Patient/r").body(pieces(&large)), 415),
    ] {
        let answer = Answer::of(request).await?;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert!(answer.text.contains("OperationOutcome"), "{name}");
        assert_eq!(server.client.get("/Binary/r").await?.status, 404, "{name}");
    }
    assert_eq!(sweep(&server.database).await?, 0);
    assert_eq!(Answer::of(request(&server.client).body(pieces(&fits))).await?.status, 201);
    assert!(raw(&reader, "/Binary/r").await? == fits);
    Ok(())
}

#[tokio::test]
async fn what_is_nearly_nothing_on_the_wire_is_not_stored_large() -> Result<()> {
    let server = Fixture::start().await?;
    let send = async |bytes: &[u8]| {
        let request = server.client.request("PUT", "/Binary/grown").body(gzip(bytes)?);
        let request = request.header("content-type", "image/x-test");
        Answer::of(request.header("content-encoding", "gzip")).await
    };
    let refused = send(&vec![0; 16 << 20]).await?;
    assert_eq!(refused.status, 413, "{}", refused.text);
    assert!(refused.text.contains("without Content-Encoding"), "{}", refused.text);
    assert_eq!(server.client.get("/Binary/grown").await?.status, 404);
    assert_eq!(sweep(&server.database).await?, 0);

    // Text grows tenfold, not a hundredfold.
    let rows = (0..400_000).map(|row| format!("{row:08} within reference range\n"));
    let text = rows.collect::<String>().into_bytes();
    assert_eq!(send(&text).await?.status, 201);
    assert!(raw(&server.client, "/Binary/grown").await? == text);
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing() -> Result<()> {
    let server = Fixture::start().await?;
    for way in ["breaks off", "goes away"] {
        let (pieces, taken) = mpsc::channel::<std::io::Result<Vec<u8>>>(1);
        let taken = stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) });
        let request = server.client.request("PUT", "/Binary/gone");
        let request = request.header("content-type", "image/x-test");
        let sending = tokio::spawn(request.body(reqwest::Body::wrap_stream(taken)).send());
        for piece in content(8, 3 * CHUNK).chunks(50_000) {
            pieces.send(Ok(piece.to_vec())).await?;
        }
        until("chunks are written", Duration::from_secs(20), async || {
            count(&server.database, "blob_chunk").await.is_ok_and(|chunks| chunks >= 2)
        })
        .await?;
        match way {
            "breaks off" => pieces.send(Err(std::io::Error::other("the line is cut"))).await?,
            _ => sending.abort(),
        }
        drop(sending.await);
        drop(pieces);
        quiet(&mut server.database.connect().await?).await?;
        assert_eq!(server.client.get("/Binary/gone").await?.status, 404, "{way}");
        assert_eq!(sweep(&server.database).await?, 0, "{way}");
    }
    let later = put(&server.client, "/Binary/gone", content(8, 3 * CHUNK)).await?;
    assert_eq!(later.status, 201, "{}", later.text);
    Ok(())
}

/// Whichever comes first, a version never has content that is gone.
#[tokio::test]
async fn a_commit_and_the_sweep_agree() -> Result<()> {
    let database = Database::create().await?;
    let store = store(&database).await?;
    let context = RequestContext::internal();
    for (id, late) in [("late", true), ("early", false)] {
        let mut writer = store.blob_writer();
        writer.push(&content(10, 2 * CHUNK + 1)).await?;
        let blob = writer.finish().await?;
        if late {
            assert_eq!(sweep(&database).await?, 0);
        }
        let change = Change {
            kind: ResourceType::BINARY,
            id: ResourceId::parse(id)?,
            expected: 0,
            method: Method::Create,
            revives: false,
            text: format!(r#"{{"resourceType":"Binary","id":"{id}"}}"#),
            blob: Some(blob),
            digest: 1,
            entries: search::IndexEntries::default(),
        };
        let now =
            sqlx::query_scalar("select now()").fetch_one(&mut database.connect().await?).await?;
        let outcome = store.commit(change, now, &context, &Once::default(), None).await;
        match late {
            true => assert_eq!(outcome.unwrap_err().kind, Kind::Unavailable),
            false => assert_eq!(outcome?, Applied::Committed),
        }
        assert_eq!(count(&database, "resource").await?, i64::from(!late), "{id}");
        assert_eq!(count(&database, "outbox").await?, i64::from(!late), "{id}");
    }
    assert_eq!(sweep(&database).await?, 3);
    // One that a commit holds is passed over.
    let mut writer = store.blob_writer();
    writer.push(b"x").await?;
    writer.finish().await?;
    age(&database).await?;
    let mut holder = database.connect().await?;
    let held = "begin; update blob set used = true where not used";
    sqlx::raw_sql(held).execute(&mut holder).await?;
    let before = count(&database, "blob").await?;
    store.sweep().await?;
    assert_eq!(count(&database, "blob").await?, before);
    sqlx::raw_sql("rollback").execute(&mut holder).await?;
    store.sweep().await?;
    assert_eq!(count(&database, "blob").await?, before - 1);
    Ok(())
}
