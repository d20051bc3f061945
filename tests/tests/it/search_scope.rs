//! Where a search looks: all types, some, a compartment. <https://hl7.org/fhir/R4/http.html#search>

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use it::Answer;

use crate::search::{check, ids};
use crate::search_values::holding;

const ALL: [&str; 8] = [
    r#"{"resourceType":"Patient","id":"p","name":[{"family":"A"}],"generalPractitioner":[{"reference":"Practitioner/doc"}],"meta":{"tag":[{"code":"t"}]}}"#,
    r#"{"resourceType":"Patient","id":"q","name":[{"family":"B"}]}"#,
    r#"{"resourceType":"Practitioner","id":"doc","name":[{"family":"C"}],"meta":{"tag":[{"code":"t"}]}}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"code":"hr"}]},"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"performer":[{"reference":"Practitioner/doc"}],"effectiveDateTime":"2024-01-02"}"#,
    r#"{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"code":"hr"}]},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2024-01-01"}"#,
    r#"{"resourceType":"Observation","id":"o3","status":"final","code":{"coding":[{"code":"hr"}]},"subject":{"reference":"Patient/q"}}"#,
    r#"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}"#,
    r#"{"resourceType":"Organization","id":"org","name":"Acme"}"#,
];

#[tokio::test]
async fn compartments() -> Result<()> {
    let server = holding(&ALL).await?;
    check(
        &server,
        &[
            ("Patient/p/Observation?status=final", "o1,o2"),
            ("Patient/p/Observation?code=hr", "o1,o2"),
            ("Patient/p/Observation?code=hr&_sort=-date", "o1,o2"),
            ("Patient/p/Observation?code=bp", ""),
            ("Patient/p/Patient?family=A", "p"),
            ("Patient/p/*?_lastUpdated=ge2020", "e,o1,o2,p"),
            ("Patient/p/*?_type=Observation,Encounter", "e,o1,o2"),
            ("Encounter/e/Observation?status=final", "o1"),
            ("Practitioner/doc/Observation?status=final", "o1"),
            ("Practitioner/doc/Patient?family=A", "p"),
            ("Patient/nobody/Observation?status=final", ""),
            ("Patient/p/Organization?name=acme", "404"),
            ("Organization/org/Patient?family=A", "404"),
            ("Patient/p/Observation?subject=Patient/q", ""),
        ],
    )
    .await?;
    // Where there is no type to look in, nothing is found, and that is counted.
    for query in ["_type=Organization&_total=accurate", "_type=Organization&_summary=count"] {
        let none = server.client.get(&format!("/Patient/p/*?{query}")).await?;
        assert!(none.text.contains(r#""total":0"#), "{query}: {}", none.text);
    }
    let form = server.client.request("POST", "/Patient/p/Observation/_search");
    let form =
        form.header("content-type", "application/x-www-form-urlencoded").body("code=hr&_sort=date");
    assert_eq!(ids(&Answer::of(form).await?), "o2,o1");
    Ok(())
}

#[tokio::test]
async fn the_whole_system() -> Result<()> {
    let server = holding(&ALL).await?;
    check(
        &server,
        &[
            ("?_type=Patient,Observation", "o1,o2,o3,p,q"),
            ("?_tag=t", "doc,p"),
            ("?_id=p,org", "org,p"),
            ("?_type=Patient&family=A", "p"),
            ("?_type=Patient,Practitioner&family=A,C", "doc,p"),
            ("?_type=Patient,Practitioner&family=C&_sort=-_lastUpdated", "doc"),
            ("?_type=Patient,Observation&family=A", "400"),
            ("?_type=Nothing", "400"),
        ],
    )
    .await?;
    let form = server.client.request("POST", "/_search");
    let form =
        form.header("content-type", "application/x-www-form-urlencoded").body("_tag=t&_sort=_id");
    assert_eq!(ids(&Answer::of(form).await?), "doc,p");
    let newest = server.client.get("/?_type=Observation,Encounter&_count=3").await?;
    assert_eq!(ids(&newest), "e,o3,o2", "the newest first");
    let count = server.client.get("/?_type=Observation,Encounter&_summary=count").await?;
    assert!(count.text.contains(r#""total":4"#), "{}", count.text);
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/p/Observation?_sort=_id"}},
        {"request":{"method":"GET","url":"?_type=Encounter"}}]}"#;
    let answer = server.client.send("POST", "/", batch).await?;
    for name in ["o1", "o2", "\"e\""] {
        assert!(answer.text.contains(name), "{}", answer.text);
    }
    Ok(())
}

/// A search by POST in a bundle has its criteria in a form. What else stands there is refused: without it
/// all would be found.
#[tokio::test]
async fn by_post_in_a_bundle() -> Result<()> {
    let server = holding(&ALL).await?;
    let form = |form: &str| {
        let data = STANDARD.encode(form);
        let media_type = "application/x-www-form-urlencoded; charset=utf-8";
        format!(r#"{{"resourceType":"Binary","contentType":"{media_type}","data":"{data}"}}"#)
    };
    let bundle = async |kind: &str, method: &str, url: &str, resource: &str| {
        let request = format!(r#""request":{{"method":"{method}","url":"{url}"}}"#);
        let entry = format!(r#"{{{request},"resource":{resource}}}"#);
        let text = format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entry}]}}"#);
        server.client.send("POST", "/", &text).await
    };
    for kind in ["batch", "transaction"] {
        for (url, criteria, expected) in [
            ("Patient/_search", "family=A", r#""p""#),
            ("Patient/_search?_id=p,q", "family=b&_total=accurate", r#""q""#),
            ("_search", "_type=Practitioner", r#""doc""#),
            ("Patient/p/Encounter/_search", "", r#""e""#),
        ] {
            let answer = bundle(kind, "POST", url, &form(criteria)).await?;
            let found = answer.at("entry.0.resource.entry").map(|all| all.items().len());
            assert_eq!(found, Some(1), "{kind} {url}: {}", answer.text);
            let id = answer.at("entry.0.resource.entry.0.resource.id").map(|id| id.to_text());
            assert_eq!(id.as_deref(), Some(expected), "{kind} {url}: {}", answer.text);
        }
        let parameters =
            r#"{"resourceType":"Parameters","parameter":[{"name":"family","valueString":"A"}]}"#;
        let text = r#"{"resourceType":"Binary","contentType":"text/plain","data":"X2lkPWE="}"#;
        let broken = r#"{"resourceType":"Binary","contentType":"application/x-www-form-urlencoded","data":"?"}"#;
        for (method, url, resource, place) in [
            ("POST", "Patient/_search", parameters, "resource"),
            ("POST", "Patient/_search?_id=p", parameters, "resource"),
            ("POST", "_search", text, "resource"),
            ("POST", "Patient/_search", broken, "resource.data"),
            ("POST", "Patient/_search", &form("birthdate=soon"), "resource"),
            ("POST", "Patient/_search", &form("family=%"), "resource"),
            ("GET", "Patient?_id=p", parameters, "resource"),
        ] {
            let answer = bundle(kind, method, url, resource).await?;
            let issue = match kind {
                "batch" => "entry.0.response.outcome.issue.0",
                _ => "issue.0",
            };
            let status = match kind {
                "batch" => answer.text_at("entry.0.response.status"),
                _ => answer.status.to_string(),
            };
            assert!(status.starts_with("400"), "{kind} {resource}: {}", answer.text);
            let named = answer.text_at(&format!("{issue}.expression.0"));
            let expected = format!("Bundle.entry[0].{place}");
            assert_eq!(named, expected, "{kind} {resource}: {}", answer.text);
        }
    }
    Ok(())
}
