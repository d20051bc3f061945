//! What one authorization came to, and the code that an app takes it with: good for a minute, once.

use canonical_model::Result;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::{BREAK_GLASS_MINUTES, CODE_S_MAX, OFFLINE_DAYS, TOKEN_HOURS_MAX};

/// An authorization to be, by somebody who is signed in.
#[derive(Clone, Copy, Debug)]
pub struct NewApproval<'a> {
    /// The session of who gives it.
    pub session: i64,
    /// To whom.
    pub client: &'a str,
    /// Which generation of a client of the database was asked for; `None` for one of the settings.
    pub generation: Option<i32>,
    /// What may be done.
    pub scopes: &'a str,
    /// The patient of the launch context.
    pub patient: Option<&'a str>,
    /// The rest of the launch context: an object.
    pub context: &'a serde_json::Value,
    /// Whether it outlasts the session.
    pub offline: bool,
    /// Whether the account stands for the patient, and has to, for as long as it goes on.
    pub stands_for: bool,
    /// 32 random bytes.
    pub salt: &'a [u8; 32],
    /// SHA-256 of the code.
    pub digest: &'a [u8; 32],
    /// Where the code is sent.
    pub redirect: &'a str,
    /// Of what proves who began (RFC 7636, S256).
    pub challenge: &'a str,
    /// For the identity token.
    pub nonce: Option<&'a str>,
    /// Why it is given in an emergency, sealed: then it is of one patient, and ends within the hour.
    pub emergency: Option<&'a str>,
}

/// What a code is shown with.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// SHA-256 of the code.
    pub digest: &'a [u8; 32],
    /// The client that proved itself.
    pub client: &'a str,
    /// Where it says the code was sent.
    pub redirect: &'a str,
    /// What its proof comes to.
    pub challenge: &'a str,
}

/// An authorization, with the account as it is now: what tokens are made of.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Its number.
    pub approval: i64,
    /// To whom.
    pub client: String,
    /// What may be done.
    pub scopes: String,
    /// The patient of the launch context.
    pub patient: Option<String>,
    /// The rest of the launch context.
    pub context: serde_json::Value,
    /// Purpose of use.
    pub purpose: Option<String>,
    /// Whether it outlasts the session.
    pub offline: bool,
    /// The session, where it goes on.
    pub session: Option<i64>,
    /// What its tokens are told from others' by.
    pub salt: Vec<u8>,
    /// The place of the newest refresh token.
    pub seq: i32,
    /// Seconds until it ends.
    pub left_s: i64,
    /// The account, as tokens name it.
    pub sub: String,
    /// The person.
    pub fhir_user: Option<String>,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Ids of Organization.
    pub orgs: Vec<String>,
    /// The account's generation.
    pub generation: i32,
    /// For the identity token, where a code was exchanged.
    pub nonce: Option<String>,
    /// When whoever gave it proved who he is, in seconds since 1970, while the session is there.
    pub proved_s: Option<i64>,
}

/// What a code came to.
#[derive(Clone, Debug)]
pub enum Exchanged {
    /// An authorization.
    Approval(Box<Approval>),
    /// It was used before: the authorization is over.
    UsedBefore {
        /// Whether it went on until now.
        ended: bool,
    },
    /// There is none of this client, redirect and proof, or its time is over.
    Unknown,
}

/// The columns of an approval `a`, its account `p` and its session `s`.
pub(super) const COLUMNS: &str =
    "a.approval, a.client, a.scopes, a.patient, a.context, a.purpose, a.offline, s.session,
    a.salt, a.seq,
    extract(epoch from a.ends_at - now())::bigint as left_s,
    extract(epoch from s.proved_at)::bigint as proved_s,
    p.sub, p.fhir_user, p.roles, p.orgs, p.gen";

