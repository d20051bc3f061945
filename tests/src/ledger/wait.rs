//! Waiting for conditions, each with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use sqlx::PgConnection;

/// Between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Shorter than the server's own limit for idle transactions, which must not be what ends them.
const QUIET_MAX: Duration = Duration::from_secs(8);

/// Looks until the condition is met; returns how long that took.
///
/// # Errors
/// It is not met within the limit.
pub async fn until(
    what: &str,
    limit: Duration,
    mut met: impl AsyncFnMut() -> bool,
) -> Result<Duration> {
    let began = Instant::now();
    while !met().await {
        if began.elapsed() > limit {
            bail!("{what}: not within {limit:?}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(began.elapsed())
}

/// Waits until no session of the server works or sits inside a transaction.
///
/// # Errors
/// One still does when everybody has long had an answer.
pub async fn quiet(connection: &mut PgConnection) -> Result<()> {
    const BUSY: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'";
    until(
        "the database is quiet, and no session is idle in a transaction",
        QUIET_MAX,
        async || {
            sqlx::query_scalar::<_, i64>(BUSY).fetch_one(&mut *connection).await.ok() == Some(0)
        },
    )
    .await?;
    Ok(())
}
