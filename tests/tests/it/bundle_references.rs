//! References by criteria and names of a bundle's own, wherever they stand and whatever the transaction itself writes.
//! <https://hl7.org/fhir/R4/http.html#trules>

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use it::Fixture;

use crate::interactions_table::{get, play, send};

#[tokio::test]
async fn criteria_mean_what_the_transaction_writes() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[send(
            "PUT /Practitioner/old",
            r#"{"resourceType":"Practitioner","id":"old","identifier":[{"system":"urn:pr","value":"2"}]}"#,
            201,
            &[],
        )],
    )
    .await?;
    // In an order in which each comes before what it is about: a chain of three, and a resource that gets
    // its identifier by an update while another loses it.
    let all = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"PUT","url":"Observation/o"},"resource":{"resourceType":"Observation","id":"o",
            "status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:pa|1"},
            "performer":[{"reference":"Practitioner?identifier=urn:pr|2"}]}},
        {"request":{"method":"PUT","url":"Patient/p"},"resource":{"resourceType":"Patient","id":"p",
            "identifier":[{"system":"urn:pa","value":"1"}],
            "generalPractitioner":[{"reference":"Practitioner?identifier=urn:pr|1"}]}},
        {"request":{"method":"PUT","url":"Practitioner/first"},"resource":{"resourceType":"Practitioner",
            "id":"first","identifier":[{"system":"urn:pr","value":"1"}]}},
        {"request":{"method":"PUT","url":"Practitioner/second"},"resource":{"resourceType":"Practitioner",
            "id":"second","identifier":[{"system":"urn:pr","value":"2"}]}},
        {"request":{"method":"PUT","url":"Practitioner/old"},"resource":{"resourceType":"Practitioner",
            "id":"old","active":false}}]}"#;
    play(
        &server.client,
        &[
            send(
                "POST /",
                all,
                200,
                &[
                    ".entry.len = 5",
                    ".entry.0.response.status = 201 Created",
                    ".entry.0.response.etag = W/\"1\"",
                    ".entry.4.response.status = 200 OK",
                    ".entry.4.response.etag = W/\"2\"",
                ],
            ),
            get(
                "GET /Observation/o",
                200,
                &[
                    ".subject.reference = Patient/p",
                    ".performer.0.reference = Practitioner/second",
                    ".meta.versionId = 1",
                ],
            ),
            get("GET /Patient/p", 200, &[".generalPractitioner.0.reference = Practitioner/first"]),
        ],
    )
    .await
}

#[tokio::test]
async fn two_that_are_about_each_other_by_criteria_are_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let circle = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"PUT","url":"Practitioner/x"},"resource":{"resourceType":"Practitioner","id":"x"}},
        {"request":{"method":"PUT","url":"Organization/a"},"resource":{"resourceType":"Organization","id":"a",
            "name":"A","identifier":[{"system":"urn:o","value":"a"}],"partOf":{"reference":"Organization?identifier=urn:o|b"}}},
        {"request":{"method":"PUT","url":"Organization/b"},"resource":{"resourceType":"Organization","id":"b",
            "name":"B","identifier":[{"system":"urn:o","value":"b"}],"partOf":{"reference":"Organization?identifier=urn:o|a"}}}]}"#;
    play(
        &server.client,
        &[
            send("POST /", circle, 412, &[".issue.0.code = conflict"]),
            get("GET /Practitioner/x", 404, &[]),
            get("GET /Organization/a", 404, &[]),
        ],
    )
    .await
}

