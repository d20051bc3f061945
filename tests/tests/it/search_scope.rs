//! Where a search looks: all types, some, a compartment. <https://hl7.org/fhir/R4/http.html#search>

use anyhow::Result;
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
