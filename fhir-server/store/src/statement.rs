//! Statements with optional parts: a table that a batch has nothing for costs nothing.
//!
//! A statement's file marks its parts by lines `--? name` and `--.`; each combination that is asked
//! for is put together once and kept.

use std::sync::{LazyLock, Mutex};

use std::collections::HashMap;

/// The parts of a statement that a batch needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Parts {
    /// Criteria or an idempotency key.
    pub(crate) once: bool,
    pub(crate) tokens: bool,
    pub(crate) strings: bool,
    pub(crate) dates: bool,
    pub(crate) numbers: bool,
    pub(crate) timelines: bool,
}

impl Parts {
    fn has(self, name: &str) -> bool {
        match name {
            "once" => self.once,
            "tokens" => self.tokens,
            "strings" => self.strings,
            "dates" => self.dates,
            "numbers" => self.numbers,
            "timelines" => self.timelines,
            _ => true,
        }
    }
}

/// A statement's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Template {
    Insert,
    Update,
}

static MADE: LazyLock<Mutex<HashMap<(Template, Parts), &'static str>>> =
    LazyLock::new(Mutex::default);

/// The statement with just these parts. There are at most 2⁷ of them, so they are kept for ever.
pub(crate) fn statement(template: Template, parts: Parts) -> &'static str {
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    made.entry((template, parts)).or_insert_with(|| {
        let file = match template {
            Template::Insert => include_str!("../queries/commit_insert.sql"),
            Template::Update => include_str!("../queries/commit_update.sql"),
        };
        Box::leak(assemble(file, parts).into_boxed_str())
    })
}

fn assemble(file: &str, parts: Parts) -> String {
    let mut out = String::with_capacity(file.len());
    let mut wanted = true;
    for line in file.lines() {
        if let Some(name) = line.strip_prefix("--? ") {
            wanted = parts.has(name);
        } else if line == "--." {
            wanted = true;
        } else if wanted {
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
        let strings = Parts { strings: true, ..Parts::default() };
        assert!(statement(Template::Insert, strings).contains("insert into string_index"));
        let once = Parts { once: true, ..Parts::default() };
        assert!(statement(Template::Update, once).contains("insert into idempotency"));
    }
}
