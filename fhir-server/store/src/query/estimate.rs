//! `_total=estimate`: exact where few candidates are to be looked at, else from a sample of them.
//! <https://hl7.org/fhir/R4/search.html#total>
//!
//! The first candidates of the search's own source are checked, and no more than that. If these were all,
//! the count is exact. Otherwise the part of them that matched is taken of as many candidates as
//! PostgreSQL's statistics expect: rough where the data is not alike throughout, and where a table has
//! grown since it was last analysed.

use access::Access;
use canonical_model::{Error, ResourceType, Result};
use search::Query;
use sqlx::Row;

use super::filter::{Lowering, Sql, push_where};
use super::source::{Source, best};
use super::{budget, prepared};
use crate::Store;
use crate::error::StoreError;
use crate::limits::CANDIDATES_SAMPLED;

impl Store {
    /// About how many resources match.
    ///
    /// # Errors
    /// Unavailable, also beyond the time budget, or Internal.
    pub async fn estimate(&self, access: &Access, queries: &[Query]) -> Result<i64> {
        let lowering = Lowering::of(self, access);
        let _turn = self.turn_to_search(access).await?;
        let mut total = 0_i64;
        for query in queries {
            total = total.saturating_add(self.estimate_one(lowering, query).await?);
        }
        Ok(total)
    }

    async fn estimate_one(&self, lowering: Lowering<'_>, query: &Query) -> Result<i64> {
        let source = best(&query.filter).map(|(_, source)| source);
        let mut sql = Sql::new("with sample as materialized (select v.rid from (");
        push_candidates(&mut sql, lowering, query.kind, source.as_ref());
        sql.push(") v (rid) limit ").push_bind(CANDIDATES_SAMPLED);
        sql.push(") select (select count(*) from sample), count(*) from (select distinct s.rid from sample s offset 0) d cross join lateral (select * from resource x where x.rid = d.rid offset 0) r");
        push_where(&mut sql, lowering, query.kind, &query.filter);
        let row = self.searching.fetch_optional(prepared(&mut sql)).await.map_err(budget::told)?;
        let row = row.ok_or_else(|| Error::internal("a count without a row"))?;
        let seen: i64 = row.try_get(0).map_err(StoreError)?;
        let matched: i64 = row.try_get(1).map_err(StoreError)?;
        if seen < CANDIDATES_SAMPLED {
            return Ok(matched);
        }
        let expected = self.expected(lowering, query.kind, source.as_ref()).await?.max(seen);
        let scaled = i128::from(matched) * i128::from(expected) / i128::from(seen.max(1));
        Ok(i64::try_from(scaled).unwrap_or(i64::MAX))
    }

    /// As many candidates as the planner expects.
    async fn expected(
        &self,
        lowering: Lowering<'_>,
        kind: ResourceType,
        source: Option<&Source>,
    ) -> Result<i64> {
        let mut sql = Sql::new("explain ");
        push_candidates(&mut sql, lowering, kind, source);
        let rows = self.searching.fetch_all(sql.build().persistent(false)).await?;
        let line: Option<String> =
            rows.first().map(|row| row.try_get(0)).transpose().map_err(StoreError)?;
        Ok(line.as_deref().and_then(rows_of).unwrap_or_default())
    }
}

fn push_candidates(
    sql: &mut Sql,
    lowering: Lowering<'_>,
    kind: ResourceType,
    source: Option<&Source>,
) {
    match source {
        Some(source) => source.push(sql, lowering),
        None => {
            sql.push("select x.rid from resource x where x.type = ").push_bind(kind.number());
        }
    }
}

/// `… (cost=0.42..8.44 rows=17 width=8)`.
fn rows_of(line: &str) -> Option<i64> {
    let (_, rest) = line.split_once(" rows=")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::rows_of;

    #[test]
    fn reads_the_planners_rows() {
        let line = "Index Only Scan using token_index_pkey on token_index t  (cost=0.42..8.44 rows=17 width=8)";
        assert_eq!(rows_of(line), Some(17));
        assert_eq!(rows_of("Result"), None);
    }
}
