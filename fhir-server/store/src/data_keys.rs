//! The database's data keys: each wrapped under a key that is kept elsewhere ([`Kms`]), taken out to be used.
//!
//! A new data key seals what is written from then on, and a new key-encryption key wraps the data keys anew: neither
//! touches a resource. Number 0 is what everything was sealed with before there were others.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use canonical_model::{Error, Kind, Result};
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, Postgres, Row};
use telemetry::Ticks;

use crate::audit::{AuditEntry, insertion};
use crate::connect::{Role, options};
use crate::error::StoreError;
use crate::keys::{Held, Keys, Opened, Purpose};
use crate::kms::Kms;
use crate::record::RecordKey;
use crate::sealer::{another_key, prove};
use crate::sessions::Sessions;
use crate::statement::{Part, Parts};

/// Who keeps what data keys are wrapped under.
#[derive(Clone, Debug)]
pub struct Keks {
    /// Under whose key new data keys are wrapped.
    pub first: Arc<dyn Kms>,
    /// Whose keys still open what was wrapped before.
    pub older: Vec<Arc<dyn Kms>>,
    /// What becomes number 0 of a database that has no data keys; none makes one.
    pub root: Option<[u8; 32]>,
}

/// How long keys are held, and from when a new one seals.
#[derive(Clone, Copy, Debug)]
pub struct KeyTimes {
    /// How often they are taken out of their wrapping.
    pub every: Duration,
    /// How long they open after they were last taken out of their wrapping.
    pub forget: Duration,
    /// How old a data key is when it begins to seal. Longer than `forget`: no server may lack it that still opens.
    pub settle: Duration,
}

/// A data key as it is kept.
#[derive(Clone, Debug)]
pub struct DataKey {
    /// Its number, never used again.
    pub number: i32,
    /// The key that it is wrapped under.
    pub kek: String,
    /// Since when it is there.
    pub made_at: DateTime<Utc>,
    /// Since when another is to seal.
    pub retired_at: Option<DateTime<Utc>>,
    /// Whether it seals now.
    pub seals: bool,
    wrapped: Vec<u8>,
}

/// The data keys of a database, and who unwraps them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DataKeys {
    url: Arc<str>,
    sessions: Sessions,
    keks: Keks,
    times: KeyTimes,
    ticks: Ticks,
}

impl DataKeys {
    /// Prepares to ask; connects when it does.
    ///
    /// # Errors
    /// Invalid for a URL that is none.
    pub fn new(url: &str, keks: Keks, times: KeyTimes) -> Result<Self> {
        let sessions = Sessions::new("keys", options(url, Role::Auth)?, 1);
        Ok(Self { url: url.into(), sessions, keks, times, ticks: Ticks::system() })
    }

    /// Takes all out, after making the first where the database has none.
    ///
    /// # Errors
    /// Unavailable where the database or whoever keeps the key cannot be asked, or no key is known that one is
    /// wrapped under.
    pub async fn open(&self) -> Result<Keys> {
        if self.list().await?.is_empty() {
            let root = self.first_root().await?;
            let wrapped = self.keks.first.wrap(Purpose::Seal, &root).await?;
            let mut session = self.sessions.take().await?;
            let outcome = keep_first(&mut session, self.keks.first.kek(), &wrapped).await;
            session.settle(outcome.map_err(|fault| StoreError(fault).into()))?;
        }
        Ok(Keys::of(self.held().await?, self.ticks.clone(), Some(self.times.forget)))
    }

    /// As [`DataKeys::open`], for one who only looks: makes nothing.
    ///
    /// # Errors
    /// The same.
    pub async fn open_what_is_there(&self) -> Result<Keys> {
        match (self.list().await?.is_empty(), self.keks.root) {
            (true, Some(root)) => Keys::of_root(root),
            (true, None) => Ok(Keys::default()),
            (false, _) => {
                Ok(Keys::of(self.held().await?, self.ticks.clone(), Some(self.times.forget)))
            }
        }
    }

