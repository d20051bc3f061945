//! All that is kept sealed here under one secret, so that it can be put under another one.

use canonical_model::Result;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::AuthTransaction;
use crate::error::StoreError;

/// What is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretOf {
    /// The private half of the key of this name.
    Key(String),
    /// The device of an account.
    Device {
        /// Which proof it is.
        credential: i64,
        /// Whose.
        account: i64,
    },
    /// The reason for an access in an emergency.
    Reason {
        /// Which access.
        break_glass: i64,
        /// To whose record.
        patient: String,
    },
}

impl AuthTransaction {
    /// All secrets, each as it is sealed; nobody else changes them until this ends.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn secrets(&self) -> Result<Vec<(SecretOf, String)>> {
        let mut secrets = Vec::new();
        let keys = "select kid, private from signing_key where private <> '' for update";
        for row in self.sessions.fetch_all(sqlx::query(keys)).await? {
            secrets.push((SecretOf::Key(get(&row, 0)?), get(&row, 1)?));
        }
        let devices =
            "select credential, account, sealed from credential where kind = 1 for update";
        for row in self.sessions.fetch_all(sqlx::query(devices)).await? {
            let of = SecretOf::Device { credential: get(&row, 0)?, account: get(&row, 1)? };
            secrets.push((of, get(&row, 2)?));
        }
        let reasons = "select break_glass, patient, reason from break_glass for update";
        for row in self.sessions.fetch_all(sqlx::query(reasons)).await? {
            let of = SecretOf::Reason { break_glass: get(&row, 0)?, patient: get(&row, 1)? };
            secrets.push((of, get(&row, 2)?));
        }
        Ok(secrets)
    }

    /// Puts a secret in the place of what is sealed there.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn put_secret(&self, of: &SecretOf, sealed: &str) -> Result<()> {
        let query = match of {
            SecretOf::Key(kid) => {
                sqlx::query("update signing_key set private = $2 where kid = $1").bind(kid)
            }
            SecretOf::Device { credential, .. } => {
                sqlx::query("update credential set sealed = $2 where credential = $1")
                    .bind(credential)
            }
            SecretOf::Reason { break_glass, .. } => {
                sqlx::query("update break_glass set reason = $2 where break_glass = $1")
                    .bind(break_glass)
            }
        };
        self.sessions.execute(query.bind(sealed)).await.map(drop)
    }
}

fn get<'r, T>(row: &'r PgRow, at: usize) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    Ok(row.try_get(at).map_err(StoreError)?)
}
