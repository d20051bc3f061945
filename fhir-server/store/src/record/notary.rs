//! Who seals: one in the cluster at a time, behind those who write.

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Acquire, PgConnection, Row as _};

use super::cut::cut;
use super::key::{PublicKey, RecordKey};
use super::place::Place;
use super::rows::{Row, all, copy};
use super::seal::{Head, Seal};
use crate::Store;
use crate::connect::{Role, options};
use crate::error::StoreError;
use crate::ground::Ground;
use crate::keys::Keys;
use crate::limits::{SEAL_STRETCH_FIRST, SEAL_STRETCH_MAX, SEALED_AT_ONCE};
use crate::sessions::Sessions;

/// Seals the record. Several may try: one has the turn, the others do nothing.
#[derive(Debug)]
pub struct Notary {
    pub(super) sessions: Sessions,
    ground: Ground,
    pub(super) keys: Keys,
    key: Option<RecordKey>,
    /// Transactions below it are known to have left nothing unsealed, in this era.
    reached: (i32, i64),
    /// How many transactions are looked through at once.
    stretch: i64,
}

/// What was sealed in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Rows.
    pub rows: usize,
    /// Whether there is more to seal now.
    pub more: bool,
    /// Where the chain stands, if it went on.
    pub head: Option<Head>,
}

/// Rows to seal, and what is to be known of them.
struct Batch {
    rows: Vec<Row>,
    era: i32,
    /// Transactions below it leave nothing behind.
    reached: i64,
    more: bool,
}

impl Notary {
    /// Takes the keys; connects when it seals, as the role that can read the record and add seals, nothing else.
    ///
    /// # Errors
    /// Invalid for a URL that is none.
    pub fn new(url: &str, store: &Store, keys: Keys) -> Result<Self> {
        let sessions = Sessions::new("seal", options(url, Role::Seal)?, 1);
        let ground = store.ground.clone();
        Ok(Self { sessions, ground, keys, key: None, reached: (0, 0), stretch: SEAL_STRETCH_FIRST })
    }

    /// Seals what has been committed, [`SEALED_AT_ONCE`] rows or one transaction's if it has more, in a
    /// transaction of its own. Nothing where another has the turn.
    ///
    /// # Errors
    /// Unavailable without a key, or where the database cannot be reached; StorageFull while there is no space.
    pub async fn seal_more(&mut self) -> Result<Sealed> {
        self.ground.reserve.admit()?;
        let sessions = self.sessions.clone();
        let mut session = sessions.take().await?;
        let outcome = self.within(&mut session).await;
        // Where something failed the session ends: it may still be sending rows.
        if outcome.is_ok() {
            session.keep();
        }
        self.ground.reserve.watch(outcome).await
    }

    /// Seals until nothing is left; returns how many rows.
    ///
    /// # Errors
    /// As [`Notary::seal_more`].
    pub async fn seal_all(&mut self) -> Result<usize> {
        let mut rows = 0;
        loop {
            let sealed = self.seal_more().await?;
            rows += sealed.rows;
            if !sealed.more {
                return Ok(rows);
            }
        }
    }

    /// Since when there is something that is not sealed: the time of the oldest row.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached.
    pub async fn unsealed_since(&self) -> Result<Option<DateTime<Utc>>> {
        let mut session = self.sessions.take().await?;
        let outcome = unsealed_since(&mut session).await;
        session.settle(outcome)
    }

