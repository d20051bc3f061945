//! Values of the data that searches ask for, drawn evenly from all of it: the same for the same number.
//!
//! `{Encounter}` is the id of one, `{Patient.family}` a field of one, `{Patient*200}` a list of ids;
//! `{early}` and `{late}` are moments after a tenth and nearly all of the load.

use anyhow::{Context as _, Result, ensure};
use canonical_model::ResourceType;
use sqlx::{PgConnection, Row as _};
use std::collections::BTreeMap;

/// Resources of each type that values are drawn from.
const POOL: i64 = 1_000;

/// Different requests of one search; one where it has no values.
pub(super) const VARIANTS: usize = 200;

/// Between two neighbours in a list: it shares no factor with the pool.
const STEP: usize = 7;

/// Fields beside the id: the type, the field, and where it is.
const FIELDS: [(&str, &str, &str); 7] = [
    (
        "Patient",
        "record",
        "(content#>>'{identifier,0,system}') || '|' || (content#>>'{identifier,0,value}')",
    ),
    ("Patient", "family", "content#>>'{name,0,family}'"),
    ("Patient", "given", "content#>>'{name,0,given,0}'"),
    ("Patient", "birthdate", "content#>>'{birthDate}'"),
    ("Patient", "phone", "content#>>'{telecom,0,value}'"),
    (
        "Practitioner",
        "record",
        "(content#>>'{identifier,0,system}') || '|' || (content#>>'{identifier,0,value}')",
    ),
    ("Encounter", "", "id"),
];

/// The moments of the load.
const MOMENTS: &str = "
    select to_char((min(last_updated) + (max(last_updated) - min(last_updated)) * share) at time zone 'UTC',
        'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
    from resource, (values (0.1), (0.99)) s (share) where type = $1 group by share order by share";

/// The values by their names.
pub(super) struct Values(BTreeMap<String, Vec<String>>);

impl Values {
    /// Draws them from a loaded database.
    pub(super) async fn draw(connection: &mut PgConnection) -> Result<Self> {
        let mut values = BTreeMap::new();
        let ids = ["Patient", "Practitioner"].map(|kind| (kind, "", "id"));
        for (kind, field, path) in ids.iter().chain(&FIELDS) {
            let name = if field.is_empty() { (*kind).into() } else { format!("{kind}.{field}") };
            let sql = format!(
                "select coalesce({path}, '') from resource
                 where type = $1 and method <> 2 order by id_hash limit $2"
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(number(kind)?).bind(POOL);
            let rows = rows.fetch_all(&mut *connection).await?;
            ensure!(!rows.is_empty(), "there is no {kind}");
            let texts = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?;
            values.insert(name, texts);
        }
        let rows = sqlx::query(MOMENTS).bind(number("Encounter")?).fetch_all(connection).await?;
        for (name, row) in ["early", "late"].into_iter().zip(rows) {
            values.insert(name.into(), vec![row.try_get(0)?]);
        }
        Ok(Self(values))
    }

    /// A text with its values filled in, for the request of this number.
    pub(super) fn fill(&self, text: &str, number: usize) -> Result<String> {
        let mut parts = text.split('{');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').with_context(|| format!("`{text}`"))?;
            let (name, count) = match name.split_once('*') {
                Some((name, count)) => (name, count.parse()?),
                None => (name, 1),
            };
            let pool = self.0.get(name).with_context(|| format!("no value is called `{name}`"))?;
            let one =
                |i: usize| pool.get((number + i * STEP) % pool.len()).map_or("", String::as_str);
            out.push_str(&(0..count).map(one).collect::<Vec<_>>().join(","));
            out.push_str(rest);
        }
        Ok(out)
    }
}

/// How many different requests a text makes.
pub(super) fn variants(text: &str) -> usize {
    let drawn =
        text.split('{').skip(1).any(|name| !name.starts_with("early") && !name.starts_with("late"));
    if drawn { VARIANTS } else { 1 }
}

fn number(kind: &str) -> Result<i16> {
    Ok(ResourceType::find(kind).with_context(|| format!("`{kind}` is no type"))?.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_by_number() {
        let pool = (0..10).map(|n| n.to_string()).collect();
        let values = Values([("A".to_owned(), pool)].into());
        for (text, number, filled) in
            [("x", 3, "x"), ("a={A}&b", 3, "a=3&b"), ("{A*3}", 1, "1,8,5"), ("{A}{A}", 12, "22")]
        {
            assert_eq!(values.fill(text, number).unwrap(), filled);
        }
        assert!(values.fill("{B}", 0).is_err() && values.fill("{A", 0).is_err());
        assert_eq!((variants("a"), variants("{late}"), variants("{A}")), (1, 1, VARIANTS));
    }
}
