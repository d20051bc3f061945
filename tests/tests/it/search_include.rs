//! What joins an answer. <https://hl7.org/fhir/R4/search.html#include>

use anyhow::Result;
use canonical_model::Value;
use it::{Answer, Fixture};

use crate::search_values::holding;

const ALL: [&str; 9] = [
    r#"{"resourceType":"Organization","id":"org","name":"Acme","partOf":{"reference":"Organization/top"}}"#,
    r#"{"resourceType":"Organization","id":"top","name":"Top","partOf":{"reference":"Organization/org"}}"#,
    r#"{"resourceType":"Practitioner","id":"doc","name":[{"family":"House"}]}"#,
    r#"{"resourceType":"Patient","id":"p1","generalPractitioner":[{"reference":"Practitioner/doc"}],"managingOrganization":{"reference":"Organization/org"}}"#,
    r#"{"resourceType":"Patient","id":"p2"}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"performer":[{"reference":"Practitioner/doc"},{"reference":"Practitioner/gone"}]}"#,
    r#"{"resourceType":"Observation","id":"o2","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}"#,
    r#"{"resourceType":"Observation","id":"o3","status":"amended","code":{"text":"x"},"subject":{"reference":"Patient/p2"}}"#,
    r#"{"resourceType":"Provenance","id":"v","target":[{"reference":"Observation/o1"}],"recorded":"2024-01-01T00:00:00Z","agent":[{"who":{"reference":"Practitioner/doc"}}]}"#,
];

/// The names of a page's entries of a mode, sorted.
fn of_mode(answer: &Answer, mode: &str) -> String {
    let text = |value: &Value, path: [&str; 2]| {
        value.get(path[0])?.get(path[1])?.as_str().map(str::to_owned)
    };
    let all = answer.entries();
    let all = all.iter().filter(|entry| text(entry, ["search", "mode"]).as_deref() == Some(mode));
    let mut ids: Vec<String> = all.filter_map(|entry| text(entry, ["resource", "id"])).collect();
    ids.sort();
    ids.join(",")
}