    /// Gives its connection back.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    async fn within(&mut self, connection: &mut PgConnection) -> Result<Sealed> {
        let mut open = connection.begin().await.map_err(StoreError)?;
        if !take_turn(&mut open).await? {
            open.rollback().await.map_err(StoreError)?;
            return Ok(Sealed::default());
        }
        let place = Place::read(&mut open).await?;
        let batch = self.batch(&mut open, &place).await?;
        let mut sealed = Sealed { rows: batch.rows.len(), more: batch.more, head: None };
        if !batch.rows.is_empty() {
            sealed.head = self.seal(&mut open, &place, &batch).await?;
        }
        if let Err(fault) = open.commit().await {
            // One that was made in it may not be there.
            self.key = None;
            return Err(StoreError(fault).into());
        }
        self.reached = (batch.era, batch.reached);
        Ok(sealed)
    }

    /// The next rows, of whole transactions, in order.
    async fn batch(&mut self, open: &mut PgConnection, place: &Place) -> Result<Batch> {
        let Place { era, floor, .. } = *place;
        if let Some(top) = place.ended {
            return self.next_era(open, place, top).await;
        }
        if place.tx == 0 && era == 0 {
            let before = format!(
                "tx is null and audit_id > {} order by audit_id limit {SEALED_AT_ONCE}",
                place.id
            );
            let rows = all(open, &copy(&before)).await?;
            if !rows.is_empty() {
                return Ok(Batch { rows, era, reached: 0, more: true });
            }
        }
        let begin = match self.reached {
            (known, reached) if known == era => reached.max(place.tx + 1),
            _ => place.tx + 1,
        };
        self.stretch(open, era, floor, begin, place.open).await
    }

    /// What there still is of the era that ended: whatever counts higher than its last seal. Then the first of
    /// the next one.
    async fn next_era(
        &mut self,
        open: &mut PgConnection,
        place: &Place,
        top: i64,
    ) -> Result<Batch> {
        let Place { era, tx, floor, .. } = *place;
        let left = format!("tx > {tx} and audit_id > {floor} order by tx, audit_id");
        let rows = all(open, &copy(&left)).await?;
        if !rows.is_empty() {
            return Ok(Batch { rows, era, reached: tx, more: true });
        }
        self.stretch(open, era + 1, top, 1, place.open).await
    }

    /// The first stretch of transactions from `begin` that has rows, as far as [`SEALED_AT_ONCE`] go.
    async fn stretch(
        &mut self,
        open: &mut PgConnection,
        era: i32,
        floor: i64,
        mut begin: i64,
        end: i64,
    ) -> Result<Batch> {
        let most = usize::try_from(SEALED_AT_ONCE).unwrap_or(usize::MAX);
        while begin < end {
            let until = begin.saturating_add(self.stretch).min(end);
            let condition = format!("tx >= {begin} and tx < {until} and audit_id > {floor}");
            let limited = format!("{condition} order by tx, audit_id limit {}", SEALED_AT_ONCE + 1);
            let mut rows = all(open, &copy(&limited)).await?;
            if rows.len() > most {
                self.stretch = (self.stretch / 2).max(1);
                let reached = whole_transactions(&mut rows);
                if rows.is_empty() {
                    let one = format!("tx = {reached} and audit_id > {floor} order by audit_id");
                    let rows = all(open, &copy(&one)).await?;
                    return Ok(Batch { rows, era, reached: reached + 1, more: true });
                }
                return Ok(Batch { rows, era, reached, more: true });
            }
            if rows.len() < most / 4 {
                self.stretch = self.stretch.saturating_mul(2).min(SEAL_STRETCH_MAX);
            }
            if !rows.is_empty() {
                return Ok(Batch { rows, era, reached: until, more: until < end });
            }
            begin = until;
        }
        Ok(Batch { rows: Vec::new(), era, reached: begin.max(end), more: false })
    }

    async fn seal(
        &mut self,
        open: &mut PgConnection,
        place: &Place,
        batch: &Batch,
    ) -> Result<Option<Head>> {
        let (mut before, mut last) = ((place.seal, place.head), None);
        let key = match self.key.take() {
            Some(key) => key,
            None => own_key(open, &self.keys).await?,
        };
        for part in cut(&batch.rows) {
            let rows = batch.rows.get(part).unwrap_or_default();
            let Some(seal) = Seal::over(rows, batch.era, before, place.at) else { continue };
            seal.write(open, &key, rows).await?;
            before = (seal.seal, seal.head);
            last = Some(Head {
                seal: seal.seal,
                head: seal.head,
                sealed_at: seal.sealed_at,
                kid: key.public().kid.clone(),
            });
        }
        self.key = Some(key);
        Ok(last)
    }
}

async fn unsealed_since(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>> {
    let Place { era, tx, id, floor, ended, .. } = Place::read(connection).await?;
    let behind = match (ended, tx) {
        // What is written now counts lower; what there still is of the era that ended counts on.
        (Some(top), _) => format!("audit_id > {top} or tx > {tx} and audit_id > {floor}"),
        (None, 0) if era == 0 => format!("tx > 0 or tx is null and audit_id > {id}"),
        (None, _) => format!("tx > {tx} and audit_id > {floor}"),
    };
    let text = format!("select min(at) from audit where {behind}");
    let since = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(connection).await;
    Ok(since.map_err(StoreError)?)
}

/// Takes the turn until the transaction ends; `false` where another has it. A statement of its own: the next one sees
/// what the last to have the turn committed.
pub(super) async fn take_turn(open: &mut PgConnection) -> Result<bool> {
    let turn = "select pg_try_advisory_xact_lock(hashtextextended('seal_audit', 0))";
    Ok(sqlx::query_scalar(turn).fetch_one(open).await.map_err(StoreError)?)
}

/// Leaves the last transaction out, which may have been cut; returns which it is.
fn whole_transactions(rows: &mut Vec<Row>) -> i64 {
    let last = rows.last().map_or(0, |row| row.tx);
    rows.retain(|row| row.tx != last);
    last
}

/// The newest key that is ours: one that opens. Where there is none, a new one.
pub(super) async fn own_key(connection: &mut PgConnection, keys: &Keys) -> Result<RecordKey> {
    let query =
        "select kid, private from audit_key where private is not null order by made_at desc";
    for row in sqlx::query(query).fetch_all(&mut *connection).await.map_err(StoreError)? {
        let kid: String = row.try_get("kid").map_err(StoreError)?;
        let private: String = row.try_get("private").map_err(StoreError)?;
        if let Some(key) = RecordKey::open(keys, &kid, &private)? {
            return Ok(key);
        }
    }
    let (key, private) = RecordKey::generate(keys)?;
    let PublicKey { kid, .. } = key.public();
    let jwk: Value = key.public().jwk();
    sqlx::query("insert into audit_key (kid, public, private) values ($1, $2, $3)")
        .bind(kid)
        .bind(jwk)
        .bind(private)
        .execute(connection)
        .await
        .map_err(StoreError)
        .map_err(Error::from)?;
    tracing::info!(kid, "A new key signs the seals of the record.");
    Ok(key)
}
