//! Which SearchParameters are put to use: beside themselves, beside each other, and beside what is sealed.

use std::fmt::Write as _;

use anyhow::Result;
use it::{Answer, Client, Fixture};

use crate::search_custom::{matches, parameter, put, whole};

/// One of another code, without an id.
fn other(code: &str) -> String {
    parameter("")
        .replace(r#""id":"nick","#, "")
        .replace("nickname\",\"base", &format!("{code}\",\"base"))
}

async fn post(client: &Client, path: &str, body: &str) -> Result<Answer> {
    client.send("POST", path, body).await
}

fn bundle(bodies: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
    for (n, body) in bodies.into_iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let request = r#""request":{"method":"POST","url":"SearchParameter"}"#;
        write!(text, r#"{comma}{{"resource":{body},{request}}}"#).expect("a string takes all");
    }
    text + "]}"
}

/// How many living SearchParameters there are.
async fn stored(client: &Client) -> Result<usize> {
    Ok(matches(&client.get("/SearchParameter?_count=100").await?))
}

#[tokio::test]
async fn one_is_known_by_the_id_that_it_is_stored_under() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    put(client, "SearchParameter", "nick", &parameter("")).await?;
    // The same again, found by its URL: it does not stand in its own way.
    let named = "/SearchParameter?url=http://x.example/SearchParameter/patient-nickname";
    let body = other("nickname").replace("What friends", "What the friends");
    let again = client.send("PUT", named, &body).await?;
    assert_eq!((again.status, again.text_at("id")), (200, "nick".to_owned()), "{}", again.text);
    // A POST makes another, whatever id the body has.
    let twice = post(client, "/SearchParameter", &parameter("")).await?;
    assert_eq!(twice.status, 422, "{}", twice.text);
    assert_eq!(twice.text_at("issue.0.expression.0"), "SearchParameter.code");
    assert_eq!(stored(client).await?, 1);
    Ok(())
}

#[tokio::test]
async fn those_of_one_transaction_suit_each_other() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let clashing = post(client, "", &bundle([other("a"), other("b"), other("a")])).await?;
    assert_eq!(clashing.status, 422, "{}", clashing.text);
    let at = clashing.text_at("issue.0.expression.0");
    assert!(at.contains("entry[2]") && at.ends_with("SearchParameter.code"), "{at}");
    let many = post(client, "", &bundle((0..501).map(|n| other(&format!("p{n}"))))).await?;
    assert_eq!(many.status, 422, "{}", many.text);
    let at = many.text_at("issue.0.expression.0");
    assert!(at.contains("entry[500]") && at.ends_with("SearchParameter.status"), "{at}");
    assert_eq!(stored(client).await?, 0);
    let both = post(client, "", &bundle([other("a"), other("b")])).await?;
    assert_eq!(both.status, 200, "{}", both.text);
    for path in ["/Patient?a=x", "/Patient?b=x"] {
        assert!(!whole(client, path).await?.text.contains("has no search parameter"));
    }
    Ok(())
}
