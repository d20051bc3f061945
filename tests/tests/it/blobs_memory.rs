//! Large bodies need little memory, however many come. Measured in processes of their own, because
//! other tests need memory too.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, stream};
use it::ledger::until;
use it::{Database, Fixture};
use tokio::sync::mpsc;

use crate::bad_input_bombs::peak;
use crate::blobs::{basic, content};

/// Set in the process of its own.
const ALONE: &str = "CAREBRIDGE_TEST_ALONE";
const PIECE: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

/// Runs a test in a process of its own; `true` where this is it.
async fn alone(name: &str) -> Result<bool> {
    if std::env::var_os(ALONE).is_some() {
        return Ok(true);
    }
    let database = Database::create().await?;
    let (server, _) = database.url.rsplit_once('/').context("a path")?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", &format!("blobs_memory::{name}"), "--nocapture"])
        .env(ALONE, "1")
        .env("CAREBRIDGE_TEST_DATABASE_URL", format!("{server}/postgres"))
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let loud = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.contains("1 passed"), "{said}{loud}");
    Ok(false)
}

/// The pieces of a content, made as they are asked for.
fn pieces(size: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..size / PIECE).map(|n| content(n as u64, PIECE))
}

#[tokio::test]
async fn content_of_40_mib_passes_through() -> Result<()> {
    if !alone("content_of_40_mib_passes_through").await? {
        return Ok(());
    }
    let (server, size) = (Fixture::start().await?, 40 * MIB);
    let upload = |id: &str, size: usize| {
        let body = pieces(size).map(Ok::<_, std::io::Error>);
        let request = server.client.request("PUT", &format!("/Binary/{id}"));
        let request = request.header("content-type", "image/x-test");
        request.body(reqwest::Body::wrap_stream(stream::iter(body)))
    };
    ensure!(upload("warm", MIB).send().await?.status() == 201);
    let before = peak()?;
    ensure!(upload("large", size).send().await?.status() == 201);

    let raw = server.client.request("GET", "/Binary/large").header("accept", "image/*");
    let raw = raw.send().await?;
    ensure!(raw.content_length() == Some(size as u64), "{:?}", raw.content_length());
    let (mut rest, mut expected) = (Vec::new(), pieces(size));
    let mut body = raw.bytes_stream();
    while let Some(bytes) = body.next().await {
        rest.extend_from_slice(&bytes?);
        while rest.len() >= PIECE {
            let piece: Vec<u8> = rest.drain(..PIECE).collect();
            ensure!(Some(piece) == expected.next(), "another piece");
        }
    }
    ensure!(rest.is_empty() && expected.next().is_none(), "it ends early or late");

    let json = server
        .client
        .request("GET", "/Binary/large")
        .header("accept", "application/json")
        .send()
        .await?;
    let (mut rest, mut expected) = (Vec::new(), pieces(size).flatten());
    let (mut body, mut within) = (json.bytes_stream(), false);
    while let Some(bytes) = body.next().await {
        rest.extend_from_slice(&bytes?);
        if !within {
            let mark = br#""data":""#;
            let at = rest.windows(mark.len()).position(|it| it == mark).context("data")?;
            rest.drain(..at + mark.len());
            within = true;
        }
        let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
        for byte in STANDARD.decode(rest.drain(..end / 4 * 4).as_slice())? {
            ensure!(Some(byte) == expected.next(), "another byte");
        }
    }
    ensure!(rest == b"\"}" && expected.next().is_none(), "it ends early or late");
    let grown = peak()? - before;
    ensure!(grown < 24 * 1024, "the process grew by {grown} KiB");
    Ok(())
}

/// 20 bundles of nearly 16 MiB are 320 MiB as they come, and several times that when they are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bundles_of_many_senders_share_the_room() -> Result<()> {
    if !alone("bundles_of_many_senders_share_the_room").await? {
        return Ok(());
    }
    let server = Fixture::start().await?;
    let entries: Vec<String> = (0..4)
        .map(|n| {
            let resource = basic(&format!("b{n}"), 3_900_000);
            format!(r#"{{"resource":{resource},"request":{{"method":"PUT","url":"Basic/b{n}"}}}}"#)
        })
        .collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    );
    let bundle = bytes::Bytes::from(bundle);
    ensure!(bundle.len() > 14 * MIB && bundle.len() < 16 * MIB, "{} bytes", bundle.len());
    // Half of them do not say how long it is.
    let send = |known: bool| {
        let pieces: Vec<std::io::Result<bytes::Bytes>> = (0..bundle.len().div_ceil(PIECE))
            .map(|n| Ok(bundle.slice(n * PIECE..bundle.len().min((n + 1) * PIECE))))
            .collect();
        let body = match known {
            true => reqwest::Body::from(bundle.clone()),
            false => reqwest::Body::wrap_stream(stream::iter(pieces)),
        };
        let request =
            server.client.request("POST", "").header("content-type", "application/fhir+json");
        let request = request.header("prefer", "return=minimal");
        it::Answer::of(request.body(body))
    };
    ensure!(send(true).await?.status == 200);
    let before = peak()?;
    let answers = futures::future::try_join_all((0..20).map(|n| send(n % 2 == 0))).await?;
    let grown = peak()? - before;
    for answer in &answers {
        match answer.status {
            200 => {}
            503 => ensure!(answer.header("retry-after") == "1", "{}", answer.text),
            _ => anyhow::bail!("{} {}", answer.status, answer.text),
        }
    }
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    ensure!(done >= 2, "{done} went through");
    // One was there before; a second of its kind, 1 MiB for each that waits, and what sockets hold.
    ensure!(grown < 160 * 1024, "the process grew by {grown} KiB");
    Ok(())
}

/// Two bodies of a length that nobody knows take all the room while they come; when they are gone it
/// is there again.
#[tokio::test]
async fn who_finds_no_room_is_told_to_come_back() -> Result<()> {
    let server = Fixture::start_with(|settings| settings.bodies.wait = Duration::ZERO).await?;
    let large = basic("l", 2_000_000);
    let put = || async {
        let answer = server.client.send("PUT", "/Basic/l", &large).await;
        answer.map(|answer| (answer.status, answer.header("retry-after").to_owned()))
    };
    assert_eq!(put().await?.0, 201);
    let mut held = Vec::new();
    for _ in 0..2 {
        let (pieces, taken) = mpsc::channel::<std::io::Result<Vec<u8>>>(1);
        let taken = stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) });
        let request =
            server.client.request("POST", "").header("content-type", "application/fhir+json");
        let sending = tokio::spawn(request.body(reqwest::Body::wrap_stream(taken)).send());
        // More than the sockets hold: what is beyond them the server has read, and has taken room for.
        for _ in 0..12 {
            pieces.send(Ok(vec![b' '; MIB])).await?;
        }
        held.push((pieces, sending));
    }
    let limit = Duration::from_secs(20);
    until("the room is taken", limit, async || {
        put().await.is_ok_and(|answer| answer == (503, "1".to_owned()))
    })
    .await?;
    assert_eq!(server.client.send("PUT", "/Basic/s", &basic("s", 100_000)).await?.status, 201);
    for (_, sending) in &held {
        sending.abort();
    }
    until("the room is free", limit, async || put().await.is_ok_and(|answer| answer.0 == 200))
        .await?;
    Ok(())
}
