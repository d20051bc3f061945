//! Walks near a place while others move what is there: what stays is met once, what moves at most once, and
//! what is far never.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use futures::future::try_join_all;
use it::{Answer, Client, Fixture};

use crate::search_walk::walk;

const STABLE: usize = 40;
const FAR: usize = 10;
const WRITERS: usize = 2;
/// Places that each writer moves.
const MOVING: usize = 8;
const WALKS: usize = 12;
/// Three kilometres: hundredths of a degree around a city.
const NEAR: &str = "near=42.35%7C-71.05%7C3%7Ckm";

async fn put(client: &Client, id: &str, (latitude, longitude): (&str, &str)) -> Result<()> {
    let body = format!(
        r#"{{"resourceType":"Location","id":"{id}","status":"active","position":{{"latitude":{latitude},"longitude":{longitude}}}}}"#
    );
    let answer = client.send("PUT", &format!("/Location/{id}"), &body).await?;
    anyhow::ensure!(matches!(answer.status, 200 | 201), "{}", answer.text);
    Ok(())
}

/// Here, elsewhere on the same latitude, and far away.
fn place(random: &mut fastrand::Rng) -> (&'static str, &'static str) {
    [("42.351", "-71.051"), ("42.345", "-71.049"), ("42.351", "-70.05"), ("-42.35", "-71.05")]
        [random.usize(..4)]
}

async fn shift(client: Client, writer: usize, stop: Arc<AtomicBool>) -> Result<usize> {
    let mut random = fastrand::Rng::with_seed(writer as u64);
    let mut writes = 0;
    while !stop.load(Ordering::Relaxed) {
        let id = format!("m{writer}-{}", random.usize(..MOVING));
        if random.usize(..5) == 0 {
            let deleted = client.request("DELETE", &format!("/Location/{id}"));
            let answer = Answer::of(deleted).await?;
            anyhow::ensure!(answer.status < 300, "{}", answer.text);
        } else {
            put(&client, &id, place(&mut random)).await?;
        }
        writes += 1;
    }
    Ok(writes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_near_a_place_under_writers() -> Result<()> {
    let server = Fixture::start().await?;
    for n in 0..STABLE {
        put(&server.client, &format!("s{n:02}"), ("42.350", "-71.050")).await?;
    }
    for n in 0..FAR {
        put(&server.client, &format!("f{n:02}"), ("42.350", "-70.050")).await?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(shift(server.client.clone(), writer, Arc::clone(&stop))))
        .collect();
    let mut walks = Vec::new();
    for n in 0..WALKS {
        let sort = ["", "&_sort=_id", "&_sort=-_lastUpdated"][n % 3];
        walks.push(walk(&server.client, &format!("/Location?{NEAR}&_count=7{sort}")).await);
    }
    stop.store(true, Ordering::Relaxed);
    let mut writes = 0;
    for done in try_join_all(writers).await? {
        writes += done?;
    }
    assert!(writes > 50, "only {writes} writes");
    for found in walks {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        found?.into_iter().for_each(|id| *counts.entry(id).or_default() += 1);
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "more than once: {twice:?}");
        assert_eq!(counts.keys().filter(|id| id.starts_with('s')).count(), STABLE);
        assert_eq!(counts.keys().filter(|id| id.starts_with('f')).count(), 0);
    }
    Ok(())
}
