//! Work that no request asks for: forgets what has grown old, makes the next months' partitions, indexes
//! anew.

use std::sync::Arc;

use anyhow::Result;
use auth::{Keyring, Known, Refusals};
use chrono::{DateTime, Utc};
use domain::Domain;
use domain::interactions::reindex::index_more;
use domain::parameters::look;
use store::{AuthStore, DataKeys, Keys, Store, Succession, Told};
use telemetry::event::GlassBroken;
use telemetry::{Emit, Ticks};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::keys::rotate;
use crate::limits::{
    ALERT_EVERY, HEAR_EVERY, INDEX_LOOK_EVERY, KEYS_LOOK_EVERY, KEYS_RETRY, METRICS_EVERY,
    SETTLE_EVERY, SWEEP_EVERY,
};
use crate::metrics;
use crate::settings::Settings;

/// Sweeps at once, then every hour, until told to stop.
pub(crate) fn sweeping(
    store: Store,
    accounts: Option<AuthStore>,
    stop: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(SWEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => sweep(&store, accounts.as_ref()).await,
            }
        }
    })
}

async fn sweep(store: &Store, accounts: Option<&AuthStore>) {
    // All are statements that may be repeated: a fault waits for the next hour.
    match store.sweep().await {
        Ok(swept) => tracing::debug!(swept, "Swept."),
        Err(error) => tracing::warn!(%error, cause = ?error.cause, "The sweep failed."),
    }
    if let Some(accounts) = accounts
        && let Err(error) = accounts.sweep().await
    {
        tracing::warn!(%error, cause = ?error.cause, "The sweep of ended sessions failed.");
    }
    if let Err(error) = store.ensure_partitions().await {
        tracing::warn!(%error, cause = ?error.cause, "Partitions could not be made.");
    }
}

/// Tells those who watch of each access in an emergency, soon after it began, until told to stop.
pub(crate) fn alerting(accounts: AuthStore, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(ALERT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // A fault waits for the next time; who was told twice was told.
            if let Err(error) = alert(&accounts).await {
                tracing::warn!(%error, cause = ?error.cause, "Nobody could be told of access in emergencies.");
            }
        }
    })
}

async fn alert(accounts: &AuthStore) -> canonical_model::Result<()> {
    let all = accounts.unalerted().await?;
    for one in &all {
        GlassBroken { number: one.number, subject: &one.sub }.emit();
    }
    if all.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = all.iter().map(|one| one.number).collect();
    accounts.alerted(&numbers).await
}

/// Learns what is over twice a second, over a connection of its own, until told to stop; from its answer on all is
/// known that was over before.
///
/// # Errors
/// The database cannot be asked.
pub(crate) async fn hearing(
    url: &str,
    keys: Keyring,
    stop: CancellationToken,
) -> Result<(Arc<Known>, JoinHandle<()>)> {
    let store = AuthStore::connect(url).await?;
    let known = Arc::new(Known::new(Ticks::system()));
    let (told, mut since) = store.changes(None).await?;
    known.hear(known.now(), told);
    let hearer = Arc::clone(&known);
    let hearing = tokio::spawn(async move {
        let mut ticks = interval(HEAR_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let asked_at = hearer.now();
            match learnt(&store, &keys, Some(since)).await {
                Ok((changes, at)) => {
                    hearer.hear(asked_at, changes);
                    since = at;
                }
                Err(error) => {
                    tracing::warn!(%error, cause = ?error.cause, "What is over cannot be learnt.");
                }
            }
        }
        store.close().await;
    });
    Ok((known, hearing))
}

/// The keys first: what they signed is judged by them, and who does not know them must not pass for one who does.
async fn learnt(
    store: &AuthStore,
    keys: &Keyring,
    since: Option<DateTime<Utc>>,
) -> canonical_model::Result<(Vec<Told>, DateTime<Utc>)> {
    keys.hear(&store.signing_keys(false).await?);
    store.changes(since).await
}

/// Has another key follow those that signed for so many days, until told to stop.
pub(crate) fn rotating(
    keys: Keyring,
    settings: &Settings,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let (days, lead_s) = (settings.auth.rotate_days, settings.auth.key_lead_s);
    let clock = settings.clock.clone();
    tokio::spawn(async move {
        let mut ticks = interval(KEYS_LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let when = Succession::Announced { lead_s, after_days: Some(days.into()) };
        if days == 0 {
            return;
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // A fault waits for the next look: the key of before goes on.
            if let Err(error) = rotate(&keys, clock.now(), when).await {
                tracing::warn!(%error, cause = ?error.cause, "Keys could not be rotated.");
            }
        }
    })
}

/// Tells each minute what was refused beyond what has rows of its own, and at the end, until told to stop.
pub(crate) fn settling(refusals: Refusals, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(SETTLE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => true,
                _ = ticks.tick() => false,
            };
            // A fault waits for the next minute: the count goes on.
            if let Err(error) = refusals.settle().await {
                tracing::warn!(%error, cause = ?error.cause, "What was refused could not be summed up in the record.");
            }
            if ended {
                break;
            }
        }
    })
}

/// Takes the keys of what is sealed out of their wrapping again and again, until told to stop: new ones are known then,
/// and they are forgotten where that fails for long.
pub(crate) fn keeping_keys(kept: DataKeys, keys: Keys, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = kept.every();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
            }
            pause = match kept.refresh(&keys).await {
                Ok(()) => kept.every(),
                Err(error) => {
                    tracing::warn!(%error, cause = ?error.cause, "The keys of what is sealed could not be had anew.");
                    kept.every() / KEYS_RETRY
                }
            };
        }
        kept.close().await;
    })
}

/// Holds space back for a full disk, until told to stop.
pub(crate) fn keeping_reserve(store: Store, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = store.keep_reserve() => {}
        }
    })
}

/// Folds what the metrics collected, until told to stop.
pub(crate) fn metering(stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let recorder = metrics::recorder();
        let mut ticks = interval(METRICS_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => recorder.run_upkeep(),
            }
        }
    })
}

/// Indexes anew what has an older form, until told to stop: half of the time, so that others get theirs.
pub(crate) fn indexing(domain: Domain, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let begun = Instant::now();
            look_at_parameters(&domain).await;
            let pause = match index_more(&domain).await {
                Ok(Some(_)) => begun.elapsed(),
                Ok(None) => INDEX_LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(%error, cause = ?error.cause, "Resources could not be indexed anew.");
                    INDEX_LOOK_EVERY
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
                () = domain.index_work() => {}
            }
        }
    })
}

/// A fault waits for the next look.
async fn look_at_parameters(domain: &Domain) {
    if let Err(error) = look(domain).await {
        tracing::warn!(%error, cause = ?error.cause, "Search parameters could not be looked at.");
    }
}

/// Looks what others have changed of the index, and how far they have come, until told to stop.
pub(crate) fn watching_index(domain: Domain, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(INDEX_LOOK_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {
                    look_at_parameters(&domain).await;
                    drop(domain.store().indexing().await);
                }
            }
        }
    })
}
