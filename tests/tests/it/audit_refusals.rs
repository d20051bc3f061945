//! What is refused before it is performed is recorded all the same.

use anyhow::Result;
use it::Answer;

use crate::audit::Journal;
use crate::search::stocked;

#[tokio::test]
async fn refusals_before_the_interaction_leave_a_row() -> Result<()> {
    let server = stocked().await?;
    let mut journal = Journal::open(&server).await?;
    journal.news("dev-backend").await?;
    let client = &server.client;
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Zq7/1"}}]}"#;
    let json =
        |request: reqwest::RequestBuilder| request.header("content-type", "application/fhir+json");
    let mut wrong = Vec::new();
    for (name, request, rows) in [
        ("unknown type", client.request("GET", "/Zq7/a"), 1),
        ("illegal id", client.request("GET", "/Patient/a%20b"), 1),
        ("method", client.request("POST", "/Patient/a"), 1),
        ("query", client.request("GET", "/Patient?name=%00"), 1),
        ("accept", client.request("GET", "/Patient/a").header("accept", "text/html"), 1),
        ("too large", json(client.request("POST", "/Patient")).body(vec![b' '; 17_000_000]), 1),
        (
            "encoding",
            client.request("POST", "/Patient").header("content-encoding", "br").body("x"),
            1,
        ),
        ("an entry that cannot be read", json(client.request("POST", "")).body(batch), 2),
    ] {
        let answer = Answer::of(request).await?;
        let news = journal.news("dev-backend").await?;
        if news.len() != rows {
            wrong.push(format!("{name}: {} {news:?}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
