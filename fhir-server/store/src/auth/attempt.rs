//! A try to sign in. It is counted before the password is looked at, so that a thousand guesses at once are still
//! only ten: the row of the account lets one after the other through.

use canonical_model::Result;
use sqlx::Row;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::{LOCK_MINUTES_FIRST, LOCK_MINUTES_MAX, TRIES_MAX};

/// A try that was let in, and what it is judged by.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The account.
    pub account: i64,
    /// The generation that the password was read under.
    pub generation: i32,
    /// The password as Argon2id keeps it, where the account has one.
    pub password: Option<String>,
}

impl AuthStore {
    /// Counts a try. `None` where no such account is, or it is disabled, or locked: after [`TRIES_MAX`] failures
    /// in a row for [`LOCK_MINUTES_FIRST`], and for twice as long after each more, up to a day.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn attempt(&self, login: &str) -> Result<Option<Attempt>> {
        let query = sqlx::query(
            "update account a set failures = failures + 1,
                locked_until = case when failures + 1 >= $2 then now() + interval '1 minute'
                    * least($3 * power(2, least(failures + 1 - $2, 16)), $4) end
            where login = $1 and disabled_at is null and coalesce(locked_until <= now(), true)
            returning account, gen,
                (select c.password from credential c where c.account = a.account and c.kind = 0)",
        )
        .bind(login)
        .bind(TRIES_MAX)
        .bind(LOCK_MINUTES_FIRST)
        .bind(LOCK_MINUTES_MAX);
        let Some(row) = self.sessions.fetch_optional(query).await? else { return Ok(None) };
        let read = || {
            Ok(Attempt {
                account: row.try_get("account")?,
                generation: row.try_get("gen")?,
                password: row.try_get("password")?,
            })
        };
        read().map(Some).map_err(|fault: sqlx::Error| StoreError(fault).into())
    }
}
