//! A try to sign in. It is counted before the password is looked at, so that a thousand guesses at once are still
//! only ten: one row lets one after the other through.
//!
//! Strangers share the tries of an account. From a place that somebody signed in from there are others, so nobody is kept
//! out there by what strangers do; and where there is a second factor, the password alone opens nothing and strangers
//! lock nothing: then it is wrong codes that do.

use canonical_model::Result;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::{KNOWN_PLACE_DAYS, LOCK_MINUTES_FIRST, LOCK_MINUTES_MAX, TRIES_MAX};

/// A try that was let in, and what it is judged by.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The account.
    pub account: i64,
    /// The generation that the password was read under.
    pub generation: i32,
    /// The password as Argon2id keeps it, where the account has one.
    pub password: Option<String>,
    /// Whether it was counted at a place that the account knows.
    pub known: bool,
}

/// One more failure of a row; what it is locked until then: after `$2` failures in a row for `$3` minutes, and for
/// twice as long after each more, up to `$4`.
macro_rules! counted {
    ($row:literal) => {
        concat!(
            "failures = ",
            $row,
            ".failures + 1, locked_until = case when ",
            $row,
            ".failures + 1 >= $2 then now() + interval '1 minute'
                * least($3 * power(2, least(",
            $row,
            ".failures + 1 - $2, 16)), $4) end"
        )
    };
}

impl AuthStore {
    /// Counts a try from a place that the account knows. `None` where it does not, or too many were wrong there; then
    /// it counts as a stranger's.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn attempt_from(&self, login: &str, place: &[u8; 32]) -> Result<Option<Attempt>> {
        let query = sqlx::query(concat!(
            "update known_place p set ", counted!("p"), "
            from account a
            where a.login = $1 and a.disabled_at is null and p.account = a.account and p.place = $5
                and p.seen_at > now() - interval '1 day' * $6 and coalesce(p.locked_until <= now(), true)
            returning a.account, a.gen,
                (select c.password from credential c where c.account = a.account and c.kind = 0)"
        ))
        .bind(login)
        .bind(TRIES_MAX)
        .bind(LOCK_MINUTES_FIRST)
        .bind(LOCK_MINUTES_MAX)
        .bind(place.as_slice())
        .bind(KNOWN_PLACE_DAYS);
        self.sessions.fetch_optional(query).await?.map(|row| read(&row, true)).transpose()
    }

    /// Counts a stranger's try. `None` where no such account is, or it is disabled; or where it is locked, after
    /// [`TRIES_MAX`] failures in a row, and has no second factor.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn attempt(&self, login: &str) -> Result<Option<Attempt>> {
        let query = sqlx::query(concat!(
            "update account a set ",
            counted!("a"),
            "
            where login = $1 and disabled_at is null and (coalesce(locked_until <= now(), true)
                or exists (select from credential d where d.account = a.account and d.kind = 1))
            returning account, gen,
                (select c.password from credential c where c.account = a.account and c.kind = 0)"
        ))
        .bind(login)
        .bind(TRIES_MAX)
        .bind(LOCK_MINUTES_FIRST)
        .bind(LOCK_MINUTES_MAX);
        self.sessions.fetch_optional(query).await?.map(|row| read(&row, false)).transpose()
    }

    /// Counts a try with a code of an account's device; its sealed secret. `None` where there is no device, or it is
    /// locked as an account is by passwords.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn attempt_code(&self, account: i64) -> Result<Option<String>> {
        let query = sqlx::query(concat!(
            "update credential c set ",
            counted!("c"),
            "
            where account = $1 and kind = 1 and coalesce(locked_until <= now(), true)
            returning sealed"
        ))
        .bind(account)
        .bind(TRIES_MAX)
        .bind(LOCK_MINUTES_FIRST)
        .bind(LOCK_MINUTES_MAX);
        let row = self.sessions.fetch_optional(query).await?;
        Ok(row.map(|row| row.try_get("sealed")).transpose().map_err(StoreError)?)
    }
}

fn read(row: &PgRow, known: bool) -> Result<Attempt> {
    let read = || {
        Ok(Attempt {
            account: row.try_get("account")?,
            generation: row.try_get("gen")?,
            password: row.try_get("password")?,
            known,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
