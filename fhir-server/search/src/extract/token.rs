//! Tokens. <https://hl7.org/fhir/R4/search.html#token>

use canonical_model::Value;
use canonical_model::fhirpath::Item;
use conformance::SearchParamKind;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::fold::fold;
use crate::keys::{Aspect, Param};

/// A code, its system, or both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded<'a> {
    pub(super) system: Option<&'a str>,
    pub(super) code: Option<&'a str>,
}

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    for coded in codes(item) {
        put(sink, param, coded);
    }
    if item.type_name == "Identifier" {
        take_typed(sink, param, item.value);
    }
    // The text beside a sealed value may repeat it.
    for text in texts(item).into_iter().filter(|_| !param.sealed) {
        put_text(sink, param, text);
    }
}

/// The codes that an element holds.
pub(super) fn codes<'a>(item: &Item<'a>) -> Vec<Coded<'a>> {
    let plain = |code: &'a str| vec![Coded { system: None, code: Some(code) }];
    let part = |name: &str| item.value.get(name).and_then(Value::as_str);
    match (item.value, item.type_name) {
        (Value::String(code), _) => plain(code),
        (Value::Bool(value), _) => plain(if *value { "true" } else { "false" }),
        (Value::Number(number), _) => plain(number.as_str()),
        (Value::Object(_), "CodeableConcept") => {
            item.value.get("coding").map(Value::items).unwrap_or_default().iter().map(of).collect()
        }
        (Value::Object(_), "Coding") => vec![of(item.value)],
        (Value::Object(_), "Identifier") => {
            vec![Coded { system: part("system"), code: part("value") }]
        }
        // A ContactPoint's `system` is a kind of device, not a code system.
        (Value::Object(_), "ContactPoint") => part("value").map(plain).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn of(coding: &Value) -> Coded<'_> {
    let part = |name: &str| coding.get(name).and_then(Value::as_str);
    Coded { system: part("system"), code: part("code").map(str::trim) }
}

/// What people read beside the codes.
fn texts<'a>(item: &Item<'a>) -> Vec<&'a str> {
    let concept = match item.type_name {
        "CodeableConcept" | "Coding" => Some(item.value),
        "Identifier" => item.value.get("type"),
        _ => None,
    };
    let Some(concept) = concept else { return Vec::new() };
    let part = |value: &'a Value, name: &str| value.get(name).and_then(Value::as_str);
    let codings = concept.get("coding").map(Value::items).unwrap_or_default();
    let displays = codings.iter().filter_map(|coding| part(coding, "display"));
    part(concept, "text").into_iter().chain(part(concept, "display")).chain(displays).collect()
}

/// `:text` filters what something else found: nearly every code has a text.
fn put_text(sink: &mut Sink<'_>, param: &ParamPlan, text: &str) {
    if !sink.has_room() {
        return;
    }
    let entry = (sink.hasher.aspect(param.param, &Aspect::Text), fold(text));
    if !entry.1.is_empty() && !sink.entries.beside.strings.contains(&entry) {
        sink.entries.beside.strings.push(entry);
    }
}

/// `:of-type`: an identifier's value under each code of its type.
fn take_typed(sink: &mut Sink<'_>, param: &ParamPlan, identifier: &Value) {
    let Some(value) = identifier.get("value").and_then(Value::as_str) else { return };
    let codings = identifier.get("type").and_then(|kind| kind.get("coding"));
    for coding in codings.map(Value::items).unwrap_or_default() {
        let Coded { system, code: Some(code) } = of(coding) else { continue };
        let aspect = Aspect::OfType(system.unwrap_or_default(), code);
        let mark = sink.hasher.mark(sink.hasher.aspect(param.param, &aspect), value);
        sink.mark(mark);
    }
}

/// One row finds the code whatever its system; the system is checked on the candidate.
fn put(sink: &mut Sink<'_>, param: &ParamPlan, coded: Coded<'_>) {
    put_code(sink, param, param.param, &param.parts, coded);
}

/// Under a parameter, or an aspect of it.
pub(super) fn put_code(
    sink: &mut Sink<'_>,
    plan: &ParamPlan,
    param: Param,
    parts: &[Param],
    coded: Coded<'_>,
) {
    if let Some(code) = coded.code {
        let known = |part: &Param| sink.entries.keys.contains(&sink.hasher.code(*part, code));
        if !parts.iter().any(known) {
            let key = sink.hasher.code(param, code);
            sink.key(plan, key);
        }
    }
    if !plan.identifies() {
        let of_reference = plan.definition.kind == SearchParamKind::Reference;
        return put_systems(sink, param, coded, of_reference);
    }
    put_exact(sink, param, coded, true);
    // Many systems have few identifiers: those of one are looked up.
    if let Some(system) = coded.system {
        let key = sink.hasher.system_key(param, system);
        sink.key(plan, key);
    }
}

/// Where another parameter's row finds the identifier: whether it is this one's too.
pub(super) fn put_facets(sink: &mut Sink<'_>, param: Param, coded: Coded<'_>) {
    if let Some(code) = coded.code {
        let plain = sink.hasher.mark(param, code);
        sink.mark(plain);
    }
    put_systems(sink, param, coded, true);
}

/// Of a code that many resources share half of a mark is enough: by chance it is that of a resource with the same
/// code of another system. Of an identifier that would be somebody else.
fn put_exact(sink: &mut Sink<'_>, param: Param, coded: Coded<'_>, identifies: bool) {
    if let Some(code) = coded.code {
        let exact = sink.hasher.system_code(param, coded.system.unwrap_or_default(), code);
        exact.into_iter().take(if identifies { 2 } else { 1 }).for_each(|half| sink.facet(half));
    }
}

fn put_systems(sink: &mut Sink<'_>, param: Param, coded: Coded<'_>, identifies: bool) {
    put_exact(sink, param, coded, identifies);
    if let Some(system) = coded.system {
        let mark = sink.hasher.system(param, system);
        sink.mark(mark);
    }
}
