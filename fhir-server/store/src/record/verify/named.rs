//! Whether the record is found under the people whom its rows name: reports and holds ask the lists beside the seals.

use std::collections::HashSet;

use canonical_model::Result;
use sqlx::{PgConnection, Row as _};

use super::fault::{Fault, FaultKind};
use super::seals::StoredSeal;
use crate::error::StoreError;
use crate::record::rows::Row;

/// Whom the lists name, under each seal of a stretch.
#[derive(Debug, Default)]
pub(super) struct Named {
    patients: HashSet<(i64, i64)>,
    people: HashSet<(i64, String)>,
}

impl Named {
    /// Of these seals, which follow each other.
    pub(super) async fn read(connection: &mut PgConnection, seals: &[StoredSeal]) -> Result<Self> {
        let (Some(first), Some(last)) = (seals.first(), seals.last()) else {
            return Ok(Self::default());
        };
        let query = sqlx::query(
            "select seal, patient, null::text as person from audit_patient where seal between $1 and $2
            union all select seal, null, person from audit_person where seal between $1 and $2",
        )
        .bind(first.seal.seal)
        .bind(last.seal.seal);
        let mut named = Self::default();
        for row in query.fetch_all(connection).await.map_err(StoreError)? {
            let seal: i64 = row.try_get("seal").map_err(StoreError)?;
            let patient: Option<i64> = row.try_get("patient").map_err(StoreError)?;
            let person: Option<String> = row.try_get("person").map_err(StoreError)?;
            named.patients.extend(patient.map(|patient| (seal, patient)));
            named.people.extend(person.map(|person| (seal, person)));
        }
        Ok(named)
    }

    /// What of a seal's rows would not be found.
    pub(super) fn judge(&self, stored: &StoredSeal, rows: &[Row]) -> Option<Fault> {
        let seal = &stored.seal;
        let hidden = |row: &&Row| {
            row.patients.iter().any(|patient| !self.patients.contains(&(seal.seal, *patient)))
                || row
                    .person
                    .as_ref()
                    .is_some_and(|it| !self.people.contains(&(seal.seal, it.clone())))
        };
        let count = rows.iter().filter(hidden).count();
        let first = rows.iter().find(hidden)?;
        let text = format!(
            "{count} rows under seal {} name somebody under whom the record does not list that seal: reports and holds would pass over them",
            seal.seal
        );
        let fault = Fault::of(FaultKind::Unlisted, text).in_seal(seal.seal).in_month(seal.month);
        Some(fault.on_row(first.audit_id, Some(first.at)))
    }
}