#[tokio::test]
async fn names_of_the_bundle_are_replaced_in_patches() -> Result<()> {
    let server = Fixture::start().await?;
    let other = r#"{"resourceType":"Patient","id":"p",
        "managingOrganization":{"reference":"urn:uuid:0b0a7d0e-6f0f-4f7c-9a59-2d1c5a0e8b12"}}"#;
    play(&server.client, &[send("PUT /Patient/p", other, 201, &[])]).await?;
    let name = "urn:uuid:0b0a7d0e-6f0f-4f7c-9a59-2d1c5a0e8b11";
    for (path, patch) in [
        (
            "fhirpath",
            format!(
                r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[
                {{"name":"type","valueCode":"add"}},{{"name":"path","valueString":"Patient"}},
                {{"name":"name","valueString":"generalPractitioner"}},
                {{"name":"value","valueReference":{{"reference":"{name}"}}}}]}}]}}"#
            ),
        ),
        (
            "json",
            binary(&format!(
                r#"[{{"op":"replace","path":"/generalPractitioner","value":[{{"reference":"{name}"}}]}}]"#
            )),
        ),
        (
            "json, the text alone",
            binary(&format!(
                r#"[{{"op":"replace","path":"/generalPractitioner/0/reference","value":"{name}"}}]"#
            )),
        ),
    ] {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[
            {{"fullUrl":"{name}","request":{{"method":"POST","url":"Practitioner"}},"resource":{{"resourceType":"Practitioner"}}}},
            {{"request":{{"method":"PATCH","url":"Patient/p"}},"resource":{patch}}}]}}"#
        );
        let answer = server.client.send("POST", "", &bundle).await?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let made = answer.text_at("entry.0.response.location");
        let patient = server.client.get("/Patient/p").await?;
        let given = patient.text_at("generalPractitioner.0.reference");
        assert!(
            given.starts_with("Practitioner/") && made.contains(&given),
            "{path}: {given}, {made}"
        );
        // What the patch does not say stays.
        assert!(patient.text.contains("8b12"), "{}", patient.text);
    }
    Ok(())
}

/// A JSON Patch as bundles have it.
fn binary(patch: &str) -> String {
    let data = BASE64_STANDARD.encode(patch);
    format!(
        r#"{{"resourceType":"Binary","contentType":"application/json-patch+json","data":"{data}"}}"#
    )
}

#[tokio::test]
async fn a_condition_that_is_none_is_not_taken_for_absent() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[send("PUT /Patient/p", r#"{"resourceType":"Patient","id":"p"}"#, 201, &[])],
    )
    .await?;
    for (members, element) in [
        (r#""ifMatch":5"#, "Bundle.entry[0].request.ifMatch"),
        (r#""ifmatch":"W/\"1\"""#, "Bundle.entry[0].request.ifmatch"),
        (r#""ifNoneExist":["identifier=a"]"#, "Bundle.entry[0].request.ifNoneExist"),
        (r#""ifModifiedSince":"yesterday""#, "Bundle.entry[0].request.ifModifiedSince"),
    ] {
        for kind in ["transaction", "batch"] {
            let bundle = format!(
                r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"request":{{"method":"PUT","url":"Patient/p",{members}}},
                "resource":{{"resourceType":"Patient","id":"p","active":true}}}}]}}"#
            );
            let answer = server.client.send("POST", "", &bundle).await?;
            let said = match kind {
                "batch" => answer.text_at("entry.0.response.status"),
                _ => answer.status.to_string(),
            };
            assert!(
                said.starts_with("422") || said.starts_with("400"),
                "{members}: {}",
                answer.text
            );
            assert!(answer.text.contains(element), "{members}: {}", answer.text);
        }
    }
    play(&server.client, &[get("GET /Patient/p", 200, &[".meta.versionId = 1"])]).await
}

