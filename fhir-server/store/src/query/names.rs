//! What matches, by name alone: however large the resources are, all names come at once.

use access::Access;
use canonical_model::{Error, ResourceId, ResourceType, Result};
use search::Query;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::filter::Lowering;
use super::{budget, plans, prepared, statement};
use crate::error::StoreError;
use crate::read::VersionName;
use crate::{Store, Transaction};

const NAMES: &str = "select p.type, p.id, p.version from (";

impl Store {
    /// The versions that match, as many as the query's count.
    ///
    /// # Errors
    /// Unavailable, also beyond the time budget, or Internal.
    pub async fn names(&self, access: &Access, query: &Query) -> Result<Vec<VersionName>> {
        let _turn = self.turn_to_search(access).await?;
        let mut session = self.searching.take().await?;
        let lowering = Lowering::of(self, access);
        let outcome = names(&mut session, lowering, query).await;
        session.settle(outcome).map_err(budget::told)
    }
}

/// The patients in whose compartments matches are, each once. Only those who are there.
const OWNERS: &str = "select distinct h.id from (select unnest(p.patients) from (";

impl Store {
    /// The patients in whose compartments the matches of a query are, of as many matches as its count.
    ///
    /// # Errors
    /// As [`Store::names`].
    pub async fn owners(&self, access: &Access, query: &Query) -> Result<Vec<ResourceId>> {
        let _turn = self.turn_to_search(access).await?;
        let mut session = self.searching.take().await?;
        let lowering = Lowering::of(self, access);
        let outcome = owners(&mut session, lowering, query).await;
        session.settle(outcome).map_err(budget::told)
    }
}

async fn owners(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    query: &Query,
) -> Result<Vec<ResourceId>> {
    let plans = plans(connection, lowering, std::slice::from_ref(query), None).await?;
    let mut sql = statement(OWNERS, &plans, lowering, query.count, None);
    sql.push(") p) o (patient) cross join lateral (select * from resource x where x.id_hash = o.patient offset 0) h where h.method <> 2 and h.type = ");
    sql.push_bind(ResourceType::PATIENT.number());
    let rows = prepared(&mut sql).fetch_all(connection).await.map_err(StoreError)?;
    rows.iter().map(|row| ResourceId::parse(row.try_get("id").map_err(StoreError)?)).collect()
}

impl Transaction {
    /// The same as this transaction sees them.
    ///
    /// # Errors
    /// As [`Transaction::search`].
    pub async fn names(&mut self, access: &Access, query: &Query) -> Result<Vec<VersionName>> {
        let hasher = self.hasher().clone();
        let lowering = Lowering::inside(access, &hasher);
        let begun = self.begin_search().await?;
        let outcome = names(self.connection(), lowering, query).await;
        self.end_search(begun);
        outcome.map_err(budget::told)
    }
}

async fn names(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    query: &Query,
) -> Result<Vec<VersionName>> {
    let plans = plans(connection, lowering, std::slice::from_ref(query), None).await?;
    let mut sql = statement(NAMES, &plans, lowering, query.count, None);
    sql.push(") p");
    let rows = prepared(&mut sql).fetch_all(connection).await.map_err(StoreError)?;
    rows.iter().take(query.count).map(name).collect()
}

fn name(row: &PgRow) -> Result<VersionName> {
    let kind: i16 = row.try_get("type").map_err(StoreError)?;
    let kind = ResourceType::from_number(kind)
        .ok_or_else(|| Error::internal("a stored resource has an unknown type"))?;
    let id: &str = row.try_get("id").map_err(StoreError)?;
    Ok((kind, ResourceId::parse(id)?, row.try_get("version").map_err(StoreError)?))
}