async fn check(server: &Fixture, cases: &[(&str, &str, &str)]) -> Result<()> {
    for (query, matched, included) in cases {
        let answer = server.client.get(&format!("/{query}")).await?;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        assert_eq!(of_mode(&answer, "match"), *matched, "{query}");
        assert_eq!(of_mode(&answer, "include"), *included, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_referred_to_and_what_refers() -> Result<()> {
    let server = holding(&ALL).await?;
    check(
        &server,
        &[
            ("Observation?status=final&_include=Observation:subject", "o1,o2", "p1"),
            ("Observation?status=final&_include=Observation:patient", "o1,o2", "p1"),
            ("Observation?_id=o1&_include=Observation:performer", "o1", "doc"),
            ("Observation?_id=o1&_include=Observation:performer:Organization", "o1", ""),
            ("Observation?_id=o1&_include=*", "o1", "doc,p1"),
            ("Observation?_id=o1&_include=Observation:*", "o1", "doc,p1"),
            ("Observation?_id=o1&_include=Patient:organization", "o1", ""),
            ("Patient?_id=p1&_revinclude=Observation:subject", "p1", "o1,o2"),
            ("Patient?_id=p1&_revinclude=Observation:subject:Group", "p1", ""),
            ("Observation?_id=o1&_revinclude=Provenance:target", "o1", "v"),
            ("Observation?_id=o1&_revinclude=*", "o1", "v"),
            (
                "Patient?_id=p1&_include=Patient:organization&_revinclude=Observation:patient",
                "p1",
                "o1,o2,org",
            ),
            // What two of them lead to comes once, whether they name its type or not.
            (
                "Observation?_id=o1&_include=Observation:subject&_include=Observation:patient",
                "o1",
                "p1",
            ),
            ("Observation?_id=o1&_include=*&_include=Observation:subject:Patient", "o1", "doc,p1"),
            ("Patient?_id=p1&_revinclude=Observation:subject&_revinclude=*", "p1", "o1,o2"),
            // A match is not included again.
            ("Organization?_include=Organization:partof", "org,top", ""),
        ],
    )
    .await
}

/// `:iterate` goes on from what was included; a ring ends.
#[tokio::test]
async fn round_by_round() -> Result<()> {
    let server = holding(&ALL).await?;
    check(
        &server,
        &[
            ("Observation?_id=o1&_include=Observation:patient&_include:iterate=Patient:organization", "o1", "org,p1"),
            (
                "Observation?_id=o1&_include=Observation:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof",
                "o1",
                "org,p1,top",
            ),
            ("Organization?_id=org&_include:iterate=Organization:partof", "org", "top"),
            ("Organization?_id=org&_revinclude:iterate=Patient:organization&_revinclude:iterate=Observation:patient", "org", "o1,o2,p1"),
        ],
    )
    .await
}

#[tokio::test]
async fn what_is_refused() -> Result<()> {
    let server = holding(&ALL).await?;
    for query in [
        "Observation?_include=Observation:code",
        "Observation?_include=Nothing:subject",
        "Observation?_include=Observation",
        "Observation?_include=",
        "Observation?_include:sometimes=Observation:subject",
        "Observation?_include=Observation:subject:Nobody",
        // `patient` shares an index with `subject`, not its targets.
        "Observation?_include=Observation:patient:Group",
        "Patient?_revinclude=Observation:patient:Group",
    ] {
        let answer = server.client.get(&format!("/{query}")).await?;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
    }
    Ok(())
}

/// What only begins like an include is another parameter, and there is none.
#[tokio::test]
async fn a_name_that_begins_like_an_include() -> Result<()> {
    let server = holding(&ALL).await?;
    for name in ["_includes", "_revincludes", "_included:iterate", "_revinclude2"] {
        let path = format!("/Observation?_id=o1&{name}=Observation:patient");
        let strict = server.client.request("GET", &path).header("prefer", "handling=strict");
        let strict = Answer::of(strict).await?;
        assert_eq!(strict.status, 400, "{name}: {}", strict.text);
        let lenient = server.client.get(&path).await?;
        assert_eq!(of_mode(&lenient, "include"), "", "{name}");
        assert!(lenient.text.contains("no search parameter"), "{name}: {}", lenient.text);
    }
    Ok(())
}

/// More than a page may hold is said, not left out silently.
#[tokio::test]
async fn what_is_too_much_is_said() -> Result<()> {
    let server = holding(&ALL).await?;
    let entry = |n: usize| {
        format!(
            r#"{{"resource":{{"resourceType":"Observation","id":"many{n}","status":"final","code":{{"text":"x"}},"subject":{{"reference":"Patient/p2"}}}},"request":{{"method":"PUT","url":"Observation/many{n}"}}}}"#
        )
    };
    let entries: Vec<String> = (0..1001).map(entry).collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    );
    assert_eq!(server.client.send("POST", "/", &bundle).await?.status, 200);
    let answer = server.client.get("/Patient?_id=p2&_revinclude=Observation:patient").await?;
    assert_eq!(of_mode(&answer, "include").split(',').count(), 1000);
    assert!(answer.text.contains("More resources would be included"), "said");
    Ok(())
}

/// `_summary` is of all that is sent, `_elements` of the matches alone.
/// <https://hl7.org/fhir/R4/search.html#elements>
#[tokio::test]
async fn parts_of_what_is_included() -> Result<()> {
    let server = holding(&ALL).await?;
    for (view, of_match, of_included) in [
        ("_elements=code", true, false),
        ("_summary=true", true, true),
        ("_summary=data", true, true),
        ("_summary=false", false, false),
    ] {
        let query = format!("/Observation?_id=o1&_include=Observation:performer&{view}");
        let answer = server.client.get(&query).await?;
        let entries = answer.entries();
        let subsetted: Vec<bool> =
            entries.iter().map(|entry| entry.to_text().contains("SUBSETTED")).collect();
        assert_eq!(subsetted, [of_match, of_included], "{view}: {}", answer.text);
        assert_eq!(answer.text_at("entry.1.resource.name.0.family"), "House", "{view}");
        assert_eq!(answer.at("entry.0.resource.performer").is_some(), view != "_elements=code");
    }
    let counted =
        server.client.get("/Observation?_include=Observation:performer&_summary=count").await?;
    assert_eq!(counted.entries().len(), 0, "{}", counted.text);
    let text = "/Observation?_revinclude=Provenance:target&_summary=text";
    assert_eq!(server.client.get(text).await?.status, 400);
    Ok(())
}

/// Includes that lead round in a ring end, forth and back, with each resource once.
#[tokio::test]
async fn rings_end() -> Result<()> {
    let part = |id: &str, of: &str| {
        format!(
            r#"{{"resourceType":"Organization","id":"{id}","partOf":{{"reference":"Organization/{of}"}}}}"#
        )
    };
    let ring = [part("a", "b"), part("b", "c"), part("c", "a"), part("self", "self")];
    let ring: Vec<&str> = ring.iter().map(String::as_str).collect();
    let server = holding(&ring).await?;
    check(
        &server,
        &[
            ("Organization?_id=a&_include:iterate=Organization:partof", "a", "b,c"),
            ("Organization?_id=a&_revinclude:iterate=Organization:partof", "a", "b,c"),
            (
                "Organization?_id=a&_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof",
                "a",
                "b,c",
            ),
            ("Organization?_id=a&_include:iterate=*&_revinclude:iterate=*", "a", "b,c"),
            ("Organization?_id=self&_include:iterate=*&_revinclude:iterate=*", "self", ""),
        ],
    )
    .await
}

/// A reference to one version includes the current one, as it includes what else is asked for.
#[tokio::test]
async fn a_version_that_is_referred_to_is_included_as_it_is_now() -> Result<()> {
    let server = holding(&[
        r#"{"resourceType":"Organization","id":"o","name":"Before"}"#,
        r#"{"resourceType":"Patient","id":"p","managingOrganization":{"reference":"Organization/o/_history/1"}}"#,
    ])
    .await?;
    let now = r#"{"resourceType":"Organization","id":"o","name":"Now"}"#;
    assert_eq!(server.client.send("PUT", "/Organization/o", now).await?.status, 200);
    let answer = server.client.get("/Patient?_include=Patient:organization").await?;
    assert_eq!(answer.text_at("entry.1.resource.name"), "Now", "{}", answer.text);
    assert_eq!(answer.text_at("entry.1.resource.meta.versionId"), "2", "{}", answer.text);
    Ok(())
}
