//! Media types, layout, summaries and elements. <https://hl7.org/fhir/R4/http.html#mime-type>

use anyhow::Result;
use it::{Answer, Fixture};

use crate::interactions_table::{Row, get, play, send, with};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"active":true,"name":[{"family":"One","given":["G"]}],"birthDate":"1970-01-01","_birthDate":{"extension":[{"url":"urn:e","valueString":"x"}]},"maritalStatus":{"text":"m"}}"#;
const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"valueQuantity":{"value":1.50},"note":[{"text":"n"}]}"#;
const SETUP: &[Row] =
    &[send("PUT /Patient/a", PATIENT, 201, &[]), send("PUT /Observation/o", OBSERVATION, 201, &[])];

#[tokio::test]
async fn what_is_asked_for() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let json: &[&str] = &["content-type: application/fhir+json; charset=utf-8"];
    let xml: &[&str] = &["content-type: application/fhir+xml; charset=utf-8", "body has <?xml"];
    play(
        &server.client,
        &[
            get("GET /Patient/a?_format=json", 200, json),
            get("GET /Patient/a?_format=application/fhir%2Bjson", 200, json),
            get("GET /Patient/a?_format=application/fhir+json", 200, json),
            get("GET /Patient/a?_format=xml", 200, xml),
            get("GET /Patient/a?_format=ttl", 406, json),
            get("GET /Patient?_format=xml", 200, xml),
            with("GET /Patient/a", &["Accept: application/json"], "", 200, json),
            with("GET /Patient/a", &["Accept: */*"], "", 200, json),
            with("GET /Patient/a", &["Accept: text/html, */*;q=0.1"], "", 200, json),
            with("GET /Patient/a", &["Accept: text/html", "Accept: */*"], "", 200, json),
            with("GET /Patient/a", &["Accept: application/fhir+xml"], "", 200, xml),
            with("GET /Patient/a", &["Accept: application/fhir+json;q=0"], "", 406, json),
            with(
                "GET /Patient/a",
                &["Accept: application/fhir+json; fhirVersion=4.0"],
                "",
                200,
                json,
            ),
            with(
                "GET /Patient/a",
                &["Accept: application/fhir+json; fhirVersion=3.0"],
                "",
                406,
                json,
            ),
            with("GET /Patient/a?_format=json", &["Accept: text/html"], "", 200, json),
            with("POST /Patient", &["Accept: text/turtle"], PATIENT, 406, json),
            with(
                "POST /Patient/_search",
                &["Content-Type: application/x-www-form-urlencoded", "Accept: text/html"],
                "_id=a&_format=json",
                200,
                &[".entry.len = 1"],
            ),
        ],
    )
    .await?;
    // What was refused was not done.
    play(&server.client, &[get("GET /Patient?_summary=count", 200, &[".total = 1"])]).await
}

