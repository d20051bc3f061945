//! Asks the server and compares: what is found, in which order, how many, page by page.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use canonical_model::Value;
use it::{Client, Fixture};

use super::ask::Ask;
use super::world::{DEFINITIONS, World, deletes, name, part};

/// A server that holds these resources, after all that they were before, and the definitions they are
/// searched by.
pub(super) async fn holding(world: &World) -> Result<Fixture> {
    let server = Fixture::start().await?;
    let definitions = DEFINITIONS.iter().map(|it| canonical_model::json::parse(it.as_bytes()));
    write(&server.client, "transaction", &definitions.collect::<Result<Vec<_>, _>>()?).await?;
    // Entries of a batch are writes of their own.
    for (writes, kind) in world.rounds().iter().zip(["transaction", "batch"].iter().cycle()) {
        write(&server.client, kind, writes).await?;
    }
    Ok(server)
}

async fn write(client: &Client, kind: &str, writes: &[Value]) -> Result<()> {
    let entry = |value: &Value| {
        let name = name(value);
        if deletes(value) {
            return format!(r#"{{"request":{{"method":"DELETE","url":"{name}"}}}}"#);
        }
        let text = value.to_text().replace("BASE/", &format!("{}/", client.base));
        format!(r#"{{"request":{{"method":"PUT","url":"{name}"}},"resource":{text}}}"#)
    };
    let entries: Vec<String> = writes.iter().map(entry).collect();
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#, entries.join(","));
    let answer = client.send("POST", "", &bundle).await?;
    anyhow::ensure!(answer.status == 200, "{}", answer.text);
    for entry in answer.entries() {
        let status = entry.get("response").map(|it| part(it, "status").to_owned());
        let status = status.unwrap_or_default();
        anyhow::ensure!(status.starts_with('2'), "{kind}: {status}");
    }
    Ok(())
}

/// What is wrong with the server's answer; nothing where all is well.
pub(super) async fn fault(client: &Client, world: &World, ask: &Ask) -> Result<Option<String>> {
    let url = ask.url(&client.base);
    let answer = client.get(&format!("{url}&_count=1000&_total=accurate")).await?;
    if answer.status != 200 {
        return Ok(Some(format!("{}: {}", answer.status, answer.text)));
    }
    let found = ids(&answer.text);
    let matching = world.now.iter().filter(|it| ask.holds(world, it));
    let expected: BTreeSet<&str> = matching.map(|it| part(it, "id")).collect();
    let distinct: BTreeSet<&str> = found.iter().copied().collect();
    let total = format!(r#""total":{},"#, expected.len());
    if distinct != expected || found.len() != expected.len() {
        let lost: Vec<_> = expected.difference(&distinct).collect();
        let extra: Vec<_> = distinct.difference(&expected).collect();
        return Ok(Some(format!("lost {lost:?}, extra {extra:?}, {} found", found.len())));
    }
    if !answer.text.contains(&total) {
        return Ok(Some(format!("the total is not {}", expected.len())));
    }
    Ok(disorder(world, ask, &found))
}

fn disorder(world: &World, ask: &Ask, found: &[&str]) -> Option<String> {
    let resource = |id: &str| world.of_kind(ask.kind).find(|it| part(it, "id") == id);
    found.windows(2).find_map(|two| {
        let [one, other] = two else { return None };
        let (a, b) = resource(one).zip(resource(other))?;
        (!ask.in_order(a, b)).then(|| format!("{one} stands before {other}"))
    })
}

/// The ids of a page's entries, in order, without reading the resources.
fn ids(bundle: &str) -> Vec<&str> {
    let urls = bundle.split(r#""fullUrl":""#).skip(1).filter_map(|rest| rest.split('"').next());
    urls.filter_map(|url| url.rsplit('/').next()).collect()
}

/// The ids found by walking small pages, in order.
pub(super) async fn walked(client: &Client, ask: &Ask) -> Result<Vec<String>> {
    let mut next = Some(format!("{}&_count=3", ask.url(&client.base)));
    let mut found = Vec::new();
    while let Some(url) = next {
        let page = client.get(&url).await?;
        anyhow::ensure!(page.status == 200, "{url}: {}", page.text);
        found.extend(ids(&page.text).into_iter().map(str::to_owned));
        next = page.link("next");
    }
    Ok(found)
}

/// The ids found at once, in order.
pub(super) async fn whole(client: &Client, ask: &Ask) -> Result<Vec<String>> {
    let page = client.get(&format!("{}&_count=1000", ask.url(&client.base))).await?;
    page.json().context("a bundle")?;
    Ok(ids(&page.text).into_iter().map(str::to_owned).collect())
}
