//! Bad input below HTTP libraries: paths that no client would send, broken heads and bodies.

use std::time::Duration;

use anyhow::{Context, Result};
use it::{Client, Fixture};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::bad_input::{alive, check_outcome};

/// An `Authorization` header of the client's token, with its line end.
fn authorization(client: &Client) -> Result<String> {
    let request = client.request("GET", "").build()?;
    let value = request.headers().get("authorization").context("a token")?.to_str()?;
    Ok(format!("Authorization: {value}\r\n"))
}

async fn connect(server: &Fixture) -> Result<TcpStream> {
    let address = server.origin()?.trim_start_matches("http://");
    Ok(TcpStream::connect(address).await?)
}

/// Sends bytes and reads until the server closes: status and body; 0 where it only closed.
async fn exchange(server: &Fixture, request: &[u8]) -> Result<(u16, String)> {
    let mut stream = connect(server).await?;
    // A server that has refused already may have closed its side.
    stream.write_all(request).await.ok();
    answer(&mut stream).await
}

async fn answer(stream: &mut TcpStream) -> Result<(u16, String)> {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.context("the server neither answers nor closes")?.ok();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok((status, body))
}

#[tokio::test]
async fn paths_lead_nowhere_else() -> Result<()> {
    let server = Fixture::start().await?;
    let authorization = authorization(&server.client)?;
    let long = format!("/fhir/Patient/{}", "a".repeat(8_000));
    for (path, status) in [
        ("/fhir/Patient/..%2f..%2f..%2fetc%2fpasswd", 400),
        ("/fhir/Patient/%2e%2e%2f%2e%2e%2fzq7canary", 400),
        ("/fhir/../../etc/passwd", 404),
        ("/fhir/Patient/../../../etc/passwd", 404),
        ("/fhir/%2e%2e/zq7canary", 404),
        ("/fhir/Patient/%00", 400),
        ("/fhir/Patient/zq7canary%00", 400),
        ("/fhir/Patient/a%2fb", 400),
        ("/fhir/Patient/a%5cb", 400),
        ("/fhir/Patient%2f1", 404),
        ("/fhir/Patient/1%0d%0aSet-Cookie:%20zq7canary=1", 400),
        ("/fhir/Patient/%ff%fe", 400),
        ("/fhir/Patient/1;zq7canary", 400),
        ("/fhir/Patient/%u0041", 400),
        ("/fhir/Patient/%", 400),
        ("/fhir/Patient/a/b/c/d/e/f", 404),
        ("/fhir/Patient/1/_history/zq7canary", 404),
        ("/fhir/Patient/1/_history/99999999999999999999", 404),
        ("/fhir/Patient/1/_history/-1", 404),
        ("/fhir/Patient/1/_history/0", 404),
        ("/fhir/$zq7canary", 404),
        ("/fhir/Patient/$zq7canary", 404),
        ("/fhir/zq7canary", 404),
        (long.as_str(), 400),
    ] {
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\n\r\n");
        let (found, body) = exchange(&server, head.as_bytes()).await?;
        assert_eq!(found, status, "{path}: {body}");
        check_outcome(path, &body);
    }
    // Slashes more than needed name the same.
    let head = format!(
        "GET /fhir//Basic//zq7 HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\n\r\n"
    );
    assert_eq!(exchange(&server, head.as_bytes()).await?.0, 404);
    alive(&server).await;
    Ok(())
}

