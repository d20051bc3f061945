//! Transactions: all or nothing, in the specification's order, answered in the request's.
//! <https://hl7.org/fhir/R4/http.html#trules>

use anyhow::Result;
use it::Fixture;

use crate::interactions_table::{Row, get, play, send};

const SETUP: &[Row] = &[
    send(
        "PUT /Patient/a",
        r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:x","value":"1"}]}"#,
        201,
        &[],
    ),
    send("PUT /Patient/b", r#"{"resourceType":"Patient","id":"b","active":true}"#, 201, &[]),
];

#[tokio::test]
async fn order_of_work_and_of_answers() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let all = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"GET","url":"Patient?_summary=count"}},
        {"request":{"method":"GET","url":"Patient/c"}},
        {"request":{"method":"PATCH","url":"Patient/b"},"resource":
            {"resourceType":"Binary","contentType":"application/json-patch+json",
             "data":"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9hY3RpdmUiLCJ2YWx1ZSI6ZmFsc2V9XQ=="}},
        {"request":{"method":"PUT","url":"Patient/c"},"resource":{"resourceType":"Patient","id":"c"}},
        {"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"},"resource":
            {"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"active":true}},
        {"request":{"method":"DELETE","url":"Patient/a"}},
        {"request":{"method":"HEAD","url":"Patient/c/_history"}},
        {"request":{"method":"GET","url":"Patient/c/_history/1"}}]}"#;
    let expected: &[&str] = &[
        ".type = transaction-response",
        ".entry.len = 8",
        // Three are there in the end: b, c and the new one.
        ".entry.0.resource.total = 3",
        ".entry.1.resource.id = c",
        ".entry.2.response.status = 200 OK",
        ".entry.2.resource.active = false",
        ".entry.2.response.etag = W/\"2\"",
        ".entry.3.response.status = 201 Created",
        // The delete goes first, so the criteria find nothing.
        ".entry.4.response.status = 201 Created",
        ".entry.4.resource.active = true",
        ".entry.5.response.status = 204 No Content",
        ".entry.5.response.etag = W/\"2\"",
        ".entry.6.response.status = 200 OK",
        ".entry.6.resource absent",
        ".entry.7.resource.id = c",
    ];
    play(
        &server.client,
        &[
            send("POST /", all, 200, expected),
            get("GET /Patient/a", 410, &[]),
            get("GET /Patient/b", 200, &[".active = false"]),
            get("GET /Patient?identifier=urn:x|1", 200, &[".entry.len = 1"]),
        ],
    )
    .await
}

#[tokio::test]
async fn references_between_entries() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let linked = r##"{"resourceType":"Bundle","type":"transaction","entry":[
        {"fullUrl":"urn:uuid:7d6f7a9c-0000-4000-8000-000000000001",
         "request":{"method":"POST","url":"Observation"},"resource":
            {"resourceType":"Observation","status":"final","code":{"text":"x"},
             "subject":{"reference":"urn:uuid:7d6f7a9c-0000-4000-8000-000000000002"},
             "performer":[{"reference":"Patient?identifier=urn:x|1"}]}},
        {"fullUrl":"urn:uuid:7d6f7a9c-0000-4000-8000-000000000002",
         "request":{"method":"POST","url":"Patient"},"resource":
            {"resourceType":"Patient","link":[{"type":"seealso",
             "other":{"reference":"urn:uuid:7d6f7a9c-0000-4000-8000-000000000003"}}]}},
        {"fullUrl":"urn:uuid:7d6f7a9c-0000-4000-8000-000000000003",
         "request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"},
         "resource":{"resourceType":"Patient"}}]}"##;
    let answer = server.client.send("POST", "/", linked).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let patient = answer.text_at("entry.1.resource.id");
    for (path, expected) in [
        ("entry.0.resource.subject.reference", format!("Patient/{patient}")),
        ("entry.0.resource.performer.0.reference", "Patient/a".to_owned()),
        ("entry.1.resource.link.0.other.reference", "Patient/a".to_owned()),
        ("entry.2.response.status", "200 OK".to_owned()),
        ("entry.2.resource.id", "a".to_owned()),
    ] {
        assert_eq!(answer.text_at(path), expected, "{path}: {}", answer.text);
    }
    Ok(())
}

