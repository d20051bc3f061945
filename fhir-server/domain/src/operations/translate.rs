//! `ConceptMap/$translate`: codes of another system that mean a code.
//! <https://hl7.org/fhir/R4/conceptmap-operation-translate.html>

use std::collections::HashSet;
use std::sync::Arc;

use ::terminology::concept_map::{ConceptMap, Dependency, Match, Translated};
use ::terminology::limits::MAPS_FOLLOWED_MAX;
use ::terminology::package;
use canonical_model::{Error, IssueCode, ResourceType, Result, Value};

use super::codings::Coding;
use super::parameters::{Form, Given, Rule, many, one};
use super::{Asked, parameter, parameters, required};
use crate::limits::CONCEPT_MAPS_MAX;
use crate::terminology::{escaped, shown, split};

pub(super) const RULES: &[Rule] = &[
    one("url", Form::Text),
    one("conceptMap", Form::Resource),
    one("conceptMapVersion", Form::Text),
    one("code", Form::Text),
    one("system", Form::Text),
    one("version", Form::Text),
    one("source", Form::Text),
    one("coding", Form::Coding),
    one("codeableConcept", Form::CodeableConcept),
    one("target", Form::Text),
    one("targetsystem", Form::Text),
    many("dependency", Form::Parts),
    one("reverse", Form::Boolean),
];

pub(super) async fn translate(asked: &mut Asked<'_>) -> Result<Value> {
    let codings = Coding::all(&asked.given, "system", "version")?;
    let dependencies = dependencies(&asked.given)?;
    let reverse = asked.given.flag("reverse") == Some(true);
    let target = asked.given.text("targetsystem").map(str::to_owned);
    let mut matches = Vec::new();
    let named = named(asked).await?;
    for coding in &codings {
        let system = coding.system.as_deref().ok_or_else(|| required("system"))?;
        let wanted = Translated {
            system,
            version: coding.version.as_deref(),
            code: &coding.code,
            target: target.as_deref(),
            reverse,
            dependencies: &dependencies,
        };
        let maps = match &named {
            Some(map) => vec![Arc::clone(map)],
            None => found(asked, &wanted).await?,
        };
        followed(asked, maps, &wanted, &mut matches).await?;
    }
    Ok(answer(&matches))
}

/// Translates by these maps, and those that they lead on to, each once.
async fn followed(
    asked: &mut Asked<'_>,
    mut open: Vec<Arc<ConceptMap>>,
    wanted: &Translated<'_>,
    matches: &mut Vec<Match>,
) -> Result<()> {
    let (mut seen, mut followed) = (HashSet::new(), 0);
    while let Some(map) = open.pop() {
        if !map.url.is_empty() && !seen.insert(map.url.clone()) {
            continue;
        }
        let translation = map.translate(wanted);
        for one in translation.matches {
            if !matches.contains(&one) {
                matches.push(one);
            }
        }
        for url in translation.elsewhere {
            followed += 1;
            if followed > MAPS_FOLLOWED_MAX {
                let text = "the concept maps lead from one to the next too often";
                return Err(crate::terminology::too_costly(text));
            }
            let next = by_url(asked, &url, None).await?;
            open.push(next.ok_or_else(|| unknown(&url))?);
        }
    }
    Ok(())
}

/// The map that the request names, if it names one.
async fn named(asked: &mut Asked<'_>) -> Result<Option<Arc<ConceptMap>>> {
    asked.expect_one(&["url", "conceptMap"])?;
    if let Some(stored) = asked.instance.take() {
        return Ok(Some(Arc::new(ConceptMap::read(&asked.definitions.parse(&stored)?))));
    }
    if let Some(resource) = asked.given.resource("conceptMap", ResourceType::CONCEPT_MAP)? {
        return Ok(Some(Arc::new(ConceptMap::read(resource))));
    }
    let Some(url) = asked.given.text("url").map(str::to_owned) else { return Ok(None) };
    let version = asked.given.text("conceptMapVersion").map(str::to_owned);
    let found = by_url(asked, &url, version.as_deref()).await?;
    found.map(Some).ok_or_else(|| {
        let error = unknown(&url);
        Error { kind: canonical_model::Kind::NotFound, ..error }
    })
}

async fn by_url(
    asked: &mut Asked<'_>,
    name: &str,
    version: Option<&str>,
) -> Result<Option<Arc<ConceptMap>>> {
    let (url, own) = split(name);
    let version = version.or(own);
    let access = asked.definitions.access(ResourceType::CONCEPT_MAP);
    if let Ok(access) = &access {
        let mut pairs = vec![("url".to_owned(), escaped(url))];
        pairs.extend(version.map(|version| ("version".to_owned(), escaped(version))));
        let stored = asked.definitions.search(access, ResourceType::CONCEPT_MAP, pairs, 2).await?;
        match stored.as_slice() {
            [] => {}
            [one] => return Ok(Some(Arc::new(ConceptMap::read(&asked.definitions.parse(one)?)))),
            _ => {
                let text =
                    format!("several ConceptMap resources are {}; name the version", shown(url));
                return Err(Error::unprocessable(text).code(IssueCode::MultipleMatches));
            }
        }
    }
    let published = package::concept_maps()?;
    let fits = |map: &&Arc<ConceptMap>| {
        map.url == url && version.is_none_or(|version| map.version.as_deref() == Some(version))
    };
    Ok(published.iter().find(fits).cloned())
}

