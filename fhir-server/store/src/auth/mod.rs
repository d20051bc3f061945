//! People, their proofs and their sessions: what the authorization server keeps, in a role that sees no resource.
//! [ADR 0010](../../../../docs/adr/0010-authorization-server-and-audit.md), section 1.
//!
//! What counts by time counts by the database's clock, so that several servers agree. Whatever takes a right away
//! leaves a row in `auth_change` in the same statement: no server can miss it.

mod account;
mod adopt;
mod approval;
mod assertion;
mod attempt;
mod break_glass;
mod changes;
mod client;
mod external;
mod factor;
mod given;
mod imported;
mod launch;
mod proxy;
mod refresh;
mod session;
mod signing_key;
mod transaction;

use canonical_model::{Error, Kind, Result};

use self::transaction::Runs;
pub use account::{Account, AccountChange, NewAccount};
pub use adopt::SecretOf;
pub use approval::{Approval, Exchange, Exchanged, NewApproval};
pub use attempt::Attempt;
pub use break_glass::BreakGlass;
pub use changes::{AuthChange, Told};
pub use client::{ClientChange, ClientClass, ClientProof, KeptClient, NewClient, RegisteredBy};
pub use external::{Back, Linked, NewExternal, Stranger};
pub use given::Given;
pub use launch::{Launched, NewLaunch};
pub use proxy::StandsFor;
pub use refresh::{Refresh, Refreshed, Renewed};
pub use session::{NewSession, SignedIn};
pub use signing_key::{KeptKey, NewKey, Succession};
pub use transaction::AuthTransaction;

use crate::connect::{Role, options};
use crate::error::{NO_TABLE, has_code};
use crate::limits::AUTH_SESSIONS;
use crate::sessions::Sessions;

/// The tables of people, apps and rights. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuthStore {
    sessions: Runs,
}

impl AuthStore {
    /// Connects as the authorization server.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached, or has the schema before these tables.
    pub async fn connect(url: &str) -> Result<Self> {
        let sessions = Sessions::new("auth", options(url, Role::Auth)?, AUTH_SESSIONS);
        let there = sessions.execute(sqlx::query("select from account limit 0")).await;
        there.map_err(|error| match has_code(&error, NO_ROLE) || has_code(&error, NO_TABLE) {
            true => {
                let text =
                    "The database has the schema before accounts. Run `carebridge migrate` first.";
                Error::new(Kind::Unavailable, text).caused_by(error)
            }
            false => error,
        })?;
        Ok(Self { sessions: Runs::Each(sessions) })
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    /// Forgets what has ended; returns how many rows went.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn sweep(&self) -> Result<u64> {
        let mut swept = 0;
        for statement in [
            "delete from code where ends_at < now() - interval '1 hour'",
            "delete from away where ends_at < now() - interval '1 hour'",
            "delete from launch where ends_at < now() - interval '1 hour'",
            "delete from session where ends_at < now() - interval '1 hour'",
            "delete from used_assertion where ends_at < now() - interval '1 hour'",
            "delete from known_place where seen_at < now() - interval '90 days'",
            "delete from auth_change where until < now() - interval '1 hour'",
        ] {
            swept += self.sessions.execute(sqlx::query(statement)).await?;
        }
        Ok(swept + self.forget_private_keys().await?)
    }
}

/// `invalid_parameter_value`: the role that the session is to take does not exist.
const NO_ROLE: &str = "22023";
