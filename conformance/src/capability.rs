//! The CapabilityStatement: what the caller offers, in the words of the definitions.
//! <https://hl7.org/fhir/R4/capabilitystatement.html>

use canonical_model::json::{Object, Value};
use canonical_model::{Error, Resource, ResourceType, Result, object};

use crate::{Registry, SearchParam, SearchParamKind, validate};

/// What a server offers. Codes are FHIR's: `read`, `search-type`, `transaction`.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Which instance this is: the statement's id.
    pub id: String,
    /// The server's name for machines, as `CareBridge`.
    pub name: &'static str,
    /// One sentence on this server.
    pub description: String,
    /// The software's version.
    pub version: &'static str,
    /// The base that clients write to, as `https://example.org/fhir`.
    pub base_url: String,
    /// When the statement last changed, as a dateTime.
    pub date: String,
    /// Media types read and written.
    pub formats: Vec<&'static str>,
    /// Media types of patches.
    pub patch_formats: Vec<&'static str>,
    /// `CapabilityStatement.rest.security`.
    pub security: Option<Object>,
    /// Interactions on the whole system.
    pub interactions: Vec<&'static str>,
    /// Operations on the whole system.
    pub operations: Vec<Operation>,
    /// The search parameters that all types have, for a search of the whole system.
    pub search_params: Vec<SearchParam>,
    /// The types offered, in the order given.
    pub resources: Vec<Offer>,
}

/// What a server offers of one type.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The type.
    pub kind: ResourceType,
    /// Interactions on it.
    pub interactions: Vec<&'static str>,
    /// A PUT to an unused id creates.
    pub update_create: bool,
    /// `If-None-Exist`.
    pub conditional_create: bool,
    /// `not-supported`, `modified-since`, `not-match` or `full-support`.
    pub conditional_read: &'static str,
    /// PUT and PATCH with a query.
    pub conditional_update: bool,
    /// `not-supported`, `single` or `multiple`.
    pub conditional_delete: &'static str,
    /// The search parameters that are answered.
    pub search_params: Vec<SearchParam>,
    /// Values of `_include`; [`Offer::includes_of`] gives those of the references.
    pub includes: Vec<String>,
    /// Values of `_revinclude`.
    pub rev_includes: Vec<String>,
    /// Operations on the type or its instances.
    pub operations: Vec<Operation>,
}

/// An operation as `$everything`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The name without `$`.
    pub name: &'static str,
    /// The canonical URL of its definition.
    pub definition: String,
}

impl Offer {
    /// An offer of nothing yet.
    #[must_use]
    pub fn new(kind: ResourceType) -> Self {
        Self {
            kind,
            interactions: Vec::new(),
            update_create: false,
            conditional_create: false,
            conditional_read: "not-supported",
            conditional_update: false,
            conditional_delete: "not-supported",
            search_params: Vec::new(),
            includes: Vec::new(),
            rev_includes: Vec::new(),
            operations: Vec::new(),
        }
    }

    /// The values of `_include` that the offered reference parameters allow.
    #[must_use]
    pub fn includes_of(&self) -> Vec<String> {
        let params = self.search_params.iter();
        let references = params.filter(|param| param.kind == SearchParamKind::Reference);
        references.map(|param| format!("{}:{}", self.kind, param.code)).collect()
    }
}

/// The statement.
///
/// # Errors
/// 500 where the description makes no valid resource.
pub fn statement(described: &Description) -> Result<Resource> {
    let mut rest = object! { "mode": "server" };
    if let Some(security) = &described.security {
        rest.set("security", security.clone());
    }
    put(&mut rest, "resource", described.resources.iter().map(resource));
    put(&mut rest, "interaction", codes(&described.interactions));
    put(&mut rest, "searchParam", described.search_params.iter().map(search_param));
    put(&mut rest, "operation", operations(&described.operations));
    let mut body = head(described, "CapabilityStatement", "metadata");
    body.set("fhirVersion", Registry::r4().version());
    put(&mut body, "format", described.formats.iter().map(|text| Value::from(*text)));
    put(&mut body, "patchFormat", described.patch_formats.iter().map(|text| Value::from(*text)));
    body.set("rest", vec![Value::from(rest)]);
    checked(body)
}

/// What the server knows of terminology: the code systems, each by its URL and version. Versions of one follow each
/// other.
/// <https://hl7.org/fhir/R4/terminologycapabilities.html>
///
/// # Errors
/// As [`statement`].
pub fn terminology<'s>(
    described: &Description,
    systems: impl Iterator<Item = (&'s str, &'s str)>,
) -> Result<Resource> {
    let mut body = head(described, "TerminologyCapabilities", "metadata?mode=terminology");
    let mut known: Vec<(&str, Vec<Value>)> = Vec::new();
    for (uri, version) in systems {
        if known.last().is_none_or(|(last, _)| *last != uri) {
            known.push((uri, Vec::new()));
        }
        if let (Some((_, versions)), false) = (known.last_mut(), version.is_empty()) {
            versions.push(Value::from(object! { "code": version }));
        }
    }
    let system = |(uri, versions): (&str, Vec<Value>)| {
        let mut entry = object! { "uri": uri };
        put(&mut entry, "version", versions.into_iter());
        Value::from(entry)
    };
    put(&mut body, "codeSystem", known.into_iter().map(system));
    checked(body)
}