/// The maps that lead from the code's system, between the value sets that are named.
async fn found(asked: &mut Asked<'_>, wanted: &Translated<'_>) -> Result<Vec<Arc<ConceptMap>>> {
    let own = |name: &str| asked.given.text(name).map(str::to_owned);
    let (source, target) = (own("source"), own("target"));
    if target.is_none() && wanted.target.is_none() {
        let text = "name a map by url, or where it leads by target or targetsystem";
        return Err(Error::invalid(text).code(IssueCode::Required).at("http.target"));
    }
    let (from, to) = match wanted.reverse {
        true => ("target-system", "source-system"),
        false => ("source-system", "target-system"),
    };
    let mut pairs = vec![(from.to_owned(), escaped(wanted.system))];
    pairs.extend(wanted.target.map(|target| (to.to_owned(), escaped(target))));
    let mut maps = Vec::new();
    if let Ok(access) = asked.definitions.access(ResourceType::CONCEPT_MAP) {
        let (kind, most) = (ResourceType::CONCEPT_MAP, CONCEPT_MAPS_MAX + 1);
        for stored in asked.definitions.search(&access, kind, pairs, most).await? {
            maps.push(Arc::new(ConceptMap::read(&asked.definitions.parse(&stored)?)));
        }
    }
    maps.extend(package::concept_maps()?.iter().cloned());
    let fits = |wanted: &Option<String>, of: &Option<String>| wanted.is_none() || wanted == of;
    maps.retain(|map| {
        map.is_of(wanted.system, wanted.target, wanted.reverse)
            && fits(&source, &map.source)
            && fits(&target, &map.target)
    });
    if maps.len() > CONCEPT_MAPS_MAX {
        let text = format!("more than {CONCEPT_MAPS_MAX} concept maps lead there; name one by url");
        return Err(crate::terminology::too_costly(&text));
    }
    // The last is taken first.
    maps.reverse();
    Ok(maps)
}

fn unknown(url: &str) -> Error {
    let text = format!("the concept map {} is not known here", shown(url));
    Error::unprocessable(text).code(IssueCode::NotFound)
}

/// Each `dependency` is an element and what it is.
fn dependencies(given: &Given) -> Result<Vec<Dependency>> {
    let refused = || {
        let text =
            "dependency: expected the parts element and concept, with a coding that has a code";
        Error::invalid(text).at("http.dependency")
    };
    let mut all = Vec::new();
    for parts in given.values("dependency") {
        let part = |name: &str| {
            let is_it = |it: &&Value| it.get("name").and_then(Value::as_str) == Some(name);
            parts.items().iter().find(is_it)
        };
        let element = part("element").and_then(|it| it.get("valueUri")).and_then(Value::as_str);
        let element = element.ok_or_else(refused)?;
        let concept = part("concept").and_then(|it| it.get("valueCodeableConcept"));
        let codings = concept.and_then(|it| it.get("coding")).map(Value::items);
        for coding in codings.ok_or_else(refused)? {
            let Coding { system, code, .. } = Coding::read(coding).map_err(|_| refused())?;
            all.push(Dependency { element: element.to_owned(), system, code });
        }
    }
    Ok(all)
}

fn answer(matches: &[Match]) -> Value {
    let right = matches.iter().any(Match::is_one);
    let mut out = vec![parameter("result", "valueBoolean", right)];
    if !right {
        let text = match matches {
            [] => "no concept map that is known here has a translation of the code",
            _ => "the concept map says that there is no translation of the code",
        };
        out.push(parameter("message", "valueString", text));
    }
    for one in matches {
        let mut parts = vec![parameter("equivalence", "valueCode", one.equivalence.as_str())];
        parts.extend(
            one.concept.clone().map(|concept| parameter("concept", "valueCoding", concept)),
        );
        for product in &one.products {
            parts.push(parameter("product", "part", self::product(product)));
        }
        if !one.source.is_empty() {
            parts.push(parameter("source", "valueUri", one.source.as_str()));
        }
        out.push(parameter("match", "part", parts));
    }
    parameters(out)
}

/// A product as the answer has it: its element, and its code as a Coding.
fn product(product: &Value) -> Vec<Value> {
    let text = |name: &str| product.get(name).and_then(Value::as_str);
    let mut coding = canonical_model::json::Object::new();
    for (name, of) in [("system", "system"), ("code", "value"), ("display", "display")] {
        if let Some(text) = text(of) {
            coding.set(name, text);
        }
    }
    let mut parts = Vec::new();
    parts.extend(text("property").map(|it| parameter("element", "valueUri", it)));
    parts.push(parameter("concept", "valueCoding", coding));
    parts
}
