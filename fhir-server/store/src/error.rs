//! What PostgreSQL says, as our one error. Callers never see SQL, table names or values.

use canonical_model::{Error, IssueCode, Kind};

/// A database error on its way to become an [`Error`].
pub(crate) struct StoreError(pub(crate) sqlx::Error);

/// What PostgreSQL said, for the log: the code, and which constraint or table, but none of the values that it quotes.
pub(crate) struct Fault(sqlx::Error);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sqlx::Error::Database(said) = &self.0 else { return self.0.fmt(f) };
        write!(f, "PostgreSQL said {}", said.code().unwrap_or_default())?;
        said.constraint().map_or(Ok(()), |name| write!(f, ", constraint {name}"))?;
        said.table().map_or(Ok(()), |name| write!(f, ", table {name}"))
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            // What it would say has the values.
            sqlx::Error::Database(_) => None,
            other => other.source(),
        }
    }
}

/// What an error came from, where that was the database.
pub(crate) fn fault(error: &Error) -> Option<&sqlx::Error> {
    error.cause.as_ref()?.downcast_ref().map(|Fault(fault)| fault)
}

/// Constraints that callers can act on.
const IDEMPOTENCY_KEY: &str = "idempotency_pkey";
const IDENTITY: &str = "resource_id_hash_key";
const CRITERIA: &str = "claim_pkey";

impl From<StoreError> for Error {
    fn from(StoreError(fault): StoreError) -> Self {
        let known = match &fault {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                classify(&code, database.constraint())
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Some(away()),
            _ => None,
        };
        match known {
            Some(error) => error.caused_by(Fault(fault)),
            None => Self::internal(Fault(fault)),
        }
    }
}

/// A statement was ended from outside: its time was over.
pub(crate) const CANCELED: &str = "57014";
/// No such table: the schema is the one before.
pub(crate) const NO_TABLE: &str = "42P01";

/// No such column: the same.
pub(crate) const NO_COLUMN: &str = "42703";

/// A month of the record must stay. See `migrations/0011_security.sql`.
pub(crate) const CANNOT_GO: &str = "CB002";

/// Whether PostgreSQL said this code.
pub(crate) fn has_code(error: &Error, code: &str) -> bool {
    let said =
        fault(error).and_then(|fault| fault.as_database_error()).and_then(|fault| fault.code());
    said.as_deref() == Some(code)
}

/// The same error for everyone whom it hit; its cause is logged once.
pub(crate) fn copy(error: &Error) -> Error {
    Error::from_issues(error.kind, error.issues.clone())
}

pub(crate) fn busy() -> Error {
    Error::new(Kind::Unavailable, "All database connections are busy. Try again shortly.")
}

pub(crate) fn away() -> Error {
    Error::new(Kind::Unavailable, "The database is not reachable. Try again shortly.")
}

/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn classify(code: &str, constraint: Option<&str>) -> Option<Error> {
    match (code, constraint) {
        ("23505", Some(IDEMPOTENCY_KEY)) => Some(Error::conflict(REPEATED_KEY)),
        ("23505", Some(CRITERIA)) => Some(Error::conflict(CRITERIA_TAKEN)),
        ("23505", Some(IDENTITY)) => Some(Error::conflict(IDENTITY_TAKEN)),
        ("40001" | "40P01" | "55P03", _) => {
            Some(Error::conflict("Another write holds this resource. Try again."))
        }
        (CANCELED, _) => Some(too_costly()),
        ("22P05" | "22021", _) => {
            Some(Error::invalid("The text holds a character that cannot be stored."))
        }
        ("54001" | "54000", _) => {
            Some(Error::new(Kind::TooLarge, "The request is too complex. Split it."))
        }
        ("53100", _) => Some(disk_full()),
        ("53200" | "53300" | "53400", _) => Some(busy()),
        ("25P03" | "25P02", _) => Some(away()),
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("58") => {
            Some(if code == "58030" { disk() } else { away() })
        }
        ("3D000", _) => Some(Error::new(
            Kind::Unavailable,
            "The database does not exist. Create it, as `createdb` does, or name another in its URL.",
        )),
        ("42P01", _) => Some(Error::new(
            Kind::Unavailable,
            "The database has no CareBridge schema. Run `carebridge migrate` first.",
        )),
        _ => None,
    }
}

fn too_costly() -> Error {
    let text = "The request took longer than its time budget. Narrow it and try again.";
    Error::new(Kind::Unavailable, text).code(IssueCode::TooCostly)
}

/// Why writes are refused while there is no space.
pub(crate) fn disk_full() -> Error {
    Error::new(Kind::StorageFull, "The server's disk is full. Nothing was written; reads go on.")
}

fn disk() -> Error {
    Error::new(Kind::StorageFull, "The server's disk fails. Nothing was written.")
}

pub(crate) const REPEATED_KEY: &str = "This Idempotency-Key was used before.";
pub(crate) const IDENTITY_TAKEN: &str = "Another write created this resource first.";
pub(crate) const CRITERIA_TAKEN: &str = "Another conditional create of these criteria was first.";
