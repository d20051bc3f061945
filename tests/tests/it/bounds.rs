//! What is too much is refused whole or comes in parts, and costs nobody else anything.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use it::{Answer, Fixture};

use crate::blobs::basic;

#[tokio::test]
async fn a_resource_with_too_many_values_to_find_it_by_is_refused_at_once() -> Result<()> {
    let server = Fixture::start().await?;
    let list = |items: usize| {
        let entries: Vec<String> =
            (0..items).map(|n| format!(r#"{{"item":{{"reference":"Patient/p{n}"}}}}"#)).collect();
        format!(
            r#"{{"resourceType":"List","status":"current","mode":"working","subject":{{"reference":"Patient/s"}},"entry":[{}]}}"#,
            entries.join(",")
        )
    };
    let fits = server.client.send("POST", "/List", &list(3_000)).await?;
    assert_eq!(fits.status, 201, "{}", fits.text);
    // Each is found by all of its values, or refused.
    let found = server.client.get("/List?subject=Patient/s&item=Patient/p2999").await?;
    assert_eq!(found.entries().len(), 1, "{}", found.text);
    let refused = server.client.send("POST", "/List", &list(100_000)).await?;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("values to be found by"), "{}", refused.text);
    let given: Vec<String> = (0..200_000).map(|n| format!("\"{n:x}\"")).collect();
    let named =
        format!(r#"{{"resourceType":"Patient","name":[{{"given":[{}]}}]}}"#, given.join(","));
    assert_eq!(server.client.send("POST", "/Patient", &named).await?.status, 422);
    Ok(())
}

#[tokio::test]
async fn a_page_of_large_resources_ends_early_and_the_walk_meets_each_once() -> Result<()> {
    let server = Fixture::start().await?;
    let all = ["a", "b", "c", "d", "e"].map(str::to_owned);
    for id in &all {
        let body = basic(id, 3_900_000);
        let written = server.client.send("PUT", &format!("/Basic/{id}"), &body).await?;
        assert_eq!(written.status, 201, "{}", written.text);
    }
    for start in ["/Basic?_count=100", "/Basic/_history?_count=100", "/_history?_count=100"] {
        let (mut met, mut pages, mut path) = (Vec::new(), 0, Some(start.to_owned()));
        while let Some(next) = path {
            let page = server.client.get(&next).await?;
            assert_eq!(page.status, 200, "{next}");
            for entry in page.entries() {
                let resource = entry.get("resource").context("a resource")?;
                let id = resource.get("id").and_then(|id| id.as_str()).context("an id")?;
                met.push(id.to_owned());
            }
            pages += 1;
            path = page.link("next").map(|link| {
                link.split_once("/fhir").map_or(link.clone(), |(_, path)| path.to_owned())
            });
        }
        met.sort();
        assert_eq!((met.as_slice(), pages > 1), (all.as_slice(), true), "{start}");
    }
    Ok(())
}

/// Who announces much and sends nothing is told so, and keeps nobody waiting.
#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() -> Result<()> {
    let grace = Duration::from_millis(500);
    let server = Fixture::start_with(|settings| settings.bodies.grace = grace).await?;
    let announced = 16 * 1024 * 1024;
    let idle = |n: u64| {
        let never = stream::pending::<std::io::Result<Vec<u8>>>();
        let some = stream::once(async move { Ok(vec![b' '; 1000 * usize::from(n > 0)]) });
        let request = server.client.request("POST", "");
        let request = request
            .header("content-type", "application/fhir+json")
            .header("content-length", announced);
        Answer::of(request.body(reqwest::Body::wrap_stream(some.chain(never))))
    };
    let large = basic("large", 2_000_000);
    let start = Instant::now();
    let (silent, slow, third, heard) =
        tokio::join!(idle(0), idle(1), idle(1), server.client.send("POST", "/Basic", &large));
    for refused in [silent?, slow?, third?] {
        assert_eq!(refused.status, 408, "{}", refused.text);
        assert!(refused.text.contains("too slowly"), "{}", refused.text);
    }
    let heard = heard?;
    assert_eq!(heard.status, 201, "{}", heard.text);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    Ok(())
}
