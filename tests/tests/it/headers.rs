//! Headers that ask and headers that tell. <https://hl7.org/fhir/R4/http.html>

use anyhow::Result;
use it::{Answer, Fixture};

use crate::interactions_table::{get, play, with};

const ONE: &str = r#"{"resourceType":"Patient","id":"a","active":true}"#;
const TWO: &str = r#"{"resourceType":"Patient","id":"a","active":false}"#;

#[tokio::test]
async fn prefer() -> Result<()> {
    let server = Fixture::start().await?;
    let (minimal, whole, outcome): (&[&str], &[&str], &[&str]) = (
        &["Prefer: return=minimal"],
        &["Prefer: return=representation"],
        &["Prefer: return=OperationOutcome"],
    );
    let told: &[&str] = &[".resourceType = OperationOutcome", ".issue.0.severity = information"];
    let bare: &[&str] =
        &["body: empty", "etag: W/\"1\"", "location: */_history/1", "content-location:"];
    play(
        &server.client,
        &[
            with("POST /Patient", minimal, ONE, 201, bare),
            with(
                "POST /Patient",
                whole,
                ONE,
                201,
                &[".active = true", "content-location: */_history/1"],
            ),
            with("POST /Patient", outcome, ONE, 201, told),
            with(
                "POST /Patient",
                outcome,
                ONE,
                201,
                &["content-location:", "location: */_history/1"],
            ),
            with("POST /Patient", &["Prefer: handling=strict; return=minimal"], ONE, 201, bare),
            with("POST /Patient", &["Prefer: handling=strict, return=minimal"], ONE, 201, bare),
            with(
                "POST /Patient",
                &["Prefer: handling=strict", "Prefer: return=minimal"],
                ONE,
                201,
                bare,
            ),
            with("POST /Patient", &["Prefer: return=nonsense"], ONE, 201, &[".active = true"]),
            with("PUT /Patient/a", minimal, ONE, 201, bare),
            with("PUT /Patient/a", minimal, ONE, 200, bare),
            with("PUT /Patient/a", outcome, TWO, 200, told),
            with(
                "POST /Patient",
                &["If-None-Exist: _id=a", "Prefer: return=minimal"],
                ONE,
                200,
                &["body: empty", "location: */Patient/a/_history/2"],
            ),
            // A read is not a write: what is asked for comes.
            with("GET /Patient/a", minimal, "", 200, &[".id = a"]),
            with("GET /Patient/a", outcome, "", 200, &[".id = a"]),
            with("DELETE /Patient/a", outcome, "", 200, told),
            with("DELETE /Patient/a", minimal, "", 204, &["body: empty"]),
            with("GET /Patient?nonsense=1", &["Prefer: handling=strict"], "", 400, &[]),
            with("GET /Patient?nonsense=1", &["Prefer: handling=lenient"], "", 200, &[]),
        ],
    )
    .await
}

/// HEAD answers as GET does, its length too, but for the body.
#[tokio::test]
async fn head_is_get_without_its_body() -> Result<()> {
    let server = Fixture::start().await?;
    server.client.send("PUT", "/Patient/a", ONE).await?;
    for path in ["/Patient/a", "/Patient/a/_history/1", "/Patient", "/_history", "/Patient/none"] {
        let whole = server.client.get(path).await?;
        let head = Answer::of(server.client.request("HEAD", path)).await?;
        assert_eq!((head.status, head.text.as_str()), (whole.status, ""), "{path}");
        for name in ["content-length", "content-type", "etag", "last-modified", "cache-control"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
        assert_eq!(whole.header("content-length"), whole.text.len().to_string(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn request_ids() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[
            with(
                "GET /Patient",
                &["X-Request-Id: my-1.id:x_Y"],
                "",
                200,
                &["x-request-id: my-1.id:x_Y"],
            ),
            with("GET /Patient/none", &["X-Request-Id: mine"], "", 404, &["x-request-id: mine"]),
        ],
    )
    .await?;
    for wild in ["a b", "<x>", &"x".repeat(65)] {
        let request = server.client.request("GET", "/Patient").header("x-request-id", wild);
        let answer = Answer::of(request).await?;
        assert!(!answer.header("x-request-id").is_empty(), "{wild}");
        assert_ne!(answer.header("x-request-id"), wild);
    }
    Ok(())
}

#[tokio::test]
async fn other_origins() -> Result<()> {
    let server = Fixture::start().await?;
    let preflight = server
        .client
        .anonymous()
        .request("OPTIONS", "/Patient/a")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,if-match,content-type");
    let answer = Answer::of(preflight).await?;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    // A star would not cover Authorization.
    let headers = answer.header("access-control-allow-headers");
    for name in ["authorization", "if-match", "content-type"] {
        assert!(headers.contains(name), "{headers}");
    }
    let methods = answer.header("access-control-allow-methods");
    for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(methods.contains(name), "{methods}");
    }
    for path in ["/Patient/none", "/metadata"] {
        let request = server.client.request("GET", path).header("origin", "https://app.example");
        let answer = Answer::of(request).await?;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        for name in ["etag", "location", "x-request-id", "www-authenticate"] {
            let exposed = answer.header("access-control-expose-headers");
            assert!(exposed.contains(name), "{path}: {exposed}");
        }
    }
    // Without the headers of a preflight it is no error either.
    play(&server.client.anonymous(), &[get("OPTIONS /Patient", 200, &["body: empty"])]).await
}

/// What the server compresses it can read again.
#[tokio::test]
async fn compression() -> Result<()> {
    let server = Fixture::start().await?;
    let long = format!(
        r#"{{"resourceType":"Patient","id":"a","name":[{{"family":"{}"}}]}}"#,
        "long ".repeat(1000).trim_end()
    );
    let put = server.client.send("PUT", "/Patient/a", &long).await?;
    assert_eq!(put.status, 201, "{}", put.text);
    for name in ["gzip", "zstd"] {
        let request = server.client.request("GET", "/Patient/a").header("accept-encoding", name);
        let answer = request.send().await?;
        assert_eq!(
            answer.headers().get("content-encoding").map(|it| it.as_bytes()),
            Some(name.as_bytes())
        );
        assert_eq!(answer.headers().get("etag").map(|it| it.as_bytes()), Some(&b"W/\"1\""[..]));
        let packed = answer.bytes().await?;
        assert!(packed.len() < 1000, "{name}: {} bytes", packed.len());
        let request = server
            .client
            .request("PUT", "/Patient/a")
            .header("content-type", "application/fhir+json")
            .header("content-encoding", name.to_uppercase())
            .body(packed);
        let again = Answer::of(request).await?;
        assert_eq!(
            (again.status, again.header("etag")),
            (200, "W/\"1\""),
            "{name}: {}",
            again.text
        );
    }
    play(
        &server.client,
        &[
            with("PUT /Patient/a", &["Content-Encoding: br"], ONE, 415, &[]),
            with("PUT /Patient/a", &["Content-Encoding: gzip"], ONE, 400, &[]),
            with("PUT /Patient/a", &["Content-Encoding: zstd"], ONE, 400, &[]),
            with("PUT /Patient/a", &["Content-Encoding: identity"], ONE, 200, &[]),
            with("PUT /Patient/a", &["Content-Encoding: gzip, gzip"], ONE, 415, &[]),
        ],
    )
    .await
}
