//! Requests that no good client writes, byte by byte.

use anyhow::{Context, Result};
use it::Fixture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a head and a body as they are; the status, and all that came. `{host}` is the server's, and without
/// it the head is given one.
async fn raw(server: &Fixture, head: &str, body: &str) -> Result<(u16, String)> {
    let host = server.origin()?.trim_start_matches("http://");
    let token = server.client.request("GET", "/").build()?;
    let token = token.headers().get("authorization").context("no token")?.to_str()?.to_owned();
    let mut stream = TcpStream::connect(host).await?;
    let given = if head.contains("{host}") { "" } else { "Host: {host}\r\n" };
    let text = format!(
        "{head}\r\n{given}Authorization: {token}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.replace("{host}", host).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, answer))
}

#[tokio::test]
async fn paths_with_tricks() -> Result<()> {
    let server = Fixture::start().await?;
    server.client.send("PUT", "/Patient/a", r#"{"resourceType":"Patient","id":"a"}"#).await?;
    for (path, expected) in [
        ("/fhir/Patient/a", 200),
        ("/fhir/Patient/a/", 200),
        ("/fhir/Patient/a?", 200),
        ("/fhir//Patient/a", 404),
        ("/fhir/Patient//a", 404),
        ("/fhir/Patient/a//", 404),
        ("//fhir/Patient/a", 404),
        ("/fhir/Patient%2Fa", 404),
        ("/fhir/Patient/%61", 400),
        ("/fhir/Patient/a%00", 400),
        ("/fhir/Patient/%2e%2e/Patient/a", 404),
        ("/fhir/Patient/../Patient/a", 404),
        ("/fhir/%2e%2e/healthz", 404),
        ("/fhir/../healthz", 404),
        ("/fhir/./Patient/a", 404),
        ("/fhir/Patient/a;x=1", 400),
        ("/fhir/Patient/a%0d%0aX-Evil:1", 400),
        ("/FHIR/Patient/a", 404),
        ("/fhirPatient/a", 404),
        ("/fhir/Patient/a?_format=%zz", 400),
        ("/fhir/Patient/a?_format=%ff", 400),
    ] {
        let (status, answer) = raw(&server, &format!("GET {path} HTTP/1.1"), "").await?;
        assert_eq!(status, expected, "{path}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn headers_twice() -> Result<()> {
    let server = Fixture::start().await?;
    let patient = r#"{"resourceType":"Patient","id":"a"}"#;
    let json = "Content-Type: application/fhir+json";
    for (headers, expected) in [
        (json.to_owned(), 201),
        (format!("{json}\r\n{json}"), 400),
        (format!("{json}\r\nIdempotency-Key: a\r\nIdempotency-Key: b"), 400),
        (format!("{json}\r\nIf-None-Exist: _id=a\r\nIf-None-Exist: _id=b"), 400),
        (format!("{json}\r\nAuthorization: Bearer x"), 401),
        (format!("{json}\r\nContent-Length: 1"), 400),
        (format!("{json}\r\nTransfer-Encoding: chunked"), 400),
    ] {
        let head = format!("POST /fhir/Patient HTTP/1.1\r\n{headers}");
        let (status, answer) = raw(&server, &head, patient).await?;
        assert_eq!(status, expected, "{headers}: {answer}");
    }
    Ok(())
}

/// What stands before a server may have gone by the other one.
#[tokio::test]
async fn one_host() -> Result<()> {
    let server = Fixture::start().await?;
    let get = "GET /fhir/metadata HTTP";
    for (head, expected) in [
        (format!("{get}/1.1\r\nHost: {{host}}"), 200),
        (format!("{get}/1.1\r\nHost: fhir.example.org"), 400), // With the one that is added: two.
        (format!("{get}/1.1\r\nHost: {{host}}\r\nHost: {{host}}"), 400),
        (format!("{get}/1.1\r\nX-No: {{host}}"), 400),
        (format!("{get}/1.0\r\nX-No: {{host}}"), 200),
        (format!("{get}/1.1\r\nX-No: {{host}}\r\nHost: [::1]:80"), 200),
        (format!("{get}/1.1\r\nX-No: {{host}}\r\nHost: a b/c"), 400),
    ] {
        let (status, answer) = raw(&server, &head, "").await?;
        assert_eq!(status, expected, "{head}: {answer}");
        assert!(status == 200 || answer.contains("OperationOutcome"), "{head}: {answer}");
    }
    Ok(())
}

/// Methods are what they are, whatever a header says.
#[tokio::test]
async fn no_method_by_header() -> Result<()> {
    let server = Fixture::start().await?;
    server.client.send("PUT", "/Patient/a", r#"{"resourceType":"Patient","id":"a"}"#).await?;
    for head in [
        "GET /fhir/Patient/a HTTP/1.1\r\nX-HTTP-Method-Override: DELETE",
        "GET /fhir/Patient/a?_method=DELETE HTTP/1.1",
    ] {
        let (status, answer) = raw(&server, head, "").await?;
        assert_eq!(status, 200, "{head}: {answer}");
    }
    let (status, answer) = raw(&server, "get /fhir/Patient/a HTTP/1.1", "").await?;
    assert_eq!(status, 405, "{answer}");
    assert_eq!(server.client.get("/Patient/a").await?.status, 200);
    Ok(())
}
