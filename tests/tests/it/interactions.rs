//! Read, vread, create, update and delete: their status codes and headers.
//! <https://hl7.org/fhir/R4/http.html#Status-Codes>

use anyhow::Result;
use it::Fixture;

use crate::interactions_table::{Row, get, play, send, with};

const ONE: &str = r#"{"resourceType":"Patient","id":"a","active":true}"#;
const TWO: &str = r#"{"resourceType":"Patient","id":"a","active":false}"#;

/// Puts versions 1 and 2 of `Patient/a`, and 1 and 2 of `Patient/gone`, the second a deletion.
const SETUP: &[Row] = &[
    send("PUT /Patient/a", ONE, 201, &[]),
    send("PUT /Patient/a", TWO, 200, &[]),
    send("PUT /Patient/gone", r#"{"resourceType":"Patient","id":"gone"}"#, 201, &[]),
    get("DELETE /Patient/gone", 204, &[]),
];

#[tokio::test]
async fn read() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let current: &[&str] = &[".id = a", ".active = false", "etag: W/\"2\"", "last-modified: *GMT"];
    play(
        &server.client,
        &[
            get("GET /Patient/a", 200, current),
            get("GET /Patient/a/", 200, current),
            get("GET /Patient/a", 200, &["content-type: application/fhir+json; charset=utf-8"]),
            get("GET /Patient/a", 200, &["cache-control: no-store", "location:"]),
            get("HEAD /Patient/a", 200, &["body: empty", "etag: W/\"2\"", "last-modified: *GMT"]),
            get("GET /Patient/none", 404, &[".issue.0.code = not-found"]),
            get("HEAD /Patient/none", 404, &["body: empty"]),
            get("GET /Patient/gone", 410, &[".issue.0.code = deleted"]),
            get("HEAD /Patient/gone", 410, &["body: empty"]),
            get("GET /Observation/a", 404, &[]),
            get("GET /Pacient/a", 404, &[]),
            get("GET /patient/a", 404, &[]),
            get("GET /Patient/a_b", 400, &[]),
            get("GET /Patient/a/name", 404, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn vread() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    play(
        &server.client,
        &[
            get("GET /Patient/a/_history/1", 200, &[".active = true", "etag: W/\"1\""]),
            get("GET /Patient/a/_history/2", 200, &[".active = false", "etag: W/\"2\""]),
            get("HEAD /Patient/a/_history/1", 200, &["body: empty", "etag: W/\"1\""]),
            get("GET /Patient/gone/_history/1", 200, &["etag: W/\"1\"", ".id = gone"]),
            get("GET /Patient/gone/_history/2", 410, &[".issue.0.code = deleted"]),
            get("GET /Patient/a/_history/3", 404, &[]),
            get("GET /Patient/a/_history/0", 404, &[]),
            get("GET /Patient/a/_history/01", 404, &[]),
            get("GET /Patient/a/_history/-1", 404, &[]),
            get("GET /Patient/a/_history/x", 404, &[]),
            get("GET /Patient/a/_history/99999999999", 404, &[]),
            get("GET /Patient/none/_history/1", 404, &[]),
            with("GET /Patient/a/_history/1", &["If-None-Match: W/\"1\""], "", 304, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn create() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[
            send(
                "POST /Patient",
                r#"{"resourceType":"Patient"}"#,
                201,
                &["etag: W/\"1\"", "location: */_history/1", "content-location: */_history/1"],
            ),
            send("POST /Patient", ONE, 201, &["last-modified: *GMT", ".meta.versionId = 1"]),
            // The server gives ids; the one in the body is passed over.
            get("GET /Patient/a", 404, &[]),
            send("POST /Patient", r#"{"resourceType":"Observation"}"#, 400, &[]),
            send("POST /Patient", r#"{"resourceType":"Pacient"}"#, 400, &[]),
            send("POST /Patient", "{}", 400, &[]),
            send("POST /Patient", "[]", 400, &[]),
            send("POST /Patient", "{", 400, &[]),
            get("POST /Patient", 415, &[]),
            with("POST /Patient", &["Content-Type: application/fhir+json"], "", 400, &[]),
            with("POST /Patient", &["Content-Type: text/plain"], ONE, 415, &[]),
            with("POST /Patient", &["Content-Type: application/fhir+xml"], "<a/>", 400, &[]),
            send("POST /Patient", r#"{"resourceType":"Patient","gender":"x"}"#, 422, &[]),
            send("POST /Patient", r#"{"resourceType":"Patient","nonsense":1}"#, 422, &[]),
            send("POST /Pacient", ONE, 404, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn update() -> Result<()> {
    let server = Fixture::start().await?;
    let other = r#"{"resourceType":"Patient","id":"b"}"#;
    play(
        &server.client,
        &[
            send(
                "PUT /Patient/a",
                ONE,
                201,
                &["etag: W/\"1\"", "location: */Patient/a/_history/1"],
            ),
            send("PUT /Patient/a", TWO, 200, &["etag: W/\"2\"", ".meta.versionId = 2"]),
            // The same again makes no version.
            send("PUT /Patient/a", TWO, 200, &["etag: W/\"2\"", "location: */_history/2"]),
            send("PUT /Patient/a", other, 400, &[".issue.0.expression.0 = Patient.id"]),
            send("PUT /Patient/a", r#"{"resourceType":"Patient"}"#, 400, &[]),
            send("PUT /Patient/a", r#"{"resourceType":"Group","id":"a"}"#, 400, &[]),
            send("PUT /Patient/a_b", r#"{"resourceType":"Patient","id":"a_b"}"#, 400, &[]),
            with("PUT /Patient/a", &["If-Match: W/\"1\""], ONE, 412, &[]),
            with("PUT /Patient/a", &["If-Match: W/\"99\""], ONE, 412, &[]),
            with("PUT /Patient/a", &["If-Match: \"of another server\""], ONE, 412, &[]),
            with("PUT /Patient/a", &["If-Match: 2"], ONE, 400, &[]),
            with("PUT /Patient/a", &["If-Match: W/\"2\""], ONE, 200, &["etag: W/\"3\""]),
            with("PUT /Patient/a", &["If-Match: \"3\""], TWO, 200, &["etag: W/\"4\""]),
            with("PUT /Patient/a", &["If-Match: *"], ONE, 200, &["etag: W/\"5\""]),
            with("PUT /Patient/b", &["If-Match: *"], other, 412, &[]),
            with("PUT /Patient/b", &["If-Match: W/\"1\""], other, 412, &[]),
            with("PUT /Patient/a", &["If-None-Match: *"], TWO, 412, &[]),
            with("PUT /Patient/a", &["If-None-Match: W/\"1\""], TWO, 400, &[]),
            with("PUT /Patient/b", &["If-None-Match: *"], other, 201, &["etag: W/\"1\""]),
            // What was deleted comes back as its next version.
            get("DELETE /Patient/b", 204, &[]),
            send("PUT /Patient/b", other, 201, &["etag: W/\"3\""]),
            get("GET /Patient/b", 200, &["etag: W/\"3\""]),
        ],
    )
    .await
}

#[tokio::test]
async fn update_as_create_can_be_off() -> Result<()> {
    let server = Fixture::start_with(|it| it.policy.update_as_create = false).await?;
    play(
        &server.client,
        &[
            send("PUT /Patient/a", ONE, 405, &["allow: GET, HEAD, PATCH, DELETE"]),
            // Here the server gives the id.
            send("PUT /Patient?identifier=x", r#"{"resourceType":"Patient"}"#, 201, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn delete() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    play(
        &server.client,
        &[
            with("DELETE /Patient/a", &["If-Match: W/\"1\""], "", 412, &[]),
            with(
                "DELETE /Patient/a",
                &["If-Match: W/\"2\""],
                "",
                204,
                &["body: empty", "etag: W/\"3\"", "location:"],
            ),
            get("DELETE /Patient/a", 204, &["body: empty"]),
            get("DELETE /Patient/never", 204, &[]),
            with("DELETE /Patient/a", &["If-Match: W/\"3\""], "", 412, &[]),
            with("DELETE /Patient/never", &["If-Match: *"], "", 412, &[]),
            get("GET /Patient/a", 410, &[]),
            get("GET /Patient/a/_history/2", 200, &[]),
            get("GET /Patient/a/_history/3", 410, &[]),
            get("GET /Patient/a/_history/4", 404, &[]),
            get("GET /Patient?_id=a", 200, &[".entry absent"]),
        ],
    )
    .await
}

#[tokio::test]
async fn capabilities_are_open() -> Result<()> {
    let server = Fixture::start().await?;
    let statement: &[&str] = &[".resourceType = CapabilityStatement", ".fhirVersion = 4.0.1"];
    play(
        &server.client.anonymous(),
        &[
            get("GET /metadata", 200, statement),
            get("GET /metadata/", 200, statement),
            with("GET /metadata", &["Authorization: Bearer old"], "", 200, statement),
            get("GET /metadata?_summary=true", 200, &[".kind = instance", ".rest.0.mode = server"]),
            get("GET /metadata?_elements=kind", 200, &[".kind = instance", ".rest absent"]),
            get("GET /metadata?_pretty=true", 200, &["body has \n  \"resourceType\""]),
            get("HEAD /metadata", 200, &["body: empty"]),
            get("GET /metadata?_format=ttl", 406, &[]),
            get("POST /metadata", 401, &[]),
        ],
    )
    .await
}
