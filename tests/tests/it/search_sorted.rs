//! Sorted along an index: whatever a resource holds it stands once, at its place, and costs others nothing.

use anyhow::Result;
use it::Fixture;

use crate::search::ids;
use crate::search_values::holding;
use crate::search_walk::walk;

fn person(id: &str, families: &[String]) -> String {
    let names: Vec<String> =
        families.iter().map(|family| format!(r#"{{"family":"{family}"}}"#)).collect();
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(r#","name":[{}]"#, names.join(",")),
    };
    format!(r#"{{"resourceType":"Patient","id":"{id}"{names}}}"#)
}

/// All pages, and the same backward from the last.
async fn forth_and_back(server: &Fixture, query: &str, count: usize) -> Result<Vec<String>> {
    let first = format!("/{query}&_count={count}");
    let forth = walk(&server.client, &first).await?;
    let (mut last, mut pages) = (server.client.get(&first).await?, Vec::new());
    while let Some(next) = last.link("next") {
        last = server.client.get(&next).await?;
    }
    loop {
        pages.push(ids(&last));
        match last.link("previous") {
            Some(previous) => last = server.client.get(&previous).await?,
            None => break,
        }
    }
    pages.reverse();
    let back = pages.join(",");
    assert_eq!(forth.join(","), back.trim_matches(','), "{query} by {count}");
    Ok(forth)
}

#[tokio::test]
async fn one_with_many_long_names_holds_nobody_up() -> Result<()> {
    let server = Fixture::start_with(|settings| settings.database.search_ms = 2_000).await?;
    // Of several bytes a letter, so that the index cuts them within one, and alike up to there.
    let long = |n: usize| format!("{:03}{}{n}", n % 100, "山".repeat(200));
    let many: Vec<String> = (0..600).map(long).collect();
    let names = |name: &str| vec![name.to_owned()];
    let all = [
        person("many", &many),
        person("low", &names("000")),
        person("amid", &names("050")),
        person("high", &names("Zz")),
        person("none", &[]),
    ];
    for body in &all {
        let id = body.split('"').nth(7).unwrap_or_default();
        let answer = server.client.send("PUT", &format!("/Patient/{id}"), body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    for (sort, expected) in [
        ("family", ["low", "many", "amid", "high", "none"]),
        ("-family", ["high", "many", "amid", "low", "none"]),
        ("name", ["low", "many", "amid", "high", "none"]),
        ("-name", ["high", "many", "amid", "low", "none"]),
    ] {
        for by in ["", "_id=low,amid,high,many,none"] {
            for count in [1, 2, 5] {
                let query = format!("Patient?{by}&_sort={sort}");
                assert_eq!(forth_and_back(&server, &query, count).await?, expected, "{query}");
            }
        }
    }
    Ok(())
}

/// U+10FFFF is no character: it ends ranges, and stands where a value is missing.
#[tokio::test]
async fn what_is_no_character_is_not_compared() -> Result<()> {
    let families = ["Zz\u{10ffff}tail", "\u{10ffff}", "Abel"].map(|name| vec![name.to_owned()]);
    let [a, b, c] = &families;
    let all = [person("tail", a), person("bare", b), person("abel", c), person("none", &[])];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    for query in ["family=Zz", "family=zztail", "family:contains=zt"] {
        let found = server.client.get(&format!("/Patient?{query}")).await?;
        assert_eq!(ids(&found), "tail", "{query}");
    }
    for sort in ["family", "-family"] {
        let whole = forth_and_back(&server, &format!("Patient?_sort={sort}"), 100).await?;
        assert_eq!(whole.len(), 4, "{sort}: {whole:?}");
        for count in [1, 2, 3] {
            let paged = forth_and_back(&server, &format!("Patient?_sort={sort}"), count).await?;
            assert_eq!(paged, whole, "{sort} by {count}");
        }
    }
    Ok(())
}

/// A period that ends before it starts is found by its start, whatever the search goes by.
#[tokio::test]
async fn a_period_that_is_none() -> Result<()> {
    let visit = |id: &str, start: &str, end: &str| {
        format!(
            r#"{{"resourceType":"Encounter","id":"{id}","status":"finished","class":{{"code":"AMB"}},"period":{{"start":"{start}","end":"{end}"}}}}"#
        )
    };
    let all = [
        visit("none", "2025-06-01", "2020-01-31"),
        visit("long", "2020-01-01", "2026-01-01"),
        visit("day", "2025-06-01", "2025-06-01"),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    for (date, expected) in [
        ("date=2023", ""),
        ("date=le2023", "long"),
        ("date=ge2025-06", "day,long,none"),
        ("date=2025-06-01", "day,none"),
        ("date=gt2025-05&date=lt2025-07", "day,long,none"),
        ("date=ap2025-06-01", "day,long,none"),
        ("date=2023,2025-06-01", "day,none"),
    ] {
        for by in ["", "&_id=none,long,day"] {
            for sort in ["_id", "date", "-date"] {
                let query = format!("Encounter?{date}{by}&_sort={sort}");
                let mut found = forth_and_back(&server, &query, 1).await?;
                found.sort();
                assert_eq!(found.join(","), expected, "{query}");
            }
        }
    }
    Ok(())
}

/// A sort compares the beginning of an element, so that its place fits a link.
#[tokio::test]
async fn one_with_a_long_identifier_ends_no_walk() -> Result<()> {
    let device = |id: &str, value: &str| {
        format!(r#"{{"resourceType":"Device","id":"{id}","identifier":[{{"value":"{value}"}}]}}"#)
    };
    let long = "山".repeat(40_000);
    let all =
        [device("a", "1"), device("b", &long), device("c", &format!("{long}9")), device("d", "2")];
    let server = holding(&all.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for count in [1, 2, 3] {
        let forth = forth_and_back(&server, "Device?_sort=identifier", count).await?;
        assert_eq!(forth.get(..2), Some(&["a".to_owned(), "d".to_owned()][..]), "by {count}");
        assert_eq!(forth.len(), 4, "by {count}: {forth:?}");
    }
    Ok(())
}
