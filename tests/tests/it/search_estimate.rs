//! `_total=estimate`: exact for a few, near for many. <https://hl7.org/fhir/R4/search.html#total>

use anyhow::{Context, Result};
use it::{Client, Fixture};

const RESOURCES: usize = 6_000;
/// A third of all.
const FINAL: i64 = 2_000;

async fn total(client: &Client, query: &str) -> Result<i64> {
    let answer = client.get(&format!("/Observation?{query}")).await?;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    let total = answer.at("total").with_context(|| format!("{query}: {}", answer.text))?;
    Ok(total.to_text().parse()?)
}

#[tokio::test]
async fn an_estimate_is_near_and_exact_for_few() -> Result<()> {
    let server = Fixture::start().await?;
    let entry = |n: usize| {
        let status = if n.is_multiple_of(3) { "final" } else { "preliminary" };
        let code = if n < 50 { "rare" } else { "usual" };
        format!(
            r#"{{"request":{{"method":"POST","url":"Observation"}},"resource":{{"resourceType":"Observation","status":"{status}",
            "code":{{"coding":[{{"code":"{code}"}}]}},"category":[{{"coding":[{{"code":"every"}}]}}]}}}}"#
        )
    };
    for first in (0..RESOURCES).step_by(1_000) {
        let entries: Vec<String> = (first..first + 1_000).map(entry).collect();
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
            entries.join(",")
        );
        let answer = server.client.send("POST", "", &bundle).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let mut owner = server.database.connect().await?;
    sqlx::raw_sql("analyze").execute(&mut owner).await?;
    let client = &server.client;
    for (query, exact) in [
        ("code=rare&_total=estimate", 50),
        ("code=rare&status=final&_total=estimate&_count=1", 17),
        ("code=none&_total=estimate", 0),
        ("code=usual&status=final&_total=accurate&_count=1", FINAL - 17),
        ("code=usual&status=final&_summary=count", FINAL - 17),
    ] {
        assert_eq!(total(client, query).await?, exact, "{query}");
    }
    let all = i64::try_from(RESOURCES)?;
    for (query, exact) in [
        ("_total=estimate&_count=1", all),
        ("_summary=count&_total=estimate", all),
        ("code=usual&_total=estimate&_count=1", all - 50),
        ("status=final&_total=estimate&_count=1", FINAL),
        ("category=every&status=final&_total=estimate&_count=1", FINAL),
        ("code=usual,rare&status:not=final&_total=estimate&_count=1", all - FINAL),
    ] {
        let about = total(client, query).await?;
        assert!(exact / 2 <= about && about <= exact * 2, "{query}: {about}, about {exact}");
    }
    Ok(())
}
