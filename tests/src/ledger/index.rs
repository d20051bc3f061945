//! The inverted index against the contents themselves: every value that extraction finds has its row, once,
//! and there is no other row.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use canonical_model::Resource;
use search::fold::string_key;
use search::{Catalogue, Hasher, IndexEntries, extract};
use sqlx::{PgConnection, Row};

/// Rows as texts, with how many there are of each.
type Rows = BTreeMap<String, i64>;

/// Where contents and index differ.
pub(super) async fn differs(connection: &mut PgConnection) -> Result<Vec<String>> {
    let key: Vec<u8> = sqlx::query_scalar("select value from setting where name = 'hash_key'")
        .fetch_one(&mut *connection)
        .await?;
    let key = <[u8; 16]>::try_from(key.as_slice()).context("a hash key of 16 bytes")?;
    let catalogue = Catalogue::new(Hasher::new(&key));
    let heads = "select rid, convert_from(substr(wire, 2), 'UTF8') as text from resource
        where wire is not null";
    let mut wanted = [Rows::new(), Rows::new(), Rows::new()];
    for head in sqlx::query(heads).fetch_all(&mut *connection).await? {
        let text: String = head.try_get("text")?;
        // No string, date or number depends on the base.
        let entries = extract(&catalogue, "http://any/fhir", &Resource::parse(text.as_bytes())?)?;
        add(&mut wanted, head.try_get("rid")?, &entries);
    }
    let mut faults = Vec::new();
    for (table, columns, wanted) in [
        ("string_index", "param, value", &wanted[0]),
        ("date_index", "param, lo, hi", &wanted[1]),
        ("number_index", "param, lo::text, hi::text", &wanted[2]),
    ] {
        let query = format!("select concat_ws('|', {columns}, rid) from {table}");
        let all: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut *connection).await?;
        let mut found = Rows::new();
        for row in all {
            *found.entry(row).or_default() += 1;
        }
        if found != *wanted {
            let differ =
                |a: &Rows, b: &Rows| a.iter().filter(|(row, n)| b.get(*row) != Some(n)).count();
            let (more, less) = (differ(&found, wanted), differ(wanted, &found));
            faults.push(format!("{table}: {more} rows too many or wrong, {less} missing"));
        }
    }
    Ok(faults)
}

fn add(wanted: &mut [Rows; 3], rid: i64, entries: &IndexEntries) {
    let [strings, dates, numbers] = wanted;
    for (param, value) in &entries.strings {
        let value = string_key(value);
        strings.insert(format!("{}|{value}|{rid}", param.0), 1);
    }
    for (param, lo, hi) in &entries.dates {
        *dates.entry(format!("{}|{lo}|{hi}|{rid}", param.0)).or_default() += 1;
    }
    for (param, lo, hi) in &entries.numbers {
        *numbers.entry(format!("{}|{lo}|{hi}|{rid}", param.0)).or_default() += 1;
    }
}
