//! `CodeSystem/$lookup`: what a code system says of a code.
//! <https://hl7.org/fhir/R4/codesystem-operation-lookup.html>

use ::terminology::limits::CHILDREN_NAMED_MAX;
use ::terminology::{CodeSystem, Place, PropertyKind};
use canonical_model::{Error, IssueCode, Kind, Result, Value, object};

use super::codings::Coding;
use super::parameters::{Form, NO_DATE, Rule, many, one, refused};
use super::{Asked, parameter, parameters, required};

pub(super) const RULES: &[Rule] = &[
    one("code", Form::Text),
    one("system", Form::Text),
    one("version", Form::Text),
    one("coding", Form::Coding),
    refused("date", NO_DATE),
    one("displayLanguage", Form::Text),
    many("property", Form::Text),
];

pub(super) async fn lookup(asked: &mut Asked<'_>) -> Result<Value> {
    let coding = Coding::all(&asked.given, "system", "version")?;
    let coding = coding.into_iter().next().ok_or_else(|| required("code"))?;
    let (url, version) = (coding.system.as_deref(), coding.version.as_deref());
    let system = asked.code_system(url, version).await?;
    let found = system.find(&coding.code);
    if found.is_none() && system.makes(&coding.code) == Some(true) {
        return Ok(made(&system, &coding.code));
    }
    let place = found.ok_or_else(|| {
        let more = if system.is_complete() { "" } else { ", of which not all is known here" };
        let text = format!("the code is not one of the code system{more}");
        Error::not_found(text).code(IssueCode::NotFound).at("http.code")
    })?;
    let wanted: Vec<&str> = asked.given.texts("property").collect();
    Told { system: &system, place, wanted, language: asked.given.text("displayLanguage") }.answer()
}

/// A code that the system's grammar makes: nothing else is said of it.
fn made(system: &CodeSystem, code: &str) -> Value {
    let display = system.made_display(code).unwrap_or_else(|| code.to_owned());
    parameters(vec![
        parameter("name", "valueString", system.head().name.as_str()),
        parameter("display", "valueString", display),
    ])
}

struct Told<'a> {
    system: &'a CodeSystem,
    place: Place,
    /// All that the specification and the system have, where nothing is named; children only where they are.
    wanted: Vec<&'a str>,
    language: Option<&'a str>,
}

impl Told<'_> {
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(&name)
    }

    fn answer(&self) -> Result<Value> {
        let (system, place, head) = (self.system, self.place, self.system.head());
        let mut out = vec![parameter("name", "valueString", head.name.as_str())];
        if let Some(version) = &head.version {
            out.push(parameter("version", "valueString", version.as_str()));
        }
        let display = self.language.and_then(|language| system.in_language(place, language));
        let display = display.or_else(|| system.display(place));
        let display = display.unwrap_or_else(|| system.code(place));
        out.push(parameter("display", "valueString", display));
        let all = self.wants("designation");
        for designation in system.designations(place) {
            let named = format!("lang.{}", designation.language);
            if all || self.wanted.contains(&named.as_str()) {
                let [of_system, code, display] = designation.usage;
                let mut parts = Vec::new();
                if !designation.language.is_empty() {
                    parts.push(parameter("language", "valueCode", designation.language));
                }
                if !code.is_empty() {
                    let mut usage = object! { "system": of_system, "code": code };
                    if !display.is_empty() {
                        usage.set("display", display);
                    }
                    usage.retain(|_, value| value.as_str() != Some(""));
                    parts.push(parameter("use", "valueCoding", usage));
                }
                parts.push(parameter("value", "valueString", designation.value));
                out.push(parameter("designation", "part", parts));
            }
        }
        if let Some(definition) = system.definition(place).filter(|_| self.wants("definition")) {
            out.push(property("definition", "valueString", definition.into(), None));
        }
        self.related(&mut out)?;
        for one in system.properties(place).filter(|it| self.wants(it.name)) {
            if !matches!(one.name, "parent" | "child") {
                let mut heads = head.properties.iter();
                let described = heads.find(|it| it.code == one.name);
                let described = described.and_then(|it| it.description.as_deref());
                let member = one.kind.member();
                out.push(property(one.name, member, value(one.kind, &one)?, described));
            }
        }
        if system.is_inactive(place)
            && self.wants("inactive")
            && !system.properties(place).any(|it| it.name == "inactive")
        {
            out.push(property("inactive", "valueBoolean", true.into(), None));
        }
        Ok(parameters(out))
    }

    /// Parents, and children where they are asked for.
    fn related(&self, out: &mut Vec<Value>) -> Result<()> {
        let (system, place) = (self.system, self.place);
        let mut add = |name: &str, other: Place| {
            let described = system.display(other);
            out.push(property(name, "valueCode", system.code(other).into(), described));
        };
        if self.wants("parent") {
            system.parents(place).iter().for_each(|parent| add("parent", *parent));
        }
        if self.wanted.contains(&"child") {
            let children = system.children(place);
            if children.len() > CHILDREN_NAMED_MAX {
                let text = format!(
                    "the concept has {} children; ask for them by $expand, in pages",
                    children.len()
                );
                return Err(Error::new(Kind::TooLarge, text).code(IssueCode::TooCostly));
            }
            children.iter().for_each(|child| add("child", *child));
        }
        Ok(())
    }
}

fn property(code: &str, member: &str, value: Value, described: Option<&str>) -> Value {
    let mut parts = vec![parameter("code", "valueCode", code), parameter("value", member, value)];
    parts.extend(described.map(|text| parameter("description", "valueString", text)));
    parameter("property", "part", parts)
}

/// A property's value as FHIR has it.
fn value(kind: PropertyKind, property: &::terminology::code_system::Property<'_>) -> Result<Value> {
    match kind {
        PropertyKind::Boolean => Ok((property.value == "true").into()),
        // It was a number, and is written as it was.
        PropertyKind::Integer | PropertyKind::Decimal => {
            canonical_model::json::parse(property.value.as_bytes())
        }
        PropertyKind::Coding => {
            let [system, code, display] = property.coding();
            let mut coding = object! { "system": system, "code": code, "display": display };
            coding.retain(|_, value| value.as_str() != Some(""));
            Ok(coding.into())
        }
        PropertyKind::Code | PropertyKind::String | PropertyKind::DateTime => {
            Ok(property.value.into())
        }
    }
}
