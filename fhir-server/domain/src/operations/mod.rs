//! Operations on terminology: what FHIR asks of codes, a file each.
//! <https://hl7.org/fhir/R4/terminology-service.html>

mod codings;
mod expand;
mod lookup;
mod parameters;
mod subsumes;
mod translate;
pub mod validate;
mod validate_code;

use std::sync::Arc;

use ::terminology::{CodeSystem, ValueSet};
use access::Action;
use canonical_model::json::{Object, Value};
use canonical_model::{Error, IssueCode, Kind, Resource, ResourceId, ResourceType, Result, object};
use search::query::Pair;
use store::Stored;

use crate::interactions::read;
use crate::terminology::{Definitions, Reader, Versions};
use crate::{Domain, Request};
pub use parameters::Taken;
use parameters::{Given, Rule};

/// One of the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the specification's")]
pub enum Operation {
    Lookup,
    ValidateCodeInSystem,
    Subsumes,
    Expand,
    ValidateCodeInSet,
    Translate,
}

/// What came with a request for one.
#[derive(Clone, Debug)]
pub enum Input {
    /// A query.
    Query(Vec<Pair>),
    /// A Parameters resource, besides what the query says.
    Body(Box<Resource>, Vec<Pair>),
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Lookup,
        Self::ValidateCodeInSystem,
        Self::Subsumes,
        Self::Expand,
        Self::ValidateCodeInSet,
        Self::Translate,
    ];

    /// The name, without `$`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::ValidateCodeInSystem | Self::ValidateCodeInSet => "validate-code",
            Self::Subsumes => "subsumes",
            Self::Expand => "expand",
            Self::Translate => "translate",
        }
    }

    /// The type that it is asked of.
    #[must_use]
    pub fn kind(self) -> ResourceType {
        match self {
            Self::Lookup | Self::ValidateCodeInSystem | Self::Subsumes => ResourceType::CODE_SYSTEM,
            Self::Expand | Self::ValidateCodeInSet => ResourceType::VALUE_SET,
            Self::Translate => ResourceType::CONCEPT_MAP,
        }
    }

    /// The canonical URL of its definition.
    #[must_use]
    pub fn definition(self) -> &'static str {
        match self {
            Self::Lookup => "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
            Self::ValidateCodeInSystem => {
                "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code"
            }
            Self::Subsumes => "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
            Self::Expand => "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
            Self::ValidateCodeInSet => {
                "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code"
            }
            Self::Translate => "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
        }
    }

    /// The parameters that are honoured.
    pub fn taken(self) -> impl Iterator<Item = Taken> {
        self.rules().iter().filter_map(Rule::taken)
    }

    fn rules(self) -> &'static [Rule] {
        match self {
            Self::Lookup => lookup::RULES,
            Self::ValidateCodeInSystem => validate_code::IN_SYSTEM,
            Self::Subsumes => subsumes::RULES,
            Self::Expand => expand::RULES,
            Self::ValidateCodeInSet => validate_code::IN_SET,
            Self::Translate => translate::RULES,
        }
    }
}

/// Performs an operation, on the resource of this id where one is named: its answer as text.
///
/// # Errors
/// Forbidden; Invalid for a parameter that is not one, or is not honoured, by its name; NotFound for a definition that
/// is not here; Unprocessable for what cannot be told; TooLarge.
pub async fn perform(
    domain: &Domain,
    request: &Request,
    operation: Operation,
    id: Option<&ResourceId>,
    input: Input,
) -> Result<String> {
    let kind = operation.kind();
    let instance = match id {
        Some(id) => Some(read::look(domain, request, kind, id).await?),
        None => {
            domain.decide(request, kind, Action::Search)?;
            None
        }
    };
    let given = Given::read(operation, input)?;
    let mut asked = Asked::new(domain, request, given, instance)?;
    let answer = match operation {
        Operation::Lookup => lookup::lookup(&mut asked).await?,
        Operation::ValidateCodeInSystem => validate_code::in_system(&mut asked).await?,
        Operation::Subsumes => subsumes::subsumes(&mut asked).await?,
        Operation::Expand => expand::expand(&mut asked).await?,
        Operation::ValidateCodeInSet => validate_code::in_set(&mut asked).await?,
        Operation::Translate => translate::translate(&mut asked).await?,
    };
    Ok(answer.to_text())
}

