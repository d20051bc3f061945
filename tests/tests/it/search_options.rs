//! How matches are ordered, counted and shown, and what becomes of what is not understood.

use anyhow::{Context, Result};
use it::{Answer, Fixture};

use crate::search::{ids, stocked};

fn total(answer: &Answer) -> Option<String> {
    answer.at("total").map(|total| total.to_text())
}

#[tokio::test]
async fn sorts() -> Result<()> {
    let server = stocked().await?;
    let mut wrong = Vec::new();
    for (query, expected) in [
        ("Patient?_sort=_id", "a,b,c,d,e"),
        ("Patient?_sort=-_id", "e,d,c,b,a"),
        ("Patient?_sort=_lastUpdated", "a,b,c,d,e"),
        ("Patient?_sort=-_lastUpdated", "e,d,c,b,a"),
        ("Patient?", "e,d,c,b,a"),
        // The lowest value of each ascending, the highest descending; nothing comes last.
        ("Patient?_sort=family", "e,a,b,c,d"),
        ("Patient?_sort=-family", "e,c,b,a,d"),
        ("Patient?_sort=birthdate", "c,b,a,e,d"),
        ("Patient?_sort=-birthdate", "e,a,b,c,d"),
        ("Patient?_sort=family,-birthdate", "e,a,b,c,d"),
        ("Patient?_sort=family,birthdate", "e,b,a,c,d"),
        ("Patient?_sort=-family,_id", "e,c,a,b,d"),
        ("Patient?gender=male&_sort=birthdate", "c,b"),
        ("Patient?name=m&_sort=-birthdate", "e,a,b"),
        ("Observation?_sort=date", "o4,o3,o2,o1,o5,o6"),
        ("Observation?_sort=-date", "o5,o1,o2,o3,o4,o6"),
        ("Observation?code=1234-5&_sort=date", "o4,o3,o2,o1"),
        ("Observation?code=1234-5&_sort=-date", "o1,o2,o3,o4"),
        ("Observation?patient=Patient/a&category=vital&_sort=-date", "o1,o3,o6"),
        ("Observation?category=vital&_sort=-date", "o1,o3,o6"),
        ("Observation?patient=Patient/a&code=1234-5&_sort=date", "o3,o1"),
    ] {
        let found = ids(&server.client.get(&format!("/{query}")).await?);
        if found != expected {
            wrong.push(format!("{query}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn counts_and_totals() -> Result<()> {
    let server = stocked().await?;
    for (query, found, expected) in [
        ("Patient?_count=2&_sort=_id", "a,b", None),
        ("Patient?_count=2&_sort=_id&_total=accurate", "a,b", Some("5")),
        ("Patient?_count=2&_sort=_id&_total=none", "a,b", None),
        ("Patient?gender=male&_count=1&_sort=_id&_total=accurate", "b", Some("2")),
        ("Patient?_summary=count", "", Some("5")),
        ("Patient?_summary=count&family=mul", "", Some("2")),
        ("Patient?_count=0", "", Some("5")),
        ("Patient?_id=nobody&_total=accurate", "", Some("0")),
        ("Observation?code=1234-5&_summary=count", "", Some("4")),
        ("Observation?patient=Patient/a&code=1234-5&_summary=count", "", Some("2")),
        ("Observation?subject=a&_summary=count", "", Some("4")),
        ("Observation?date=2024-01&_summary=count", "", Some("2")),
    ] {
        let answer = server.client.get(&format!("/{query}")).await?;
        assert_eq!(
            (ids(&answer).as_str(), total(&answer).as_deref()),
            (found, expected),
            "{query}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn parts_of_resources() -> Result<()> {
    let server = stocked().await?;
    for (query, there, gone) in [
        ("_summary=true", "birthDate", "generalPractitioner"),
        ("_summary=data", "birthDate", "text"),
        ("_elements=gender", "gender", "birthDate"),
        ("_elements=Patient.gender,name", "name", "birthDate"),
        ("_summary=false", "birthDate", "text"),
    ] {
        let answer = server.client.get(&format!("/Patient?_id=b&{query}")).await?;
        let resource = answer.at("entry.0.resource").context(query)?;
        assert!(resource.get(there).is_some(), "{query}: {}", answer.text);
        assert!(
            resource.get(gone).is_none() || query == "_summary=true",
            "{query}: {}",
            answer.text
        );
        let marked = answer.text.contains("SUBSETTED");
        assert_eq!(marked, query != "_summary=false", "{query}: {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn post_searches_as_get_does() -> Result<()> {
    let server = stocked().await?;
    for (path, form, expected) in [
        ("/Patient/_search", "family=m%C3%BCl&_sort=_id", "a,b"),
        ("/Patient/_search?gender=male", "family=mul", "b"),
        ("/Patient/_search", "", "e,d,c,b,a"),
        ("/Observation/_search", "code=http%3A%2F%2Floinc.org%7C1234-5&_sort=_id", "o1,o2"),
    ] {
        let request = server
            .client
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        assert_eq!(ids(&Answer::of(request).await?), expected, "{path} {form}");
    }
    Ok(())
}

#[tokio::test]
async fn the_bundle_is_a_searchset() -> Result<()> {
    let server = stocked().await?;
    let answer = server.client.get("/Patient?family=mul&_count=1&_sort=_id").await?;
    let base = &server.client.base;
    assert_eq!(answer.text_at("type"), "searchset");
    assert_eq!(answer.text_at("entry.0.fullUrl"), format!("{base}/Patient/a"));
    assert_eq!(answer.text_at("entry.0.search.mode"), "match");
    assert_eq!(answer.link("self"), Some(format!("{base}/Patient?family=mul&_count=1&_sort=_id")));
    let next = answer.link("next").context("a next page")?;
    let second = server.client.get(&next).await?;
    assert_eq!((ids(&second).as_str(), second.link("next")), ("b", None));
    assert_eq!(second.link("self"), Some(next));
    Ok(())
}

async fn asked(server: &Fixture, query: &str, handling: &str) -> Result<Answer> {
    let request =
        server.client.request("GET", query).header("prefer", format!("handling={handling}"));
    Answer::of(request).await
}

#[tokio::test]
async fn what_is_said_twice_of_the_answer_is_refused() -> Result<()> {
    let server = stocked().await?;
    for query in [
        "_elements=name&_elements=birthDate",
        "_sort=family&_sort=birthdate",
        "_summary=count&_summary=false",
        "_count=1&gender=male&_count=2",
        "_total=none&_total=accurate",
    ] {
        for handling in ["strict", "lenient"] {
            let answer = asked(&server, &format!("/Patient?{query}"), handling).await?;
            assert_eq!(answer.status, 400, "{query} {handling}: {}", answer.text);
            assert!(answer.text.contains("it is there twice"), "{query}: {}", answer.text);
        }
    }
    Ok(())
}

/// Ignored, it would give out what the client excluded.
#[tokio::test]
async fn an_unsupported_modifier_is_refused_always() -> Result<()> {
    let server = stocked().await?;
    for (query, said) in [
        ("family:text=x", "the modifier `text` is not supported"),
        ("gender:contains=x", "the modifier `contains` is not supported"),
        ("general-practitioner:Zq7=x", "the modifier `Zq7` is not supported"),
        ("_id:not=x", "the modifier `not` is not supported"),
        ("_sort:desc=family", "_sort: it has no modifiers"),
        ("_count:foo=1", "_count: it has no modifiers"),
        ("_elements:foo=name", "_elements: it has no modifiers"),
        ("_summary:foo=true", "_summary: it has no modifiers"),
        ("_total:foo=none", "_total: it has no modifiers"),
        ("_format:foo=json", "_format: it has no modifiers"),
        ("_explain:foo=true", "_explain: it has no modifiers"),
        ("_type:not=Patient", "_type: it has no modifiers"),
    ] {
        for handling in ["strict", "lenient"] {
            let answer = asked(&server, &format!("/Patient?{query}"), handling).await?;
            assert_eq!(answer.status, 400, "{query} {handling}: {}", answer.text);
            assert!(answer.text.contains(said), "{query} {handling}: {}", answer.text);
        }
    }
    let system = server.client.get("?_type:not=Patient").await?;
    assert_eq!(system.status, 400, "{}", system.text);
    Ok(())
}

#[tokio::test]
async fn what_is_not_understood_is_refused_or_said() -> Result<()> {
    let server = stocked().await?;
    for (query, said) in [
        ("famly=x", "did you mean `family`"),
        ("birthDate=1980", "did you mean `birthdate`"),
        ("zzzzzz=1", "no search parameter `zzzzzz`"),
        ("_sort=famly", "cannot be sorted by `famly`"),
        ("_sort=_text", "cannot be sorted by `_text`"),
    ] {
        let strict = asked(&server, &format!("/Patient?{query}"), "strict").await?;
        assert_eq!(strict.status, 400, "{query}: {}", strict.text);
        assert!(strict.text.contains(said), "{query}: {}", strict.text);
        let lenient = asked(&server, &format!("/Patient?{query}&gender=male"), "lenient").await?;
        assert_eq!(ids(&lenient), "c,b", "{query}");
        assert!(lenient.text.contains(said), "{query}: {}", lenient.text);
        let entries = lenient.entries();
        let last = entries.last().context("the outcome")?;
        let mode =
            last.get("search").and_then(|search| search.get("mode")?.as_str().map(str::to_owned));
        assert_eq!(mode.as_deref(), Some("outcome"), "{query}: {}", lenient.text);
        let own = lenient.link("self").context("self")?;
        assert!(own.ends_with("/Patient?gender=male"), "{query}: {own}");
    }
    let plain = server.client.get("/Patient?famly=x&gender=male").await?;
    assert_eq!(ids(&plain), "c,b", "lenient is the default");
    Ok(())
}

/// Left out with a word, where what was asked cannot be; the self link says how the rest was read.
#[tokio::test]
async fn what_the_answer_cannot_show_is_said() -> Result<()> {
    let server = stocked().await?;
    for (query, said, own) in [
        ("_elements=gender,nosuch", "no element `nosuch`", "_elements=gender"),
        ("_elements=nosuch&gender=male", "no element `nosuch`", "gender=male"),
        ("_include=Observation:subject&gender=male", "finds no Observation", "gender=male"),
        ("_pretty=maybe&gender=male", "expected true or false", "gender=male"),
        ("_sort=-_lastUpdated,nosuch&gender=male", "the whole _sort is ignored", "gender=male"),
    ] {
        let lenient = asked(&server, &format!("/Patient?{query}"), "lenient").await?;
        assert_eq!(lenient.status, 200, "{query}: {}", lenient.text);
        assert!(lenient.text.contains(said), "{query}: {}", lenient.text);
        let link = lenient.link("self").context("self")?;
        assert!(link.ends_with(&format!("/Patient?{own}")), "{query}: {link}");
        let strict = asked(&server, &format!("/Patient?{query}"), "strict").await?;
        assert_eq!(strict.status, 400, "{query}: {}", strict.text);
    }
    // With nothing left of it, resources are whole.
    let whole = server.client.get("/Patient?_elements=nosuch").await?;
    assert!(
        !whole.text.contains("SUBSETTED") && whole.text.contains("birthDate"),
        "{}",
        whole.text
    );
    for query in [
        "?_type=Patient,Observation&_include=Observation:subject&_elements=gender,status",
        "/Patient?_revinclude=Observation:subject&_include:iterate=Observation:encounter",
    ] {
        let answer = asked(&server, query, "strict").await?;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    }
    let many = server.client.get("/Patient?_count=5000").await?;
    let link = many.link("self").context("self")?;
    assert!(link.ends_with("/Patient?_count=1000"), "{link}");
    Ok(())
}

/// What many unknown elements cost, and what is told of them, is bounded.
#[tokio::test]
async fn elements_are_so_many_at_most() -> Result<()> {
    let server = stocked().await?;
    let names = |many: usize| (0..many).map(|n| format!("x{n}")).collect::<Vec<_>>().join(",");
    let answer = asked(&server, &format!("/Patient?_elements={}", names(201)), "lenient").await?;
    assert_eq!(
        (answer.status, answer.text_at("issue.0.expression.0").as_str()),
        (400, "http._elements")
    );
    let answer = asked(&server, &format!("/Patient?_elements={}", names(200)), "strict").await?;
    assert_eq!(answer.status, 400);
    assert!(answer.at("issue.7").is_some() && answer.at("issue.8").is_none(), "{}", answer.text);
    Ok(())
}
