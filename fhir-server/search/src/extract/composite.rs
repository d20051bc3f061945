//! Composites: parts that must hold of one and the same element.
//! <https://hl7.org/fhir/R4/search.html#composite>
//!
//! The parts that are equal or not (codes, references) become one narrowed parameter; the part that
//! has an order (a quantity, a date, a text) is a value under it. Without such a part the whole is a
//! facet.

use std::borrow::Cow;

use canonical_model::Value;
use canonical_model::fhirpath::Item;
use conformance::SearchParamKind;

use super::reference::{Named, named};
use super::{Sink, date, has_value, number, reference, token};
use crate::catalogue::{ParamPlan, Part, PartPath};
use crate::fold::fold;
use crate::keys::{Discrete, Param};
use crate::limits::{ENTRIES_MAX, TIED_ELEMENTS_MAX};

pub(super) fn take(
    sink: &mut Sink<'_>,
    plan: &ParamPlan,
    root: &Value,
    item: &Item<'_>,
    instance: usize,
) {
    let mut heads = vec![plan.param];
    for part in plan.composite.iter().filter(|part| !part.is_ordered()) {
        let values: Vec<Discrete<'_>> =
            items(part, root, item).iter().flat_map(|it| discrete(part, it, sink.base)).collect();
        if heads.len() * values.len() > ENTRIES_MAX {
            sink.over = true;
            return;
        }
        let hasher = sink.hasher;
        heads =
            heads.iter().flat_map(|head| values.iter().map(|v| hasher.part(*head, v))).collect();
    }
    let ordered: Vec<&Part> = plan.composite.iter().filter(|part| part.is_ordered()).collect();
    for head in heads {
        match ordered.as_slice() {
            [] => sink.mark(sink.hasher.whole(head)),
            [only] => put(sink, only, head, &items(only, root, item)),
            // A number twice would let parts of two elements pass for those of one.
            _ if instance >= TIED_ELEMENTS_MAX => {
                sink.crowded = Some(plan.definition.code.to_string());
                return;
            }
            several => {
                for (nth, part) in several.iter().enumerate() {
                    let number = nth_of(nth, instance);
                    let tied = sink.hasher.part(head, &Discrete::Nth(number));
                    put(sink, part, tied, &items(part, root, item));
                }
            }
        }
    }
}

/// Whether an element has a value for each part.
pub(super) fn is_whole(plan: &ParamPlan, root: &Value, item: &Item<'_>) -> bool {
    plan.composite.iter().all(|part| items(part, root, item).iter().any(has_value))
}

/// The number of an ordered part of an instance: at most two parts of one composite have an order.
pub(crate) fn nth_of(nth: usize, instance: usize) -> u8 {
    u8::try_from(instance * 2 + nth % 2).unwrap_or_default()
}

/// The numbers that an ordered part can have, one for each instance.
pub(crate) fn instances() -> impl Iterator<Item = usize> {
    0..TIED_ELEMENTS_MAX
}

fn items<'a>(part: &'a Part, root: &'a Value, item: &Item<'a>) -> Vec<Item<'a>> {
    match &part.path {
        PartPath::OfResource(path) => path.eval(root),
        PartPath::OfItem(paths) => {
            let path = paths.iter().find(|(name, _)| name == item.type_name);
            path.map(|(_, path)| path.eval(item.value)).unwrap_or_default()
        }
    }
}

fn discrete<'a>(part: &Part, item: &Item<'a>, base: &str) -> Vec<Discrete<'a>> {
    match part.kind {
        SearchParamKind::Reference | SearchParamKind::Uri => {
            let target = reference::text(item).and_then(|text| named(text, base));
            target
                .map(|target| match target {
                    Named::Here { kind, id, .. } => Discrete::Reference(kind, Cow::Borrowed(id)),
                    Named::There { uri, .. } => Discrete::Uri(Cow::Borrowed(uri)),
                })
                .into_iter()
                .collect()
        }
        _ => token::codes(item).into_iter().flat_map(forms).collect(),
    }
}

/// The ways in which a code can be asked for.
fn forms(coded: token::Coded<'_>) -> Vec<Discrete<'_>> {
    let system = || Cow::Borrowed(coded.system.unwrap_or_default());
    let code = coded.code.map(Cow::Borrowed);
    let whole = code
        .clone()
        .map(|code| [Discrete::SystemCode(system(), code.clone()), Discrete::Code(code)]);
    let any = coded.system.map(|system| Discrete::System(Cow::Borrowed(system)));
    whole.into_iter().flatten().chain(any).collect()
}

fn put(sink: &mut Sink<'_>, part: &Part, head: Param, items: &[Item<'_>]) {
    for item in items {
        match part.kind {
            SearchParamKind::Quantity | SearchParamKind::Number => put_number(sink, head, item),
            SearchParamKind::Date => {
                if let Some((lo, hi)) = date::interval(item)
                    && sink.has_room()
                {
                    sink.entries.beside.dates.push((head, lo, hi));
                }
            }
            _ => {
                if let Value::String(text) = item.value
                    && sink.has_room()
                {
                    sink.entries.beside.strings.push((head, fold(text)));
                }
            }
        }
    }
}

/// With its unit it is what laboratories are asked for: `code$value`, so it has a row.
fn put_number(sink: &mut Sink<'_>, head: Param, item: &Item<'_>) {
    for reading in number::readings(item) {
        if !sink.has_room() {
            return;
        }
        let hasher = sink.hasher;
        let under = reading.aspect.map_or(head, |aspect| hasher.aspect(head, &aspect));
        let entries = &mut sink.entries;
        let list = if reading.indexed { &mut entries.numbers } else { &mut entries.beside.numbers };
        let entry = (under, reading.lo, reading.hi);
        if !list.contains(&entry) {
            list.push(entry);
        }
    }
}
