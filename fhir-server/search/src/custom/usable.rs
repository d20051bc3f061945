//! Whether what a SearchParameter asks for can be done: its expression, and what that yields.

use canonical_model::fhirpath::Path;
use canonical_model::{ResourceType, Result};
use conformance::{Registry, SearchParamKind, arms, head};

use super::fault;

/// Refuses a definition that could never be found by: its part for a base must compile for a type of it, and
/// yield what its kind can read.
///
/// # Errors
/// Unprocessable, naming the element.
pub(super) fn compiles(
    own: &str,
    base: &str,
    of: ResourceType,
    kind: SearchParamKind,
) -> Result<()> {
    if own.is_empty() {
        let text =
            format!("It says nothing of {base}: begin each alternative with a type, as `{base}.`");
        return Err(fault("expression", text));
    }
    let path = Path::compile(own, of.name(), Registry::r4()).map_err(|error| {
        let said = error.issues.first().map(|issue| issue.diagnostics.clone()).unwrap_or_default();
        fault("expression", said)
    })?;
    if path.is_empty() {
        return Err(fault("expression", format!("It never yields anything of {of}.")));
    }
    if !path.types().iter().any(|name| fits(kind, name)) {
        let found: Vec<&str> = path.types().iter().map(|name| name.as_str()).take(5).collect();
        let text = format!(
            "It yields {} of {of}, which a parameter of type {} cannot be asked for.",
            found.join(", "),
            kind.as_str()
        );
        return Err(fault("type", text));
    }
    Ok(())
}

/// Refuses an expression of which a part would be left out unsaid: each alternative begins with a base, an
/// element, or a type that is no base here.
///
/// # Errors
/// Unprocessable.
pub(super) fn belongs(expression: &str, bases: &[(String, Vec<ResourceType>)]) -> Result<()> {
    let has_place = |head: &str| {
        head.starts_with(|c: char| c.is_ascii_lowercase())
            || bases.iter().any(|(base, _)| base == head)
            || ResourceType::find(head).is_some()
    };
    match arms(expression).into_iter().position(|arm| !has_place(head(arm))) {
        None => Ok(()),
        Some(at) => {
            let text = format!(
                "Alternative {} of it is of no base: begin it with a type of `base`, as `{}.`.",
                at + 1,
                bases.first().map_or("Patient", |(base, _)| base)
            );
            Err(fault("expression", text))
        }
    }
}

const TEXTS: &[&str] =
    &["string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"];
const URIS: &[&str] = &["uri", "url", "canonical", "oid", "uuid"];
const NUMBERS: &[&str] = &["decimal", "integer", "positiveInt", "unsignedInt"];
const CODED: &[&str] = &["boolean", "Coding", "CodeableConcept", "Identifier", "ContactPoint"];
const QUANTITIES: &[&str] = &["Quantity", "Money", "Age", "Count", "Distance", "Duration", "Range"];
const DATES: &[&str] = &["date", "dateTime", "instant", "Period", "Timing"];

/// Whether values of a type are read by a kind of parameter; see [`crate::extract`].
fn fits(kind: SearchParamKind, name: &str) -> bool {
    let any = |lists: &[&[&str]]| lists.iter().any(|list| list.contains(&name));
    name == "Extension"
        || match kind {
            SearchParamKind::Number => any(&[NUMBERS]),
            SearchParamKind::Date => any(&[DATES]),
            SearchParamKind::String => any(&[TEXTS, &["HumanName", "Address"]]),
            SearchParamKind::Token => any(&[TEXTS, NUMBERS, CODED]),
            SearchParamKind::Reference => any(&[URIS, &["Reference"]]),
            SearchParamKind::Quantity => any(&[QUANTITIES]),
            SearchParamKind::Uri => any(&[URIS]),
            SearchParamKind::Composite | SearchParamKind::Special => false,
        }
}
