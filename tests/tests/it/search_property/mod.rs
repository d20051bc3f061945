//! Thousands of random searches over random resources find what a naive reading of the specification
//! finds: every kind of parameter, modifier and prefix, chains, `_has`, `_filter`, `_sort`, alone and
//! together; in one type, in several, in a compartment; with what joins the answer; and for an app of one
//! patient no more than it may see. A failure is made small and kept, and played first from then on.

mod ask;
mod caller;
mod dice;
mod include;
mod judge;
mod make;
mod meaning;
mod params;
mod place;
mod replay;
mod shrink;
mod values;
mod wide;
mod world;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};

use ask::Ask;
use dice::Dice;
use judge::{Server, fault, walk};
use shrink::shrink;
use world::World;

/// Searches of one type over one world.
const SEARCHES: usize = 1_000;
/// Searches elsewhere, with includes, by others.
const WIDE: usize = 700;
/// Of so many, one is walked page by page too.
const WALKED: usize = 25;
/// Searches at a time.
const AT_ONCE: usize = 6;
/// Failures that are made small.
const SHRUNK_MAX: usize = 4;

/// Plays searches over one random world.
async fn play(seed: u64) -> Result<()> {
    let world = World::random(seed)?;
    let server = Server::holding(&world).await?;
    let mut dice = Dice { random: fastrand::Rng::with_seed(seed), world: &world };
    let mut asks: Vec<Ask> =
        std::iter::repeat_with(|| dice.ask()).flatten().take(SEARCHES).collect();
    asks.extend(std::iter::repeat_with(|| dice.wide()).flatten().take(WIDE));
    let failing: Vec<Ask> = stream::iter(asks.iter().enumerate())
        .map(|(n, ask)| judge_one(&server, &world, n, ask))
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|failing| std::future::ready(Ok(failing)))
        .try_collect()
        .await?;
    let count = failing.len();
    let mut said = Vec::new();
    for ask in failing.into_iter().take(SHRUNK_MAX) {
        said.push(shrink(&server, &world, ask).await?);
    }
    assert!(said.is_empty(), "{count} of {} (seed {seed}):\n{}", asks.len(), said.join("\n"));
    let (of_one, wide) = asks.split_at(SEARCHES);
    for (what, asks) in [("of one type", of_one), ("elsewhere", wide)] {
        let matched = asks.iter().filter(|ask| finds(&world, ask)).count();
        assert!(matched > asks.len() / 4, "only {matched} searches {what} had a match");
    }
    Ok(())
}

fn finds(world: &World, ask: &Ask) -> bool {
    let world = world.seen(ask.caller.as_ref());
    !ask.is_forbidden() && world.now.iter().any(|it| ask.holds(&world, it))
}

/// The search, where the server fails it.
async fn judge_one(server: &Server, world: &World, n: usize, ask: &Ask) -> Result<Option<Ask>> {
    let url = ask.url(server.base());
    if fault(server, world, ask).await.context(url.clone())?.is_some() {
        return Ok(Some(ask.clone()));
    }
    if n.is_multiple_of(WALKED) {
        walk(server, world, ask).await.context(url)?;
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_searches_of_random_resources() -> Result<()> {
    replay::replay().await?;
    // The same searches each time, unless others are asked for; a failing one is played again by its seed.
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
