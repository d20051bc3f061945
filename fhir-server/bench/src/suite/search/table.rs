//! The named searches, as data: `queries/*.sql`. Each begins with lines `-- field: value` and ends with the
//! best SQL written by hand for it.
//!
//! - `name`: what it is called.
//! - `order`: `index` where the page is read off an index, `matches` where all matches must be looked at.
//! - `get`: the request below the base. `{…}` is replaced by a value of the data; see [`super::values`].
//! - `answer`: `list` (the default), `set` where the order says nothing, `count` for a total.
//! - `page: 2`: the request is followed to its second page.
//! - `explain`: the same search of one type, for the rows that are read; empty where there is none.
//!
//! In the SQL, `:function(search)` stands for what the server makes of a search; see [`super::binds`].

use anyhow::{Context as _, Result, bail, ensure};

const FILES: [&str; 5] = [
    include_str!("queries/token.sql"),
    include_str!("queries/value.sql"),
    include_str!("queries/link.sql"),
    include_str!("queries/order.sql"),
    include_str!("queries/misleading.sql"),
];

/// How a search finds its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// Read off an index: what a page costs does not depend on how much there is.
    Index,
    /// All matches are looked at.
    Matches,
}

/// What two answers are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    List,
    Set,
    Count,
}

/// A named search.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) order: Order,
    pub(super) get: String,
    pub(super) answer: Answer,
    pub(super) second_page: bool,
    /// What `carebridge admin explain` is asked; none where it cannot say.
    pub(super) explain: Option<String>,
    pub(super) sql: String,
}

/// All of them.
pub(super) fn all() -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for file in FILES {
        for block in file.split("-- name: ").skip(1) {
            all.push(parse(block)?);
        }
    }
    Ok(all)
}

fn parse(block: &str) -> Result<Named> {
    let (name, rest) = block.split_once('\n').context("a search without lines")?;
    let mut named = Named {
        name: name.trim().to_owned(),
        order: Order::Matches,
        get: String::new(),
        answer: Answer::List,
        second_page: false,
        explain: None,
        sql: String::new(),
    };
    let mut explain = None;
    for line in rest.lines() {
        match line.strip_prefix("-- ").map(|line| line.split_once(':').unwrap_or((line, ""))) {
            None => {
                named.sql.push_str(line);
                named.sql.push('\n');
            }
            Some((field, value)) => match (field, value.trim()) {
                ("order", "index") => named.order = Order::Index,
                ("order", "matches") => named.order = Order::Matches,
                ("get", get) => named.get = get.to_owned(),
                ("answer", "list") => named.answer = Answer::List,
                ("answer", "set") => named.answer = Answer::Set,
                ("answer", "count") => named.answer = Answer::Count,
                ("page", "2") => named.second_page = true,
                ("explain", text) => explain = Some(text.to_owned()),
                _ => bail!("`{}`: unknown line `{line}`", named.name),
            },
        }
    }
    ensure!(named.get.starts_with('/') && !named.sql.trim().is_empty(), "`{name}` is incomplete");
    let own = named.get.trim_start_matches('/').to_owned();
    named.explain = Some(explain.unwrap_or(own)).filter(|text| !text.is_empty());
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_search_is_whole_and_named_once() {
        let all = all().unwrap();
        assert!(all.len() >= 40, "{}", all.len());
        let mut names: Vec<&str> = all.iter().map(|named| named.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for named in &all {
            assert!(
                named.sql.trim_start().starts_with(['s', 'w']),
                "{}: {}",
                named.name,
                named.sql
            );
        }
    }

    #[test]
    fn an_unknown_line_is_refused() {
        assert!(parse("x\n-- get: /Patient\n-- what: 1\nselect 1\n").is_err());
        assert!(parse("x\n-- get: /Patient\n").is_err());
    }
}