/// Each has a first entry that could be written, and a second that cannot: nothing is written, and
/// the outcome names the second.
#[tokio::test]
async fn one_entry_fails_all() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let before = server.client.get("/_history?_count=1000").await?.entries().len();
    for (status, entry) in [
        (
            422,
            r#"{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient","gender":"x"}}"#,
        ),
        (400, r#"{"request":{"method":"POST","url":"Patient"}}"#),
        (
            400,
            r#"{"request":{"method":"PUT","url":"Patient/c"},"resource":{"resourceType":"Patient","id":"d"}}"#,
        ),
        (
            412,
            r#"{"request":{"method":"PUT","url":"Patient/b","ifMatch":"W/\"9\""},"resource":{"resourceType":"Patient","id":"b"}}"#,
        ),
        (
            412,
            r#"{"request":{"method":"PUT","url":"Patient/b","ifNoneMatch":"*"},"resource":{"resourceType":"Patient","id":"b"}}"#,
        ),
        (
            412,
            r#"{"request":{"method":"PUT","url":"Patient/none","ifMatch":"W/\"1\""},"resource":{"resourceType":"Patient","id":"none"}}"#,
        ),
        (412, r#"{"request":{"method":"DELETE","url":"Patient/b","ifMatch":"W/\"9\""}}"#),
        (412, r#"{"request":{"method":"DELETE","url":"Patient?_lastUpdated=gt2000"}}"#),
        (
            412,
            r#"{"request":{"method":"POST","url":"Patient","ifNoneExist":"_lastUpdated=gt2000"},"resource":{"resourceType":"Patient"}}"#,
        ),
        (
            404,
            r#"{"request":{"method":"PATCH","url":"Patient/none"},"resource":{"resourceType":"Parameters"}}"#,
        ),
        (
            400,
            r#"{"request":{"method":"PATCH","url":"Patient/b"},"resource":{"resourceType":"Patient"}}"#,
        ),
        (
            400,
            r#"{"request":{"method":"PATCH","url":"Patient/b"},"resource":{"resourceType":"Binary","contentType":"x/y","data":"?"}}"#,
        ),
        (
            412,
            r#"{"request":{"method":"POST","url":"Group"},"resource":{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"reference":"Patient?identifier=urn:x|none"}}]}}"#,
        ),
        (404, r#"{"request":{"method":"GET","url":"Patient/none"}}"#),
        (404, r#"{"request":{"method":"GET","url":"Patient/b/_history/2"}}"#),
        (404, r#"{"request":{"method":"GET","url":"Patient/none/_history"}}"#),
        (400, r#"{"request":{"method":"GET","url":"Patient?_count=x"}}"#),
        (400, r#"{"request":{"method":"GET","url":"_history?_since=x"}}"#),
        (406, r#"{"request":{"method":"GET","url":"Patient/b?_format=ttl"}}"#),
        (
            405,
            r#"{"request":{"method":"POST","url":"Patient/b"},"resource":{"resourceType":"Patient"}}"#,
        ),
        (
            400,
            r#"{"request":{"method":"POST","url":""},"resource":{"resourceType":"Bundle","type":"batch"}}"#,
        ),
        (
            404,
            r#"{"request":{"method":"POST","url":"Pacient"},"resource":{"resourceType":"Patient"}}"#,
        ),
        (
            400,
            r#"{"request":{"method":"PUT","url":"Patient/new"},"resource":{"resourceType":"Patient","id":"new"}}"#,
        ),
        (400, r#"{"request":{"method":"DELETE","url":"Patient/new"}}"#),
        (
            400,
            r#"{"fullUrl":"urn:uuid:1","request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}}"#,
        ),
    ] {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[
                {{"fullUrl":"urn:uuid:1","request":{{"method":"PUT","url":"Patient/new"}},
                  "resource":{{"resourceType":"Patient","id":"new"}}}},{entry}]}}"#
        );
        let answer = server.client.send("POST", "/", &bundle).await?;
        assert_eq!(answer.status, status, "{entry}\n{}", answer.text);
        let place = answer.text_at("issue.0.expression.0");
        assert!(place.starts_with("Bundle.entry[1]"), "{entry}\n{}", answer.text);
        let after = server.client.get("/_history?_count=1000").await?.entries().len();
        assert_eq!(before, after, "{entry} left something behind");
    }
    Ok(())
}

/// Two entries about one resource, whether or not they change it.
#[tokio::test]
async fn no_resource_twice() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let put = r#"{"request":{"method":"PUT","url":"Patient/b"},"resource":{"resourceType":"Patient","id":"b","active":true}}"#;
    let where_a = r#"{"request":{"method":"PUT","url":"Patient?identifier=urn:x|1"},"resource":{"resourceType":"Patient"}}"#;
    let delete_a = r#"{"request":{"method":"DELETE","url":"Patient/a"}}"#;
    let delete_b = r#"{"request":{"method":"DELETE","url":"Patient/b"}}"#;
    let where_new = r#"{"request":{"method":"PUT","url":"Patient?identifier=urn:x|9"},"resource":{"resourceType":"Patient"}}"#;
    let post_new = r#"{"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|9"},"resource":{"resourceType":"Patient"}}"#;
    let patch_b = r#"{"request":{"method":"PATCH","url":"Patient/b"},"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}}"#;
    for (first, second) in [
        (put, put),
        (put, delete_b),
        (put, patch_b),
        (patch_b, delete_b),
        (delete_b, delete_b),
        (where_a, where_a),
        (where_new, where_new),
        (post_new, post_new),
        (post_new, where_new),
    ] {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{first},{second}]}}"#
        );
        let answer = server.client.send("POST", "/", &bundle).await?;
        let place = answer.text_at("issue.0.expression.0");
        assert_eq!((answer.status, place.as_str()), (400, "Bundle.entry[1]"), "{bundle}");
    }
    // The delete goes first: what the criteria found is gone.
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{where_a},{delete_a}]}}"#
    );
    let answer = server.client.send("POST", "/", &bundle).await?;
    assert_eq!(answer.text_at("entry.0.response.status"), "201 Created", "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn conditions_of_entries() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let held = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"PUT","url":"Patient/b","ifMatch":"W/\"1\""},"resource":{"resourceType":"Patient","id":"b"}},
        {"request":{"method":"PUT","url":"Patient/n","ifNoneMatch":"*"},"resource":{"resourceType":"Patient","id":"n"}},
        {"request":{"method":"PUT","url":"Patient?identifier=urn:x|1"},"resource":{"resourceType":"Patient","active":true}},
        {"request":{"method":"DELETE","url":"Patient?identifier=urn:x|none"}},
        {"request":{"method":"PATCH","url":"Patient?identifier=urn:x|1"},"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}}]}"#;
    let patched = held
        .replace(r#"PUT","url":"Patient?identifier=urn:x|1"#, r#"DELETE","url":"Patient?_id=none"#);
    let answer = server.client.send("POST", "/", held).await?;
    assert_eq!(answer.status, 400, "two entries are about a: {}", answer.text);
    let answer = server.client.send("POST", "/", &patched).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for (index, expected) in ["200 OK", "201 Created", "204 No Content", "204 No Content", "200 OK"]
        .into_iter()
        .enumerate()
    {
        let status = answer.text_at(&format!("entry.{index}.response.status"));
        assert_eq!(status, expected, "{index}: {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_conditional_reference_that_leads_nowhere_is_named() -> Result<()> {
    let server = Fixture::start().await?;
    play(&server.client, SETUP).await?;
    let observation = |criteria: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"POST","url":"Observation"}},"resource":
                {{"resourceType":"Observation","status":"final","code":{{"text":"x"}},
                  "performer":[{{"reference":"Patient/a"}},{{"reference":"{criteria}"}}]}}}}]}}"#
        )
    };
    for (criteria, status, said) in [
        ("Patient?identifier=urn:none|zq7canary", 412, "no Patient by its identifier"),
        ("Patient?_id=a,b", 412, "several"),
        ("Patient?nonsense=zq7canary", 400, "nonsense"),
    ] {
        let answer = server.client.send("POST", "/", &observation(criteria)).await?;
        assert_eq!(answer.status, status, "{criteria}: {}", answer.text);
        assert!(answer.text.contains(said), "{criteria}: {}", answer.text);
        assert!(!answer.text.contains("zq7canary"), "{}", answer.text);
        let place = answer.text_at("issue.0.expression.0");
        assert_eq!(place, "Bundle.entry[0].resource.performer[1].reference", "{criteria}");
    }
    Ok(())
}
