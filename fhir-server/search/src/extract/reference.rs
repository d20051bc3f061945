//! References and uris. <https://hl7.org/fhir/R4/search.html#reference>

use canonical_model::fhirpath::Item;
use canonical_model::{ResourceId, ResourceType, Value};

use super::Sink;
use crate::catalogue::ParamPlan;

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    let text = match item.value {
        Value::Object(_) => item.value.get("reference").and_then(Value::as_str),
        Value::String(text) => Some(text.as_str()), // canonical or uri
        _ => None,
    };
    let Some(text) = text else { return };
    match local(text, sink.base) {
        Some((kind, id)) => {
            let identity = sink.hasher.identity(kind, id);
            if kind == ResourceType::PATIENT && param.compartment {
                sink.patient(id);
            }
            if !param.alias {
                let key = sink.hasher.reference(param.param, identity);
                sink.key(param, key);
            }
        }
        None if text.starts_with('#') || param.alias => {}
        None => {
            let key = sink.hasher.uri(param.param, text);
            sink.key(param, key);
        }
    }
}

pub(super) fn take_uri(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    if let Value::String(text) = item.value {
        let key = sink.hasher.uri(param.param, text);
        sink.key(param, key);
    }
}

/// The resource a reference names, if it is one of this server; its version does not matter.
fn local<'a>(text: &'a str, base: &str) -> Option<(ResourceType, &'a str)> {
    let path = match text.strip_prefix(base) {
        Some(below) => below.trim_start_matches('/'),
        None => text,
    };
    let mut parts = path.split('/');
    let kind = ResourceType::find(parts.next()?)?;
    let id = parts.next()?;
    let rest = (parts.next(), parts.next(), parts.next());
    let whole = matches!(rest, (None, _, _) | (Some("_history"), Some(_), None));
    (whole && ResourceId::is_legal(id)).then_some((kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_local_references() {
        let base = "https://a.example/fhir";
        for (text, expected) in [
            ("Patient/1", Some("Patient/1")),
            ("https://a.example/fhir/Patient/1", Some("Patient/1")),
            ("Patient/1/_history/2", Some("Patient/1")),
            ("https://b.example/fhir/Patient/1", None),
            ("urn:uuid:5", None),
            ("#p", None),
            ("Pacient/1", None),
            ("Patient/1/2", None),
            ("Patient/a b", None),
        ] {
            let found = local(text, base).map(|(kind, id)| format!("{kind}/{id}"));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
