//! Which keys sign seals, and whether they are ours.

use std::collections::BTreeMap;

use canonical_model::Result;
use serde_json::Value;
use sqlx::{PgConnection, Row};

use super::fault::{Fault, FaultKind};
use crate::error::StoreError;
use crate::keys::{Keys, Purpose};
use crate::record::key::{PublicKey, RecordKey};

/// The keys of the database by name.
pub(crate) struct Signers {
    known: BTreeMap<String, PublicKey>,
    /// Names of keys whose private half is not sealed under ours.
    foreign: Vec<String>,
    /// Whether that could be told: it takes the data key.
    pub(crate) proven: bool,
}

impl Signers {
    pub(crate) async fn read(connection: &mut PgConnection, keys: &Keys) -> Result<Self> {
        let proven = keys.get(Purpose::Record).is_ok();
        let mut signers = Self { known: BTreeMap::new(), foreign: Vec::new(), proven };
        let query = sqlx::query("select kid, public, private from audit_key order by kid");
        for row in query.fetch_all(connection).await.map_err(StoreError)? {
            let kid: String = row.try_get("kid").map_err(StoreError)?;
            let public: Value = row.try_get("public").map_err(StoreError)?;
            let private: Option<String> = row.try_get("private").map_err(StoreError)?;
            let Some(public) = PublicKey::of_jwk(&public).filter(|public| public.kid == kid) else {
                continue;
            };
            if proven {
                let own = match private {
                    Some(private) => RecordKey::open(keys, &kid, &private)?,
                    None => None,
                };
                if own.is_none_or(|own| *own.public() != public) {
                    signers.foreign.push(kid.clone());
                }
            }
            signers.known.insert(kid, public);
        }
        Ok(signers)
    }

    /// Whether the key of this name signed this.
    pub(crate) fn proves(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.known.get(kid).is_some_and(|key| key.proves(message, signature))
    }

    /// A fault for each key that is not ours and signed something.
    pub(crate) fn foreign(&self, used: &BTreeMap<String, i64>) -> Vec<Fault> {
        let foreign = self.foreign.iter().filter_map(|kid| {
            let first = *used.get(kid)?;
            let text =
                format!("seal {first} and others are signed by the key {kid}, which is not ours");
            Some(Fault::of(FaultKind::Rewrite, text).in_seal(first))
        });
        foreign.collect()
    }
}
