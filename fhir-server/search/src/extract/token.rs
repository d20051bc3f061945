//! Tokens. <https://hl7.org/fhir/R4/search.html#token>

use canonical_model::Value;
use canonical_model::fhirpath::Item;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::keys::Param;

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    match item.value {
        Value::String(code) => put(sink, param, None, code),
        Value::Bool(value) => put(sink, param, None, if *value { "true" } else { "false" }),
        Value::Number(number) => put(sink, param, None, number.as_str()),
        Value::Object(_) => take_object(sink, param, item),
        Value::Array(_) | Value::Null => {}
    }
}

fn take_object(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    let part = |name: &str| item.value.get(name).and_then(Value::as_str);
    match item.type_name {
        "CodeableConcept" => {
            for coding in item.value.get("coding").map(Value::items).unwrap_or_default() {
                take_coding(sink, param, coding);
            }
        }
        "Coding" => take_coding(sink, param, item.value),
        "Identifier" => {
            if let Some(value) = part("value") {
                put(sink, param, part("system"), value);
            } else if let Some(system) = part("system") {
                let key = sink.hasher.system(param.param, system);
                sink.facet(key);
            }
        }
        // A ContactPoint's `system` is a kind of device, not a code system.
        "ContactPoint" => {
            if let Some(value) = part("value") {
                put(sink, param, None, value);
            }
        }
        _ => {}
    }
}

fn take_coding(sink: &mut Sink<'_>, param: &ParamPlan, coding: &Value) {
    let system = coding.get("system").and_then(Value::as_str);
    match coding.get("code").and_then(Value::as_str) {
        Some(code) => put(sink, param, system, code),
        None => {
            if let Some(system) = system {
                let key = sink.hasher.system(param.param, system);
                sink.facet(key);
            }
        }
    }
}

/// One row finds the code whatever its system; the system is checked on the candidate.
fn put(sink: &mut Sink<'_>, param: &ParamPlan, system: Option<&str>, code: &str) {
    let code = code.trim();
    let known = |part: &Param| sink.entries.keys.contains(&sink.hasher.code(*part, code));
    if !param.parts.iter().any(known) {
        let key = sink.hasher.code(param.param, code);
        sink.key(param, key);
    }
    let exact = sink.hasher.system_code(param.param, system.unwrap_or_default(), code);
    sink.facet(exact);
    if let Some(system) = system {
        let key = sink.hasher.system(param.param, system);
        sink.facet(key);
    }
}