/// An operation that is being performed.
struct Asked<'a> {
    domain: &'a Domain,
    given: Given,
    instance: Option<Stored>,
    definitions: Definitions<'a>,
}

impl<'a> Asked<'a> {
    fn new(
        domain: &'a Domain,
        request: &'a Request,
        given: Given,
        instance: Option<Stored>,
    ) -> Result<Self> {
        let versions = |name: &str| {
            let pair = |text: &str| {
                let (url, version) = text.split_once('|').ok_or_else(|| {
                    let text = format!("{name}: expected a system and its version, as url|1.0");
                    Error::invalid(text).at(&format!("http.{name}"))
                })?;
                Ok((url.to_owned(), version.to_owned()))
            };
            given.texts(name).map(pair).collect::<Result<_>>()
        };
        let versions = Versions {
            default: versions("system-version")?,
            force: versions("force-system-version")?,
            check: versions("check-system-version")?,
        };
        let definitions = Definitions::new(domain, Reader::Caller(request)).with_versions(versions);
        Ok(Self { domain, given, instance, definitions })
    }

    /// Refuses a request that names its definition in several ways.
    fn expect_one(&self, names: &[&str]) -> Result<()> {
        let named = names.iter().filter(|name| self.given.has(name)).count();
        if named + usize::from(self.instance.is_some()) > 1 {
            let text = format!("name one: {}, or the resource in the path", names.join(", "));
            let place = names.first().copied().unwrap_or_default();
            return Err(Error::invalid(text).at(&format!("http.{place}")));
        }
        Ok(())
    }

    /// The value set that is asked of: the one in the path, in the request, or of a URL.
    async fn value_set(&mut self) -> Result<Arc<ValueSet>> {
        self.expect_one(&["url", "valueSet"])?;
        if let Some(stored) = self.instance.take() {
            return ValueSet::read(self.definitions.parse(&stored)?).map(Arc::new);
        }
        if let Some(resource) = self.given.resource("valueSet", ResourceType::VALUE_SET)? {
            return ValueSet::read(resource.clone()).map(Arc::new);
        }
        let url = self.given.text("url").ok_or_else(|| required("url"))?;
        let name = match self.given.text("valueSetVersion") {
            Some(version) => format!("{url}|{version}"),
            None => url.to_owned(),
        };
        self.definitions.value_set(&name).await.map_err(absent)
    }

    /// The code system that is asked of; `system` is the parameter that names it, where none is in the path.
    async fn code_system(
        &mut self,
        system: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<CodeSystem>> {
        if let Some(stored) = self.instance.take() {
            let found = self.definitions.read_code_system(&stored)?;
            if system.is_some_and(|system| system != found.head().url) {
                return Err(Error::invalid("the code is of another system than the path names"));
            }
            return Ok(found);
        }
        let system = system.ok_or_else(|| required("system"))?;
        self.definitions.code_system(system, version).await.map_err(absent)
    }
}

fn required(name: &str) -> Error {
    let error = Error::invalid(format!("{name}: it is missing"));
    error.code(IssueCode::Required).at(&format!("http.{name}"))
}

/// 404 where what the request itself names is not here.
fn absent(error: Error) -> Error {
    match error.issues.first().map(|issue| issue.code) {
        Some(IssueCode::NotFound) => Error { kind: Kind::NotFound, ..error },
        _ => error,
    }
}

/// A Parameters resource of these.
fn parameters(list: Vec<Value>) -> Value {
    object! { "resourceType": "Parameters", "parameter": list }.into()
}

/// One parameter.
fn parameter(name: &str, member: &str, value: impl Into<Value>) -> Value {
    let mut out = Object::new();
    out.set("name", name);
    out.set(member, value);
    out.into()
}
