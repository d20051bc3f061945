//! Reads a CodeSystem resource. <https://hl7.org/fhir/R4/codesystem.html>

use canonical_model::{Result, Value};

use super::build::Builder;
use super::{CodeSystem, Content, Head, Place, PropertyHead, PropertyKind, Relation};

impl CodeSystem {
    /// Reads a CodeSystem.
    ///
    /// # Errors
    /// TooLarge.
    pub fn read(system: &Value) -> Result<Self> {
        let mut builder = Builder::new(head(system));
        let mut links = Vec::new();
        // Without recursion: the nesting is the sender's.
        let mut open: Vec<(&Value, Option<Place>)> =
            items(system, "concept").iter().rev().map(|concept| (concept, None)).collect();
        while let Some((concept, parent)) = open.pop() {
            let Some(code) = text(concept, "code") else { continue };
            let place = builder.concept(code)?;
            if let Some(parent) = parent {
                builder.below(place, parent);
            }
            add(&mut builder, place, concept, &mut links)?;
            open.extend(items(concept, "concept").iter().rev().map(|child| (child, Some(place))));
        }
        // Parents and children that are told by properties: a concept may have several parents only so.
        for (place, name, other) in links {
            match (name, builder.find(&other)) {
                ("child", Some(child)) => builder.below(child, place),
                (_, Some(parent)) => builder.below(place, parent),
                (_, None) => {}
            }
        }
        Ok(builder.finish())
    }
}

fn head(system: &Value) -> Head {
    let own = |name: &str| text(system, name).map(str::to_owned);
    let property = |it: &Value| {
        let code = text(it, "code")?.to_owned();
        let description = text(it, "description").map(str::to_owned);
        Some(PropertyHead { code, description, declared: true })
    };
    Head {
        url: own("url").unwrap_or_default(),
        version: own("version"),
        name: own("title").or_else(|| own("name")).or_else(|| own("url")).unwrap_or_default(),
        content: Content::parse(text(system, "content").unwrap_or_default()),
        case_sensitive: system.get("caseSensitive").and_then(Value::as_bool) != Some(false),
        relation: match text(system, "hierarchyMeaning") {
            None | Some("is-a") => Relation::IsA,
            Some(other) => Relation::Other(other.to_owned()),
        },
        properties: items(system, "property").iter().filter_map(property).collect(),
    }
}

type Link = (Place, &'static str, String);

fn add(builder: &mut Builder, place: Place, concept: &Value, links: &mut Vec<Link>) -> Result<()> {
    if let Some(display) = text(concept, "display") {
        builder.display(place, display)?;
    }
    if let Some(definition) = text(concept, "definition") {
        builder.definition(place, definition)?;
    }
    for property in items(concept, "property") {
        let Some((name, kind, value)) = self::property(property) else { continue };
        builder.property(place, &name, kind, &value)?;
        match name.as_str() {
            "parent" | "subsumedBy" => links.push((place, "parent", value)),
            "child" => links.push((place, "child", value)),
            _ => {}
        }
    }
    for designation in items(concept, "designation") {
        let language = text(designation, "language").unwrap_or_default();
        let usage = designation.get("use");
        let part = |name: &str| usage.and_then(|it| text(it, name)).unwrap_or_default();
        let usage = [part("system"), part("code"), part("display")];
        if let Some(value) = text(designation, "value") {
            builder.designation(place, language, usage, value)?;
        }
    }
    Ok(())
}

/// A property's name, the kind of its value, and that as text.
fn property(property: &Value) -> Option<(String, PropertyKind, String)> {
    let name = text(property, "code")?;
    let mut members = property.as_object()?.iter();
    let (kind, value) =
        members.find_map(|(key, value)| Some((PropertyKind::of_member(key)?, value)))?;
    let value = match value {
        Value::Object(_) => {
            let part = |name: &str| text(value, name).unwrap_or_default();
            [part("system"), part("code"), part("display")].join("\u{1f}")
        }
        Value::String(value) => value.to_string(),
        other => other.to_text(),
    };
    Some((name.to_owned(), kind, value))
}

/// Items of an array member; none where it is not there.
pub(crate) fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).unwrap_or_default()
}

/// A string member.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}
