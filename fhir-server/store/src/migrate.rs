//! Forward-only migrations, embedded in the binary. Expand first, contract a release later.

use canonical_model::{Error, Kind, Result};
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

use crate::error::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Brings the database up to this binary's schema. Several may run it at once.
///
/// # Errors
/// Unavailable where the database cannot be reached; Internal where a migration fails.
pub async fn migrate(url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await.map_err(StoreError)?;
    MIGRATIONS.run(&mut connection).await.map_err(Error::internal)?;
    sqlx::query("select ensure_partitions(now() + interval '3 months')")
        .execute(&mut connection)
        .await
        .map_err(StoreError)?;
    connection.close().await.map_err(StoreError)?;
    Ok(())
}

/// Whether every migration of this binary has been applied, `false` where only the newest has not:
/// each release runs on the schema before its own, so servers may be replaced before the database
/// is migrated.
///
/// # Errors
/// Unavailable with the command to run where more are missing.
pub async fn schema_is_current(url: &str) -> Result<bool> {
    let mut connection = PgConnection::connect(url).await.map_err(StoreError)?;
    let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    let applied: Vec<i64> = sqlx::query_scalar(
        "select version from _sqlx_migrations where success and version = any($1)",
    )
    .bind(&known)
    .fetch_all(&mut connection)
    .await
    .map_err(StoreError)?;
    connection.close().await.map_err(StoreError)?;
    let newest = known.iter().max();
    let missing: Vec<&i64> = known.iter().filter(|version| !applied.contains(version)).collect();
    match missing.as_slice() {
        [] => Ok(true),
        [only] if Some(*only) == newest => Ok(false),
        _ => Err(Error::new(
            Kind::Unavailable,
            "The database's schema is older than this server. Run `carebridge migrate` first.",
        )),
    }
}
