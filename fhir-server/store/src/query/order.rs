//! The order of a page walk. Every order ends in `rid`, so it is total; missing values go last.

use search::query::{Sort, SortBy};
use sqlx::{Postgres, QueryBuilder};

use crate::limits::SORTED_CHARS_MAX;

use super::along::Values;
use super::driver::{Driver, direction};
use super::page::{PageKey, PageValue};

/// The fields of an order, each an SQL expression over `d` and `r`.
#[derive(Clone, Debug)]
pub(super) struct Order {
    fields: Vec<Field>,
    rid: &'static str,
    rid_descending: bool,
    natural: bool,
}

#[derive(Clone, Debug)]
struct Field {
    value: Value,
    pub(super) kind: FieldKind,
    descending: bool,
    /// What stands for a missing value.
    missing: PageValue,
}

/// Where a field's value is.
#[derive(Clone, Debug)]
enum Value {
    /// A column that always has one.
    Column(&'static str),
    /// What an index is in the order of: a head's highest, or its lowest.
    Indexed { values: Values, highest: bool },
    /// Numbers under these parameters.
    Numbers { params: Vec<i64>, pick: &'static str },
    /// Texts at these JSON paths of the content.
    Elements { paths: Vec<String>, pick: &'static str },
}

/// How a field's value travels in a page key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Number,
    Float,
    Time,
    Text,
}

impl Order {
    pub(super) fn choose(driver: &Driver, sort: &[Sort]) -> Self {
        match (driver, sort) {
            (
                Driver::PatientTimeline { descending, .. } | Driver::KeyTimeline { descending, .. },
                [],
            )
            | (
                Driver::PatientTimeline { descending, .. } | Driver::KeyTimeline { descending, .. },
                // A missing date stands before all others: last only when descending.
                [Sort { by: SortBy::Date { timed: true, .. }, descending: true }],
            ) => {
                let field = Field::plain("d.at", FieldKind::Number, *descending);
                Self::natural(vec![field], "d.rid", *descending)
            }
            (Driver::Along(along), [_]) => {
                let field = Field::plain("d.at", along.kind(), along.descending);
                Self::natural(vec![field], "d.rid", along.descending)
            }
            (Driver::Recent { descending, .. }, [] | [Sort { by: SortBy::Updated, .. }]) => {
                let field = Field::plain("r.last_updated", FieldKind::Time, *descending);
                Self::natural(vec![field], "r.rid", *descending)
            }
            (Driver::Set { descending, .. }, []) => Self::natural(Vec::new(), "d.rid", *descending),
            _ => Self {
                fields: sort.iter().map(Field::of).collect(),
                rid: "r.rid",
                rid_descending: sort.last().is_none_or(|last| last.descending),
                natural: false,
            },
        }
    }

    /// The planner must recognise the driver's own columns, or it sorts what is sorted.
    fn natural(fields: Vec<Field>, rid: &'static str, descending: bool) -> Self {
        Self { fields, rid, rid_descending: descending, natural: true }
    }

    /// The same order from its end.
    pub(super) fn reversed(mut self) -> Self {
        for field in &mut self.fields {
            field.descending = !field.descending;
        }
        self.rid_descending = !self.rid_descending;
        self
    }

    /// Whether the driver yields this order by itself.
    pub(super) fn is_natural(&self) -> bool {
        self.natural
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = FieldKind> {
        self.fields.iter().map(|field| field.kind)
    }

    /// `, expression as s0, …`
    pub(super) fn push_values(&self, sql: &mut QueryBuilder<Postgres>) {
        for (n, field) in self.fields.iter().enumerate() {
            sql.push(", ");
            field.push(sql);
            sql.push(format!(" as s{n}"));
        }
        sql.push(", (select pg_current_snapshot()::text) as snapshot");
    }

    pub(super) fn push_page_values(&self, sql: &mut QueryBuilder<Postgres>) {
        for n in 0..self.fields.len() {
            sql.push(format!(", page.s{n}"));
        }
        sql.push(", page.snapshot");
    }

    pub(super) fn push_order(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" order by ");
        for (n, field) in self.fields.iter().enumerate() {
            match (&field.value, self.natural) {
                (Value::Column(column), true) => sql.push(column),
                _ => sql.push(format!("s{n}")),
            };
            sql.push(format!(" {}, ", direction(field.descending)));
        }
        sql.push(format!("{} {}", self.rid, direction(self.rid_descending)));
    }

    pub(super) fn push_page_order(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" order by ");
        for (n, field) in self.fields.iter().enumerate() {
            sql.push(format!("page.s{n} {}, ", direction(field.descending)));
        }
        sql.push(format!("page.rid {}", direction(self.rid_descending)));
    }

    /// Rows behind a key: `a > x or (a = x and (b > y or (b = y and rid > z)))`.
    pub(super) fn push_after(&self, sql: &mut QueryBuilder<Postgres>, key: &PageKey) {
        sql.push(" and (");
        for (field, value) in self.fields.iter().zip(&key.values) {
            field.push(sql);
            sql.push(if field.descending { " < " } else { " > " });
            value.push(sql);
            sql.push(" or (");
            field.push(sql);
            sql.push(" = ");
            value.push(sql);
            sql.push(" and (");
        }
        sql.push(if self.rid_descending { "r.rid < " } else { "r.rid > " }).push_bind(key.rid);
        for _ in &self.fields {
            sql.push("))");
        }
        sql.push(")");
    }
}

impl Field {
    fn plain(column: &'static str, kind: FieldKind, descending: bool) -> Self {
        let missing = PageValue::Number(0);
        Self { value: Value::Column(column), kind, descending, missing }
    }

