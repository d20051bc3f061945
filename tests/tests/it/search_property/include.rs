//! What joins an answer: `_include` and `_revinclude`. <https://hl7.org/fhir/R4/search.html#include>

use std::collections::BTreeSet;

use canonical_model::Value;

use super::ask::Ask;
use super::params::{LINKS, Link};
use super::world::{World, name, part};

/// An include.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Include {
    pub(super) along: Along,
    /// From what is referred to, to what refers.
    pub(super) reverse: bool,
    pub(super) iterate: bool,
}

/// Which references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// One, with the type that it leads to named or not.
    One(&'static Link, bool),
    /// All of a type.
    AllOf(&'static str),
    /// All.
    All,
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Link {}

impl Include {
    /// As a parameter of the search.
    pub(super) fn text(&self) -> String {
        let name = if self.reverse { "_revinclude" } else { "_include" };
        let iterate = if self.iterate { ":iterate" } else { "" };
        let along = match &self.along {
            Along::One(link, true) => format!("{}:{}:{}", link.from, link.code, link.to),
            Along::One(link, false) => format!("{}:{}", link.from, link.code),
            Along::AllOf(kind) => format!("{kind}:*"),
            Along::All => "*".to_owned(),
        };
        format!("{name}{iterate}={along}")
    }

    /// Whether a resource that is there brings another along.
    fn brings(&self, ask: &Ask, there: &Value, other: &Value) -> bool {
        let (from, to) = if self.reverse { (other, there) } else { (there, other) };
        // A wildcard speaks of references of the types that are searched, or to these.
        let searched = ask.looks_in(part(there, "resourceType"));
        match &self.along {
            Along::One(link, true) => link.leads(from, to),
            Along::One(link, false) => {
                let same = |other: &&Link| other.from == link.from && other.code == link.code;
                LINKS.iter().filter(same).any(|it| it.leads(from, to))
            }
            Along::AllOf(kind) => {
                part(from, "resourceType") == *kind
                    && (searched || !self.reverse)
                    && refers(from, to)
            }
            Along::All => searched && refers(from, to),
        }
    }
}

fn refers(from: &Value, to: &Value) -> bool {
    LINKS.iter().any(|link| link.leads(from, to))
}

/// The names of what joins these matches, each once.
pub(super) fn joining(world: &World, ask: &Ask, matches: &BTreeSet<String>) -> BTreeSet<String> {
    let mut known = matches.clone();
    let mut includes: Vec<&Include> = ask.includes.iter().collect();
    let mut from: Vec<&Value> = world.now.iter().filter(|it| matches.contains(&name(it))).collect();
    while !from.is_empty() && !includes.is_empty() {
        let brought = |other: &&Value| {
            from.iter().any(|it| includes.iter().any(|one| one.brings(ask, it, other)))
        };
        let new = world.now.iter().filter(|it| !known.contains(&name(it)));
        let new: Vec<&Value> = new.filter(brought).collect();
        known.extend(new.iter().map(|it| name(it)));
        from = new;
        includes.retain(|one| one.iterate);
    }
    known.difference(matches).cloned().collect()
}
