//! The store of one tenant: its sessions, its groups, and what they share.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use access::Access;
use canonical_model::{Error, Kind, Result};
use chrono::{DateTime, Utc};
use search::{Form, Hasher};
use sqlx::Row;
use tokio::sync::Semaphore;

use crate::connect::{Role, options};
use crate::era;
use crate::error::{StoreError, has_code};
use crate::find_group::Finder;
use crate::gather::Gather;
use crate::ground::Ground;
use crate::group::{Group, Verb};
use crate::lack::Known;
use crate::limits::{TURNS_PER_2_CORES, per_core};
use crate::numbers::Numbers;
use crate::query::Remembered;
use crate::read_group::Reader;
use crate::reserve::Reserve;
use crate::sealer::Sealer;
use crate::sessions::Sessions;
use crate::turns::{Turn, Turns};

/// Where the tenant's database is, and how it is used.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `postgres://…` of the tenant's database.
    pub url: String,
    /// Connections of the application. More than twice the cores only adds waiting.
    pub connections: u32,
    /// Space held back for a full disk, in MiB; 0 holds none. See `migrations/0007_reserve.sql`.
    pub reserve_mib: u16,
    /// How long one statement of a search may run, in milliseconds: a search that takes longer is ended.
    pub search_ms: u32,
    /// Index entries that may be counted of a source before a search; [`crate::limits::PROBED_ENTRIES_MAX`].
    pub probed_entries: i64,
    /// What is stored sealed.
    pub sealer: Arc<Sealer>,
}

/// The store of one tenant.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) sessions: Sessions,
    pub(crate) ground: Ground,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) inserts: Group,
    pub(crate) updates: Group,
    pub(crate) reads: Gather<Reader>,
    pub(crate) finds: Gather<Finder>,
    pub(crate) indexed: Arc<Known>,
    /// Up to when versions are of an era before this cluster's, and so before any walk.
    pub(crate) era: Option<DateTime<Utc>>,
    /// The sessions as searches use them: their statements end at the time budget.
    pub(crate) searching: Sessions,
    pub(crate) probed_entries: i64,
    pub(crate) remembered: Remembered,
    searches: Arc<Turns>,
}

impl Store {
    /// Connects as the application and reads the database's hash key.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached or is not migrated, and for another sealing key
    /// than the database's values are sealed with.
    pub async fn connect(setup: &StoreOptions) -> Result<Self> {
        let database = options(&setup.url, Role::Application)?;
        let sessions = Sessions::new("application", database, setup.connections);
        let query = sqlx::query(
            "select value, (select seqincrement from pg_sequence where seqrelid = 'resource_rid'::regclass)
                as block from setting where name = 'hash_key'",
        );
        let row = sessions.fetch_optional(query).await?;
        let row = row.ok_or_else(|| Error::internal("the database has no hash key"))?;
        let key: Vec<u8> = row.try_get("value").map_err(StoreError)?;
        let key = <[u8; 16]>::try_from(key.as_slice()).map_err(Error::internal)?;
        let hasher = setup.sealer.blind(Hasher::new(&key))?;
        let block = row.try_get("block").map_err(StoreError)?;
        prove(&sessions, &setup.sealer).await?;
        let era = era::settle(&sessions).await?;
        let seals = Form::seals(&hasher, &setup.sealer.paths());
        let ground = Ground {
            hasher,
            numbers: Arc::new(Numbers::new(block)),
            turns: Arc::new(Semaphore::new(per_core(TURNS_PER_2_CORES, 2))),
            record: Arc::default(),
            unrecorded: Arc::default(),
            seals,
            reserve: Arc::new(Reserve::new(sessions.clone(), setup.reserve_mib)),
        };
        let inserts = Group::start(&sessions, &ground, Verb::Insert);
        let updates = Group::start(&sessions, &ground, Verb::Update);
        let sealer = Arc::clone(&setup.sealer);
        let finds =
            Gather::start(&Finder { sessions: sessions.clone(), sealer: Arc::clone(&sealer) });
        let reads = Gather::start(&Reader {
            sessions: sessions.clone(),
            ground: ground.clone(),
            sealer: Arc::clone(&sealer),
        });
        let indexed = Arc::default();
        let searches = Arc::new(Turns::of(setup.connections));
        let searching = sessions.within(setup.search_ms.into());
        let store = Self {
            sessions,
            ground,
            sealer,
            inserts,
            updates,
            reads,
            finds,
            indexed,
            era,
            searching,
            probed_entries: setup.probed_entries,
            remembered: Remembered::new(),
            searches,
        };
        store.look_at_index().await?;
        Ok(store)
    }

    /// The database's hash, for extraction and queries.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.ground.hasher
    }

    /// A turn to search.
    ///
    /// # Errors
    /// Unavailable where there is none in time.
    pub(crate) async fn turn_to_search(&self, access: &Access) -> Result<Turn<'_>> {
        self.searches.take(access.whose()).await
    }

    /// Records no reads from now on: only to measure what the record costs.
    pub fn leave_unrecorded(&self) {
        self.ground.unrecorded.store(true, Ordering::Relaxed);
    }

    /// What seals elements before they are committed.
    #[must_use]
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Holds space back for a full disk, for ever: run it beside the server.
    pub async fn keep_reserve(&self) {
        self.ground.reserve.keep().await;
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Unavailable where it does not.
    pub async fn ping(&self) -> Result<()> {
        self.sessions.execute(sqlx::query("select 1")).await.map(drop)
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.sessions.close().await;
    }
}

/// Compares the sealing key with the one that the database's values are sealed with; the first key that
/// seals is kept in mind. At the start: a wrong one must not wait for the first read.
async fn prove(sessions: &Sessions, sealer: &Sealer) -> Result<()> {
    let kept = match sealer.proof()? {
        Some(proof) => {
            let query = sqlx::query("select keep_seal_proof($1)").bind(proof);
            sessions.fetch_optional(query).await.map_err(|error| {
                let text = "Sealing needs the newest schema. Run `carebridge migrate` first.";
                if has_code(&error, "42883") { Error::new(Kind::Unavailable, text) } else { error }
            })?
        }
        None => {
            let query = sqlx::query("select value from setting where name = 'seal_proof'");
            sessions.fetch_optional(query).await?
        }
    };
    match kept {
        Some(row) => sealer.prove(&row.try_get::<Vec<u8>, _>(0).map_err(StoreError)?),
        None => Ok(()),
    }
}
