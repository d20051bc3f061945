//! Search parameters of one's own: what a SearchParameter resource must say to be put to use.
//! <https://hl7.org/fhir/R4/searchparameter.html>

#[cfg(test)]
mod reading;
mod usable;

use std::borrow::Cow;
use std::sync::OnceLock;

use canonical_model::fhirpath::Schema as _;
use canonical_model::{Error, Resource, ResourceType, Result, Value};
use conformance::{Registry, SearchParam, SearchParamKind, narrow};

use crate::catalogue::Catalogue;
use crate::keys::Hasher;
use crate::limits::{CODE_BYTES_MAX, EXPRESSION_BYTES_MAX};
use usable::{belongs, compiles};

/// The URLs of all search parameters that FHIR publishes. A resource under one of them is a copy: see
/// [`Custom::read`].
#[must_use]
pub fn published_urls() -> &'static [&'static str] {
    static URLS: OnceLock<Vec<&'static str>> = OnceLock::new();
    URLS.get_or_init(|| {
        let registry = Registry::r4();
        let of_type = |of| registry.search_params(of).iter().map(|param| &*param.url);
        let mut urls: Vec<&str> = ResourceType::all().flat_map(of_type).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    })
}

/// Whether a SearchParameter resource may ask to be used: it is active, and not under a URL that FHIR
/// publishes. It may still ask for nothing, or for what cannot be.
#[must_use]
pub fn asks(resource: &Resource) -> bool {
    let body = Body(resource.body());
    let published = || published_urls().binary_search(&body.text("url")).is_ok();
    body.text("status") == "active" && !published()
}

/// A search parameter that a SearchParameter resource defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    /// The id of its resource.
    pub id: String,
    /// Names this definition: other types, another expression or another kind is another digest.
    pub digest: i64,
    /// Each type that it applies to, with its definition there.
    pub uses: Vec<(ResourceType, SearchParam)>,
}

impl Custom {
    /// Reads a SearchParameter. `None` where it asks for nothing: it is not active, or says what FHIR has
    /// published already.
    ///
    /// # Errors
    /// Unprocessable, naming the element, for one that cannot be put to use.
    pub fn read(resource: &Resource, hasher: &Hasher) -> Result<Option<Self>> {
        let body = Body(resource.body());
        if body.text("status") != "active" {
            return Ok(None);
        }
        let kind = body.kind();
        if published(&body, kind)? {
            return Ok(None);
        }
        let kind = kind.filter(|kind| !is_closed(*kind)).ok_or_else(|| {
            let text = "Expected number, date, string, token, reference, quantity or uri: composite \
                        and special parameters of your own are not offered.";
            fault("type", text)
        })?;
        let code = body.code()?;
        let expression = body.expression()?;
        let model = SearchParam {
            code: Cow::Owned(code.to_owned()),
            url: Cow::Owned(body.text("url").to_owned()),
            documentation: Cow::Owned(body.text("description").to_owned()),
            kind,
            targets: body.targets()?,
            ..SearchParam::special()
        };
        let mut uses: Vec<(ResourceType, SearchParam)> = Vec::new();
        let bases = body.bases()?;
        belongs(expression, &bases)?;
        for (base, types) in bases {
            let own = narrow(expression, &base);
            for of in types {
                if is_published(of, code, kind, &own) {
                    continue;
                }
                compiles(&own, &base, of, kind)?;
                unpublished(of, code)?;
                if uses.iter().all(|(known, _)| *known != of) {
                    let expression = Cow::Owned(own.clone());
                    uses.push((of, SearchParam { expression, ..model.clone() }));
                }
            }
        }
        if uses.is_empty() {
            return Ok(None);
        }
        uses.sort_by_key(|(of, _)| of.number());
        let digest = digest(hasher, &model, &uses);
        Ok(Some(Self { id: resource.id().unwrap_or_default().to_owned(), digest, uses }))
    }

    /// The name in a URL.
    #[must_use]
    pub fn code(&self) -> &str {
        self.uses.first().map_or("", |(_, param)| &param.code)
    }

    /// A type that both apply to under one name.
    #[must_use]
    pub fn clashes(&self, other: &Self) -> Option<ResourceType> {
        let shared = |(of, _): &&(ResourceType, SearchParam)| {
            self.code() == other.code() && other.uses.iter().any(|(known, _)| known == of)
        };
        self.uses.iter().find(shared).map(|(of, _)| *of)
    }
}

impl Catalogue {
    /// Whether a resource may be stored: a SearchParameter that asks to be used must be usable, beside
    /// those that are in use. It has the id that it is stored under. Returns what it asks for, if anything.
    ///
    /// # Errors
    /// Unprocessable, naming the element.
    pub fn admits(&self, resource: &Resource) -> Result<Option<Custom>> {
        let Some(new) = Custom::read(resource, self.hasher())? else { return Ok(None) };
        clash(&new, self.customs())?;
        Ok(Some(new))
    }
}

