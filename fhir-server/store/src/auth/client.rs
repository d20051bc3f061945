//! Apps and services that registered: beside those of the settings file. A change that takes something away raises the
//! generation, which ends all tokens of the one before.

use canonical_model::{Error, Kind, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::TOKEN_HOURS_MAX;

/// Who registered a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisteredBy {
    /// An operator, by command.
    Operator = 0,
    /// Somebody with a token that the operator gave.
    Token = 1,
    /// Itself: nobody has looked at it.
    Itself = 2,
}

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    /// Staff's own app.
    Own = 0,
    /// An app that people sign in to.
    App = 1,
    /// A program that acts for itself.
    Backend = 2,
}

/// How a client proves itself.
#[derive(Clone, Copy, Debug)]
pub enum ClientProof<'a> {
    /// Not at all.
    Nothing,
    /// By a secret, of which the salted digest is kept.
    Secret(&'a str),
    /// By keys: a JWKS.
    Keys(&'a serde_json::Value),
    /// By keys that are there.
    KeysAt(&'a str),
}

/// A client to be.
#[derive(Clone, Copy, Debug)]
pub struct NewClient<'a> {
    /// Its id.
    pub client: &'a str,
    /// What people are told that it is called.
    pub name: &'a str,
    /// What it is for.
    pub class: ClientClass,
    /// How it proves itself.
    pub proof: ClientProof<'a>,
    /// Where people are sent back to, each whole.
    pub redirects: &'a [String],
    /// Where it is started from here.
    pub launch_url: Option<&'a str>,
    /// The most it may be granted.
    pub scopes: &'a str,
    /// The site it speaks for.
    pub site: i16,
    /// Who registered it.
    pub by: RegisteredBy,
}

impl<'a> ClientProof<'a> {
    /// The kind, the secret, the keys, and where those are.
    fn columns(self) -> (i16, Option<&'a str>, Option<&'a serde_json::Value>, Option<&'a str>) {
        match self {
            Self::Nothing => (0, None, None, None),
            Self::Secret(digest) => (1, Some(digest), None, None),
            Self::Keys(keys) => (2, None, Some(keys), None),
            Self::KeysAt(url) => (2, None, None, Some(url)),
        }
    }
}

/// A client as it is kept.
#[derive(Clone, Debug)]
pub struct KeptClient {
    /// Its id.
    pub client: String,
    /// What people are told that it is called.
    pub name: String,
    /// Whether it is staff's own.
    pub own: bool,
    /// Its secret, as a salted digest.
    pub secret: Option<String>,
    /// Its keys.
    pub jwks: Option<serde_json::Value>,
    /// Where its keys are.
    pub jwks_url: Option<String>,
    /// Where people are sent back to, each whole.
    pub redirects: Vec<String>,
    /// Where it is started from here.
    pub launch_url: Option<String>,
    /// The most it may be granted.
    pub scopes: String,
    /// The site it speaks for.
    pub site: i16,
    /// Tokens of a lower one are over.
    pub generation: i32,
    /// Who registered it.
    pub by: RegisteredBy,
    /// When it was registered.
    pub made_at: DateTime<Utc>,
    /// Whether it gets nothing.
    pub disabled: bool,
}

/// What becomes of a client. Each ends the tokens of before.
#[derive(Clone, Copy, Debug)]
pub enum ClientChange<'a> {
    /// It gets nothing more.
    Disable,
    /// It gets something again.
    Enable,
    /// Another secret, as a salted digest.
    Secret(&'a str),
}

const COLUMNS: &str =
    "client, name, class, secret, jwks, jwks_url, redirects, launch_url, scopes, site, gen,
    origin, made_at, disabled_at is not null as disabled";

/// Tells all servers of a generation.
const TOLD: &str = "insert into auth_change (kind, name, gen, until)
    select 4, client, gen, now() + interval '1 hour' * $2 from changed";

impl AuthStore {
    /// Keeps a client; `most` is how many there may be that no operator made.
    ///
    /// # Errors
    /// Conflict where the id is taken; Unavailable where there are too many.
    pub async fn add_client(&self, new: &NewClient<'_>, most: i64) -> Result<()> {
        let (kind, secret, jwks, jwks_url) = new.proof.columns();
        let query = sqlx::query(
            "insert into client (client, name, kind, class, secret, jwks, jwks_url, redirects, launch_url, scopes,
                site, origin, gen)
            select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                -- One of this id was there: its tokens stay over.
                coalesce((select max(gen) from auth_change where kind = 4 and name = $1), 0)
            where $12 = 0 or (select count(*) from client where origin > 0) < $13
            on conflict do nothing",
        )
        .bind(new.client)
        .bind(new.name)
        .bind(kind)
        .bind(new.class as i16)
        .bind(secret)
        .bind(jwks)
        .bind(jwks_url)
        .bind(new.redirects)
        .bind(new.launch_url)
        .bind(new.scopes)
        .bind(new.site)
        .bind(new.by as i16)
        .bind(most);
        if self.sessions.execute(query).await? > 0 {
            return Ok(());
        }
        match self.client(new.client).await? {
            Some(_) => Err(Error::conflict("There is a client of this id.")),
            None => {
                let text =
                    "As many clients have registered as may; an operator has to look at them.";
                Err(Error::new(Kind::Unavailable, text))
            }
        }
    }

    /// The client of an id, disabled ones too.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn client(&self, id: &str) -> Result<Option<KeptClient>> {
        let text = format!("select {COLUMNS} from client where client = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id);
        self.sessions.fetch_optional(query).await?.as_ref().map(kept).transpose()
    }

    /// All clients, by id; `launchable` has those that are started from here and not disabled.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn clients(&self, launchable: bool) -> Result<Vec<KeptClient>> {
        let text = format!(
            "select {COLUMNS} from client where not $1 or launch_url is not null and disabled_at is null
            order by client"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(launchable);
        self.sessions.fetch_all(query).await?.iter().map(kept).collect()
    }

    /// Changes a client, and tells all servers.
    ///
    /// # Errors
    /// Not found; Conflict where it has no secret that could be another.
    pub async fn change_client(&self, id: &str, change: ClientChange<'_>) -> Result<KeptClient> {
        let (set, only) = match change {
            ClientChange::Disable => ("disabled_at = coalesce(disabled_at, now())", "true"),
            ClientChange::Enable => ("disabled_at = null", "true"),
            ClientChange::Secret(_) => ("secret = $3", "kind = 1"),
        };
        let text = format!(
            "with changed as (
                update client set {set}, gen = gen + 1 where client = $1 and {only} returning {COLUMNS}),
            told as ({TOLD})
            select * from changed"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(TOKEN_HOURS_MAX);
        let query = match change {
            ClientChange::Secret(digest) => query.bind(digest),
            ClientChange::Disable | ClientChange::Enable => query,
        };
        match self.sessions.fetch_optional(query).await? {
            Some(row) => kept(&row),
            None if self.client(id).await?.is_some() => {
                Err(Error::conflict("The client has no secret: it proves itself otherwise."))
            }
            None => Err(unknown()),
        }
    }

    /// Puts what a client says of itself now in the place of what it said before, and tells all servers. When it was
    /// registered, and by whom, stays. Where it has another name, other redirects, or proves itself otherwise, what
    /// people gave is over: they gave it to what it was before.
    ///
    /// # Errors
    /// Not found, also where it is disabled.
    pub async fn replace_client(&self, new: &NewClient<'_>) -> Result<KeptClient> {
        let (kind, secret, jwks, jwks_url) = new.proof.columns();
        let text = format!(
            "with before as (
                select name, redirects, kind, secret, jwks, jwks_url from client where client = $1 for update),
            changed as (
                update client set name = $3, kind = $4, class = $5, secret = $6, jwks = $7, jwks_url = $8,
                    redirects = $9, launch_url = $10, scopes = $11, gen = gen + 1
                where client = $1 and disabled_at is null and exists (select from before)
                returning {COLUMNS}, kind),
            over as (
                update approval a set revoked_at = now() from changed c, before b
                where a.client = c.client and a.revoked_at is null
                    and (b.name, b.redirects, b.kind, b.secret, b.jwks, b.jwks_url)
                        is distinct from (c.name, c.redirects, c.kind, c.secret, c.jwks, c.jwks_url)),
            told as ({TOLD})
            select * from changed"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(new.client)
            .bind(TOKEN_HOURS_MAX)
            .bind(new.name)
            .bind(kind)
            .bind(new.class as i16)
            .bind(secret)
            .bind(jwks)
            .bind(jwks_url)
            .bind(new.redirects)
            .bind(new.launch_url)
            .bind(new.scopes);
        let row = self.sessions.fetch_optional(query).await?;
        kept(&row.ok_or_else(unknown)?)
    }

    /// Forgets a client, ends what it was given, and tells all servers.
    ///
    /// # Errors
    /// Not found.
    pub async fn delete_client(&self, id: &str) -> Result<()> {
        let text = format!(
            "with changed as (delete from client where client = $1 returning client, gen + 1 as gen),
            over as (
                update approval a set revoked_at = now() from changed c
                where a.client = c.client and a.revoked_at is null),
            told as ({TOLD})
            select client from changed"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(TOKEN_HOURS_MAX);
        self.sessions.fetch_optional(query).await?.map(drop).ok_or_else(unknown)
    }
}

fn unknown() -> Error {
    Error::new(Kind::NotFound, "There is no client of this id in the database.")
}

fn kept(row: &PgRow) -> Result<KeptClient> {
    let read = || {
        let (class, origin): (i16, i16) = (row.try_get("class")?, row.try_get("origin")?);
        Ok(KeptClient {
            client: row.try_get("client")?,
            name: row.try_get("name")?,
            own: class == ClientClass::Own as i16,
            secret: row.try_get("secret")?,
            jwks: row.try_get("jwks")?,
            jwks_url: row.try_get("jwks_url")?,
            redirects: row.try_get("redirects")?,
            launch_url: row.try_get("launch_url")?,
            scopes: row.try_get("scopes")?,
            site: row.try_get("site")?,
            generation: row.try_get("gen")?,
            by: match origin {
                0 => RegisteredBy::Operator,
                1 => RegisteredBy::Token,
                _ => RegisteredBy::Itself,
            },
            made_at: row.try_get("made_at")?,
            disabled: row.try_get("disabled")?,
        })
    };
    read().map_err(|fault: sqlx::Error| StoreError(fault).into())
}