/// What either statement begins with.
fn head(described: &Description, kind: &str, path: &str) -> Object {
    object! {
        "resourceType": kind,
        "id": described.id.as_str(),
        "url": format!("{}/{path}", described.base_url),
        "name": described.name,
        "status": "active",
        "date": described.date.as_str(),
        "kind": "instance",
        "software": object! { "name": described.name, "version": described.version },
        "implementation": object! {
            "description": described.description.as_str(),
            "url": described.base_url.as_str(),
        },
    }
}

fn checked(body: Object) -> Result<Resource> {
    let statement = Resource::from_value(body.into())?;
    match validate(&statement) {
        Ok(()) => Ok(statement),
        Err(fault) => Err(Error::internal(fault)),
    }
}

fn resource(offer: &Offer) -> Value {
    let profile = format!("http://hl7.org/fhir/StructureDefinition/{}", offer.kind);
    let mut entry = object! { "type": offer.kind.name(), "profile": profile };
    put(&mut entry, "interaction", codes(&offer.interactions));
    entry.set("versioning", "versioned-update");
    entry.set("readHistory", offer.interactions.contains(&"vread"));
    entry.set("updateCreate", offer.update_create);
    entry.set("conditionalCreate", offer.conditional_create);
    entry.set("conditionalRead", offer.conditional_read);
    entry.set("conditionalUpdate", offer.conditional_update);
    entry.set("conditionalDelete", offer.conditional_delete);
    put(&mut entry, "searchInclude", offer.includes.iter().map(|text| text.as_str().into()));
    put(&mut entry, "searchRevInclude", offer.rev_includes.iter().map(|text| text.as_str().into()));
    put(&mut entry, "searchParam", offer.search_params.iter().map(search_param));
    put(&mut entry, "operation", operations(&offer.operations));
    entry.into()
}

fn search_param(param: &SearchParam) -> Value {
    let mut entry = object! { "name": &*param.code };
    if !param.url.is_empty() {
        entry.set("definition", &*param.url);
    }
    entry.set("type", param.kind.as_str());
    if !param.documentation.is_empty() {
        entry.set("documentation", &*param.documentation);
    }
    entry.into()
}

fn codes(codes: &[&str]) -> impl Iterator<Item = Value> {
    codes.iter().map(|code| object! { "code": *code }.into())
}

fn operations(operations: &[Operation]) -> impl Iterator<Item = Value> {
    operations
        .iter()
        .map(|it| object! { "name": it.name, "definition": it.definition.as_str() }.into())
}

/// Sets a list; FHIR has no empty ones.
fn put(object: &mut Object, key: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        object.set(key, items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_offered() {
        let registry = Registry::r4();
        let mut patient = Offer::new(ResourceType::PATIENT);
        patient.interactions = vec!["read", "vread", "search-type"];
        patient.search_params = registry.search_params(ResourceType::PATIENT).to_vec();
        patient.includes = patient.includes_of();
        let described = Description {
            id: "instance".to_owned(),
            name: "Test",
            description: "A server.".into(),
            version: "1",
            base_url: "http://localhost/fhir".into(),
            date: "2026-01-01".into(),
            formats: vec!["application/fhir+json"],
            patch_formats: vec!["application/json-patch+json"],
            interactions: vec!["transaction"],
            operations: vec![Operation { name: "x", definition: "http://localhost/x".into() }],
            search_params: Vec::new(),
            resources: vec![patient],
            security: None,
        };
        let text = statement(&described).expect("a valid statement").to_text();
        for part in [
            r#""fhirVersion":"4.0.1""#,
            r#""interaction":[{"code":"read"},{"code":"vread"},{"code":"search-type"}]"#,
            r#"{"name":"birthdate","definition":"http://hl7.org/fhir/SearchParameter/individual-birthdate","type":"date","documentation":"The patient's date of birth"}"#,
            r#""searchInclude":["Patient:general-practitioner","Patient:link","Patient:organization"]"#,
            r#""interaction":[{"code":"transaction"}]"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn says_which_terminology_there_is() {
        let described = Description {
            id: "instance".to_owned(),
            name: "Test",
            version: "1",
            description: "A server.".into(),
            base_url: "http://localhost/fhir".into(),
            date: "2026-01-01".into(),
            ..Description::default()
        };
        let systems = [("urn:a", "1"), ("urn:b", "")];
        let text = terminology(&described, systems.into_iter()).expect("valid").to_text();
        let listed = r#""codeSystem":[{"uri":"urn:a","version":[{"code":"1"}]},{"uri":"urn:b"}]"#;
        assert!(text.contains(listed), "{text}");
    }

    #[test]
    fn refuses_what_is_no_code() {
        let mut patient = Offer::new(ResourceType::PATIENT);
        patient.interactions = vec!["reed"];
        let described = Description {
            id: "instance".to_owned(),
            name: "Test",
            version: "1",
            description: "A server.".into(),
            base_url: "http://localhost/fhir".into(),
            date: "2026-01-01".into(),
            formats: vec!["json"],
            resources: vec![patient],
            ..Description::default()
        };
        let error = statement(&described).expect_err("`reed` is no interaction");
        assert_eq!(error.kind, canonical_model::Kind::Internal);
    }
}