#[tokio::test]
async fn a_relative_reference_is_below_the_base_of_its_own_entry() -> Result<()> {
    let server = Fixture::start().await?;
    let patient = |full_url: &str, id: &str| {
        format!(
            r#"{{{full_url}"request":{{"method":"PUT","url":"Patient/{id}"}},"resource":{{"resourceType":"Patient",
            "id":"{id}","generalPractitioner":[{{"reference":"Practitioner/old"}}]}}}}"#
        )
    };
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"fullUrl":"http://a.example.org/fhir/Practitioner/old","request":{{"method":"POST","url":"Practitioner"}},
            "resource":{{"resourceType":"Practitioner","id":"old"}}}},
        {},{},{}]}}"#,
        patient(r#""fullUrl":"http://a.example.org/fhir/Patient/same","#, "same"),
        patient(r#""fullUrl":"http://b.example.org/fhir/Patient/other","#, "other"),
        patient("", "bare"),
    );
    let answer = server.client.send("POST", "", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let made = answer.text_at("entry.0.response.location");
    for (id, replaced) in [("same", true), ("other", false), ("bare", false)] {
        let stored = server.client.get(&format!("/Patient/{id}")).await?;
        let given = stored.text_at("generalPractitioner.0.reference");
        assert_eq!(given != "Practitioner/old", replaced, "{id}: {given}");
        assert!(!replaced || made.contains(&given), "{id}: {given}, {made}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_new_has_no_older_version_and_a_string_is_no_link() -> Result<()> {
    let server = Fixture::start().await?;
    let name = "urn:uuid:0b0a7d0e-6f0f-4f7c-9a59-2d1c5a0e8b11";
    let patient = r#"{"resourceType":"Patient","id":"p","identifier":[{"value":"a"}]}"#;
    play(&server.client, &[send("PUT /Patient/p", patient, 201, &[])]).await?;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"fullUrl":"{name}","request":{{"method":"POST","url":"Practitioner"}},"resource":{{"resourceType":"Practitioner"}}}},
        {{"request":{{"method":"PUT","url":"Patient/q"}},"resource":{{"resourceType":"Patient","id":"q",
            "text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{name}\">a</a></div>"}},
            "generalPractitioner":[{{"reference":"{name}/_history/4"}}]}}}},
        {{"request":{{"method":"PATCH","url":"Patient/p"}},"resource":{{"resourceType":"Parameters","parameter":[{{"name":"operation",
            "part":[{{"name":"type","valueCode":"replace"}},{{"name":"path","valueString":"Patient.identifier[0].value"}},
            {{"name":"value","valueString":"{name}"}}]}}]}}}}]}}"#
    );
    let answer = server.client.send("POST", "", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let made = answer.text_at("entry.0.response.location");
    let written = server.client.get("/Patient/q").await?;
    let given = written.text_at("generalPractitioner.0.reference");
    assert!(made.contains(&format!("{given}/_history/1")), "{given}, {made}");
    assert!(written.text.contains(&format!(r#"href=\"{given}\""#)), "{}", written.text);
    assert_eq!(server.client.get("/Patient/p").await?.text_at("identifier.0.value"), name);
    Ok(())
}

#[tokio::test]
async fn a_misspelt_bundle_is_not_taken_for_an_empty_one() -> Result<()> {
    let server = Fixture::start().await?;
    let entry = r#"[{"request":{"method":"PUT","url":"Patient/p"},"resource":{"resourceType":"Patient","id":"p"}}]"#;
    for (kind, members, place) in [
        ("transaction", format!(r#""Entry":{entry}"#), "Bundle.Entry"),
        ("batch", format!(r#""entrys":{entry}"#), "Bundle.entrys"),
        ("batch", format!(r#""timestamp":5,"entry":{entry}"#), "Bundle.timestamp"),
        ("transaction", format!(r#""total":"x","entry":{entry}"#), "Bundle.total"),
    ] {
        let bundle = format!(r#"{{"resourceType":"Bundle","type":"{kind}",{members}}}"#);
        let answer = server.client.send("POST", "", &bundle).await?;
        let told = (answer.status, answer.text_at("issue.0.expression.0"));
        assert_eq!(told, (422, place.to_owned()), "{members}: {}", answer.text);
    }
    assert_eq!(server.client.get("/Patient/p").await?.status, 404);
    Ok(())
}
