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
async fn two_that_are_about_each_other_by_criteria_are_found() -> Result<()> {
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
            send("POST /", circle, 200, &[]),
            get("GET /Organization/a", 200, &[".partOf.reference = Organization/b"]),
            get("GET /Organization/b", 200, &[".partOf.reference = Organization/a"]),
            get("GET /Organization?partof=Organization/a", 200, &[".entry.0.resource.id = b"]),
        ],
    )
    .await
}

/// An entry that is about itself, and two of which either could be meant.
#[tokio::test]
async fn what_waits_for_itself_is_found_if_it_is_the_only_one() -> Result<()> {
    let server = Fixture::start().await?;
    let linked = |value: &str, other: &str| {
        format!(
            r#"{{"request":{{"method":"POST","url":"Patient"}},"resource":{{"resourceType":"Patient",
            "identifier":[{{"system":"urn:p","value":"{value}"}}],
            "link":[{{"type":"seealso","other":{{"reference":"Patient?identifier=urn:p|{other}"}}}}]}}}}"#
        )
    };
    let bundle = |entries: &[String]| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
            entries.join(",")
        )
    };
    let itself = server.client.send("POST", "", &bundle(&[linked("1", "1")])).await?;
    assert_eq!(itself.status, 200, "{}", itself.text);
    let found = server.client.get("/Patient?identifier=urn:p|1").await?;
    let name = format!("Patient/{}", found.text_at("entry.0.resource.id"));
    assert_eq!(found.text_at("entry.0.resource.link.0.other.reference"), name);
    let either = bundle(&[linked("2", "3"), linked("3", "2"), linked("3", "2")]);
    let either = server.client.send("POST", "", &either).await?;
    assert_eq!(either.status, 412, "{}", either.text);
    let place = "Bundle.entry[0].resource.link[0].other.reference";
    assert_eq!(either.text_at("issue.0.expression.0"), place, "{}", either.text);
    let nobody = server.client.send("POST", "", &bundle(&[linked("4", "5")])).await?;
    assert_eq!((nobody.status, nobody.text_at("issue.0.expression.0").as_str()), (412, place));
    let all = server.client.get("/Patient?_summary=count").await?;
    assert!(all.text.contains(r#""total":1"#), "{}", all.text);
    Ok(())
}

/// Each link of a chain is looked for when it may be there, not all of them each time.
#[tokio::test]
async fn a_long_chain_of_criteria_is_found() -> Result<()> {
    const LINKS: usize = 400;
    let server = Fixture::start().await?;
    let entry = |n: usize| {
        let part = match n + 1 {
            LINKS => String::new(),
            next => format!(r#","partOf":{{"reference":"Organization?identifier=urn:o|{next}"}}"#),
        };
        format!(
            r#"{{"request":{{"method":"POST","url":"Organization"}},"resource":{{"resourceType":"Organization",
            "name":"x","identifier":[{{"system":"urn:o","value":"{n}"}}]{part}}}}}"#
        )
    };
    let entries: Vec<String> = (0..LINKS).map(entry).collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    );
    let answer = server.client.send("POST", "", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let roots = server.client.get("/Organization?partof:missing=true&_summary=count").await?;
    assert!(roots.text.contains(r#""total":1"#), "{}", roots.text);
    Ok(())
}

/// <https://hl7.org/fhir/R4/http.html#trules>: elements of type uri, url, oid, uuid; a canonical, and what names a
/// namespace, leads nowhere.
#[tokio::test]
async fn links_are_replaced_by_the_types_of_elements() -> Result<()> {
    let server = Fixture::start().await?;
    let binary = "http://x.example/fhir/Binary/b1";
    let oid = "urn:oid:1.2.34";
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"fullUrl":"{binary}","request":{{"method":"POST","url":"Binary"}},
            "resource":{{"resourceType":"Binary","contentType":"text/plain","data":"aGk="}}}},
        {{"fullUrl":"{oid}","request":{{"method":"POST","url":"Basic"}},
            "resource":{{"resourceType":"Basic","code":{{"text":"x"}}}}}},
        {{"fullUrl":"http://x.example/fhir/DocumentReference/d","request":{{"method":"PUT","url":"DocumentReference/d"}},
            "resource":{{"resourceType":"DocumentReference","id":"d","status":"current",
            "identifier":[{{"system":"{binary}","value":"{oid}"}}],
            "extension":[{{"url":"http://x.example/e","valueUri":"{binary}"}},{{"url":"http://x.example/e","valueCanonical":"{oid}"}}],
            "content":[{{"attachment":{{"url":"{binary}"}}}},{{"attachment":{{"url":"Binary/b1","_title":{{"extension":[
                {{"url":"http://x.example/e","valueUrl":"{oid}"}}]}}}}}}]}}}},
        {{"request":{{"method":"PUT","url":"Bundle/c"}},"resource":{{"resourceType":"Bundle","id":"c","type":"collection","entry":[
            {{"fullUrl":"{oid}","resource":{{"resourceType":"Basic","code":{{"text":"y"}}}}}},
            {{"fullUrl":"urn:oid:9.9","resource":{{"resourceType":"Basic","code":{{"text":"z"}},"subject":{{"reference":"{oid}"}},
                "author":{{"reference":"{binary}"}}}}}}]}}}}]}}"#
    );
    let answer = server.client.send("POST", "", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let name = |n: usize, kind: &str| {
        let place = answer.text_at(&format!("entry.{n}.response.location"));
        let id = place.rsplit('/').nth(2).unwrap_or_default().to_owned();
        format!("{kind}/{id}")
    };
    let (to_binary, to_basic) = (name(0, "Binary"), name(1, "Basic"));
    let document = server.client.get("/DocumentReference/d").await?;
    for (path, expected) in [
        ("identifier.0.system", binary),
        ("identifier.0.value", oid),
        ("extension.0.valueUri", &to_binary),
        ("extension.1.valueCanonical", oid),
        ("content.0.attachment.url", &to_binary),
        ("content.1.attachment.url", &to_binary),
        ("content.1.attachment._title.extension.0.valueUrl", &to_basic),
    ] {
        assert_eq!(document.text_at(path), expected, "{path}");
    }
    // A name of its own is its own.
    let collection = server.client.get("/Bundle/c").await?;
    for (path, expected) in [
        ("entry.0.fullUrl", oid),
        ("entry.1.resource.subject.reference", oid),
        ("entry.1.resource.author.reference", &to_binary),
    ] {
        assert_eq!(collection.text_at(path), expected, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn two_deletes_of_one_resource_are_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let patient = r#"{"resourceType":"Patient","id":"p","identifier":[{"value":"a"}]}"#;
    let twice = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"DELETE","url":"Patient?identifier=a"}},
        {"request":{"method":"DELETE","url":"Patient?identifier=a"}}]}"#;
    play(
        &server.client,
        &[
            send("PUT /Patient/p", patient, 201, &[]),
            send("POST /", twice, 400, &[]),
            get("GET /Patient/p", 200, &[]),
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

/// A conditional reference is about what there is after all changes, whether or not another entry has to wait.
#[tokio::test]
async fn criteria_mean_what_is_there_in_the_end() -> Result<()> {
    let server = Fixture::start().await?;
    let organization = |id: &str, identifier: &str| {
        format!(
            r#"{{"resourceType":"Organization","id":"{id}","name":"x","identifier":[{{"system":"urn:o","value":"{identifier}"}}]}}"#
        )
    };
    for (id, identifier) in [("o", "x"), ("root", "root")] {
        let path = format!("/Organization/{id}");
        server.client.send("PUT", &path, &organization(id, identifier)).await?;
    }
    let patient = r#"{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient",
        "managingOrganization":{"reference":"Organization?identifier=urn:o|x"}}}"#;
    for waits in ["", r#","partOf":{"reference":"Organization?identifier=urn:o|root"}"#] {
        let second = format!(
            r#"{{"request":{{"method":"POST","url":"Organization"}},"resource":{{"resourceType":"Organization","name":"x",
            "identifier":[{{"system":"urn:o","value":"x"}}]{waits}}}}}"#
        );
        let without = format!(
            r#"{{"request":{{"method":"PUT","url":"Organization/o"}},"resource":{{"resourceType":"Organization","id":"o","name":"y"{waits}}}}}"#
        );
        for other in [second, without] {
            let bundle = format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{other},{patient}]}}"#
            );
            let answer = server.client.send("POST", "", &bundle).await?;
            assert_eq!(answer.status, 412, "{other}: {}", answer.text);
            let place = "Bundle.entry[1].resource.managingOrganization.reference";
            assert_eq!(answer.text_at("issue.0.expression.0"), place, "{}", answer.text);
        }
    }
    assert_eq!(server.client.get("/Organization/o").await?.version(), 1);
    Ok(())
}
