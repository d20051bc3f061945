//! Replies to requests that carried an `Idempotency-Key`, kept as references.

use canonical_model::Result;
use sqlx::Row;

use crate::Store;
use crate::error::StoreError;
use crate::limits::CLAIM_HOURS;

/// What was answered to a key.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredReply {
    /// SHA-256 of the request.
    pub request: Vec<u8>,
    /// The reply as references.
    pub reply: serde_json::Value,
}

impl Store {
    /// The reply to a client's key, if there was one.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn stored_reply(&self, client: &str, key: &str) -> Result<Option<StoredReply>> {
        let query =
            sqlx::query("select request, reply from idempotency where client = $1 and key = $2")
                .bind(client)
                .bind(key);
        let row = self.sessions.fetch_optional(query).await?;
        row.map(|row| {
            Ok(StoredReply {
                request: row.try_get("request").map_err(StoreError)?,
                reply: row.try_get("reply").map_err(StoreError)?,
            })
        })
        .transpose()
    }

    /// Keeps the reply to a request that wrote nothing; returns whether its key was free.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn keep_reply(
        &self,
        client: &str,
        (key, request, reply): (String, Vec<u8>, serde_json::Value),
    ) -> Result<bool> {
        let query = sqlx::query(
            "insert into idempotency (client, key, request, reply) values ($1, $2, $3, $4) on conflict do nothing",
        );
        let query = query.bind(client).bind(key).bind(request).bind(reply);
        Ok(self.ground.reserve.watch(self.sessions.execute(query).await).await? > 0)
    }

    /// Forgets keys and criteria older than [`CLAIM_HOURS`], and content that was never committed;
    /// returns how many.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn sweep(&self) -> Result<u64> {
        let hours = i32::try_from(CLAIM_HOURS).unwrap_or(24);
        let mut swept = 0;
        for statement in [
            "delete from idempotency where created_at < now() - make_interval(hours => $1)",
            "delete from claim where used_at < now() - make_interval(hours => $1)",
        ] {
            swept += self.sessions.execute(sqlx::query(statement).bind(hours)).await?;
        }
        Ok(swept + self.sweep_blobs().await?)
    }

    /// Makes the journals' partitions for the next months.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn ensure_partitions(&self) -> Result<()> {
        let query = sqlx::query("select ensure_partitions(now() + interval '3 months')");
        self.sessions.execute(query).await.map(drop)
    }
}