/// Refuses one that applies to a type under a name that another has there.
///
/// # Errors
/// Unprocessable, naming the other.
pub fn clash<'a>(new: &Custom, others: impl IntoIterator<Item = &'a Custom>) -> Result<()> {
    for known in others.into_iter().filter(|known| known.id != new.id) {
        if let Some(of) = new.clashes(known) {
            let text = format!(
                "{of} has a search parameter of this code already: SearchParameter/{}.",
                known.id
            );
            return Err(fault("code", text));
        }
    }
    Ok(())
}

/// The resource, as far as it says how to search.
struct Body<'a>(&'a Value);

impl<'a> Body<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = (usize, &'a str)> {
        let items = self.0.get(name).map(Value::items).unwrap_or_default();
        items.iter().map(|item| item.as_str().unwrap_or_default()).enumerate()
    }

    fn kind(&self) -> Option<SearchParamKind> {
        SearchParamKind::find(self.text("type"))
    }

    fn code(&self) -> Result<&'a str> {
        let code = self.text("code");
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let ok = code.len() <= CODE_BYTES_MAX
            && code.starts_with(|c: char| c.is_ascii_alphabetic())
            && code.chars().all(legal);
        let text = "Expected a letter, then letters, digits, `-` and `_`: 64 at most.";
        ok.then_some(code).ok_or_else(|| fault("code", text))
    }

    fn expression(&self) -> Result<&'a str> {
        match self.text("expression") {
            "" => Err(fault("expression", "An active search parameter needs an expression.")),
            text if text.len() > EXPRESSION_BYTES_MAX => {
                Err(fault("expression", "The expression is longer than 4 kB."))
            }
            text => Ok(text),
        }
    }

    fn targets(&self) -> Result<Vec<ResourceType>> {
        let find = |(at, name): (usize, &str)| match name {
            "Resource" => Ok(None),
            _ => ResourceType::find(name)
                .map(Some)
                .ok_or_else(|| fault(&format!("target[{at}]"), "This is no resource type.")),
        };
        let found: Vec<Option<ResourceType>> =
            self.texts("target").map(find).collect::<Result<_>>()?;
        // Any resource is none in particular.
        Ok(found.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default())
    }

    /// Each base as it is written, with the types that it stands for.
    fn bases(&self) -> Result<Vec<(String, Vec<ResourceType>)>> {
        let registry = Registry::r4();
        let of_base = |(at, name): (usize, &str)| {
            let types: Vec<ResourceType> = match ResourceType::find(name) {
                Some(of) => vec![of],
                None => ResourceType::all()
                    .filter(|of| {
                        let has = |base| registry.is_a(of.name(), base);
                        ["Resource", "DomainResource"].contains(&name) && has(name)
                    })
                    .collect(),
            };
            let text = "This is neither a resource type nor Resource or DomainResource.";
            match types.as_slice() {
                [] => Err(fault(&format!("base[{at}]"), text)),
                _ => Ok((name.to_owned(), types)),
            }
        };
        self.texts("base").map(of_base).collect()
    }
}

fn fault(element: &str, text: impl Into<String>) -> Error {
    Error::unprocessable(text).at(&format!("SearchParameter.{element}"))
}

/// Kinds that are made of other parameters, or of code.
fn is_closed(kind: SearchParamKind) -> bool {
    matches!(kind, SearchParamKind::Composite | SearchParamKind::Special)
}

/// Whether it is a copy of what FHIR publishes under its URL.
fn published(body: &Body<'_>, kind: Option<SearchParamKind>) -> Result<bool> {
    let url = body.text("url");
    let registry = Registry::r4();
    let ours: Vec<(ResourceType, &SearchParam)> = ResourceType::all()
        .filter_map(|of| Some((of, registry.search_param_by_url(of, url)?)))
        .collect();
    let Some((_, first)) = ours.first() else { return Ok(false) };
    let same = |(base, types): (String, Vec<ResourceType>)| {
        let own = narrow(body.text("expression"), &base);
        types.iter().all(|of| {
            let known = ours.iter().find(|(known, _)| known == of);
            known.is_some_and(|(_, param)| param.expression == own || param.expression.is_empty())
        })
    };
    let alike = Some(first.kind) == kind || first.expression.is_empty();
    if alike && first.code == body.text("code") && body.bases()?.into_iter().all(same) {
        return Ok(true);
    }
    let text =
        "FHIR publishes another search parameter under this URL. Give yours a URL of its own.";
    Err(fault("url", text))
}

/// Whether FHIR publishes the same under this name, as profiles repeat it under URLs of their own.
fn is_published(of: ResourceType, code: &str, kind: SearchParamKind, expression: &str) -> bool {
    let known = Registry::r4().search_param(of, code);
    known.is_some_and(|known| known.kind == kind && known.expression == expression)
}

/// No type may have one name twice.
fn unpublished(of: ResourceType, code: &str) -> Result<()> {
    match Registry::r4().search_param(of, code) {
        None => Ok(()),
        Some(param) => {
            let text =
                format!("FHIR publishes a search parameter of this code for {of}: {}.", param.url);
            Err(fault("code", text))
        }
    }
}

