//! Contained resources: each is referred to by what contains it, or refers to it (`dom-3`).
//! <https://hl7.org/fhir/R4/references.html#contained>

use std::collections::{HashMap, HashSet};

use canonical_model::{IssueCode, Value};

use super::walk::Walk;
use crate::validate::Path;

/// Judges the contained resources of a resource that is not contained itself.
pub(super) fn check(walk: &mut Walk<'_>, resource: &Value, path: &Path<'_>) {
    let contained = resource.get("contained").map_or(&[][..], Value::items);
    if contained.is_empty() {
        return;
    }
    let mut named = Vec::new();
    locals(resource, &mut named);
    let named: HashSet<&str> = named.into_iter().collect();
    let mut count: HashMap<&str, usize> = HashMap::new();
    for id in contained.iter().filter_map(|each| each.get("id")?.as_str()) {
        *count.entry(id).or_default() += 1;
    }
    for (n, each) in contained.iter().enumerate() {
        let here = path.child("contained").item(n);
        let Some(id) = each.get("id").and_then(Value::as_str) else {
            let text = "Give the contained resource an id, and refer to it by # and that id.";
            walk.report.error(IssueCode::Required, &here, text);
            continue;
        };
        if count.get(id).is_some_and(|count| *count > 1) {
            let text = "Two contained resources have this id: give each its own.";
            walk.report.error(IssueCode::Duplicate, &here, text);
        }
        let mut own = Vec::new();
        locals(each, &mut own);
        let back = own.iter().any(|it| it.is_empty());
        if !named.contains(id) && !back {
            let text =
                "Refer to the contained resource from what contains it, or leave it out. (dom-3)";
            walk.report.error(IssueCode::Invariant, &here, text);
        }
    }
}

/// The ids behind `#` of every reference and canonical URL.
fn locals<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (_, member) in object.iter() {
                locals(member, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                locals(item, found);
            }
        }
        Value::String(text) => found.extend(text.strip_prefix('#')),
        _ => {}
    }
}

/// The resources that one contains, by their ids.
#[derive(Default)]
pub(super) struct Contained<'a> {
    container: Option<&'a Value>,
    by_id: HashMap<&'a str, &'a Value>,
}

impl<'a> Contained<'a> {
    pub(super) fn of(container: &'a Value) -> Self {
        let contained = container.get("contained").map_or(&[][..], Value::items);
        let mut by_id = HashMap::with_capacity(contained.len());
        for one in contained {
            if let Some(id) = one.get("id").and_then(Value::as_str) {
                // The first of two that have one id.
                by_id.entry(id).or_insert(one);
            }
        }
        Self { container: Some(container), by_id }
    }

    pub(super) fn is_of(&self, container: &Value) -> bool {
        self.container.is_some_and(|known| std::ptr::eq(known, container))
    }

    pub(super) fn find(&self, id: &str) -> Option<&'a Value> {
        self.by_id.get(id).copied()
    }
}
