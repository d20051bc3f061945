//! Statements with optional parts: a table that a batch has nothing for costs nothing.
//!
//! A statement's file marks its parts by lines `--? name` and `--.`, one within another where it needs both;
//! each combination that is asked for is put together once and kept.

use std::sync::{LazyLock, Mutex};

use std::collections::HashMap;

/// A part that a batch may need. The bit is its place in [`Parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Claims,
    Key,
    Tokens,
    Strings,
    Dates,
    Numbers,
    Timelines,
    TokensGone,
    StringsGone,
    DatesGone,
    NumbersGone,
    TimelinesGone,
    /// The versions themselves, with all that goes with them; without it they are indexed anew.
    Version,
    /// Heads that are to be indexed again, where the goal is another.
    Due,
    /// Heads that stay as they are read, until the transaction ends.
    Locked,
    /// What the record says beyond the columns of the schema before.
    Record,
    /// What Consents deny.
    Rules,
    /// The record itself; without it only a benchmark reads.
    Kept,
}

const NAMES: [(&str, Part); 18] = [
    ("claims", Part::Claims),
    ("key", Part::Key),
    ("tokens", Part::Tokens),
    ("strings", Part::Strings),
    ("dates", Part::Dates),
    ("numbers", Part::Numbers),
    ("timelines", Part::Timelines),
    ("tokens_gone", Part::TokensGone),
    ("strings_gone", Part::StringsGone),
    ("dates_gone", Part::DatesGone),
    ("numbers_gone", Part::NumbersGone),
    ("timelines_gone", Part::TimelinesGone),
    ("version", Part::Version),
    ("due", Part::Due),
    ("locked", Part::Locked),
    ("record", Part::Record),
    ("rules", Part::Rules),
    ("kept", Part::Kept),
];

/// The parts of a statement that a batch needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Parts(u32);

impl Parts {
    /// With one more, if it is needed.
    pub(crate) fn with(self, part: Part, needed: bool) -> Self {
        Self(self.0 | u32::from(needed) << part as u16)
    }

    pub(crate) fn has(self, part: Part) -> bool {
        self.0 & 1 << part as u16 != 0
    }

    /// A name that is no part's is a mistake in a statement's file, which its test finds.
    fn has_named(self, name: &str) -> bool {
        NAMES.iter().any(|(known, part)| *known == name && self.has(*part))
    }
}

/// A statement's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Template {
    Insert,
    Update,
    Forward,
    Read,
    Audit,
}

const INSERT: &str = include_str!("../queries/commit_insert.sql");
const UPDATE: &str = include_str!("../queries/commit_update.sql");
const FORWARD: &str = include_str!("../queries/forward.sql");
const READ: &str = include_str!("../queries/read_group.sql");
const AUDIT: &str = include_str!("../queries/audit_insert.sql");

static MADE: LazyLock<Mutex<HashMap<(Template, Parts), &'static str>>> =
    LazyLock::new(Mutex::default);

/// The statement with just these parts. Those that occur are few, so they are kept for ever.
pub(crate) fn statement(template: Template, parts: Parts) -> &'static str {
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    made.entry((template, parts)).or_insert_with(|| {
        let file = match template {
            Template::Insert => INSERT,
            Template::Update => UPDATE,
            Template::Forward => FORWARD,
            Template::Read => READ,
            Template::Audit => AUDIT,
        };
        Box::leak(assemble(file, parts).into_boxed_str())
    })
}

fn assemble(file: &str, parts: Parts) -> String {
    let mut out = String::with_capacity(file.len());
    // Of the parts that the line is within, from the outside in.
    let mut wanted = Vec::new();
    for line in file.lines() {
        if let Some(name) = line.strip_prefix("--? ") {
            wanted.push(parts.has_named(name));
        } else if line == "--." {
            wanted.pop();
        } else if wanted.iter().all(|part| *part) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_and_go() {
        let bare = statement(Template::Insert, Parts::default());
        assert!(!bare.contains("insert into claim") && !bare.contains("insert into string_index"));
        assert!(bare.contains("insert into resource") && bare.contains("insert into audit"));
        let strings = Parts::default().with(Part::Strings, true).with(Part::Dates, false);
        let made = statement(Template::Insert, strings);
        assert!(made.contains("insert into string_index") && !made.contains("into date_index"));
        let gone = Parts::default().with(Part::TokensGone, true);
        assert!(statement(Template::Update, gone).contains("delete from token_index"));
    }

    #[test]
    fn a_part_within_a_part_needs_both() {
        let text = "a\n--? version\nb\n--? record\nc\n--.\nd\n--.\ne\n";
        let both = Parts::default().with(Part::Version, true).with(Part::Record, true);
        for (parts, expected) in [
            (Parts::default(), "a e"),
            (Parts::default().with(Part::Record, true), "a e"),
            (Parts::default().with(Part::Version, true), "a b d e"),
            (both, "a b c d e"),
        ] {
            assert_eq!(assemble(text, parts).lines().collect::<Vec<_>>().join(" "), expected);
        }
    }

    #[test]
    fn the_files_name_only_parts() {
        for file in [INSERT, UPDATE, FORWARD, READ, AUDIT] {
            for name in file.lines().filter_map(|line| line.strip_prefix("--? ")) {
                assert!(NAMES.iter().any(|(known, _)| *known == name), "{name}");
            }
            let ends = file.lines().filter(|line| *line == "--.").count();
            assert_eq!(file.lines().filter(|line| line.starts_with("--? ")).count(), ends);
        }
    }
}