fn digest(hasher: &Hasher, model: &SearchParam, uses: &[(ResourceType, SearchParam)]) -> i64 {
    let mut text = format!("{}\n{}", model.code, model.kind.as_str());
    for target in &model.targets {
        text = format!("{text}\n{target}");
    }
    for (of, param) in uses {
        text = format!("{text}\n{of} {}", param.expression);
    }
    hasher.digest(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: &str) -> Result<Option<Custom>> {
        let mut body = canonical_model::json::parse(
            br#"{"resourceType":"SearchParameter","id":"a","url":"http://x.example/a","status":"active",
                 "code":"favourite","base":["Patient"],"type":"string","expression":"Patient.name.text"}"#,
        )
        .expect("it is JSON");
        let change = canonical_model::json::parse(change.as_bytes()).expect("a change is JSON");
        for (name, value) in change.as_object().expect("an object").iter() {
            body.as_object_mut().expect("an object").set(name, value.clone());
        }
        Custom::read(&Resource::from_value(body).expect("a resource"), &Hasher::new(&[1; 16]))
    }

    #[test]
    fn names_the_element_that_is_wrong() {
        for (change, expected) in [
            ("{}", ""),
            (r#"{"status":"draft","code":"!"}"#, ""),
            (r#"{"code":"a.b"}"#, "SearchParameter.code"),
            (r#"{"code":"_mine"}"#, "SearchParameter.code"),
            (r#"{"code":"family"}"#, "SearchParameter.code"),
            (r#"{"type":"composite"}"#, "SearchParameter.type"),
            (r#"{"type":"number"}"#, "SearchParameter.type"),
            (r#"{"type":"date","expression":"Patient.birthDate"}"#, ""),
            (r#"{"base":["Patient","Pacient"]}"#, "SearchParameter.base[1]"),
            (r#"{"base":["Patient","Person"]}"#, "SearchParameter.expression"),
            (
                r#"{"base":["Patient","Person"],"expression":"Patient.name.text | Person.name.text"}"#,
                "",
            ),
            (r#"{"base":["Patient","Person"],"expression":"name.text"}"#, ""),
            (r#"{"expression":"Patient.nickname"}"#, "SearchParameter.expression"),
            (r#"{"expression":"Patient.name.("}"#, "SearchParameter.expression"),
            (r#"{"expression":""}"#, "SearchParameter.expression"),
            (
                r#"{"expression":"Patient.name.text | %resource.name.text"}"#,
                "SearchParameter.expression",
            ),
            (r#"{"expression":"Patient.name.text | 'a'"}"#, "SearchParameter.expression"),
            (
                r#"{"expression":"Patient.name.text | Pacient.name.text"}"#,
                "SearchParameter.expression",
            ),
            (
                r#"{"expression":"Patient.name.text | Resource.language"}"#,
                "SearchParameter.expression",
            ),
            (r#"{"expression":"Patient.name.text | Person.name.text"}"#, ""),
            (r#"{"expression":"Patient.name.where(text='it\\'s | a').text"}"#, ""),
            (r#"{"expression":"Patient.extension('http://x.example/e')"}"#, ""),
            (r#"{"expression":"Patient.extension.where(url='http://x.example/e').value"}"#, ""),
            (
                r#"{"type":"reference","expression":"Patient.link.other","target":["Nobody"]}"#,
                "SearchParameter.target[0]",
            ),
            (r#"{"base":["Resource"],"type":"token","expression":"Resource.meta.versionId"}"#, ""),
            (
                r#"{"url":"http://hl7.org/fhir/SearchParameter/individual-family"}"#,
                "SearchParameter.url",
            ),
        ] {
            let at = read(change).err().and_then(|error| error.issues.into_iter().next());
            let at = at.and_then(|issue| issue.expression).unwrap_or_default();
            assert_eq!(at, expected, "{change}");
        }
    }

    #[test]
    fn a_copy_of_what_is_published_asks_for_nothing() {
        let copy = r#"{"url":"http://hl7.org/fhir/SearchParameter/Patient-deceased","code":"deceased",
            "type":"token","expression":"Patient.deceased.exists() and Patient.deceased != false"}"#;
        assert!(read(copy).expect("it is a copy").is_none());
        let repeated = r#"{"code":"family","expression":"Patient.name.family"}"#;
        assert!(read(repeated).expect("it says the same").is_none());
        let more = r#"{"base":["Patient","Group"],"code":"family",
            "expression":"Patient.name.family | Group.name"}"#;
        let uses = read(more).expect("legal").expect("of Group").uses;
        assert_eq!(uses.iter().map(|(of, _)| of.name()).collect::<Vec<_>>(), ["Group"]);
    }

    #[test]
    fn another_definition_has_another_digest() {
        let digest = |change: &str| read(change).expect("legal").expect("active").digest;
        let first = digest("{}");
        assert_eq!(first, digest(r#"{"url":"http://x.example/b","description":"Other words"}"#));
        for other in [
            r#"{"expression":"Patient.name.family"}"#,
            r#"{"type":"token"}"#,
            r#"{"code":"other"}"#,
            r#"{"base":["Person"],"expression":"Person.name.text"}"#,
        ] {
            assert_ne!(first, digest(other), "{other}");
        }
    }
}
