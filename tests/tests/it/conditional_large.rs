//! Conditional writes whose criteria match more than one page may hold.

use anyhow::Result;
use it::{Client, Fixture};

/// The most that one conditional delete removes.
const MOST: usize = 100;

async fn load(client: &Client, count: usize) -> Result<()> {
    let text = "x".repeat(200 * 1024);
    for n in 0..count {
        let body = format!(
            r#"{{"resourceType":"Basic","id":"b{n}","code":{{"coding":[{{"code":"big"}}]}},
            "extension":[{{"url":"http://x.example/big","valueString":"{text}"}}]}}"#
        );
        assert_eq!(client.send("PUT", &format!("/Basic/b{n}"), &body).await?.status, 201);
    }
    Ok(())
}

async fn left(client: &Client) -> Result<Option<i64>> {
    let answer = client.get("/Basic?code=big&_summary=count").await?;
    Ok(answer.at("total").and_then(|it| it.as_number()?.to_i64()))
}

#[tokio::test]
async fn all_matches_go_or_none() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    load(client, MOST + 1).await?;
    // Fewer than that are on its first page.
    let refused = client.send("DELETE", "/Basic?code=big", "").await?;
    assert_eq!(refused.status, 412, "{}", refused.text);
    assert_eq!(client.get("/Basic/b0").await?.status, 200);
    assert_eq!(client.get(&format!("/Basic/b{MOST}")).await?.status, 200);

    assert_eq!(client.send("DELETE", "/Basic/b7", "").await?.status, 204);
    let deleted = client.send("DELETE", "/Basic?code=big", "").await?;
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    assert!(deleted.text.contains("100 resources matched"), "{}", deleted.text);
    assert_eq!(left(client).await?, Some(0));
    Ok(())
}

/// What a transaction removes does not hide what else its criteria find.
#[tokio::test]
async fn what_goes_hides_nothing() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    load(client, MOST).await?;
    let deletes: Vec<String> = (1..MOST)
        .map(|n| format!(r#"{{"request":{{"method":"DELETE","url":"Basic/b{n}"}}}}"#))
        .collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{},
        {{"resource":{{"resourceType":"Basic","code":{{"coding":[{{"code":"big"}}]}}}},
          "request":{{"method":"POST","url":"Basic","ifNoneExist":"code=big"}}}}]}}"#,
        deletes.join(",")
    );
    let answer = client.send("POST", "", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = answer.text_at(&format!("entry.{}.response.status", MOST - 1));
    assert_eq!(found, "200 OK", "{}", answer.text);
    assert_eq!(left(client).await?, Some(1));
    Ok(())
}
