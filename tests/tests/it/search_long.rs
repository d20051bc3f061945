//! Strings longer than their index: compared whole.

use anyhow::Result;

use crate::search::{check, ids};
use crate::search_values::holding;

fn named(id: &str, name: &str) -> String {
    format!(r#"{{"resourceType":"Organization","id":"{id}","name":"{name}"}}"#)
}

/// Longer than an index row, with letters of several bytes where it is cut.
fn long(tail: &str) -> String {
    format!("{}{tail}", "Ärzte 山 ".repeat(60))
}

#[tokio::test]
async fn long_strings_are_matched_whole() -> Result<()> {
    let all = [
        named("one", &long("Nord")),
        named("two", &long("Süd")),
        named("both", &long("Nord und Süd")),
        named("short", &"Ärzte 山 ".repeat(3)),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    let (whole, begun) = (long("Nord"), long(""));
    let cases = [
        (format!("Organization?name={whole}"), "both,one"),
        (format!("Organization?name:exact={whole}"), "one"),
        (format!("Organization?name:exact={}", whole.to_lowercase()), ""),
        (format!("Organization?name={}", long("West")), ""),
        (format!("Organization?name={}", begun.trim()), "both,one,two"),
        (format!("Organization?name:contains={}", long("süd")), "two"),
        ("Organization?name:contains=sud".to_owned(), "both,two"),
        ("Organization?name:contains=und%20s".to_owned(), "both"),
        ("Organization?name=arzte".to_owned(), "both,one,short,two"),
        (format!("Organization?_filter=name%20eq%20%22{whole}%22"), "one"),
    ];
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(query, ids)| (query.as_str(), *ids)).collect();
    check(&server, &cases).await?;

    // A change behind the cut, and back; then no long one is left.
    for (tail, north, west) in [("West", "both", "one"), ("Nord", "both,one", "")] {
        let body = named("one", &long(tail));
        assert_eq!(server.client.send("PUT", "/Organization/one", &body).await?.status, 200);
        let (asked, other) = (format!("Organization?name={whole}"), long("West"));
        let other = format!("Organization?name={other}");
        check(&server, &[(asked.as_str(), north), (other.as_str(), west)]).await?;
    }
    let sorted = server.client.get("/Organization?_sort=name&_count=2").await?;
    assert_eq!(ids(&sorted).split(',').count(), 2);
    let next = server.client.get(&sorted.link("next").unwrap_or_default()).await?;
    assert_eq!(ids(&next).split(',').count(), 2, "{}", next.text);
    let short = named("one", "Kurz");
    assert_eq!(server.client.send("PUT", "/Organization/one", &short).await?.status, 200);
    let asked = format!("Organization?name={whole}");
    check(&server, &[(asked.as_str(), "both"), ("Organization?name=kurz", "one")]).await
}

/// Of a text the first 16 KiB are compared, and the whole by `:exact`; a value that is longer is refused, for
/// what is compared of both may be equal where they are not.
#[tokio::test]
async fn texts_longer_than_what_is_compared() -> Result<()> {
    let most = search::limits::STRING_BYTES_MAX;
    let (one, two) = (format!("{}1 tail", "x".repeat(most)), format!("{}2", "x".repeat(most)));
    let server = holding(&[&named("one", &one), &named("two", &two)]).await?;
    let whole = "x".repeat(most);
    let cases = [
        (format!("Organization?name={}", "X".repeat(most - 5)), "one,two"),
        (format!("Organization?name={whole}"), "400"),
        (format!("Organization?name={two}"), "400"),
        (format!("Organization?name:contains={two}"), "400"),
        (format!("Organization?_filter=name%20eq%20%22{whole}%22"), "400"),
        (format!("Organization?name:exact={one}"), "one"),
        (format!("Organization?name:exact={whole}"), ""),
        ("Organization?name:contains=tail".to_owned(), ""),
    ];
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(query, ids)| (query.as_str(), *ids)).collect();
    check(&server, &cases).await
}
