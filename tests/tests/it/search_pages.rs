//! Pages: forth and back, over one type and several, and what their links give away.

use anyhow::{Context, Result};
use it::{Answer, Fixture};

use crate::search::ids;

async fn stocked() -> Result<Fixture> {
    let server = Fixture::start().await?;
    for n in 0..7 {
        let gender = if n % 2 == 0 { "male" } else { "female" };
        let birth = if n == 3 {
            String::new()
        } else {
            format!(r#","birthDate":"19{}0-01-01""#, 7 - n % 3)
        };
        let body = format!(
            r#"{{"resourceType":"Patient","id":"p{n}","gender":"{gender}","name":[{{"family":"Müller"}}]{birth}}}"#
        );
        assert_eq!(server.client.send("PUT", &format!("/Patient/p{n}"), &body).await?.status, 201);
        let body = format!(r#"{{"resourceType":"Basic","id":"b{n}","code":{{"text":"x"}}}}"#);
        assert_eq!(server.client.send("PUT", &format!("/Basic/b{n}"), &body).await?.status, 201);
    }
    Ok(server)
}

/// Forth to the end, and back page by page: the same pages.
#[tokio::test]
async fn forth_and_back() -> Result<()> {
    let server = stocked().await?;
    for query in [
        "/Patient?family=muller&_count=2",
        "/Patient?gender=male&_count=1",
        "/Patient?_count=3",
        "/Patient?_count=2&_sort=birthdate,-_id",
        "/Patient?_count=2&_sort=-birthdate,gender",
        "/Patient?_count=2&_sort=gender,_lastUpdated",
        "/Patient?_count=2&_sort=-family,_id",
        "/Patient?_count=2&_sort=_lastUpdated",
        "/?_type=Patient&_count=3",
        "/?_type=Patient,Basic&_count=4",
        "/?_type=Patient,Basic&_count=3&_sort=_id",
    ] {
        let mut page = server.client.get(query).await?;
        assert_eq!(page.link("previous"), None, "{query}");
        let mut pages = vec![ids(&page)];
        while let Some(next) = page.link("next") {
            page = server.client.get(&next).await?;
            pages.push(ids(&page));
        }
        let only_patients = query.contains("Patient&") || query.starts_with("/Patient");
        assert!(
            !only_patients || !pages.iter().any(|page| page.contains('b')),
            "{query}: {pages:?}"
        );
        let mut all: Vec<&str> = pages.iter().flat_map(|page| page.split(',')).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "{query}: {pages:?}");
        for expected in pages.iter().rev().skip(1) {
            let previous = page.link("previous").context("a previous page")?;
            page = server.client.get(&previous).await?;
            assert_eq!(&ids(&page), expected, "{query}: back from {pages:?}");
        }
        assert_eq!(page.link("previous"), None, "{query}: nothing before the first");
        let next = page.link("next").context("forth again")?;
        assert_eq!(Some(&ids(&server.client.get(&next).await?)), pages.get(1), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn links_give_nothing_away() -> Result<()> {
    let server = stocked().await?;
    let page =
        server.client.get("/Patient?family=muller&_count=2&_elements=id&_pretty=true").await?;
    let next = page.link("next").context("a next page")?;
    assert!(!next.contains("muller") && next.contains("_elements=id"), "{next}");
    let second = server.client.get(&next).await?;
    let (own, first) =
        (second.link("self").context("self")?, second.link("first").context("first")?);
    assert!(own == next && !first.contains("muller"), "{own} {first}");
    assert_eq!(ids(&server.client.get(&first).await?), ids(&page));
    // What was sent by form is in no address but the one that says how it was understood.
    let form = server
        .client
        .request("POST", "/Patient/_search?_count=2")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("family=muller");
    let sent = Answer::of(form).await?;
    let first = sent.link("first").context("first of a form")?;
    assert!(!first.contains("muller"), "{first}");
    assert_eq!(ids(&server.client.get(&first).await?), ids(&sent));
    // Of another search, or cut off.
    let elsewhere = next.replace("/Patient?", "/Practitioner?");
    for broken in [elsewhere.as_str(), next.get(..next.len() / 2).context("half")?] {
        assert_eq!(server.client.get(broken).await?.status, 400, "{broken}");
    }
    Ok(())
}

/// The links of a search by form can be followed, or it is refused before it is made.
#[tokio::test]
async fn links_of_large_forms() -> Result<()> {
    let server = stocked().await?;
    let family = |kilobytes: usize| {
        format!("family=muller{}", ",".to_owned() + &vec!["x".repeat(99); 10 * kilobytes].join(","))
    };
    let missing = |count: usize| vec!["active:missing=true"; count].join("&");
    for (name, query, form, status) in [
        ("36 kB", "_count=1".to_owned(), family(36), 200),
        ("50 kB", "_count=1".to_owned(), family(50), 400),
        ("30 kB twice", format!("_count=1&{}", family(30)), family(30), 400),
        ("99 parameters", format!("_count=1&{}", missing(40)), missing(58), 200),
        ("101 parameters", format!("_count=1&{}", missing(40)), missing(60), 400),
    ] {
        let request = server
            .client
            .request("POST", &format!("/Patient/_search?{query}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = Answer::of(request).await?;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        if status == 200 {
            for relation in ["next", "self"] {
                let link = answer.link(relation).context(name)?;
                let followed = server.client.get(&link).await?;
                assert_eq!(followed.status, 200, "{name}, {relation}: {}", followed.text);
                assert_eq!(followed.entries().len(), 1, "{name}, {relation}");
            }
        }
    }
    Ok(())
}
