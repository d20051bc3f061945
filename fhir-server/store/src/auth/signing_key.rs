//! Keys that sign tokens: published before they sign, and until their last token has ended. The private half is sealed
//! before it comes here. The database's clock says which signs, so that all servers agree.

use canonical_model::Result;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{AuthStore, AuthTransaction};
use crate::error::StoreError;
use crate::limits::TOKEN_HOURS_MAX;

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct KeptKey {
    /// Its name.
    pub kid: String,
    /// As JOSE names it: `ES256` of access tokens, `RS256` of identity tokens.
    pub alg: String,
    /// The public half, as the JWKS shows it.
    pub public: serde_json::Value,
    /// The private half, sealed; empty once it signs no more.
    pub private: String,
    /// Since or from when it signs.
    pub signs_from: DateTime<Utc>,
    /// Until when, where another follows it.
    pub signs_until: Option<DateTime<Utc>>,
    /// Until when its tokens are good.
    pub published_until: Option<DateTime<Utc>>,
    /// Whether it signs now.
    pub signs: bool,
}

/// A key to be kept.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name.
    pub kid: String,
    /// As JOSE names it.
    pub alg: &'static str,
    /// The public half, as the JWKS shows it.
    pub public: serde_json::Value,
    /// The private half, sealed.
    pub private: String,
}

/// When a key follows the one that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// In so many seconds, in which everybody learns of it.
    Announced {
        /// How long it is published before it signs, in seconds.
        lead_s: i32,
        /// Only where the one before has signed for so many days at least.
        after_days: Option<i32>,
    },
    /// Now; all before are withdrawn, with all that they signed.
    AtOnce,
}

/// The keys of before: what becomes of them. `$2` is the lead in seconds, `$3` the life of their tokens in hours.
const RETIRE: &str = "update signing_key set signs_until = now() + interval '1 s' * $2,
        published_until = now() + interval '1 s' * $2 + interval '1 hour' * $3
    where alg = $1 and signs_until is null";
const WITHDRAW: &str = "update signing_key set signs_from = least(signs_from, now()),
        signs_until = least(coalesce(signs_until, now()), now()), published_until = now(), private = ''
    where alg = $1 and coalesce(published_until > now(), true)";

/// Whoever keeps one waits for whoever does.
const LOCK: &str = "lock table signing_key in share row exclusive mode";

impl AuthStore {
    /// The keys that are published now; of those that sign the newest is first. `all` has those of before too.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn signing_keys(&self, all: bool) -> Result<Vec<KeptKey>> {
        let query = sqlx::query(
            "select kid, alg, public, private, signs_from, signs_until, published_until,
                signs_from <= now() and coalesce(signs_until > now(), true) as signs
            from signing_key where $1 or coalesce(published_until > now(), true)
            order by alg, signs desc, signs_from desc, kid",
        )
        .bind(all);
        self.sessions.fetch_all(query).await?.iter().map(kept).collect()
    }

    /// Keeps the first key of an algorithm, unless another server was quicker: then there is one to be read. Of two
    /// servers that start at once the second waits, and then sees what the first kept.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn keep_first_key(&self, new: &NewKey) -> Result<()> {
        let open = self.begin().await?;
        open.sessions.execute(sqlx::query(LOCK)).await?;
        let query = sqlx::query(
            "insert into signing_key (kid, alg, public, private, signs_from)
            select $1, $2, $3, $4, now()
            where not exists (select from signing_key k where k.alg = $2 and k.signs_until is null)
            on conflict do nothing",
        )
        .bind(&new.kid)
        .bind(new.alg)
        .bind(&new.public)
        .bind(&new.private);
        open.sessions.execute(query).await?;
        open.commit().await
    }

    /// Forgets the private halves of keys that sign no more: whoever reads the table then learns nothing.
    pub(super) async fn forget_private_keys(&self) -> Result<u64> {
        let text = "update signing_key set private = ''
            where private <> '' and signs_until < now() - interval '1 hour'";
        self.sessions.execute(sqlx::query(text)).await
    }
}

impl AuthTransaction {
    /// Keeps a key that follows the one that signs; whether it will. It does not where another is on its way already,
    /// or none is due. Of servers that ask at once one succeeds; the others wait for the end of its transaction.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn keep_next_key(&self, new: &NewKey, when: Succession) -> Result<bool> {
        let (lead_s, after_days, retire) = match when {
            Succession::Announced { lead_s, after_days } => (lead_s, after_days, RETIRE),
            Succession::AtOnce => (0, None, WITHDRAW),
        };
        self.sessions.execute(sqlx::query(LOCK)).await?;
        let due = sqlx::query(
            "select where $3 or not exists (
                select from signing_key where alg = $1 and (signs_from > now()
                    or signs_until is null and signs_from > now() - interval '1 day' * $2))",
        )
        .bind(new.alg)
        .bind(after_days)
        .bind(when == Succession::AtOnce);
        if self.sessions.fetch_optional(due).await?.is_none() {
            return Ok(false);
        }
        let query = sqlx::query(retire).bind(new.alg);
        let query = match when {
            Succession::Announced { .. } => query.bind(lead_s).bind(TOKEN_HOURS_MAX),
            Succession::AtOnce => query,
        };
        self.sessions.execute(query).await?;
        let query = sqlx::query(
            "insert into signing_key (kid, alg, public, private, signs_from)
            values ($1, $2, $3, $4, now() + interval '1 s' * $5)",
        )
        .bind(&new.kid)
        .bind(new.alg)
        .bind(&new.public)
        .bind(&new.private)
        .bind(lead_s);
        self.sessions.execute(query).await?;
        Ok(true)
    }
}

fn kept(row: &PgRow) -> Result<KeptKey> {
    let read = || {
        Ok(KeptKey {
            kid: row.try_get("kid")?,
            alg: row.try_get("alg")?,
            public: row.try_get("public")?,
            private: row.try_get("private")?,
            signs_from: row.try_get("signs_from")?,
            signs_until: row.try_get("signs_until")?,
            published_until: row.try_get("published_until")?,
            signs: row.try_get("signs")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
