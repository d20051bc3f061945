//! Where a page ends: the last row's place in the order, and the snapshot the walk began with.

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};

use super::order::{FieldKind, Order};
use crate::error::StoreError;

/// The place behind which the next page begins, or before which the previous one ends.
#[derive(Clone, Debug, PartialEq)]
pub struct PageKey {
    /// The last row's sort values.
    pub values: Vec<PageValue>,
    /// The last row.
    pub rid: i64,
    /// `pg_current_snapshot()` of the first page: versions committed since are passed over, so a
    /// walk meets a changed resource at most once and an unchanged one exactly once.
    pub snapshot: String,
    /// Whether the page before the place is meant.
    pub backward: bool,
    /// Whether the walk goes along an index, which yields its order. All its pages do, or none.
    pub walked: bool,
}

/// A sort value.
#[derive(Clone, Debug, PartialEq)]
pub enum PageValue {
    /// A date in microseconds.
    Number(i64),
    /// A number.
    Float(f64),
    /// `_lastUpdated`.
    Time(DateTime<Utc>),
    /// A folded string or an id.
    Text(String),
}

impl PageValue {
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Number(value) => sql.push_bind(*value),
            Self::Float(value) => sql.push_bind(*value),
            Self::Time(value) => sql.push_bind(*value),
            Self::Text(value) => sql.push_bind(value.clone()),
        };
    }

    fn kind(&self) -> FieldKind {
        match self {
            Self::Number(_) => FieldKind::Number,
            Self::Float(_) => FieldKind::Float,
            Self::Time(_) => FieldKind::Time,
            Self::Text(_) => FieldKind::Text,
        }
    }
}

impl PageKey {
    pub(super) fn of(
        row: &PgRow,
        order: &Order,
        before: Option<&Self>,
        backward: bool,
    ) -> Result<Self> {
        let values = order
            .kinds()
            .enumerate()
            .map(|(n, kind)| {
                let column = format!("s{n}");
                let column = column.as_str();
                Ok(match kind {
                    FieldKind::Number => {
                        PageValue::Number(row.try_get(column).map_err(StoreError)?)
                    }
                    FieldKind::Float => PageValue::Float(row.try_get(column).map_err(StoreError)?),
                    FieldKind::Time => PageValue::Time(row.try_get(column).map_err(StoreError)?),
                    FieldKind::Text => PageValue::Text(row.try_get(column).map_err(StoreError)?),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let snapshot = match before {
            Some(key) => key.snapshot.clone(),
            None => row.try_get("snapshot").map_err(StoreError)?,
        };
        let rid = row.try_get("rid").map_err(StoreError)?;
        Ok(Self { values, rid, snapshot, backward, walked: order.is_natural() })
    }

    /// The kinds of its values.
    pub(super) fn kinds(&self) -> Vec<FieldKind> {
        self.values.iter().map(PageValue::kind).collect()
    }

    /// Whether the key was made by a search of this order.
    pub(super) fn fits(&self, order: &Order) -> Result<()> {
        if self.kinds().into_iter().eq(order.kinds()) {
            Ok(())
        } else {
            Err(Error::invalid("_page: this link belongs to another search"))
        }
    }

    /// `(value, …, rid)` for a comparison of rows.
    pub(super) fn push_row(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("(");
        for value in &self.values {
            value.push(sql);
            sql.push(", ");
        }
        sql.push_bind(self.rid).push(")");
    }
}
