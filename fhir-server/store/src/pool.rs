//! The pool of connections and what every session promises.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use canonical_model::{Error, Result};
use search::Hasher;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};

use crate::error::StoreError;
use crate::group::{Group, Verb};
use crate::limits::{
    ACQUIRE_MS_MAX, GROUP_WRITERS, IDLE_IN_TRANSACTION_MS_MAX, IDLE_TRUST_MS_MAX, LOCK_WAIT_MS_MAX,
    STATEMENT_MS_MAX,
};
use crate::read_group::ReadGroup;
use crate::sealer::Sealer;

/// How many connections, and to where.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// `postgres://…` of the tenant's database.
    pub url: String,
    /// Connections of the application. More than twice the cores only adds waiting.
    pub connections: u32,
    /// What is stored sealed.
    pub sealer: Arc<Sealer>,
}

/// The store of one tenant.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) hasher: Hasher,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) inserts: Group,
    pub(crate) updates: Group,
    pub(crate) reads: ReadGroup,
}

/// The roles a session may take. See `migrations/0001_role.sql`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Application,
    Audit,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Application => "carebridge_app",
            Self::Audit => "carebridge_audit",
        }
    }
}

/// The session settings. Plans are generic and use indexes whatever the statistics say: a fresh
/// table, a stale estimate or a skewed value never turns a lookup into a scan.
pub(crate) fn session(url: &str, role: Role) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(|fault| {
        Error::invalid("The database URL must look like postgres://user:password@host:port/name")
            .caused_by(fault)
    })?;
    let milliseconds = |n: u64| format!("{n}ms");
    Ok(options.application_name("carebridge").statement_cache_capacity(500).options([
        ("role", role.name().to_owned()),
        ("jit", "off".to_owned()),
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
        ("synchronous_commit", "on".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("statement_timeout", milliseconds(STATEMENT_MS_MAX)),
        ("lock_timeout", milliseconds(LOCK_WAIT_MS_MAX)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION_MS_MAX)),
    ]))
}

/// A connection that rested is asked whether it still lives: after a restart of the database, its
/// callers would meet dead ones for as long as there are any. A busy one is not asked.
pub(crate) async fn answers(
    connection: &mut PgConnection,
    meta: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if meta.idle_for < Duration::from_millis(IDLE_TRUST_MS_MAX) {
        return Ok(true);
    }
    Ok(connection.ping().await.is_ok())
}

impl Store {
    /// Connects as the application and reads the database's hash key.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached or is not migrated.
    pub async fn connect(options: &PoolOptions) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .min_connections(options.connections.min(2))
            .acquire_timeout(Duration::from_millis(ACQUIRE_MS_MAX))
            // A ping per request would cost a third of a read; a dead connection shows on use.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| Box::pin(answers(connection, meta)))
            .connect_with(session(&options.url, Role::Application)?)
            .await
            .map_err(StoreError)?;
        let key: Vec<u8> = sqlx::query_scalar("select value from setting where name = 'hash_key'")
            .fetch_one(&pool)
            .await
            .map_err(StoreError)?;
        let key = <[u8; 16]>::try_from(key.as_slice()).map_err(Error::internal)?;
        let hasher = Hasher::new(&key);
        let inserts = Group::start(&pool, &hasher, Verb::Insert, GROUP_WRITERS);
        let updates = Group::start(&pool, &hasher, Verb::Update, GROUP_WRITERS);
        let sealer = Arc::clone(&options.sealer);
        let reads = ReadGroup::start(&pool, &sealer);
        Ok(Self { pool, hasher, sealer, inserts, updates, reads })
    }

    /// The database's hash, for extraction and queries.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// What seals elements before they are committed.
    #[must_use]
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Unavailable where it does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select 1").execute(&self.pool).await.map_err(StoreError)?;
        Ok(())
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