    /// Takes all out again: new ones are known from then on, and none is forgotten for a while.
    ///
    /// # Errors
    /// As [`DataKeys::open`]; the keys stay as they were.
    pub async fn refresh(&self, keys: &Keys) -> Result<()> {
        keys.replace(self.held().await?);
        Ok(())
    }

    /// How often to do that.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.times.every
    }

    /// All, oldest first.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn list(&self) -> Result<Vec<DataKey>> {
        let query = sqlx::query(
            "select number, kek, wrapped, made_at, retired_at, coalesce(number = (
                select k.number from data_key k where k.purpose = 0
                    and (k.number = 0 or k.made_at <= now() - make_interval(secs => $1))
                order by k.number desc limit 1), false) as seals
            from data_key where purpose = 0 order by number",
        )
        .bind(self.times.settle.as_secs_f64());
        self.sessions.fetch_all(query).await?.iter().map(kept).collect()
    }

    /// Makes another data key, which will seal as soon as all servers have it; kept with the row that says so, which is
    /// made of its number.
    ///
    /// # Errors
    /// As [`DataKeys::open`].
    pub async fn rotate(&self, row: impl FnOnce(i32) -> AuditEntry) -> Result<DataKey> {
        let wrapped = self.keks.first.wrap(Purpose::Seal, &random()?).await?;
        let mut session = self.sessions.take().await?;
        let outcome = rotate(&mut session, self.keks.first.kek(), &wrapped, row).await;
        session.settle(outcome.map_err(|fault| StoreError(fault).into()))?;
        self.list().await?.pop().ok_or_else(|| Error::internal("the key just kept is not there"))
    }

    /// Wraps all anew that are not wrapped under the first key; returns how many. All are kept with the row that says
    /// so, which is made of their number, or none.
    ///
    /// # Errors
    /// As [`DataKeys::open`].
    pub async fn rewrap(&self, row: impl FnOnce(usize) -> AuditEntry) -> Result<usize> {
        let mut anew = Vec::new();
        for key in self.list().await? {
            if key.kek != self.keks.first.kek() {
                let opened = self.unwrap(&key).await?;
                let wrapped = self.keks.first.wrap(Purpose::Seal, &opened).await?;
                anew.push((key, wrapped));
            }
        }
        let row = row(anew.len());
        let mut session = self.sessions.take().await?;
        let outcome = rewrap(&mut session, self.keks.first.kek(), &anew, &row).await;
        session.settle(outcome.map_err(|fault| StoreError(fault).into()))?;
        Ok(anew.len())
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    /// What becomes number 0: what the database's values are sealed with already, or what nobody knows yet.
    async fn first_root(&self) -> Result<[u8; 32]> {
        let given = self.keks.root.map_or_else(|| Ok(Keys::default()), Keys::of_root)?;
        let query = sqlx::query("select value from setting where name = 'seal_proof'");
        if let Some(row) = alone(&self.url, Role::Application, query).await?.first() {
            prove(&given, &row.try_get::<Vec<u8>, _>(0).map_err(StoreError)?)?;
        }
        let query = sqlx::query("select kid, private from audit_key where private is not null");
        let sealed = alone(&self.url, Role::Seal, query).await?;
        let mut opens = sealed.is_empty();
        for row in sealed {
            let (kid, private): (String, String) = (
                row.try_get("kid").map_err(StoreError)?,
                row.try_get("private").map_err(StoreError)?,
            );
            opens |= !given.are_none() && RecordKey::open(&given, &kid, &private)?.is_some();
        }
        match opens {
            true => self.keks.root.map_or_else(random, Ok),
            false => Err(another_key()),
        }
    }

    async fn held(&self) -> Result<Held> {
        // Before the question: they are forgotten rather earlier than later.
        let at = self.ticks.nanos();
        let kept = self.list().await?;
        let seals = kept.iter().find(|key| key.seals).map_or(0, |key| key.number);
        let mut keys = Vec::with_capacity(kept.len());
        for key in &kept {
            keys.push(Opened::new(key.number, self.unwrap(key).await?)?);
        }
        Ok(Held { keys, seals, at })
    }

    async fn unwrap(&self, key: &DataKey) -> Result<[u8; 32]> {
        let Keks { first, older, .. } = &self.keks;
        let mut keks = std::iter::once(first).chain(older);
        match keks.find(|kms| kms.kek() == key.kek) {
            Some(kms) => kms.unwrap(Purpose::Seal, &key.wrapped).await,
            None => {
                let DataKey { number, kek, .. } = key;
                let text = format!(
                    "The sealing key is not the one that data key {number} of this database is wrapped under, `{kek}`: set CAREBRIDGE_SEAL_KEY, `key_file` or `[seal.kms]` to that one, or name its file in `older_key_files` under `[seal]`."
                );
                Err(Error::new(Kind::Unavailable, text))
            }
        }
    }
}

