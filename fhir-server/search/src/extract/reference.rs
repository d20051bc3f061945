//! References and uris. <https://hl7.org/fhir/R4/search.html#reference>

use canonical_model::fhirpath::Item;
use canonical_model::{ResourceId, ResourceType, Value};

use super::Sink;
use super::token::{Coded, put_code, put_facets};
use crate::catalogue::ParamPlan;
use crate::keys::Aspect;
use crate::limits::VERSION_PARTS_MAX;

/// What a reference names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Named<'a> {
    /// A resource here, perhaps one version of it.
    Here { kind: ResourceType, id: &'a str, version: Option<&'a str> },
    /// Something elsewhere, or a canonical, perhaps with its version.
    There { uri: &'a str, version: Option<&'a str> },
}

/// Reads a reference; `None` for one into the resource itself.
pub(crate) fn named<'a>(text: &'a str, base: &str) -> Option<Named<'a>> {
    let (uri, canonical) = match text.split_once('|') {
        Some((uri, version)) => (uri, Some(version)),
        None => (text, None),
    };
    let path = uri.strip_prefix(base).and_then(|below| below.strip_prefix('/')).unwrap_or(uri);
    let mut parts = path.split('/');
    let (kind, id) = (parts.next().and_then(ResourceType::find), parts.next());
    let rest = (parts.next(), parts.next(), parts.next());
    match (kind, id, rest) {
        (Some(kind), Some(id), (None, _, _)) if ResourceId::is_legal(id) => {
            Some(Named::Here { kind, id, version: canonical })
        }
        (Some(kind), Some(id), (Some("_history"), Some(version), None))
            if ResourceId::is_legal(id) =>
        {
            Some(Named::Here { kind, id, version: Some(version) })
        }
        _ if text.starts_with('#') => None,
        _ => Some(Named::There { uri, version: canonical }),
    }
}

/// The reference's text: of a Reference, a canonical or a uri.
pub(super) fn text<'a>(item: &Item<'a>) -> Option<&'a str> {
    match item.value {
        Value::Object(_) => item.value.get("reference").and_then(Value::as_str),
        Value::String(text) => Some(text.as_str()),
        _ => None,
    }
}

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    if let Some(identifier) = item.value.get("identifier") {
        let part = |name: &str| identifier.get(name).and_then(Value::as_str);
        let coded = Coded { system: part("system"), code: part("value") };
        let under = sink.hasher.aspect(param.own, &Aspect::Identifier);
        if param.alias {
            put_facets(sink, under, coded);
        } else {
            put_code(sink, param, under, &[], coded);
        }
    }
    match text(item).and_then(|text| named(text, sink.base)) {
        Some(Named::Here { kind, id, version }) => {
            let identity = sink.hasher.identity(kind, id);
            if kind == ResourceType::PATIENT && param.compartment {
                sink.patient(id);
            }
            if !param.alias {
                let key = sink.hasher.reference(param.param, identity);
                sink.key(param, key);
                let name = format!("{kind}/{id}");
                put_version(sink, param, &name, version);
                if item.type_name == "canonical" {
                    put_version_ladder(sink, param, &name, version);
                }
            }
        }
        // The key is the wider parameter's and holds no type: whether it is this one's value stands beside it.
        Some(Named::There { uri, .. }) if param.alias => {
            let own = sink.hasher.facet(param.own, uri);
            sink.facet(own);
        }
        Some(Named::There { uri, version }) => {
            let key = sink.hasher.uri(param.param, uri);
            sink.key(param, key);
            put_version(sink, param, uri, version);
            put_version_ladder(sink, param, uri, version);
        }
        None => {}
    }
}

fn put_version(sink: &mut Sink<'_>, param: &ParamPlan, name: &str, version: Option<&str>) {
    if let Some(version) = version {
        let under = sink.hasher.aspect(param.param, &Aspect::Version);
        let facet = sink.hasher.facet(under, &format!("{name}|{version}"));
        sink.facet(facet);
    }
}

