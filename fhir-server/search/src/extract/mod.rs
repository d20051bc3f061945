//! Extraction: the search values of a resource, by the published expressions of its type.
//! One file per kind of value. <https://hl7.org/fhir/R4/search.html>

mod composite;
mod date;
mod extension;
mod number;
mod own;
mod position;
pub(crate) mod reference;
mod text;
mod token;

pub(crate) use composite::{instances, nth_of};
pub(crate) use text::is_string_part;

use canonical_model::fhirpath::Item;
use canonical_model::{Error, Resource, ResourceId, ResourceType, Result, Value};
use conformance::SearchParamKind;

use crate::catalogue::{Catalogue, ParamPlan, TypePlan};
use crate::consent::rules_or_all;
use crate::entries::IndexEntries;
use crate::keys::{Facet, Hasher, Key, Mark};
use crate::limits::{ENTRIES_MAX, TIED_ELEMENTS_MAX};
use crate::timeline::NO_DATE;

/// What extraction writes to, and what it needs to know.
pub(crate) struct Sink<'a> {
    pub(crate) hasher: &'a Hasher,
    /// The FHIR base URL: references below it are local.
    pub(crate) base: &'a str,
    pub(crate) entries: IndexEntries,
    /// Keys of this resource that `timeline_index` holds.
    timed: Vec<Key>,
    /// So many values may be indexed.
    room: usize,
    /// There are more values than are indexed.
    pub(crate) over: bool,
    /// The composite that has more elements than it can tell apart.
    pub(crate) crowded: Option<String>,
}

impl Sink<'_> {
    pub(crate) fn key(&mut self, param: &ParamPlan, key: Key) {
        if !self.has_room() || self.entries.keys.contains(&key) {
            return;
        }
        self.entries.keys.push(key);
        if param.timed {
            self.timed.push(key);
        }
    }

    pub(crate) fn facet(&mut self, facet: Facet) {
        // A value has at most so many: its system and code, its system, its type.
        if self.entries.facets.len() >= 6 * self.room {
            self.over = true;
        } else if !self.entries.facets.contains(&facet) {
            self.entries.facets.push(facet);
        }
    }

    pub(crate) fn mark(&mut self, mark: Mark) {
        mark.into_iter().for_each(|half| self.facet(half));
    }

    pub(crate) fn patient(&mut self, id: &str) {
        let identity = self.hasher.identity(ResourceType::PATIENT, id);
        if !self.entries.patients.contains(&identity)
            && let Ok(owner) = ResourceId::parse(id)
        {
            self.entries.patients.push(identity);
            self.entries.owners.push(owner);
        }
    }

    fn len(&self) -> usize {
        let e = &self.entries;
        let beside = e.beside.strings.len() + e.beside.dates.len() + e.beside.numbers.len();
        e.keys.len() + e.strings.len() + e.dates.len() + e.numbers.len() + beside
    }

    /// Whether one more value may be indexed. Each is compared with those before it, so there must be
    /// a bound, and a resource that is found by half of its values would be worse than none.
    pub(crate) fn has_room(&mut self) -> bool {
        let len = self.len();
        self.over |= len >= self.room;
        !self.over
    }
}

