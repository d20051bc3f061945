//! Thousands of random searches over random resources find what a naive reading of the specification
//! finds: every kind of parameter, modifier and prefix, chains, `_has`, `_filter`, `_sort`, alone and
//! together. A failure is made small and kept, and played first from then on.

mod ask;
mod dice;
mod judge;
mod meaning;
mod params;
mod shrink;
mod world;

use anyhow::{Context, Result};
use canonical_model::Value;
use canonical_model::json::parse;
use futures::{StreamExt, TryStreamExt, stream};
use it::Client;

use ask::Ask;
use dice::Dice;
use judge::{fault, holding, walked, whole};
use shrink::{kept, shrink};
use world::{World, part};

/// Searches over one world.
const SEARCHES: usize = 1_000;
/// Of so many, one is walked page by page too.
const WALKED: usize = 25;
/// Searches at a time.
const AT_ONCE: usize = 6;
/// Failures that are made small.
const SHRUNK_MAX: usize = 4;

/// Plays searches over one random world.
async fn play(seed: u64) -> Result<()> {
    let world = World::random(seed)?;
    let server = holding(&world).await?;
    let mut dice = Dice { random: fastrand::Rng::with_seed(seed), world: &world };
    let asks: Vec<Ask> = std::iter::repeat_with(|| dice.ask()).flatten().take(SEARCHES).collect();
    let failing: Vec<Ask> = stream::iter(asks.iter().enumerate())
        .map(|(n, ask)| judge_one(&server.client, &world, n, ask))
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|failing| std::future::ready(Ok(failing)))
        .try_collect()
        .await?;
    let matched =
        asks.iter().filter(|ask| world.now.iter().any(|it| ask.holds(&world, it))).count();
    let count = failing.len();
    let mut said = Vec::new();
    for ask in failing.into_iter().take(SHRUNK_MAX) {
        said.push(shrink(&server.client, &world, ask).await?);
    }
    assert!(said.is_empty(), "{count} of {SEARCHES} (seed {seed}):\n{}", said.join("\n"));
    assert!(matched > SEARCHES / 4, "only {matched} searches had a match");
    Ok(())
}

/// The search, where the server fails it.
async fn judge_one(client: &Client, world: &World, n: usize, ask: &Ask) -> Result<Option<Ask>> {
    let url = ask.url(&client.base);
    if fault(client, world, ask).await.context(url.clone())?.is_some() {
        return Ok(Some(ask.clone()));
    }
    if n.is_multiple_of(WALKED) {
        let (pages, all) = (walked(client, ask).await?, whole(client, ask).await?);
        anyhow::ensure!(pages == all, "{url}: pages of {pages:?}, at once {all:?}");
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_searches_of_random_resources() -> Result<()> {
    replay().await?;
    // Every run tries other worlds; a failing one is played again by its seed.
    // The same searches each time, unless others are asked for.
    let seed = match std::env::var("SEARCH_SEED") {
        Ok(seed) if seed == "random" => fastrand::u64(..1 << 32),
        Ok(seed) => seed.parse().context("SEARCH_SEED is a number, or `random`")?,
        Err(_) => 1,
    };
    println!("SEARCH_SEED={seed}");
    for seed in [seed, seed + 1, seed + 2] {
        play(seed).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}

/// Plays what failed once.
async fn replay() -> Result<()> {
    let cases = match std::fs::read_to_string(kept()) {
        Ok(cases) => cases,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    let mut wrong = Vec::new();
    for case in cases.lines().filter(|line| !line.trim().is_empty()) {
        let case = parse(case.as_bytes())?;
        let list =
            |name: &str| case.get(name).and_then(Value::as_array).unwrap_or_default().to_vec();
        let server = holding(&World { now: list("resources"), past: list("past") }).await?;
        let url = part(&case, "search").replace("BASE", &server.client.base);
        let answer = server.client.get(&format!("{url}&_count=1000")).await?;
        let mut found: Vec<String> = answer
            .entries()
            .iter()
            .filter_map(|entry| Some(part(entry.get("resource")?, "id").to_owned()))
            .collect();
        let mut expected: Vec<String> =
            list("expected").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        found.sort();
        expected.sort();
        if answer.status != 200 || found != expected {
            wrong.push(format!("{url}: {} {found:?}, not {expected:?}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "cases that failed before:\n{}", wrong.join("\n"));
    Ok(())
}