/// A head of this first line and these headers.
fn head(line: &str, headers: &str) -> String {
    format!("{line}\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
}

async fn check_head(server: &Fixture, name: &str, head: &str, statuses: &[u16]) -> Result<String> {
    let (status, body) = exchange(server, head.as_bytes()).await?;
    assert!(statuses.contains(&status), "{name}: {status} {body}");
    assert!(!body.contains("zq7canary"), "{name}: {body}");
    alive(server).await;
    Ok(body)
}

#[tokio::test]
async fn tokens_that_are_none() -> Result<()> {
    let server = Fixture::start().await?;
    let own = authorization(&server.client)?;
    for (name, headers) in [
        ("two tokens", format!("{own}{own}")),
        ("a token and another scheme", format!("{own}Authorization: Basic eDp5\r\n")),
        ("no token", String::new()),
        ("another scheme", "Authorization: Basic eDp5\r\n".to_owned()),
        ("a token that is none", "Authorization: Bearer zq7canary\r\n".to_owned()),
        ("a token of 60 KB", format!("Authorization: Bearer {}\r\n", "a".repeat(60_000))),
    ] {
        let head = head("GET /fhir/Patient HTTP/1.1", &headers);
        check_outcome(name, &check_head(&server, name, &head, &[401]).await?);
    }
    Ok(())
}

#[tokio::test]
async fn heads_that_are_wrong_or_too_large() -> Result<()> {
    let server = Fixture::start().await?;
    let own = authorization(&server.client)?;
    let (get, post) = ("GET /fhir/Patient HTTP/1.1", "POST /fhir/Patient HTTP/1.1");
    let many: String = (0..1_000).map(|n| format!("X-{n}: a\r\n")).collect();
    let query = format!("GET /fhir/Patient?name={} HTTP/1.1", "a".repeat(1 << 20));
    let long = format!("X-Zq7: {}\r\n{own}", "a".repeat(100_000));
    let lengths = format!("{own}Content-Length: 2\r\nContent-Length: 3\r\n");
    let both = format!("{own}Content-Length: 2\r\nTransfer-Encoding: zq7\r\n");
    for (name, head, statuses) in [
        ("a header of 100 KB", head(get, &long), &[431][..]),
        ("1,000 headers", head(get, &format!("{many}{own}")), &[431]),
        ("a query of 1 MB", head(&query, &own), &[414, 431]),
        ("a line in a header", head(get, &format!("{own}X-A: a\x0bb\r\n")), &[400]),
        ("no version", head("GET /fhir/Patient", &own), &[400]),
        ("another protocol", "\x16\x03\x01\x02\x00\x01\x00".to_owned(), &[400, 0]),
        ("two lengths", head(post, &lengths), &[400]),
        ("a length and an encoding", head(post, &both), &[400]),
    ] {
        check_head(&server, name, &head, statuses).await?;
    }
    let accept = head(get, &format!("Accept: \u{ff}zq7canary\r\n{own}"));
    check_outcome("Accept", &check_head(&server, "Accept", &accept, &[400]).await?);
    Ok(())
}

/// A head that announces a body, and what there is of it.
fn post(own: &str, framing: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n{own}{framing}\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn bodies_that_break_off() -> Result<()> {
    let server = Fixture::start().await?;
    let own = authorization(&server.client)?;
    let whole = r#"{"resourceType":"Patient"}"#;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (name, request) in [
        ("a chunk that breaks off", post(&own, chunked, &format!("40\r\n{whole}"))),
        ("chunks without an end", post(&own, chunked, &format!("1a\r\n{whole}\r\n"))),
        ("a chunk without a size", post(&own, chunked, &format!("zq7\r\n{whole}\r\n0\r\n\r\n"))),
        (
            "a chunk of 2^64",
            post(&own, chunked, &format!("10000000000000000\r\n{whole}\r\n0\r\n\r\n")),
        ),
        ("less than announced", post(&own, "Content-Length: 100\r\n", whole)),
    ] {
        let mut stream = connect(&server).await?;
        stream.write_all(&request).await?;
        stream.shutdown().await?;
        let (status, body) = answer(&mut stream).await?;
        assert!(matches!(status, 0 | 400), "{name}: {status} {body}");
    }
    let stored = server.client.get("/Patient?_summary=count").await?;
    assert_eq!(stored.at("total").map(|n| n.to_text()).as_deref(), Some("0"), "{}", stored.text);
    alive(&server).await;
    Ok(())
}

#[tokio::test]
async fn slow_bodies_hold_up_nobody() -> Result<()> {
    let server = Fixture::start().await?;
    let own = authorization(&server.client)?;
    let whole = r#"{"resourceType":"Patient"}"#;
    let head = post(&own, &format!("Content-Length: {}\r\nConnection: close\r\n", whole.len()), "");
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut stream = connect(&server).await?;
        stream.write_all(&head).await?;
        stream.write_all(b"{").await?;
        slow.push(stream);
    }
    for _ in 0..5 {
        alive(&server).await;
    }
    let mut last = slow.pop().context("one of 64")?;
    for byte in whole.as_bytes().iter().skip(1) {
        last.write_all(&[*byte]).await?;
    }
    let (status, body) = answer(&mut last).await?;
    assert_eq!(status, 201, "{body}");
    drop(slow);
    alive(&server).await;
    Ok(())
}

/// A form that comes byte by byte, or not at all, is given up; an honest one meanwhile is not.
#[tokio::test]
async fn a_dripping_form_is_given_up() -> Result<()> {
    let server = Fixture::start().await?;
    let head = "POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=";
    let begun = std::time::Instant::now();
    let mut stream = connect(&server).await?;
    stream.write_all(head.as_bytes()).await?;
    let (mut reading, mut writing) = stream.split();
    let dripping = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let mut answer = Vec::new();
    let reading = timeout(Duration::from_secs(30), reading.read_to_end(&mut answer));
    let read = tokio::select! {
        read = reading => read,
        () = dripping => Ok(Ok(0)),
    };
    read.context("it waits for ever")?.ok();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(begun.elapsed() >= Duration::from_secs(10), "an honest form on a bad line takes long");
    assert_eq!(server.client.get("/metadata").await?.status, 200);
    Ok(())
}
