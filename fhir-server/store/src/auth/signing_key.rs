//! Keys that sign tokens: published before they sign, and until their last token has ended. The private half is sealed
//! before it comes here.

use canonical_model::Result;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use super::AuthStore;
use crate::error::StoreError;

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct KeptKey {
    /// Its name.
    pub kid: String,
    /// The public half, as the JWKS shows it.
    pub public: serde_json::Value,
    /// The private half, sealed.
    pub private: String,
    /// Whether it signs now.
    pub signs: bool,
}

impl AuthStore {
    /// The keys of an algorithm that are published now; of those that sign the newest is first.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn signing_keys(&self, alg: &str) -> Result<Vec<KeptKey>> {
        let query = sqlx::query(
            "select kid, public, private,
                signs_from <= now() and coalesce(signs_until > now(), true) as signs
            from signing_key where alg = $1 and coalesce(published_until > now(), true)
            order by signs desc, signs_from desc, kid",
        )
        .bind(alg);
        self.sessions.fetch_all(query).await?.iter().map(kept).collect()
    }

    /// Keeps the first key of an algorithm, unless another server was quicker: then there is one to be read.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn keep_first_key(&self, alg: &str, new: &KeptKey) -> Result<()> {
        let mut session = self.sessions.take().await?;
        let outcome = keep_first(&mut session, alg, new).await;
        session.settle(outcome.map_err(|fault| StoreError(fault).into()))
    }
}

/// Of two servers that start at once the second waits, and then sees what the first kept.
async fn keep_first(database: &mut PgConnection, alg: &str, new: &KeptKey) -> sqlx::Result<()> {
    let mut open = database.begin().await?;
    sqlx::query("lock table signing_key in share row exclusive mode").execute(&mut *open).await?;
    sqlx::query(
        "insert into signing_key (kid, alg, public, private, signs_from)
        select $1, $2, $3, $4, now()
        where not exists (select from signing_key k where k.alg = $2 and k.signs_until is null)",
    )
    .bind(&new.kid)
    .bind(alg)
    .bind(&new.public)
    .bind(&new.private)
    .execute(&mut *open)
    .await?;
    open.commit().await
}

fn kept(row: &PgRow) -> Result<KeptKey> {
    let read = || {
        Ok(KeptKey {
            kid: row.try_get("kid")?,
            public: row.try_get("public")?,
            private: row.try_get("private")?,
            signs: row.try_get("signs")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
