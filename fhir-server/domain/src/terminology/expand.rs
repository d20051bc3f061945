//! All codes of a value set. <https://hl7.org/fhir/R4/valueset.html#compositions>

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use canonical_model::{Error, IssueCode, Result, Value};

use super::budget::too_costly;
use super::concepts::{Concepts, items, text};
use super::definitions::Definitions;
use super::filters::passing;
use crate::limits::{EXPANSION_CODES_MAX, VALUE_SET_DEPTH_MAX};

/// Codes with their systems.
pub(super) type Codes = BTreeSet<(String, String)>;

type Expanding<'f> = Pin<Box<dyn Future<Output = Result<Codes>> + Send + 'f>>;

/// The codes of the value set of this name.
///
/// # Errors
/// Unprocessable where it, or what it is composed of, is not known or not offered; TooLarge.
pub(super) async fn value_set(definitions: &mut Definitions<'_>, name: &str) -> Result<Codes> {
    named(definitions, name, 0).await
}

fn named<'f>(definitions: &'f mut Definitions<'_>, name: &'f str, depth: usize) -> Expanding<'f> {
    Box::pin(async move {
        if depth > VALUE_SET_DEPTH_MAX {
            return Err(too_costly("value sets are made of value sets too deep"));
        }
        if name.starts_with('#') {
            return Err(unsupported("a value set that is contained in another"));
        }
        let set = definitions.value_set(name).await?;
        let Some(compose) = set.get("compose") else { return expanded(&set) };
        match composed(definitions, compose, depth).await {
            // What its author expanded stands for what cannot be told here.
            Err(refused) => expanded(&set).map_err(|_| refused),
            codes => codes,
        }
    })
}

async fn composed(
    definitions: &mut Definitions<'_>,
    compose: &Value,
    depth: usize,
) -> Result<Codes> {
    if compose.get("inactive").and_then(Value::as_bool) == Some(false) {
        return Err(unsupported("a value set without inactive codes"));
    }
    if compose.get("lockedDate").is_some() {
        return Err(unsupported("a value set as it was on a date"));
    }
    let mut codes = Codes::new();
    for include in items(compose, "include") {
        codes.extend(selected(definitions, include, depth).await?);
        bounded(&codes)?;
    }
    for exclude in items(compose, "exclude") {
        let excluded = selected(definitions, exclude, depth).await?;
        codes.retain(|code| !excluded.contains(code));
    }
    Ok(codes)
}

/// What the system and every value set have in common.
async fn selected(definitions: &mut Definitions<'_>, set: &Value, depth: usize) -> Result<Codes> {
    // Sets may be made of each other many times over: each time is counted.
    definitions.budget().look(1)?;
    tokio::task::yield_now().await;
    let mut common = match text(set, "system") {
        Some(system) => Some(of_system(definitions, set, system).await?),
        None => None,
    };
    for url in items(set, "valueSet").iter().filter_map(Value::as_str) {
        let codes = named(definitions, url, depth + 1).await?;
        definitions.budget().look(codes.len())?;
        common = Some(match common {
            Some(both) => both.intersection(&codes).cloned().collect(),
            None => codes,
        });
    }
    common.ok_or_else(|| unsupported("a value set that includes neither a system nor a value set"))
}

async fn of_system(definitions: &mut Definitions<'_>, set: &Value, system: &str) -> Result<Codes> {
    let with_system = |code: &str| (system.to_owned(), code.to_owned());
    let (listed, filters) = (items(set, "concept"), items(set, "filter"));
    if !listed.is_empty() {
        return Ok(listed.iter().filter_map(|it| text(it, "code")).map(with_system).collect());
    }
    let concepts = definitions.concepts(system, text(set, "version")).await?;
    definitions.budget().look(concepts.size().saturating_mul(filters.len().max(1)))?;
    let codes: Codes = filtered(&concepts, filters)?.into_iter().map(with_system).collect();
    bounded(&codes)?;
    Ok(codes)
}

/// The codes that pass all filters.
fn filtered<'c>(concepts: &'c Concepts, filters: &[Value]) -> Result<BTreeSet<&'c str>> {
    let mut codes: Option<BTreeSet<&str>> = None;
    for filter in filters {
        let more = passing(concepts, filter)?;
        codes = Some(match codes {
            Some(both) => both.intersection(&more).copied().collect(),
            None => more,
        });
    }
    Ok(codes.unwrap_or_else(|| concepts.all().collect()))
}

/// Parameters of an expansion that leave no code out.
const HARMLESS: [&str; 5] =
    ["version", "displayLanguage", "includeDesignations", "includeDefinition", "excludeNested"];

/// What the value set itself holds of its expansion, if that is all.
fn expanded(set: &Value) -> Result<Codes> {
    let expansion = set.get("expansion").ok_or_else(|| unsupported("a value set without codes"))?;
    let number = |name: &str| expansion.get(name)?.as_number()?.to_i64();
    let name = |parameter| text(parameter, "name").unwrap_or_default();
    let harmless = |name: &str| HARMLESS.contains(&name) || name.starts_with("used-");
    let whole = items(expansion, "parameter").iter().map(name).all(harmless);
    let mut open: Vec<&Value> = items(expansion, "contains").iter().collect();
    let (mut codes, mut counted) = (Codes::new(), 0_i64);
    while let Some(entry) = open.pop() {
        counted += 1;
        open.extend(items(entry, "contains"));
        let is_abstract = entry.get("abstract").and_then(Value::as_bool) == Some(true);
        if let Some(code) = text(entry, "code").filter(|_| !is_abstract) {
            let system = text(entry, "system");
            let system = system.ok_or_else(|| unsupported("an expansion without systems"))?;
            codes.insert((system.to_owned(), code.to_owned()));
        }
    }
    let first = number("offset").unwrap_or(0) == 0;
    if !whole || !first || number("total").is_some_and(|total| total != counted) {
        return Err(unsupported("a part of an expansion"));
    }
    bounded(&codes)?;
    Ok(codes)
}

fn bounded(codes: &Codes) -> Result<()> {
    if codes.len() > EXPANSION_CODES_MAX {
        return Err(too_costly(
            "these are more codes than a search may mean; use a narrower value set",
        ));
    }
    Ok(())
}

fn unsupported(what: &str) -> Error {
    let text = format!("{what} cannot be searched by");
    Error::unprocessable(text).code(IssueCode::NotSupported)
}