fn put_version_ladder(sink: &mut Sink<'_>, param: &ParamPlan, uri: &str, version: Option<&str>) {
    let under = sink.hasher.aspect(param.param, &Aspect::VersionBelow);
    for above in version.into_iter().flat_map(versions) {
        let facet = sink.hasher.facet(under, &format!("{uri}|{above}"));
        sink.facet(facet);
    }
}

/// A uri, and all that lies above it: for `:below`. A canonical's version stands beside it.
pub(super) fn take_uri(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    let Value::String(text) = item.value else { return };
    let (uri, version) = match text.split_once('|') {
        Some((uri, version)) if item.type_name == "canonical" => (uri, Some(version)),
        _ => (text.as_str(), None),
    };
    let key = sink.hasher.uri(param.param, uri);
    sink.key(param, key);
    put_version(sink, param, uri, version);
    put_version_ladder(sink, param, uri, version);
    let under = sink.hasher.aspect(param.param, &Aspect::Below);
    for above in ladder(uri) {
        let mark = sink.hasher.mark(under, above);
        sink.mark(mark);
    }
}

/// A version and what lies above it, by its dots: `1`, `1.2` and `1.2.3`; of the first
/// [`VERSION_PARTS_MAX`], and the whole.
pub(crate) fn versions(version: &str) -> impl Iterator<Item = &str> {
    let dots = version.match_indices('.').map(|(at, _)| at).take(VERSION_PARTS_MAX);
    dots.chain([version.len()]).filter_map(|end| version.get(..end))
}

/// A uri and what lies above it, by its slashes: `http://a/b` and `http://a`. An OID or another `urn:`
/// has no parts. <https://hl7.org/fhir/R4/search.html#uri>
pub(crate) fn ladder(uri: &str) -> impl Iterator<Item = &str> {
    let authority = uri.split_once("://").map_or(uri.len(), |(scheme, _)| scheme.len() + 3);
    let ends = uri.char_indices().skip_while(move |(at, _)| *at < authority);
    let ends = ends.filter(|(_, letter)| *letter == '/').map(|(at, _)| at);
    let whole = uri.trim_end_matches('/').len();
    let ends = ends.filter(move |at| *at < whole).chain([whole]);
    ends.filter_map(|end| uri.get(..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_reference_names() {
        let base = "https://a.example/fhir";
        let here = |id, version| Some(Named::Here { kind: ResourceType::PATIENT, id, version });
        let there = |uri, version| Some(Named::There { uri, version });
        for (text, expected) in [
            ("Patient/1", here("1", None)),
            ("https://a.example/fhir/Patient/1", here("1", None)),
            ("Patient/1/_history/2", here("1", Some("2"))),
            ("https://a.example/fhir/Patient/1|2.0", here("1", Some("2.0"))),
            ("Patient/1|", here("1", Some(""))),
            ("https://b.example/Patient/1", there("https://b.example/Patient/1", None)),
            ("https://a.example/fhirPatient/1", there("https://a.example/fhirPatient/1", None)),
            ("https://a.example/fhir//Patient/1", there("https://a.example/fhir//Patient/1", None)),
            ("http://x/ValueSet/y|2.0", there("http://x/ValueSet/y", Some("2.0"))),
            ("urn:uuid:5", there("urn:uuid:5", None)),
            ("#p", None),
            ("Pacient/1", there("Pacient/1", None)),
            ("Patient/1/2", there("Patient/1/2", None)),
            ("Patient/a b", there("Patient/a b", None)),
        ] {
            assert_eq!(named(text, base), expected, "{text}");
        }
    }

    #[test]
    fn a_uri_lies_below_its_parts() {
        for (uri, expected) in [
            ("http://a.org/b/c", vec!["http://a.org", "http://a.org/b", "http://a.org/b/c"]),
            ("http://a.org/b/", vec!["http://a.org", "http://a.org/b"]),
            ("urn:oid:1.2.3", vec!["urn:oid:1.2.3"]),
            ("plain/b", vec!["plain/b"]),
        ] {
            assert_eq!(ladder(uri).collect::<Vec<_>>(), expected, "{uri}");
        }
    }
}