    /// Ascending takes a resource's lowest value, descending its highest, as the specification says; what
    /// has none comes last.
    fn of(sort: &Sort) -> Self {
        let descending = sort.descending;
        let pick = if descending { "max" } else { "min" };
        let (value, kind) = match &sort.by {
            SortBy::Updated => return Self::plain("r.last_updated", FieldKind::Time, descending),
            SortBy::Id => return Self::plain("r.id", FieldKind::Text, descending),
            SortBy::Date { param, .. } => {
                let values = Values::Dates { param: *param, from: None, until: None };
                (Value::Indexed { values, highest: descending }, FieldKind::Number)
            }
            // As much as its index holds: it stands in the links of pages.
            SortBy::Text(params) => {
                let values = Values::Texts(params.clone());
                (Value::Indexed { values, highest: descending }, FieldKind::Text)
            }
            SortBy::Number(params) => {
                let params = params.iter().map(|param| param.0).collect();
                (Value::Numbers { params, pick }, FieldKind::Float)
            }
            SortBy::Element(paths) => {
                (Value::Elements { paths: paths.clone(), pick }, FieldKind::Text)
            }
        };
        Self { value, kind, descending, missing: last(kind, descending) }
    }

    /// Pushes the expression; a missing value becomes the one that sorts last.
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Value::Column(column) = &self.value {
            sql.push(column);
            return;
        }
        sql.push("coalesce(");
        match &self.value {
            Value::Column(_) => {}
            Value::Indexed { values, highest } => values.push_value(sql, *highest),
            // What is only known to be below or above a number is sorted as that number.
            Value::Numbers { params, pick } => {
                sql.push(format!("(select {pick}(case when v.lo = '-Infinity' then v.hi else v.lo end) from unnest(r.number_param, r.number_lo, r.number_hi) v (param, lo, hi) where v.param = any("))
                    .push_bind(params.clone())
                    .push("))");
            }
            // As much as the link of a page holds of each of eight.
            Value::Elements { paths, pick } => {
                sql.push(format!("(select {pick}(left(v.value #>> '{{}}', {SORTED_CHARS_MAX}) collate \"C\") from unnest("))
                    .push_bind(paths.clone())
                    .push("::text[]) p (path) cross join lateral jsonb_path_query(r.content, p.path::jsonpath) v (value))");
            }
        }
        sql.push(", ");
        self.missing.push(sql);
        sql.push(")");
    }
}

/// The value that sorts last.
pub(super) fn last(kind: FieldKind, descending: bool) -> PageValue {
    match (kind, descending) {
        (FieldKind::Text, true) => PageValue::Text(String::new()),
        (FieldKind::Text, false) => PageValue::Text("\u{10ffff}".to_owned()),
        (FieldKind::Float, true) => PageValue::Float(f64::NEG_INFINITY),
        (FieldKind::Float, false) => PageValue::Float(f64::INFINITY),
        (FieldKind::Number | FieldKind::Time, descending) => {
            PageValue::Number(if descending { i64::MIN } else { i64::MAX })
        }
    }
}