#[tokio::test]
async fn what_is_sent() -> Result<()> {
    let server = Fixture::start().await?;
    for (content_type, status) in [
        ("application/fhir+json", 201),
        ("application/json", 201),
        ("Application/FHIR+JSON; Charset=\"UTF-8\"", 201),
        ("application/fhir+json; fhirVersion=4.0", 201),
        ("application/fhir+json; fhirVersion=5.0", 415),
        ("application/fhir+json; charset=latin1", 415),
        // It is JSON.
        ("application/fhir+xml", 400),
        ("text/xml", 400),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("nonsense", 415),
    ] {
        let request = server.client.request("POST", "/Patient");
        let request = request.header("content-type", content_type).body(PATIENT);
        let answer = it::Answer::of(request).await?;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.text);
    }
    play(
        &server.client,
        &[
            with(
                "POST /Patient",
                &["Content-Type: application/fhir+json", "Content-Type: text/plain"],
                PATIENT,
                400,
                &[],
            ),
            send("POST /Patient/_search", "_id=a", 415, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn summaries() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let subset = ".meta.tag.0.code = SUBSETTED";
    let subset: &'static [&'static str] = Box::leak(Box::new([subset, ".meta.versionId = 1"]));
    play(
        &server.client,
        &[
            get("GET /Patient/a?_summary=true", 200, subset),
            get("GET /Patient/a?_summary=true", 200, &[".name.0.family = One", ".text absent"]),
            get("GET /Patient/a?_summary=true", 200, &[".maritalStatus absent"]),
            get("GET /Patient/a?_summary=true", 200, &["._birthDate.extension.len = 1"]),
            // An element of several types is one element.
            get("GET /Observation/o?_summary=true", 200, &[".valueQuantity.value = 1.50"]),
            get("GET /Observation/o?_summary=true", 200, &[".note absent", ".code.text = c"]),
            get("GET /Patient/a?_summary=text", 200, subset),
            get("GET /Patient/a?_summary=text", 200, &[".text.status = generated", ".name absent"]),
            get("GET /Observation/o?_summary=text", 200, &[".status = final", ".code.text = c"]),
            get("GET /Patient/a?_summary=data", 200, subset),
            get("GET /Patient/a?_summary=data", 200, &[".text absent", ".maritalStatus.text = m"]),
            get(
                "GET /Patient/a?_summary=false",
                200,
                &[".text.status = generated", ".meta.tag absent"],
            ),
            get("GET /Patient/a?_summary=count", 400, &[]),
            get("GET /Patient/a?_summary=nonsense", 400, &[]),
            get("GET /Patient?_summary=count", 200, &[".total = 1", ".entry absent"]),
            get("GET /Patient?_summary=true", 200, &[".entry.0.resource.maritalStatus absent"]),
            get("GET /Patient/a/_history/1?_summary=data", 200, &[".text absent"]),
            send(
                "PUT /Patient/b?_summary=count",
                r#"{"resourceType":"Patient","id":"b"}"#,
                400,
                &[],
            ),
            get("GET /Patient/b", 404, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn elements() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let only_name: &[&str] = &[".name.0.family = One", ".id = a", ".birthDate absent"];
    play(
        &server.client,
        &[
            get("GET /Patient/a?_elements=name", 200, only_name),
            get("GET /Patient/a?_elements=name", 200, &[".meta.tag.0.code = SUBSETTED"]),
            get("GET /Patient/a?_elements=Patient.name", 200, only_name),
            // What changes the meaning of the rest always comes.
            get("GET /Patient/a?_elements=name", 200, &[".active = true"]),
            // Only roots are told apart: below, all comes.
            get("GET /Patient/a?_elements=name.family", 200, only_name),
            get("GET /Patient/a?_elements=name.family", 200, &[".name.0.given.0 = G"]),
            get("GET /Patient/a?_elements=birthDate,%20name", 200, &[".birthDate = 1970-01-01"]),
            get("GET /Patient/a?_elements=birthDate", 200, &["._birthDate.extension.len = 1"]),
            get("GET /Patient/a?_elements=nonsense", 200, &[".id = a", ".name absent"]),
            get("GET /Patient/a?_elements=", 200, &[".name.0.family = One", ".meta.tag absent"]),
            get("GET /Observation/o?_elements=value", 200, &[".valueQuantity.value = 1.50"]),
            get("GET /Observation/o?_elements=value[x]", 200, &[".valueQuantity.value = 1.50"]),
            get("GET /Observation/o?_elements=id", 200, &[".status = final", ".code.text = c"]),
            get("GET /Patient?_elements=birthDate", 200, &[".entry.0.resource.name absent"]),
        ],
    )
    .await
}

#[tokio::test]
async fn for_people() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    play(
        &server.client,
        &[
            get(
                "GET /Observation/o?_pretty=true",
                200,
                &["body has \n  \"id\": \"o\"", "body has 1.50"],
            ),
            get("GET /Observation/o?_pretty=false", 200, &["body lacks \n"]),
            get("GET /Observation/o", 200, &["body lacks \n"]),
            get("GET /Observation?_pretty=true", 200, &["body has \n  \"type\": \"searchset\""]),
            get("GET /_history?_pretty=true", 200, &["body has \n  \"type\": \"history\""]),
        ],
    )
    .await
}

#[tokio::test]
async fn binary() -> Result<()> {
    let server = Fixture::start().await?;
    let resource =
        r#"{"resourceType":"Binary","id":"r","contentType":"text/plain","data":"aGVsbG8="}"#;
    play(
        &server.client,
        &[
            with(
                "PUT /Binary/t",
                &["Content-Type: text/plain"],
                "hello",
                201,
                &[".data = aGVsbG8="],
            ),
            with("POST /Binary", &["Content-Type: image/png", "Accept: image/png"], "x", 201, &[]),
            send("PUT /Binary/r", resource, 201, &[".contentType = text/plain"]),
            // Any content is content, FHIR too, unless it is a Binary itself.
            with(
                "POST /Binary",
                &["Content-Type: application/json"],
                "{\"a\":1}",
                201,
                &[".data = eyJhIjoxfQ=="],
            ),
            with("POST /Binary", &["Content-Type: application/fhir+json"], PATIENT, 201, &[]),
            with("POST /Binary", &["Content-Type: application/fhir+xml"], "<Patient/>", 201, &[]),
            with("POST /Binary", &["Content-Type: application/fhir+xml"], "<Binary/>", 400, &[]),
            with("POST /Binary", &["Content-Type: application/fhir+json"], "{", 400, &[]),
            get("POST /Binary", 415, &[]),
            with(
                "POST /Binary",
                &["Content-Type: application/x-www-form-urlencoded"],
                "a=b",
                415,
                &["body has not in a form"],
            ),
            with(
                "PUT /Binary/f",
                &["Content-Type: multipart/form-data; boundary=x"],
                "--x--",
                415,
                &["body has not in a form"],
            ),
            with(
                "GET /Binary/t",
                &["Accept: text/plain"],
                "",
                200,
                &["content-type: text/plain", "body has hello", "etag: W/\"1\""],
            ),
            with(
                "GET /Binary/t",
                &["Accept: image/*"],
                "",
                200,
                &[
                    "content-type: text/plain",
                    "x-content-type-options: nosniff",
                    "content-disposition: attachment",
                ],
            ),
            with("GET /Binary/r/_history/1", &["Accept: text/plain"], "", 200, &["body has hello"]),
            with(
                "HEAD /Binary/t",
                &["Accept: text/plain"],
                "",
                200,
                &["content-type: text/plain", "content-length: 5", "body: empty"],
            ),
            with(
                "GET /Binary/t",
                &["Accept: text/plain", "If-None-Match: W/\"1\""],
                "",
                304,
                &["body: empty"],
            ),
            // Unless FHIR is asked for, it comes as itself.
            get("GET /Binary/t", 200, &["content-type: text/plain", "body has hello"]),
            get(
                "GET /Binary/t?_format=json",
                200,
                &[".data = aGVsbG8=", ".contentType = text/plain"],
            ),
            with(
                "GET /Binary/t",
                &["Accept: application/fhir+json"],
                "",
                200,
                &[".data = aGVsbG8="],
            ),
            with(
                "GET /Binary/t?_format=json",
                &["Accept: text/plain"],
                "",
                200,
                &[".data = aGVsbG8="],
            ),
            with(
                "GET /Binary/t",
                &["Accept: application/fhir+xml"],
                "",
                200,
                &[".data = aGVsbG8="],
            ),
            with("GET /Binary/t", &["Accept: application/xml"], "", 200, &["body has hello"]),
            with("GET /Binary", &["Accept: text/plain"], "", 406, &[]),
        ],
    )
    .await
}

/// What validation accepts can be read: white space, and bits behind the last byte.
#[tokio::test]
async fn a_raw_binary_reads_all_base64_that_was_accepted() -> Result<()> {
    let server = Fixture::start().await?;
    for (data, content) in [("QUJD\\nREVG", "ABCDEF"), ("QR==", "A"), ("QUJD", "ABC"), ("", "")] {
        let member = if data.is_empty() { String::new() } else { format!(r#","data":"{data}""#) };
        let body =
            format!(r#"{{"resourceType":"Binary","id":"w","contentType":"text/plain"{member}}}"#);
        let written = server.client.send("PUT", "/Binary/w", &body).await?;
        assert!(matches!(written.status, 200 | 201), "{data}: {}", written.text);
        let request = server.client.request("GET", "/Binary/w").header("accept", "text/plain");
        let raw = Answer::of(request).await?;
        assert_eq!((raw.status, raw.text.as_str()), (200, content), "{data}");
    }
    Ok(())
}

/// Written back, a part would delete the rest.
#[tokio::test]
async fn a_part_is_not_taken_for_the_whole() -> Result<()> {
    let server = Fixture::start().await?;
    let whole =
        r#"{"resourceType":"Patient","id":"part","gender":"male","birthDate":"1980-01-01"}"#;
    assert_eq!(server.client.send("PUT", "/Patient/part", whole).await?.status, 201);
    let part = server.client.get("/Patient/part?_elements=gender").await?;
    assert!(part.text.contains("SUBSETTED") && !part.text.contains("birthDate"), "{}", part.text);
    let refused = server.client.send("PUT", "/Patient/part", &part.text).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(server.client.get("/Patient/part").await?.text.contains("birthDate"));
    Ok(())
}