/// Of two servers that start at once the second waits, and keeps nothing.
async fn keep_first(database: &mut PgConnection, kek: &str, wrapped: &[u8]) -> sqlx::Result<()> {
    let mut open = database.begin().await?;
    sqlx::query("lock table data_key in share row exclusive mode").execute(&mut *open).await?;
    sqlx::query(
        "insert into data_key (number, purpose, kek, wrapped) overriding system value
        select 0, 0, $1, $2 where not exists (select from data_key)",
    )
    .bind(kek)
    .bind(wrapped)
    .execute(&mut *open)
    .await?;
    open.commit().await
}

async fn rotate(
    database: &mut PgConnection,
    kek: &str,
    wrapped: &[u8],
    row: impl FnOnce(i32) -> AuditEntry,
) -> sqlx::Result<()> {
    let mut open = database.begin().await?;
    sqlx::query("lock table data_key in share row exclusive mode").execute(&mut *open).await?;
    sqlx::query("update data_key set retired_at = now() where purpose = 0 and retired_at is null")
        .execute(&mut *open)
        .await?;
    let number = sqlx::query_scalar(
        "insert into data_key (purpose, kek, wrapped) values (0, $1, $2) returning number",
    )
    .bind(kek)
    .bind(wrapped)
    .fetch_one(&mut *open)
    .await?;
    let row = row(number);
    insertion(whole(), &[&row]).execute(&mut *open).await?;
    open.commit().await
}

async fn rewrap(
    database: &mut PgConnection,
    kek: &str,
    anew: &[(DataKey, Vec<u8>)],
    row: &AuditEntry,
) -> sqlx::Result<()> {
    let mut open = database.begin().await?;
    for (key, wrapped) in anew {
        // Compared with what was there: of two at once, each of whom wraps rightly, one is enough.
        sqlx::query("update data_key set kek = $3, wrapped = $4 where number = $1 and kek = $2")
            .bind(key.number)
            .bind(&key.kek)
            .bind(kek)
            .bind(wrapped)
            .execute(&mut *open)
            .await?;
    }
    insertion(whole(), &[row]).execute(&mut *open).await?;
    open.commit().await
}

/// The schema that has data keys has all columns of the record.
fn whole() -> Parts {
    Parts::default().with(Part::Record, true)
}

/// The rows of one statement, in a session of its own that takes another role.
async fn alone(
    url: &str,
    role: Role,
    query: Query<'_, Postgres, PgArguments>,
) -> Result<Vec<PgRow>> {
    let sessions = Sessions::new("keys", options(url, role)?, 1);
    let rows = sessions.fetch_all(query).await;
    sessions.close().await;
    rows
}

fn random() -> Result<[u8; 32]> {
    let mut key = [0; 32];
    rand::fill(&mut key).map_err(Error::internal)?;
    Ok(key)
}

fn kept(row: &PgRow) -> Result<DataKey> {
    let read = || {
        Ok(DataKey {
            number: row.try_get("number")?,
            kek: row.try_get("kek")?,
            made_at: row.try_get("made_at")?,
            retired_at: row.try_get("retired_at")?,
            seals: row.try_get("seals")?,
            wrapped: row.try_get("wrapped")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