/// The search values of a resource that has its id.
///
/// # Errors
/// Unprocessable where the resource has more than [`ENTRIES_MAX`] values, or [`TIED_ELEMENTS_MAX`] elements of
/// one composite; Internal where a published
/// expression does not compile.
pub fn extract(catalogue: &Catalogue, base: &str, resource: &Resource) -> Result<IndexEntries> {
    let plan = catalogue.plan(resource.kind())?;
    let entries = IndexEntries { goal: catalogue.form().goal, ..IndexEntries::default() };
    let mut sink = Sink {
        hasher: catalogue.hasher(),
        base,
        entries,
        timed: Vec::new(),
        room: ENTRIES_MAX,
        over: false,
        crowded: None,
    };
    if resource.kind() == ResourceType::PATIENT
        && let Some(id) = resource.id()
    {
        sink.patient(id);
    }
    let published = plan.params.iter().filter(|param| param.custom.is_none());
    // Parts first: what they hold, the whole need not hold again.
    let (wholes, others): (Vec<_>, Vec<_>) = published.partition(|p| !p.parts.is_empty());
    for param in others.into_iter().chain(wholes) {
        // Everyone's id and time are columns of the head.
        if matches!(&*param.definition.code, "_id" | "_lastUpdated") {
            continue;
        }
        if let Some(path) = &param.path {
            take(&mut sink, param, resource.body(), &path.eval(resource.body()));
        }
        if let Some(code) = &sink.crowded {
            let text = format!(
                "The resource has more than {TIED_ELEMENTS_MAX} elements that its search parameter {code} \
                 tells apart. Split it."
            );
            return Err(Error::unprocessable(text));
        }
        if sink.over {
            let text = format!(
                "The resource has more than {ENTRIES_MAX} values to be found by. Split it."
            );
            return Err(Error::unprocessable(text));
        }
    }
    own::take_all(&mut sink, plan, resource.body());
    place_in_time(&mut sink, plan);
    let mut entries = sink.entries;
    entries.rules = rules_or_all(catalogue, base, resource, &entries.patients);
    Ok(entries)
}

fn take(sink: &mut Sink<'_>, param: &ParamPlan, root: &Value, items: &[Item<'_>]) {
    if items.is_empty() {
        return;
    }
    let is_there = |item: &Item<'_>| match param.definition.kind {
        SearchParamKind::Composite => composite::is_whole(param, root, item),
        _ => has_value(item),
    };
    if items.iter().any(is_there) {
        let present = sink.hasher.present(param.own);
        sink.mark(present);
    }
    // What shares an index needs nothing of its own but the identifiers beside its references.
    if (param.alias && param.definition.kind != SearchParamKind::Reference) || param.is_hidden() {
        return;
    }
    for (instance, item) in items.iter().enumerate() {
        let inside = extension::value(item);
        let item = inside.as_ref().unwrap_or(item);
        match param.definition.kind {
            SearchParamKind::Token => token::take(sink, param, item),
            SearchParamKind::Reference => reference::take(sink, param, item),
            SearchParamKind::String => text::take(sink, param, item),
            SearchParamKind::Date => date::take(sink, param, item),
            SearchParamKind::Uri => reference::take_uri(sink, param, item),
            SearchParamKind::Number | SearchParamKind::Quantity => number::take(sink, param, item),
            SearchParamKind::Composite if param.covered => {}
            SearchParamKind::Composite => composite::take(sink, param, root, item, instance),
            SearchParamKind::Special => position::take(sink, param, item),
        }
    }
}

/// Whether an element says anything: what has only extensions, as one for the reason why there is no value, is
/// as missing as what is not there. <https://hl7.org/fhir/R4/search.html#modifiers>
fn has_value(item: &Item<'_>) -> bool {
    match item.type_name {
        "Extension" => extension::value(item).is_some_and(|inside| says(inside.value)),
        _ => says(item.value),
    }
}

fn says(value: &Value) -> bool {
    let is_content = |name: &str| !(matches!(name, "id" | "extension") || name.starts_with('_'));
    match value {
        Value::Null => false,
        Value::Object(members) => {
            members.iter().any(|(name, member)| is_content(name) && says(member))
        }
        Value::Array(items) => items.iter().any(says),
        _ => true,
    }
}

/// Lays the timed keys along the type's date: each of these is one element, so there is one. Of several it would
/// be the latest, as where a search is sorted by it.
fn place_in_time(sink: &mut Sink<'_>, plan: &TypePlan) {
    let Some(date) = plan.timeline_date else { return };
    let dates = sink.entries.dates.iter().filter(|(param, _, _)| *param == date);
    let at = dates.map(|(_, lo, _)| *lo).max().unwrap_or(NO_DATE);
    sink.entries.timeline = sink.timed.iter().map(|key| (*key, at)).collect();
}
