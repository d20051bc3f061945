//! Batches, and what every bundle must be. <https://hl7.org/fhir/R4/http.html#transaction>

use anyhow::Result;
use it::Fixture;

use crate::interactions_table::{get, play, send, with};

const ONE: &str = r#"{"resourceType":"Patient","id":"a","birthDate":"1970-01-01"}"#;

#[tokio::test]
async fn what_is_no_bundle() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[
            send("POST /", ONE, 400, &[]),
            send("POST /", r#"{"resourceType":"Bundle"}"#, 400, &[]),
            send("POST /", r#"{"resourceType":"Bundle","type":"collection"}"#, 400, &[]),
            send("POST /", r#"{"resourceType":"Bundle","type":"batch","entry":{}}"#, 400, &[]),
            send("POST /", "", 415, &[]),
            with("POST /", &["Content-Type: application/fhir+xml"], "<Bundle/>", 400, &[]),
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"batch"}"#,
                200,
                &[".type = batch-response", ".entry absent"],
            ),
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"transaction","entry":[]}"#,
                200,
                &[".type = transaction-response", ".entry absent"],
            ),
            // A bundle is a resource too, where it is sent to its type.
            send("POST /Bundle", r#"{"resourceType":"Bundle","type":"batch"}"#, 201, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn each_entry_for_itself() -> Result<()> {
    let server = Fixture::start().await?;
    let mixed = r#"{"resourceType":"Bundle","type":"batch","entry":[
        {"request":{"method":"GET","url":"Patient/a"}},
        {"request":{"method":"HEAD","url":"Patient/a"}},
        {"request":{"method":"GET","url":"Patient/none"}},
        {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}},
        {"request":{"method":"PUT","url":"Patient/b"},"resource":{"resourceType":"Patient","id":"b"}},
        {"request":{"method":"PUT","url":"Patient/c"},"resource":{"resourceType":"Patient","id":"d"}},
        {"request":{"method":"DELETE","url":"Patient/none"}},
        {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient","gender":"x"}},
        {"request":{"method":"GET","url":"Patient/a","ifNoneMatch":"W/\"1\""}},
        {"request":{"method":"PUT","url":"Patient/a","ifMatch":"W/\"9\""},"resource":{"resourceType":"Patient","id":"a"}},
        {"request":{"method":"POST","url":"Patient","ifNoneExist":"_id=a"},"resource":{"resourceType":"Patient"}},
        {"request":{"method":"GET","url":"Patient?_id=a&_summary=count"}},
        {"request":{"method":"GET","url":"/Patient/a?_elements=id"}},
        {"request":{"method":"GET","url":"Patient/a?_format=ttl"}},
        {"request":{"method":"GET","url":"metadata?_elements=status"}},
        {"request":{"method":"GET","url":"http://elsewhere.example/fhir/Patient/a"}}]}"#;
    let expected: &[&str] = &[
        ".type = batch-response",
        ".entry.len = 16",
        ".entry.0.response.status = 200 OK",
        ".entry.0.resource.id = a",
        ".entry.0.response.etag = W/\"1\"",
        ".entry.1.response.status = 200 OK",
        ".entry.1.resource absent",
        ".entry.2.response.status = 404 Not Found",
        ".entry.2.response.outcome.issue.0.code = not-found",
        ".entry.3.response.status = 201 Created",
        ".entry.3.response.etag = W/\"1\"",
        ".entry.4.response.status = 201 Created",
        ".entry.5.response.status = 400 Bad Request",
        ".entry.6.response.status = 204 No Content",
        ".entry.6.resource absent",
        ".entry.7.response.status = 422 Unprocessable Entity",
        ".entry.8.response.status = 304 Not Modified",
        ".entry.9.response.status = 412 Precondition Failed",
        ".entry.10.response.status = 200 OK",
        ".entry.10.resource.id = a",
        ".entry.11.resource.total = 1",
        ".entry.12.resource.birthDate absent",
        ".entry.13.response.status = 406 Not Acceptable",
        ".entry.14.resource.status = active",
        ".entry.15.response.status = 404 Not Found",
    ];
    play(
        &server.client,
        &[
            send("PUT /Patient/a", ONE, 201, &[]),
            send("POST /", mixed, 200, expected),
            get("GET /Patient/b", 200, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn entries_that_are_none() -> Result<()> {
    let server = Fixture::start().await?;
    let odd = r#"{"resourceType":"Bundle","type":"batch","entry":[
        1,
        {},
        {"request":{"url":"Patient"}},
        {"request":{"method":"GET"}},
        {"request":{"method":"BREW","url":"Patient"}},
        {"request":{"method":"POST","url":"Patient"}},
        {"request":{"method":"POST","url":"Pacient"},"resource":{"resourceType":"Patient"}},
        {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Group"}},
        {"request":{"method":"POST","url":"Patient"},"resource":7},
        {"request":{"method":"POST","url":""},"resource":{"resourceType":"Bundle","type":"batch"}},
        {"request":{"method":"POST","url":"Patient/a"},"resource":{"resourceType":"Patient"}},
        {"request":{"method":"GET","url":"Patient//a"}}]}"#;
    let transaction = odd.replace("batch\",\"entry\":[\n        1,", "transaction\",\"entry\":[");
    let expected: &[&str] = &[
        ".entry.len = 12",
        ".entry.0.response.status = 400 Bad Request",
        ".entry.0.response.outcome.issue.0.expression.0 = Bundle.entry[0]",
        ".entry.1.response.outcome.issue.0.expression.0 = Bundle.entry[1].request",
        ".entry.2.response.outcome.issue.0.expression.0 = Bundle.entry[2].request.method",
        ".entry.3.response.outcome.issue.0.expression.0 = Bundle.entry[3].request.url",
        ".entry.4.response.outcome.issue.0.expression.0 = Bundle.entry[4].request.method",
        ".entry.5.response.status = 400 Bad Request",
        ".entry.6.response.status = 404 Not Found",
        ".entry.7.response.status = 400 Bad Request",
        ".entry.8.response.status = 400 Bad Request",
        ".entry.9.response.status = 400 Bad Request",
        ".entry.10.response.status = 405 Method Not Allowed",
        ".entry.11.response.status = 404 Not Found",
    ];
    play(&server.client, &[send("POST /", odd, 200, expected)]).await?;
    let refused = server.client.send("POST", "/", &transaction).await?;
    let place = refused.text_at("issue.0.expression.0");
    assert_eq!((refused.status, place.as_str()), (400, "Bundle.entry[0].request"));
    Ok(())
}

#[tokio::test]
async fn preferences_hold_for_each_entry() -> Result<()> {
    let server = Fixture::start().await?;
    let both = r#"{"resourceType":"Bundle","type":"KIND","entry":[
        {"request":{"method":"PUT","url":"Patient/b"},"resource":{"resourceType":"Patient","id":"b"}},
        {"request":{"method":"GET","url":"Patient/a"}}]}"#;
    server.client.send("PUT", "/Patient/a", ONE).await?;
    for (kind, wish, written, said, read) in [
        ("batch", "minimal", "", "", "a"),
        ("transaction", "minimal", "", "", "a"),
        ("batch", "representation", "b", "", "a"),
        ("transaction", "representation", "b", "", "a"),
        ("batch", "OperationOutcome", "", "OperationOutcome", "a"),
        ("transaction", "OperationOutcome", "", "OperationOutcome", "a"),
    ] {
        let request = server.client.request("POST", "/");
        let request = request.header("content-type", "application/fhir+json");
        let request = request.header("prefer", format!("return={wish}"));
        let answer = it::Answer::of(request.body(both.replace("KIND", kind))).await?;
        let found = [
            answer.text_at("entry.0.resource.id"),
            answer.text_at("entry.0.response.outcome.resourceType"),
            answer.text_at("entry.1.resource.id"),
        ];
        assert_eq!(found, [written, said, read], "{kind} {wish}: {}", answer.text);
    }
    Ok(())
}
