//! What every answer tells a browser, whichever part of the server gave it.

use anyhow::Result;
use it::{Answer, Fixture};

#[tokio::test]
async fn every_answer_forbids_what_it_does_not_need() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let patient = r#"{"resourceType":"Patient","id":"a"}"#;
    assert_eq!(client.send("PUT", "/Patient/a", patient).await?.status, 201);
    let page =
        r#"{"resourceType":"Binary","id":"p","contentType":"text/html","data":"PHNjcmlwdD4="}"#;
    assert_eq!(client.send("PUT", "/Binary/p", page).await?.status, 201);
    let origin = server.origin()?;
    let data = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (method, path, status, policy, cache) in [
        ("GET", "/metadata", 200, data, "no-store"),
        ("GET", "/.well-known/smart-configuration", 200, data, "no-store"),
        ("GET", "/Patient/a", 200, data, "no-store"),
        ("HEAD", "/Patient/a", 200, data, "no-store"),
        ("GET", "/Patient?name=a", 200, data, "no-store"),
        ("GET", "/Patient/none", 404, data, "no-store"),
        ("GET", "/Patient?birthdate=x", 400, data, "no-store"),
        ("DELETE", "/metadata", 405, data, "no-store"),
        ("OPTIONS", "/Patient", 200, data, "no-store"),
        ("GET", "/Binary/p", 200, "sandbox", "no-store"),
        ("GET", "{origin}/auth/jwks", 200, data, "public, max-age=300"),
        ("GET", "{origin}/auth/token", 405, data, "no-store"),
        ("GET", "{origin}/healthz", 200, data, "no-store"),
        ("GET", "{origin}/readyz", 200, data, "no-store"),
        ("GET", "{origin}/metrics", 200, data, "no-store"),
        ("GET", "{origin}/nowhere", 404, data, "no-store"),
    ] {
        let request = client.request(method, &path.replace("{origin}", origin));
        let answer = Answer::of(request.header("origin", "https://app.example")).await?;
        let seen = format!("{method} {path}: {:?}", answer.headers);
        assert_eq!(answer.status, status, "{seen}");
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", policy),
            ("cache-control", cache),
        ] {
            let values: Vec<_> = answer.headers.get_all(name).iter().collect();
            assert_eq!(values, [expected], "{name} of {seen}");
        }
        // Only where clients come by https.
        assert_eq!(answer.header("strict-transport-security"), "", "{seen}");
        // Nobody learns what it runs on.
        for name in ["server", "x-powered-by", "set-cookie"] {
            assert!(!answer.headers.contains_key(name), "{name} of {seen}");
        }
    }
    let stranger = client.anonymous().get("/Patient/a").await?;
    assert_eq!((stranger.status, stranger.header("x-frame-options")), (401, "DENY"));
    Ok(())
}
