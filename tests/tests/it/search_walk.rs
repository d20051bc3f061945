//! Walking pages while others write: what did not change appears once, what did at most once; and
//! a page's link is of use to its client only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use auth::{ClientConfig, Secret, SecretHash};
use futures::future::try_join_all;
use it::{Answer, Client, Fixture};
use telemetry::Clock;

use crate::search::ids;

const STABLE: usize = 60;
const WRITERS: usize = 4;
/// Resources that each writer changes.
const VOLATILE: usize = 12;

const SORTS: [&str; 13] = [
    "",
    "_sort=_id",
    "_sort=-_id",
    "_sort=_lastUpdated",
    "_sort=-_lastUpdated",
    "_sort=family",
    "_sort=-family",
    "_sort=name",
    "gender=female&_sort=-name",
    "_sort=birthdate",
    "_sort=-birthdate,family",
    "gender=female&_sort=family,-birthdate",
    "gender=female",
];

fn person(id: &str, random: &mut fastrand::Rng) -> String {
    const FAMILIES: [&str; 5] = ["Abel", "Baum", "Ceder", "Dahl", "Eich"];
    let name = |random: &mut fastrand::Rng| {
        let family = FAMILIES[random.usize(..5)];
        let given = if random.bool() { r#","given":["Ceder","Ada"]"# } else { "" };
        format!(r#"{{"family":"{family}"{given}}}"#)
    };
    let born = match random.usize(..4) {
        0 => String::new(),
        n => format!(r#","birthDate":"19{}0-0{}""#, n + 5, random.usize(1..10)),
    };
    // Some have no name, and some several: of these the first or the last in the order counts.
    let names: Vec<String> = (0..random.usize(..3)).map(|_| name(random)).collect();
    let named = match names.as_slice() {
        [] => String::new(),
        names => format!(r#","name":[{}]"#, names.join(",")),
    };
    format!(r#"{{"resourceType":"Patient","id":"{id}","gender":"female"{born}{named}}}"#)
}

async fn put(client: &Client, id: &str, random: &mut fastrand::Rng) -> Result<()> {
    let answer = client.send("PUT", &format!("/Patient/{id}"), &person(id, random)).await?;
    anyhow::ensure!(matches!(answer.status, 200 | 201), "{}", answer.text);
    Ok(())
}

/// Updates, deletes, brings back and creates until told to stop; returns how often.
async fn write(client: Client, writer: usize, stop: Arc<AtomicBool>) -> Result<usize> {
    let mut random = fastrand::Rng::with_seed(writer as u64);
    let mut writes = 0;
    while !stop.load(Ordering::Relaxed) {
        let id = format!("v{writer}-{}", random.usize(..VOLATILE));
        match random.usize(..10) {
            0 => put(&client, &format!("n{writer}-{writes}"), &mut random).await?,
            1 | 2 => {
                let path = format!("/Patient/{id}");
                let answer = Answer::of(client.request("DELETE", &path)).await?;
                anyhow::ensure!(answer.status < 300, "{}", answer.text);
            }
            _ => put(&client, &id, &mut random).await?,
        }
        writes += 1;
    }
    Ok(writes)
}

/// The ids of all pages, in order.
pub(crate) async fn walk(client: &Client, first: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(url) = next {
        let page = client.get(&url).await?;
        anyhow::ensure!(page.status == 200, "{url}: {}", page.text);
        all.extend(ids(&page).split(',').filter(|id| !id.is_empty()).map(str::to_owned));
        next = page.link("next");
    }
    Ok(all)
}

fn stable(ids: &[String]) -> Vec<&String> {
    ids.iter().filter(|id| id.starts_with('s')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_under_writers_meets_each_resource_once() -> Result<()> {
    let server = Fixture::start().await?;
    let mut random = fastrand::Rng::with_seed(7);
    for n in 0..STABLE {
        put(&server.client, &format!("s{n:02}"), &mut random).await?;
    }
    for (writer, n) in (0..WRITERS).flat_map(|writer| (0..VOLATILE).map(move |n| (writer, n))) {
        put(&server.client, &format!("v{writer}-{n}"), &mut random).await?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(server.client.clone(), writer, Arc::clone(&stop))))
        .collect();
    let mut walks = Vec::new();
    for sort in SORTS.iter().cycle().take(SORTS.len() * 2) {
        walks.push((sort, walk(&server.client, &format!("/Patient?_count=7&{sort}")).await));
    }
    stop.store(true, Ordering::Relaxed);
    let mut writes = 0;
    for done in try_join_all(writers).await? {
        writes += done?;
    }
    assert!(writes > 100, "only {writes} writes");
    for (sort, found) in walks {
        let found = found.context(*sort)?;
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        found.iter().for_each(|id| *counts.entry(id).or_default() += 1);
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{sort}: more than once: {twice:?}");
        let quiet = walk(&server.client, &format!("/Patient?_count=1000&{sort}")).await?;
        assert_eq!(stable(&found), stable(&quiet), "{sort}");
        assert_eq!(stable(&quiet).len(), STABLE, "{sort}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_any_size_are_the_whole() -> Result<()> {
    let server = Fixture::start().await?;
    let mut random = fastrand::Rng::with_seed(3);
    for n in 0..30 {
        put(&server.client, &format!("s{n:02}"), &mut random).await?;
    }
    for sort in SORTS {
        let whole = walk(&server.client, &format!("/Patient?_count=1000&{sort}")).await?;
        assert_eq!(whole.len(), 30, "{sort}");
        for count in [1, 7, 29, 30, 31] {
            let paged = walk(&server.client, &format!("/Patient?_count={count}&{sort}")).await?;
            assert_eq!(paged, whole, "{sort} by {count}");
        }
    }
    Ok(())
}

/// Adds a client whose secret is known.
fn known_client(settings: &mut server::Settings) {
    let secret = SecretHash::of(&Secret::new("s3cret".to_owned())).expect("random bytes");
    settings.clients.push(ClientConfig {
        id: "other".to_owned(),
        secret: Some(secret),
        scope: "system/*.cruds".to_owned(),
        ..ClientConfig::default()
    });
}

#[tokio::test]
async fn a_page_link_ends_after_a_day() -> Result<()> {
    let clock = Clock::manual(Clock::system().now());
    let server = Fixture::start_with(|settings| {
        known_client(settings);
        settings.clock = clock.clone();
    })
    .await?;
    let mut random = fastrand::Rng::with_seed(5);
    let client = Client::connect(server.origin()?, "other", "s3cret").await?;
    for n in 0..5 {
        put(&client, &format!("s{n}"), &mut random).await?;
    }
    let next = client.get("/Patient?_count=2").await?.link("next").context("a next page")?;
    for (hours, status) in [(23, 200), (2, 410)] {
        clock.advance(std::time::Duration::from_secs(hours * 3600));
        // A token lives for minutes.
        let client = Client::connect(server.origin()?, "other", "s3cret").await?;
        let answer = client.get(&next).await?;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_page_link_is_of_use_to_its_client_only() -> Result<()> {
    let server = Fixture::start_with(known_client).await?;
    let other = Client::connect(server.origin()?, "other", "s3cret").await?;
    let mut random = fastrand::Rng::with_seed(5);
    for n in 0..5 {
        put(&server.client, &format!("s{n}"), &mut random).await?;
    }
    for path in
        ["/Patient?_count=2", "/Patient?_count=2&_sort=family", "/Patient/_history?_count=2"]
    {
        let next = server.client.get(path).await?.link("next").context(path)?;
        assert_eq!(server.client.get(&next).await?.status, 200, "{path}");
        refuse(&other, &next).await?;
        let (before, link) = next.split_once("_page=").context("a link")?;
        let letters: Vec<char> = link.chars().collect();
        for n in 0..letters.len() {
            let mut edited = letters.clone();
            edited[n] = if edited[n] == 'A' { 'B' } else { 'A' };
            let edited: String = edited.iter().collect();
            refuse(&server.client, &format!("{before}_page={edited}")).await?;
        }
        let (shorter, later) = (letters.len() - 1, letters.iter().skip(1).collect::<String>());
        let cut: String = letters.iter().take(shorter).collect();
        for edited in ["", "AAAA", &later, &cut, &format!("{link}{link}")] {
            refuse(&server.client, &format!("{before}_page={edited}")).await?;
        }
    }
    let by_name = server.client.get("/Patient?_count=2&_sort=family").await?.link("next");
    let link = by_name.context("a next page")?;
    let (_, link) = link.split_once("_page=").context("a link")?;
    refuse(&server.client, &format!("/Patient?_count=2&_sort=birthdate&_page={link}")).await?;
    refuse(&server.client, &format!("/Patient/_history?_page={link}")).await
}

async fn refuse(client: &Client, url: &str) -> Result<()> {
    let answer = client.get(url).await?;
    assert_eq!(answer.status, 400, "{url}: {}", answer.text);
    assert_eq!(answer.text_at("resourceType"), "OperationOutcome");
    assert!(answer.text.contains("_page"), "{}", answer.text);
    Ok(())
}
