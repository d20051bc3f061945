//! Accounts: made, changed, listed. A change that takes something away raises the generation, which ends all tokens
//! of the one before.

use canonical_model::{Error, Kind, Result};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::TOKEN_HOURS_MAX;

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub account: i64,
    /// As tokens name it.
    pub sub: String,
    /// As its owner types it.
    pub login: String,
    /// The person, as `Practitioner/1`.
    pub fhir_user: Option<String>,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Ids of Organization.
    pub orgs: Vec<String>,
    /// Tokens of a lower one are over.
    pub generation: i32,
    /// Whether it may not sign in, for too many wrong tries.
    pub locked: bool,
    /// Whether it may not sign in at all.
    pub disabled: bool,
}

/// An account to be.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount<'a> {
    /// As tokens will name it: never given to another.
    pub sub: &'a str,
    /// In small letters.
    pub login: &'a str,
    /// As `Practitioner/1`.
    pub fhir_user: Option<&'a str>,
    /// Names of roles.
    pub roles: &'a [String],
    /// Ids of Organization, 8 at most.
    pub orgs: &'a [String],
    /// The password as Argon2id keeps it.
    pub password: Option<&'a str>,
}

/// What becomes of an account. Each ends the tokens of before, and all but a change of roles its sessions.
#[derive(Clone, Copy, Debug)]
pub enum AccountChange<'a> {
    /// Another password, as Argon2id keeps it. Opens an account that too many tries had locked.
    Password(&'a str),
    /// Other roles, and organisations.
    Roles(&'a [String], &'a [String]),
    /// It may sign in no more.
    Disable,
    /// It may again.
    Enable,
}

const COLUMNS: &str = "account, sub, login, fhir_user, roles, orgs, gen,
    coalesce(locked_until > now(), false) as locked, disabled_at is not null as disabled";

impl AuthStore {
    /// Makes an account.
    ///
    /// # Errors
    /// Conflict where the log-in is taken.
    pub async fn add_account(&self, new: &NewAccount<'_>) -> Result<i64> {
        let query = sqlx::query(
            "with made as (
                insert into account (sub, login, fhir_user, roles, orgs) values ($1, $2, $3, $4, $5)
                on conflict (login) do nothing returning account),
            proof as (
                insert into credential (account, kind, password)
                select account, 0, $6 from made where $6 is not null)
            select account from made",
        )
        .bind(new.sub)
        .bind(new.login)
        .bind(new.fhir_user)
        .bind(new.roles)
        .bind(new.orgs)
        .bind(new.password);
        let row = self.sessions.fetch_optional(query).await?;
        let row = row.ok_or_else(|| Error::conflict("There is an account of this log-in."))?;
        Ok(row.try_get("account").map_err(StoreError)?)
    }

    /// All accounts, by log-in.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let text = format!("select {COLUMNS} from account order by login");
        let rows = self.sessions.fetch_all(sqlx::query(sqlx::AssertSqlSafe(text))).await?;
        rows.iter().map(account).collect()
    }

    /// The account of a log-in.
    ///
    /// # Errors
    /// Not found.
    pub async fn account_of(&self, login: &str) -> Result<Account> {
        self.find_account(login).await?.ok_or_else(unknown)
    }

    /// The account of a log-in, where there is one.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn find_account(&self, login: &str) -> Result<Option<Account>> {
        let text = format!("select {COLUMNS} from account where login = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(login);
        self.sessions.fetch_optional(query).await?.as_ref().map(account).transpose()
    }

    /// The account of a number.
    ///
    /// # Errors
    /// Not found.
    pub async fn account(&self, number: i64) -> Result<Account> {
        let text = format!("select {COLUMNS} from account where account = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(number);
        let row = self.sessions.fetch_optional(query).await?;
        account(&row.ok_or_else(unknown)?)
    }

    /// The password of a log-in as Argon2id keeps it, where there is one: for the look at one's own accounts that a
    /// start takes. Whoever signs in comes by [`AuthStore::attempt`], which counts.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn kept_password(&self, login: &str) -> Result<Option<String>> {
        let query = sqlx::query(
            "select password from credential join account using (account)
            where login = $1 and kind = 0 and disabled_at is null",
        )
        .bind(login);
        let row = self.sessions.fetch_optional(query).await?;
        Ok(row.map(|row| row.try_get("password")).transpose().map_err(StoreError)?)
    }

    /// Changes an account, ends what was signed in or given out under it before, and tells all servers.
    ///
    /// # Errors
    /// Not found.
    pub async fn change_account(&self, login: &str, change: AccountChange<'_>) -> Result<Account> {
        let (set, beside) = match change {
            AccountChange::Password(_) => (
                "failures = 0, locked_until = null",
                "proof as (
                    insert into credential (account, kind, password) select account, 0, $2 from changed
                    on conflict (account, kind) where kind in (0, 1)
                    do update set password = excluded.password, made_at = now())",
            ),
            AccountChange::Roles(..) => ("roles = $2, orgs = $3", ""),
            AccountChange::Disable => ("disabled_at = coalesce(disabled_at, now())", ""),
            AccountChange::Enable => {
                ("disabled_at = null, failures = 0, locked_until = null", "")
            }
        };
        // With the log-ins goes what apps were given under them: whoever else knew the password may have given it.
        let end = "ended as (delete from session s using changed c where s.account = c.account),
            taken as (
                update approval a set revoked_at = now() from changed c
                where a.account = c.account and a.revoked_at is null)";
        // Who knew the password may have signed in from anywhere.
        let end = format!(
            "{end}, strange as (delete from known_place k using changed c where k.account = c.account)"
        );
        let ends = !matches!(change, AccountChange::Roles(..));
        let parts: Vec<&str> = [beside, if ends { end.as_str() } else { "" }]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        let more: String = parts.iter().map(|part| format!(", {part}")).collect();
        let text = format!(
            "with changed as (
                update account set {set}, gen = gen + 1 where login = $1 returning {COLUMNS}),
            told as (
                insert into auth_change (kind, name, gen, until)
                select 3, sub, gen, now() + interval '1 hour' * {TOKEN_HOURS_MAX} from changed){more}
            select * from changed"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(login);
        let query = match change {
            AccountChange::Password(kept) => query.bind(kept),
            AccountChange::Roles(roles, orgs) => query.bind(roles).bind(orgs),
            AccountChange::Disable | AccountChange::Enable => query,
        };
        let row = self.sessions.fetch_optional(query).await?;
        account(&row.ok_or_else(unknown)?)
    }
}

fn unknown() -> Error {
    Error::new(Kind::NotFound, "There is no account of this log-in.")
}

pub(super) fn account(row: &PgRow) -> Result<Account> {
    let read = || {
        Ok(Account {
            account: row.try_get("account")?,
            sub: row.try_get("sub")?,
            login: row.try_get("login")?,
            fhir_user: row.try_get("fhir_user")?,
            roles: row.try_get("roles")?,
            orgs: row.try_get("orgs")?,
            generation: row.try_get("gen")?,
            locked: row.try_get("locked")?,
            disabled: row.try_get("disabled")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
