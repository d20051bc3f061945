//! Strings, and the parts of names and addresses. <https://hl7.org/fhir/R4/search.html#string>

use canonical_model::Value;
use canonical_model::fhirpath::Item;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::fold::fold;
use crate::keys::{Aspect, Param};

const NAME_PARTS: &[&str] = &["family", "given", "prefix", "suffix", "text"];
const ADDRESS_PARTS: &[&str] =
    &["line", "city", "district", "state", "postalCode", "country", "text"];

/// Whether a string parameter of a name or an address indexes this element of it.
pub(crate) fn is_string_part(element: &str) -> bool {
    NAME_PARTS.contains(&element) || ADDRESS_PARTS.contains(&element)
}

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    match (item.value, item.type_name) {
        (Value::String(text), _) => put(sink, param, text),
        (Value::Object(_), "HumanName") => take_parts(sink, param, item.value, NAME_PARTS),
        (Value::Object(_), "Address") => take_parts(sink, param, item.value, ADDRESS_PARTS),
        _ => {}
    }
}

fn take_parts(sink: &mut Sink<'_>, param: &ParamPlan, value: &Value, parts: &[&str]) {
    for part in parts {
        for text in value.get(part).map(Value::items).unwrap_or_default() {
            if let Value::String(text) = text {
                put(sink, param, text);
            }
        }
    }
}

fn put(sink: &mut Sink<'_>, param: &ParamPlan, text: &str) {
    if !sink.has_room() {
        return;
    }
    let folded = fold(text);
    let holds = |p: &Param| *p == param.param || param.parts.contains(p);
    let known = sink.entries.strings.iter().any(|(p, t)| holds(p) && *t == folded);
    if !folded.is_empty() && !known {
        sink.entries.strings.push((param.param, folded));
    }
    let exact = sink.hasher.aspect(param.param, &Aspect::Exact);
    let exact = sink.hasher.facet(exact, text);
    sink.facet(exact);
}
