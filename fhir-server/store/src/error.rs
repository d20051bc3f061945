//! What PostgreSQL says, as our one error. Callers never see SQL, table names or values.

use canonical_model::{Error, Kind};

/// A database error on its way to become an [`Error`].
pub(crate) struct StoreError(pub(crate) sqlx::Error);

/// Constraints that callers can act on.
const IDEMPOTENCY_KEY: &str = "idempotency_pkey";
const IDENTITY: &str = "resource_id_hash_key";

impl From<StoreError> for Error {
    fn from(StoreError(fault): StoreError) -> Self {
        let error = match &fault {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                classify(&code, database.constraint())
            }
            sqlx::Error::PoolTimedOut => busy(),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => away(),
            _ => return Self::internal(fault),
        };
        match error {
            Some(error) => error.caused_by(fault),
            None => Self::internal(fault),
        }
    }
}

fn busy() -> Option<Error> {
    Some(Error::new(Kind::Unavailable, "All database connections are busy. Try again shortly."))
}

fn away() -> Option<Error> {
    Some(Error::new(Kind::Unavailable, "The database is not reachable. Try again shortly."))
}

/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn classify(code: &str, constraint: Option<&str>) -> Option<Error> {
    match (code, constraint) {
        ("23505", Some(IDEMPOTENCY_KEY)) => Some(Error::conflict(REPEATED_KEY)),
        ("23505", Some(IDENTITY)) => Some(Error::conflict(IDENTITY_TAKEN)),
        ("40001" | "40P01" | "55P03", _) => {
            Some(Error::conflict("Another write holds this resource. Try again."))
        }
        ("57014", _) => Some(Error::new(
            Kind::Unavailable,
            "The request took longer than its time budget. Narrow it and try again.",
        )),
        ("22P05" | "22021", _) => {
            Some(Error::invalid("The text holds a character that cannot be stored."))
        }
        ("54001" | "54000", _) => {
            Some(Error::new(Kind::TooLarge, "The request is too complex. Split it."))
        }
        ("53100", _) => Some(Error::new(
            Kind::StorageFull,
            "The server's disk is full. Nothing was written; reads go on.",
        )),
        ("53200" | "53300" | "53400", _) => busy(),
        ("25P03" | "25P02", _) => away(),
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("58") => {
            if code == "58030" { disk() } else { away() }
        }
        ("42P01" | "3D000", _) => Some(Error::new(
            Kind::Unavailable,
            "The database has no CareBridge schema. Run `carebridge migrate` first.",
        )),
        _ => None,
    }
}

fn disk() -> Option<Error> {
    Some(Error::new(Kind::StorageFull, "The server's disk fails. Nothing was written."))
}

pub(crate) const REPEATED_KEY: &str = "This Idempotency-Key was used before.";
pub(crate) const IDENTITY_TAKEN: &str = "Another write created this resource first.";

/// Whether the error says that the idempotency key was there already.
pub(crate) fn is_repeated_key(error: &Error) -> bool {
    error.issues.first().is_some_and(|issue| issue.diagnostics == REPEATED_KEY)
}

/// Whether the error says that the resource was created by another write.
pub(crate) fn is_identity_taken(error: &Error) -> bool {
    error.issues.first().is_some_and(|issue| issue.diagnostics == IDENTITY_TAKEN)
}