impl AuthStore {
    /// Keeps an authorization and its code. `None` where the session is over, the account does not stand for
    /// the patient any more, or the client is not what it was.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn approve(&self, new: &NewApproval<'_>) -> Result<Option<i64>> {
        let query = sqlx::query(
            "with asked as (
                -- Whoever changes it waits, or is waited for.
                select from client where client = $2 and gen = $17 and disabled_at is null for share),
            given as (
                insert into approval (
                    account, client, scopes, patient, context, offline, session, salt, ends_at, purpose)
                select s.account, $2, $3, $4, $5, $6, s.session, $7,
                    case when $14::text is not null then least(s.ends_at, now() + interval '1 minute' * $15)
                        else least(case when $6 then now() + interval '1 day' * $12 else s.ends_at end,
                            case when $16 then x.until end) end,
                    case when $14::text is not null then 'BTG' end
                from session s join account p on p.account = s.account
                    left join proxy x on x.account = s.account and x.patient = $4
                where s.session = $1 and s.ends_at > now() and p.disabled_at is null
                    and ($17::int is null or exists (select from asked))
                    and ($14::text is null or $4::text is not null and not $6)
                    and (not $16 or x.account is not null and coalesce(x.until > now(), true))
                returning approval, account, patient, ends_at),
            glass as (
                insert into break_glass (account, approval, patient, reason, ends_at)
                select account, approval, patient, $14, ends_at from given where $14::text is not null),
            sent as (
                insert into code (digest, approval, redirect, challenge, nonce, ends_at)
                select $8, approval, $9, $10, $11, now() + interval '1 s' * $13 from given)
            select approval from given",
        )
        .bind(new.session)
        .bind(new.client)
        .bind(new.scopes)
        .bind(new.patient)
        .bind(new.context)
        .bind(new.offline)
        .bind(new.salt.as_slice())
        .bind(new.digest.as_slice())
        .bind(new.redirect)
        .bind(new.challenge)
        .bind(new.nonce)
        .bind(OFFLINE_DAYS)
        .bind(CODE_S_MAX)
        .bind(new.emergency)
        .bind(BREAK_GLASS_MINUTES)
        .bind(new.stands_for)
        .bind(new.generation);
        let row = self.sessions.fetch_optional(query).await?;
        let number = row.map(|row| row.try_get("approval")).transpose();
        Ok(number.map_err(StoreError)?)
    }

    /// What an app was told beside the patient: an object.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn context(&self, approval: i64) -> Result<serde_json::Value> {
        let query = sqlx::query("select context from approval where approval = $1").bind(approval);
        let row = self.sessions.fetch_optional(query).await?;
        let context = row.map(|row| row.try_get("context")).transpose().map_err(StoreError)?;
        Ok(context.unwrap_or_default())
    }

    /// Takes a code, once. One that is shown again, by whomever, ends its authorization.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn exchange(&self, asked: &Exchange<'_>) -> Result<Exchanged> {
        let text = format!(
            "with used as (
                update code c set used_at = now()
                from approval a join account p using (account)
                where c.digest = $1 and c.used_at is null and c.ends_at > now()
                    and c.redirect = $3 and c.challenge = $4
                    and a.approval = c.approval and a.client = $2
                    and a.revoked_at is null and a.ends_at > now() and p.disabled_at is null
                returning c.approval, c.nonce)
            select {COLUMNS}, used.nonce from used join approval a using (approval)
                join account p on p.account = a.account
                left join session s on s.session = a.session and s.ends_at > now()
            where a.offline or s.session is not null"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(asked.digest.as_slice())
            .bind(asked.client)
            .bind(asked.redirect)
            .bind(asked.challenge);
        if let Some(row) = self.sessions.fetch_optional(query).await? {
            return Ok(Exchanged::Approval(Box::new(approval(&row)?)));
        }
        let query = sqlx::query(
            "with ended as (
                update approval a set revoked_at = now() from code c
                where c.digest = $1 and c.used_at is not null and a.approval = c.approval
                    and a.revoked_at is null
                returning a.approval),
            told as (
                insert into auth_change (kind, name, until)
                select 0, approval::text, now() + interval '1 hour' * $2 from ended)
            select exists (select from ended) as ended from code
            where digest = $1 and used_at is not null",
        )
        .bind(asked.digest.as_slice())
        .bind(TOKEN_HOURS_MAX);
        Ok(match self.sessions.fetch_optional(query).await? {
            None => Exchanged::Unknown,
            Some(row) => Exchanged::UsedBefore { ended: row.try_get("ended").map_err(StoreError)? },
        })
    }
}

/// Reads the columns of [`COLUMNS`], and a nonce.
pub(super) fn approval(row: &PgRow) -> Result<Approval> {
    let read = || {
        Ok(Approval {
            approval: row.try_get("approval")?,
            client: row.try_get("client")?,
            scopes: row.try_get("scopes")?,
            patient: row.try_get("patient")?,
            context: row.try_get("context")?,
            purpose: row.try_get("purpose")?,
            offline: row.try_get("offline")?,
            session: row.try_get("session")?,
            salt: row.try_get("salt")?,
            seq: row.try_get("seq")?,
            left_s: row.try_get("left_s")?,
            sub: row.try_get("sub")?,
            fhir_user: row.try_get("fhir_user")?,
            roles: row.try_get("roles")?,
            orgs: row.try_get("orgs")?,
            generation: row.try_get("gen")?,
            nonce: row.try_get("nonce")?,
            proved_s: row.try_get("proved_s")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
