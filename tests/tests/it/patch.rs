//! JSON Patch and FHIRPath Patch. <https://hl7.org/fhir/R4/http.html#patch>

use anyhow::Result;
use it::Fixture;

use crate::interactions_table::{get, play, send, with};

const PATIENT: &str =
    r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"One"}]}"#;
const JSON: &[&str] = &["Content-Type: application/json-patch+json"];

#[tokio::test]
async fn json_patch() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[
            send("PUT /Patient/a", PATIENT, 201, &[]),
            with(
                "PATCH /Patient/a",
                JSON,
                r#"[{"op":"replace","path":"/name/0/family","value":"Two"}]"#,
                200,
                &[".name.0.family = Two", "etag: W/\"2\"", "location: */Patient/a/_history/2"],
            ),
            // What changes nothing makes no version.
            with(
                "PATCH /Patient/a",
                JSON,
                r#"[{"op":"replace","path":"/name/0/family","value":"Two"}]"#,
                200,
                &["etag: W/\"2\""],
            ),
            with("PATCH /Patient/a", JSON, "[]", 200, &["etag: W/\"2\""]),
            // All operations or none.
            with(
                "PATCH /Patient/a",
                JSON,
                r#"[{"op":"remove","path":"/active"},{"op":"test","path":"/name/0/family","value":"x"}]"#,
                422,
                &[],
            ),
            get("GET /Patient/a", 200, &[".active = true", "etag: W/\"2\""]),
            with("PATCH /Patient/a", JSON, r#"[{"op":"remove","path":"/none"}]"#, 422, &[]),
            with(
                "PATCH /Patient/a",
                JSON,
                r#"[{"op":"add","path":"/gender","value":"x"}]"#,
                422,
                &[],
            ),
            with(
                "PATCH /Patient/a",
                JSON,
                r#"[{"op":"replace","path":"/id","value":"b"}]"#,
                422,
                &[],
            ),
            with("PATCH /Patient/a", JSON, "{", 400, &[]),
            with("PATCH /Patient/a", JSON, "", 400, &[]),
            with(
                "PATCH /Patient/a",
                &["Content-Type: Application/JSON-Patch+JSON; charset=utf-8"],
                r#"[{"op":"remove","path":"/active"}]"#,
                200,
                &[".active absent", "etag: W/\"3\""],
            ),
            with("PATCH /Patient/a", &["Content-Type: application/fhir+xml"], "<a/>", 400, &[]),
            with("PATCH /Patient/a", &["Content-Type: application/xml-patch+xml"], "<a/>", 415, &[]),
            with("PATCH /Patient/a", &["Content-Type: text/plain"], "[]", 415, &[]),
            get("PATCH /Patient/a", 415, &[]),
            with(
                "PATCH /Patient/a",
                &["Content-Type: application/fhir+json"],
                " [{}]",
                400,
                &["body has `Content-Type: application/json-patch+json`"],
            ),
        ],
    )
    .await
}

const OPERATION: &[&str] = &[".issue.0.expression.0 = Parameters.parameter[0]"];

#[tokio::test]
async fn fhirpath_patch() -> Result<()> {
    let server = Fixture::start().await?;
    let replace = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name[0].family"},
        {"name":"value","valueString":"Two"}]}]}"#;
    let add = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},
        {"name":"name","valueString":"birthDate"},{"name":"value","valueDate":"1970-01-01"}]}]}"#;
    let nowhere = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.maritalStatus"},
        {"name":"value","valueString":"x"}]}]}"#;
    let unknown = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.name"},
        {"name":"bogus","valueString":"x"}]}]}"#;
    let twice = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
        {"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.birthDate"},
        {"name":"path","valueString":"Patient.name"}]}]}"#;
    play(
        &server.client,
        &[
            send("PUT /Patient/a", PATIENT, 201, &[]),
            send("PATCH /Patient/a", replace, 200, &[".name.0.family = Two", "etag: W/\"2\""]),
            send("PATCH /Patient/a", add, 200, &[".birthDate = 1970-01-01", "etag: W/\"3\""]),
            send("PATCH /Patient/a", nowhere, 422, &[]),
            send("PATCH /Patient/a", unknown, 400, OPERATION),
            send("PATCH /Patient/a", twice, 400, OPERATION),
            with("PATCH /Patient/a", &["If-Match: W/\"1\""], replace, 412, &[]),
            with("PATCH /Patient/a", &["If-Match: W/\"3\""], replace, 200, &["etag: W/\"3\""]),
        ],
    )
    .await
}

#[tokio::test]
async fn nothing_to_patch() -> Result<()> {
    let server = Fixture::start().await?;
    let on = r#"[{"op":"add","path":"/active","value":false}]"#;
    play(
        &server.client,
        &[
            send("PUT /Patient/a", PATIENT, 201, &[]),
            get("DELETE /Patient/a", 204, &[]),
            with("PATCH /Patient/a", JSON, on, 410, &[]),
            with("PATCH /Patient/none", JSON, on, 404, &[]),
            with("PATCH /Pacient/none", JSON, on, 404, &[]),
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"batch","entry":[
                    {"request":{"method":"PATCH","url":"Patient/a"},
                     "resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}},
                    {"request":{"method":"PATCH","url":"Patient/none"},
                     "resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}}]}"#,
                200,
                &[
                    ".entry.0.response.status = 410 Gone",
                    ".entry.1.response.status = 404 Not Found",
                ],
            ),
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"transaction","entry":[
                    {"request":{"method":"PATCH","url":"Patient/a"},
                     "resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}}]}"#,
                410,
                &[".issue.0.expression.0 = Bundle.entry[0]"],
            ),
        ],
    )
    .await
}
