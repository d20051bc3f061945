//! `ValueSet/$expand`: the codes of a value set.
//! <https://hl7.org/fhir/R4/valueset-operation-expand.html>

use std::sync::Arc;

use ::terminology::{Loaded, ValueSet, View, code_system::Wanted, expand as page, members};
use canonical_model::{Error, Result, Value, object};
use chrono::SecondsFormat;
use uuid::Uuid;

use super::parameters::{Form, Given, NO_CONTEXT, NO_DATE, Rule, many, one, refused};
use super::{Asked, parameter};

pub(super) const RULES: &[Rule] = &[
    one("url", Form::Text),
    one("valueSet", Form::Resource),
    one("valueSetVersion", Form::Text),
    refused("context", NO_CONTEXT),
    refused("contextDirection", NO_CONTEXT),
    one("filter", Form::Text),
    refused("date", NO_DATE),
    one("offset", Form::Integer),
    one("count", Form::Integer),
    one("includeDesignations", Form::Boolean),
    many("designation", Form::Text),
    one("includeDefinition", Form::Boolean),
    one("activeOnly", Form::Boolean),
    one("excludeNested", Form::Boolean),
    one("excludeNotForUI", Form::Boolean),
    // No code is post-coordinated here.
    one("excludePostCoordinated", Form::Boolean),
    one("displayLanguage", Form::Text),
    many("exclude-system", Form::Text),
    many("system-version", Form::Text),
    many("check-system-version", Form::Text),
    many("force-system-version", Form::Text),
];

/// Parameters that are not repeated in the expansion: they name the value set.
const OF_REQUEST: [&str; 3] = ["url", "valueSet", "valueSetVersion"];

pub(super) async fn expand(asked: &mut Asked<'_>) -> Result<Value> {
    let view = view(&asked.given)?;
    let set = asked.value_set().await?;
    asked.definitions.gather(&set, true).await?;
    let loaded = asked.definitions.loaded().clone();
    let (whole, repeated) =
        (asked.given.flag("includeDefinition") == Some(true), repeated(&asked.given));
    let now = asked.domain.now().to_rfc3339_opts(SecondsFormat::Millis, true);
    // Up to a second of work, which no other request waits for.
    let work = move || expanded(&loaded, &set, &view, whole, repeated, &now);
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn view(given: &Given) -> Result<View> {
    let flag = |name: &str| given.flag(name) == Some(true);
    let filter = given.text("filter").filter(|text| !text.is_empty());
    let offset = given.number("offset")?;
    let count = given.number("count")?;
    let wanted: Vec<String> = given.texts("designation").map(str::to_owned).collect();
    Ok(View {
        filter: filter.map(Wanted::read).transpose().map_err(|e| e.at("http.filter"))?,
        // Pages are of codes one after the other; so are the codes that words find.
        nested: given.flag("excludeNested") == Some(false) && offset.is_none() && count.is_none(),
        offset: offset.unwrap_or(0),
        count,
        active_only: flag("activeOnly"),
        selectable_only: flag("excludeNotForUI"),
        language: given.text("displayLanguage").map(str::to_owned),
        designations: flag("includeDesignations") || !wanted.is_empty(),
        wanted,
        without: given.texts("exclude-system").map(str::to_owned).collect(),
    })
}

fn expanded(
    loaded: &Loaded,
    set: &Arc<ValueSet>,
    view: &View,
    whole: bool,
    mut repeated: Vec<Value>,
    now: &str,
) -> Result<Value> {
    let members = members(loaded, set)?;
    let page = page(&members, view)?;
    let used = page.versions.iter().filter(|it| it.contains('|'));
    repeated.extend(used.map(|version| parameter("version", "valueUri", version.as_str())));
    let mut expansion = object! {
        "identifier": format!("urn:uuid:{}", Uuid::new_v4()),
        "timestamp": now,
        "total": i64::try_from(page.total).map_err(Error::internal)?,
    };
    if view.offset > 0 || view.count.is_some() {
        expansion.set("offset", i64::try_from(view.offset).map_err(Error::internal)?);
    }
    if !repeated.is_empty() {
        expansion.set("parameter", repeated);
    }
    let contains: Vec<Value> = page.contains.iter().map(|it| it.to_value(&members, view)).collect();
    if !contains.is_empty() {
        expansion.set("contains", contains);
    }
    let mut answer = object! { "resourceType": "ValueSet" };
    for (name, value) in set.resource.as_object().into_iter().flat_map(|it| it.iter()) {
        let left_out = matches!(name, "text" | "expansion") || (name == "compose" && !whole);
        if !left_out {
            answer.set(name, value.clone());
        }
    }
    answer.set("expansion", expansion);
    Ok(answer.into())
}

/// What the expansion says of how it was asked for.
fn repeated(given: &Given) -> Vec<Value> {
    let all = given.all().filter(|(name, _)| !OF_REQUEST.contains(name));
    all.map(|(name, value)| {
        let member = match value {
            Value::Bool(_) => "valueBoolean",
            Value::Number(_) => "valueInteger",
            _ => "valueString",
        };
        parameter(name, member, value.clone())
    })
    .collect()
}
