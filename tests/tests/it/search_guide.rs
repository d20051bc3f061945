//! Every worked example of docs/search.md is answered, and under strict handling: all of it is understood.

use anyhow::Result;
use it::{Answer, Fixture};

use crate::search_random::population;

#[tokio::test]
async fn every_example_is_answered() -> Result<()> {
    let server = Fixture::start().await?;
    population(&server.client).await?;
    let (mut sent, mut found) = (0, 0);
    for example in search::guide::examples() {
        let path = match example.split_once('?') {
            Some(("", query)) => format!("?{}", encoded(query)),
            Some((kind, query)) => format!("/{kind}?{}", encoded(query)),
            None => format!("/{example}"),
        };
        let request = server.client.request("GET", &path).header("prefer", "handling=strict");
        let answer = Answer::of(request).await?;
        assert_eq!(answer.status, 200, "{example}: {}", answer.text);
        assert!(!answer.text.contains(r#""mode":"outcome""#), "{example}: {}", answer.text);
        sent += 1;
        found += usize::from(answer.text.contains(r#""mode":"match""#));
    }
    assert!(sent > 50, "{sent}");
    // The examples speak of what there is, too.
    assert!(found > 20, "{found}");
    Ok(())
}

/// The letters that stand for something else in a URL.
fn encoded(query: &str) -> String {
    query.replace('|', "%7C").replace(' ', "%20").replace('\\', "%5C").replace('$', "%24")
}
