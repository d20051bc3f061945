//! FHIR XML in and out, by every interaction. <https://hl7.org/fhir/R4/xml.html>

use anyhow::{Context, Result};
use canonical_model::{Resource, ResourceType, Value, json};
use generator::{Options, Population};
use it::{Answer, Fixture, as_xml};

use crate::interactions_table::{get, play, with};
use crate::least::least;

const XML: &[&str] = &["content-type: application/fhir+xml; charset=utf-8", "body has <?xml"];
const HEAD: &[&str] = &["content-type: application/fhir+xml; charset=utf-8", "body: empty"];
const ACCEPT: &str = "Accept: application/fhir+xml";
const SENT: &str = "Content-Type: application/fhir+xml";
const PATIENT: &str = r#"<Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/><name><family value="Öz &amp; &quot;Co&quot;"/></name><birthDate value="1970-03"><extension url="urn:e"><valueDecimal value="1.50"/></extension></birthDate></Patient>"#;

#[tokio::test]
async fn every_interaction_takes_and_gives_xml() -> Result<()> {
    let server = Fixture::start().await?;
    let patient =
        [XML, &[".id = a", "._birthDate.extension.0.valueDecimal = 1.50"]].concat().leak();
    let patient: &'static [&'static str] = patient;
    let of = |lines: &[&'static str]| -> &'static [&'static str] { [XML, lines].concat().leak() };
    play(
        &server.client,
        &[
            with("PUT /Patient/a", &[SENT], PATIENT, 201, patient),
            with("PUT /Patient/a", &[SENT, ACCEPT, "If-Match: W/\"1\""], PATIENT, 200, patient),
            with("PUT /Patient/a", &[SENT, "If-Match: W/\"7\""], PATIENT, 412, XML),
            with("GET /Patient/a", &[ACCEPT], "", 200, of(&["etag: W/\"1\"", "body has <Patient"])),
            with("GET /Patient/a", &[ACCEPT, "If-None-Match: W/\"1\""], "", 304, &["body: empty"]),
            with("HEAD /Patient/a", &[ACCEPT], "", 200, HEAD),
            with("GET /Patient/a/_history/1", &[ACCEPT], "", 200, patient),
            with("GET /Patient/a/_history", &[ACCEPT], "", 200, of(&[".type = history"])),
            with("GET /Patient/_history", &[ACCEPT], "", 200, of(&[".entry.0.resource.id = a"])),
            with("GET /_history", &[ACCEPT], "", 200, of(&[".entry.0.request.method = PUT"])),
            with("GET /Patient?birthdate=1970-03", &[ACCEPT], "", 200, of(&[".entry.len = 1"])),
            with("GET /Patient/a/*", &[ACCEPT], "", 200, of(&[".entry.0.resource.id = a"])),
            with("GET /?_type=Patient", &[ACCEPT], "", 200, of(&[".entry.0.resource.id = a"])),
            with(
                "POST /Patient/_search",
                &["Content-Type: application/x-www-form-urlencoded"],
                "_id=a&_format=xml",
                200,
                of(&[".entry.len = 1"]),
            ),
            with("GET /Patient/a?_summary=text", &[ACCEPT], "", 200, of(&[".meta.tag.0.code = SUBSETTED"])),
            with("GET /Patient/a?_elements=name", &[ACCEPT], "", 200, of(&[".birthDate absent"])),
            with("GET /Patient/a?_pretty=true", &[ACCEPT], "", 200, of(&["body has \n  <id value=\"a\"/>\n"])),
            with("GET /Patient/a", &[ACCEPT], "", 200, &["body lacks \n"]),
            with("GET /metadata", &[ACCEPT], "", 200, of(&[".kind = instance", ".format.len = 4"])),
            with("GET /metadata?_format=xml&_pretty=true", &[], "", 200, of(&["body has \n  <url "])),
            with("GET /AuditEvent/$journal?_count=2", &[ACCEPT], "", 200, of(&[".entry.len = 2"])),
            with("GET /Patient/a/$access-report", &[ACCEPT], "", 200, of(&[".type = searchset"])),
            with(
                "PATCH /Patient/a",
                &[SENT],
                r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/></part><part><name value="path"/><valueString value="Patient.active"/></part><part><name value="value"/><valueBoolean value="false"/></part></parameter></Parameters>"#,
                200,
                of(&["etag: W/\"2\"", ".active = false"]),
            ),
            with(
                "POST /",
                &[SENT],
                r#"<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><fullUrl value="urn:uuid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"/><resource><Patient><gender value="female"/></Patient></resource><request><method value="POST"/><url value="Patient"/></request></entry><entry><resource><Observation><id value="o"/><status value="final"/><code><text value="c"/></code><subject><reference value="urn:uuid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"/></subject><valueQuantity><value value="1.50"/></valueQuantity></Observation></resource><request><method value="PUT"/><url value="Observation/o"/></request></entry></Bundle>"#,
                200,
                of(&[".type = transaction-response", ".entry.len = 2"]),
            ),
            with("GET /Observation/o", &[], "", 200, &[".valueQuantity.value = 1.50"]),
            with(
                "POST /",
                &[SENT],
                r#"<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><request><method value="GET"/><url value="Patient/a?_format=json&amp;_pretty=true"/></request></entry><entry><request><method value="GET"/><url value="Patient/none"/></request></entry></Bundle>"#,
                200,
                of(&[".entry.0.resource.id = a", ".entry.1.response.outcome.issue.0.code = not-found"]),
            ),
            with("POST /Patient", &[SENT, "If-None-Exist: _id=a"], PATIENT, 200, of(&[".id = a"])),
            with("POST /Patient", &[SENT, "Prefer: return=OperationOutcome"], PATIENT, 201, of(&[".resourceType = OperationOutcome"])),
            with("POST /Patient", &[SENT, "Prefer: return=minimal"], PATIENT, 201, &["body: empty"]),
            with("PUT /Patient?_id=a", &[SENT], PATIENT, 200, of(&[".active = true"])),
            with("DELETE /Observation/o", &[ACCEPT, "Prefer: return=OperationOutcome"], "", 200, XML),
        ],
    )
    .await
}

#[tokio::test]
async fn refusals_come_in_what_was_asked_for() -> Result<()> {
    let server = Fixture::start().await?;
    let of = |lines: &[&'static str]| -> &'static [&'static str] { [XML, lines].concat().leak() };
    const JSON: &[&str] = &["content-type: application/fhir+json; charset=utf-8"];
    play(
        &server.client,
        &[
            with("GET /Patient/none", &[ACCEPT], "", 404, XML),
            with("GET /Patient/none", &["Accept: text/xml"], "", 404, XML),
            get("GET /Patient/none?_format=xml", 404, XML),
            get("GET /Pacient/none?_format=xml", 404, XML),
            get("POST /metadata?_format=xml", 405, of(&["allow: GET, HEAD"])),
            with("GET /Patient", &[ACCEPT, "Authorization: Bearer x"], "", 401, XML),
            with("GET /Patient?_format=json", &[ACCEPT, "Authorization: Bearer x"], "", 401, JSON),
            get("GET /Patient?_format=ttl", 406, JSON),
            with("GET /Patient/a", &["Accept: text/turtle"], "", 406, JSON),
            with("GET /Patient/a", &["Accept: application/fhir+xml;q=0"], "", 406, JSON),
            get("GET /Patient?_summary=x&_format=xml", 400, XML),
            with("POST /Patient", &[SENT], "", 400, of(&["body has body is empty"])),
            with("POST /Patient", &["Content-Type: application/fhir+xml; charset=latin1"], PATIENT, 415, XML),
            with("POST /Patient", &["Content-Type: application/fhir+xml; fhirVersion=5.0"], PATIENT, 415, JSON),
            with("POST /Patient", &[SENT, "Accept: application/fhir+json"], "<a/>", 400, JSON),
            with("POST /Observation", &[SENT], PATIENT, 400, of(&[".issue.0.expression.0 = resourceType"])),
            with("PUT /Patient/b", &[SENT], PATIENT, 400, XML),
            with(
                "POST /Patient",
                &[SENT],
                "<Patient xmlns='http://hl7.org/fhir'>\n<name><use value='wrong'/></name></Patient>",
                422,
                of(&[".issue.0.expression.0 = Patient.name[0].use", ".issue.0.code = code-invalid"]),
            ),
            with(
                "POST /Patient",
                &[SENT],
                "<Patient xmlns='http://hl7.org/fhir'>\n<name><hue/></name></Patient>",
                400,
                of(&[".issue.0.expression.0 = Patient.name[0].hue", "body has line 2, column 7"]),
            ),
            with("POST /Patient", &[SENT], "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x'><a/>", 400, XML),
            with("PATCH /Patient/a", &["Content-Type: application/xml-patch+xml"], "<diff/>", 415, &[]),
        ],
    )
    .await
}

/// What is sent in one form and read in the other is the same as if it were sent in that.
#[tokio::test]
async fn own_records_are_the_same_in_both() -> Result<()> {
    let population = Population::new(Options::new(7, 3))?;
    let (mut texts, mut kinds) = (Vec::new(), std::collections::BTreeSet::new());
    for patient in 0..3 {
        population.write_ndjson(patient, |kind, text| {
            kinds.insert(kind);
            texts.push(String::from_utf8_lossy(text).into_owned());
        });
    }
    population.shared_ndjson(|kind, text| {
        kinds.insert(kind);
        texts.push(String::from_utf8_lossy(text).into_owned());
    });
    for text in &texts {
        let read = conformance::xml::read(as_xml(text)?.as_bytes())?;
        assert_eq!(read, Resource::parse(text.as_bytes())?, "{text}");
    }
    assert!(kinds.len() > 12, "{kinds:?}");
    for kind in ResourceType::all() {
        let value = Resource::from_value(least(kind)?)?;
        assert_eq!(conformance::xml::read(as_xml(&value.to_text())?.as_bytes())?, value, "{kind}");
    }
    // One of each kind over the wire.
    let server = Fixture::start().await?;
    for kind in kinds {
        let named = format!(r#""resourceType":"{kind}""#);
        let text = texts.iter().find(|text| text.contains(&named)).context(kind)?;
        let sent = Resource::parse(text.as_bytes())?;
        let path = format!("/{kind}/{}", sent.id().context("no id")?);
        let written = server.client.send_xml("PUT", &path, text).await?;
        assert_eq!(written.status, 201, "{}", written.text);
        let (xml, json) =
            (server.client.send_xml("GET", &path, "").await?, server.client.get(&path).await?);
        assert_eq!(xml.json()?, json.json()?, "{path}");
        assert_eq!(xml.header("etag"), json.header("etag"));
        let stored = Resource::parse(json.text.as_bytes())?.without_server_meta();
        assert_eq!(stored, sent.without_server_meta(), "{path}");
    }
    Ok(())
}

/// Content beside its resource goes into XML as it is read; answers are compressed like any other.
#[tokio::test]
async fn large_content_and_compression() -> Result<()> {
    let server = Fixture::start().await?;
    let content = "x".repeat(700_000);
    let put = server.client.request("PUT", "/Binary/large").header("content-type", "text/plain");
    assert_eq!(Answer::of(put.body(content.clone())).await?.status, 201);
    for path in ["/Binary/large", "/Binary/large?_pretty=true"] {
        let read = server.client.send_xml("GET", path, "").await?;
        let in_json = server.client.get(path).await?;
        assert_eq!((read.status, in_json.status), (200, 200));
        assert_eq!(read.json()?, in_json.json()?, "{path}");
        assert_eq!(read.header("content-length"), read.text.len().to_string());
    }
    let whole = server.client.send_xml("GET", "/Binary/large", "").await?.json()?;
    let again = server.client.send_xml("PUT", "/Binary/large", &whole.to_text()).await?;
    assert_eq!(again.status, 200, "{}", again.text);
    let asked = server.client.request("GET", "/metadata?_format=xml");
    let packed = asked.header("accept-encoding", "gzip").send().await?;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["content-type"], "application/fhir+xml; charset=utf-8");
    assert!(packed.bytes().await?.starts_with(&[0x1f, 0x8b]));
    Ok(())
}

/// What surrounds resources may nest deeper and hold more than one of them may.
#[tokio::test]
async fn bundles_around_the_deepest_resource() -> Result<()> {
    let server = Fixture::start().await?;
    let levels = 31;
    let deep = format!(
        r#"{{"resourceType":"Basic","id":"deep","code":{{"text":"x"}},{}"extension":[{{"url":"urn:x","valueString":"y"}}]{}}}"#,
        r#""extension":[{"url":"urn:x","#.repeat(levels - 1),
        "}]".repeat(levels - 1)
    );
    let put = server.client.send("PUT", "/Basic/deep", &deep).await?;
    assert_eq!(put.status, 201, "{}", put.text);
    for query in ["_format=xml", "_format=xml&_pretty=true", "_format=json&_pretty=true"] {
        for path in ["Basic/deep", "Basic?_id=deep", "_history", "Basic/deep/_history"] {
            let mark = if path.contains('?') { '&' } else { '?' };
            let answer = server.client.get(&format!("/{path}{mark}{query}")).await?;
            assert_eq!(answer.status, 200, "{path} {query}: {}", answer.text);
            assert!(answer.text.contains("deep"), "{path} {query}");
        }
    }
    Ok(())
}

/// The text of an answer's JSON is exact: so is the number in its XML.
#[tokio::test]
async fn numbers_keep_their_digits() -> Result<()> {
    let server = Fixture::start().await?;
    for (sent, kept) in
        [("1.50", "1.50"), ("0.0", "0.0"), ("123456789012345678.901", "123456789012345678.901")]
    {
        let body = format!(
            r#"<Observation xmlns="http://hl7.org/fhir"><id value="n"/><status value="final"/><code><text value="c"/></code><valueQuantity><value value="{sent}"/></valueQuantity></Observation>"#
        );
        let put = server.client.request("PUT", "/Observation/n").header("content-type", "text/xml");
        let put = Answer::of(put.body(body)).await?;
        assert!(put.text.contains(&format!("<value value=\"{kept}\"/>")), "{}", put.text);
        let read = json::parse(server.client.get("/Observation/n").await?.text.as_bytes())?;
        let number = read.get("valueQuantity").and_then(|it| it.get("value"));
        assert_eq!(number.and_then(Value::as_number).context("a number")?.as_str(), kept);
    }
    Ok(())
}
