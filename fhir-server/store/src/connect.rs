//! How sessions begin: their role, and the settings that every statement may count on.

use std::str::FromStr;

use canonical_model::{Error, Result};
use sqlx::postgres::PgConnectOptions;

use crate::limits::{IDLE_IN_TRANSACTION_MS_MAX, LOCK_WAIT_MS_MAX, PREPARED_MAX, STATEMENT_MS_MAX};

/// The roles a session may take. See `migrations/0001_role.sql` and `0011_security.sql`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Application,
    Audit,
    Auth,
    /// Reads the record and adds seals.
    Seal,
    /// Reads the record and its seals.
    Review,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Application => "carebridge_app",
            Self::Audit => "carebridge_audit",
            Self::Auth => "carebridge_auth",
            Self::Seal => "carebridge_seal",
            Self::Review => "carebridge_review",
        }
    }

    fn reads_record(self) -> bool {
        match self {
            Self::Application | Self::Audit | Self::Auth => false,
            Self::Seal | Self::Review => true,
        }
    }
}

/// The session settings. Plans are generic and use indexes whatever the statistics say: a fresh
/// table, a stale estimate or a skewed value never turns a lookup into a scan, nor a walk along an index
/// into a sort of all of it.
pub(crate) fn options(url: &str, role: Role) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(|fault| {
        Error::invalid("The database URL must look like postgres://user:password@host:port/name")
            .caused_by(fault)
    })?;
    let milliseconds = |n: u64| format!("{n}ms");
    Ok(options.application_name("carebridge").statement_cache_capacity(PREPARED_MAX).options([
        ("role", role.name().to_owned()),
        ("jit", "off".to_owned()),
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
        // The record is found by BRIN indexes, which only bitmap scans use.
        ("enable_bitmapscan", if role.reads_record() { "on" } else { "off" }.to_owned()),
        ("max_parallel_workers_per_gather", "0".to_owned()),
        ("synchronous_commit", "on".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("statement_timeout", milliseconds(STATEMENT_MS_MAX)),
        ("lock_timeout", milliseconds(LOCK_WAIT_MS_MAX)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION_MS_MAX)),
    ]))
}
