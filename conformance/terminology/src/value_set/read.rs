//! Reads a ValueSet resource. <https://hl7.org/fhir/R4/valueset.html>

use std::collections::HashMap;

use canonical_model::{Error, IssueCode, Result, Value};

use super::{Compose, Filter, Listed, Part, Stored, ValueSet};
use crate::code_system::read::{items, text};

impl ValueSet {
    /// Reads a ValueSet.
    ///
    /// # Errors
    /// Unprocessable for an include that names neither a system nor a value set.
    pub fn read(resource: Value) -> Result<Self> {
        let own = |name: &str| text(&resource, name).map(str::to_owned);
        Ok(Self {
            url: own("url").unwrap_or_default(),
            version: own("version"),
            compose: resource.get("compose").map(compose).transpose()?,
            expansion: resource.get("expansion").map(stored),
            resource,
        })
    }
}

fn compose(compose: &Value) -> Result<Compose> {
    let parts = |name: &str| items(compose, name).iter().map(part).collect::<Result<Vec<_>>>();
    Ok(Compose {
        locked: compose.get("lockedDate").is_some(),
        inactive: compose.get("inactive").and_then(Value::as_bool),
        include: parts("include")?,
        exclude: parts("exclude")?,
    })
}

fn part(part: &Value) -> Result<Part> {
    let own = |name: &str| text(part, name).map(str::to_owned);
    let listed: Vec<Listed> = items(part, "concept").iter().filter_map(listed).collect();
    let by_code: HashMap<Box<str>, usize> =
        listed.iter().enumerate().rev().map(|(at, it)| (it.code.clone(), at)).collect();
    let sets = items(part, "valueSet").iter().filter_map(Value::as_str);
    let read = Part {
        system: own("system"),
        version: own("version").filter(|version| version != "*"),
        listed,
        by_code,
        filters: items(part, "filter").iter().map(Filter::read).collect(),
        value_sets: sets.map(str::to_owned).collect(),
    };
    if read.system.is_none() && read.value_sets.is_empty() {
        let text = "a value set includes neither a system nor a value set";
        return Err(Error::unprocessable(text).code(IssueCode::NotSupported));
    }
    Ok(read)
}

fn listed(concept: &Value) -> Option<Listed> {
    Some(Listed {
        code: text(concept, "code")?.into(),
        display: text(concept, "display").map(Into::into),
        designations: items(concept, "designation").to_vec(),
        ..Listed::default()
    })
}

/// Parameters of an expansion that leave no code out.
const HARMLESS: [&str; 5] =
    ["version", "displayLanguage", "includeDesignations", "includeDefinition", "excludeNested"];

fn stored(expansion: &Value) -> Stored {
    let number = |name: &str| expansion.get(name)?.as_number()?.to_i64();
    let name = |parameter| text(parameter, "name").unwrap_or_default();
    let harmless = |name: &str| HARMLESS.contains(&name) || name.starts_with("used-");
    let mut whole = items(expansion, "parameter").iter().map(name).all(harmless);
    let mut open: Vec<&Value> = items(expansion, "contains").iter().rev().collect();
    let (mut codes, mut counted) = (Vec::new(), 0_i64);
    while let Some(entry) = open.pop() {
        counted += 1;
        open.extend(items(entry, "contains").iter().rev());
        let flag = |name: &str| entry.get(name).and_then(Value::as_bool) == Some(true);
        let Some(listed) = listed(entry).filter(|_| !flag("abstract")) else { continue };
        match text(entry, "system") {
            Some(system) => {
                let version = text(entry, "version").map(str::to_owned);
                let listed = Listed { inactive: flag("inactive"), ..listed };
                codes.push((system.to_owned(), version, listed));
            }
            None => whole = false,
        }
    }
    whole &= number("offset").unwrap_or(0) == 0;
    whole &= number("total").is_none_or(|total| total == counted);
    Stored { whole, codes }
}
