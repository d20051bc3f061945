//! How a search is answered, for operators: what drives it, its SQL, and PostgreSQL's own account.

use access::Access;
use canonical_model::{Error, Result};
use search::Query;
use sqlx::Row;

use super::filter::Lowering;
use super::lead_in_words::lead;
use super::{budget, plans, statement};
use crate::Store;
use crate::error::StoreError;

/// How a search is answered.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What finds the candidates, one for each type, in words; a parameter is in them as `Param(7)`, by its hash.
    pub drivers: Vec<String>,
    /// The statement, with places for its values.
    pub sql: String,
    /// PostgreSQL's account of having run it, a line each. It shows values of the search.
    pub account: Vec<String>,
}

impl Store {
    /// Runs the first page of a search and says how.
    ///
    /// # Errors
    /// Unavailable, also beyond the time budget, or Internal.
    pub async fn explain(&self, access: &Access, queries: &[Query]) -> Result<Explained> {
        let count = queries.first().map(|query| query.count);
        let count = count.ok_or_else(|| Error::invalid("There is nothing to search."))?;
        let lowering = Lowering::of(self, access);
        let _turn = self.turn_to_search(access).await?;
        let mut session = self.searching.take().await?;
        let plans = match plans(&mut session, lowering, queries, None).await {
            Ok(plans) => plans,
            Err(error) => return session.settle(Err(error)).map_err(budget::told),
        };
        let drivers = plans.iter().map(|plan| lead(&plan.lead)).collect();
        let sql = statement("", &plans, lowering, count, None).sql().as_str().to_owned();
        let before = "explain (analyze, buffers, costs off) ";
        let mut explain = statement(before, &plans, lowering, count, None);
        let rows = explain.build().fetch_all(&mut *session).await;
        let rows = rows.map_err(|fault| StoreError(fault).into());
        let rows = session.settle(rows).map_err(budget::told)?;
        let line = |row: &sqlx::postgres::PgRow| Ok(row.try_get(0).map_err(StoreError)?);
        Ok(Explained { drivers, sql, account: rows.iter().map(line).collect::<Result<_>>()? })
    }
}
