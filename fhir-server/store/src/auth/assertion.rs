//! Assertions of clients: each is good once, until it would have ended anyway.

use canonical_model::Result;

use super::AuthStore;

impl AuthStore {
    /// Uses an assertion up, by the digest of its `jti`; whether it was new.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn use_assertion(
        &self,
        client: &str,
        digest: &[u8; 32],
        left_s: i32,
    ) -> Result<bool> {
        let query = sqlx::query(
            "insert into used_assertion (client, digest, ends_at)
            values ($1, $2, now() + interval '1 s' * $3) on conflict do nothing",
        )
        .bind(client)
        .bind(digest.as_slice())
        .bind(left_s);
        Ok(self.sessions.execute(query).await? > 0)
    }
}
