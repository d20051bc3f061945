//! The CapabilityStatement, made of what the interactions and the search index can do.
//! <https://hl7.org/fhir/R4/http.html#capabilities>

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use canonical_model::json::Layout;
use canonical_model::{ResourceType, Result, object};
use conformance::capability::{self, Description, Offer, statement, terminology};
use conformance::operation::Operation;
use conformance::terminology::code_systems;
use conformance::{Registry, SearchParam, SearchParamKind};
use domain::Domain;
use http::StatusCode;
use search::Catalogue;
use search::catalogue::{ParamPlan, targets};

use crate::answer::{Answer, Body, represent};
use crate::format::Format;
use crate::operations::OPERATIONS;
use crate::syntax::Syntax;

/// The statement's text: built when it is first asked for, and kept until there are other search parameters.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    whole: Mutex<Option<(Arc<Catalogue>, Bytes)>>,
    /// For a while: another process imports.
    terminology: Mutex<Option<(Instant, Bytes)>>,
    /// As they were written for those who asked: who has no token makes nobody work.
    written: Mutex<Vec<Written>>,
}

/// Statements that are kept as they were written.
const WRITTEN_MAX: usize = 8;

/// How long what was said of code systems is said again.
const TERMINOLOGY_KEPT: Duration = Duration::from_secs(30);

/// When what is said here last changed.
pub(crate) const DATE: &str = "2026-11-30";

/// A statement as it was written.
#[derive(Debug)]
struct Written {
    of: Bytes,
    form: (Option<Layout>, bool),
    text: Bytes,
}

impl Metadata {
    /// One of the texts as the format wants it.
    ///
    /// # Errors
    /// Internal where it is no resource.
    pub(crate) fn written(&self, of: Bytes, format: &Format) -> Result<Answer> {
        let form = (format.xml(), format.pretty);
        let answer = |body| Answer::new(StatusCode::OK, body);
        if form == (None, false) || format.projects() {
            return represent(of, format).map(answer);
        }
        let syntax = if format.xml().is_some() { Syntax::Xml } else { Syntax::Json };
        let kept = || self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |it: &&Written| it.form == form && it.of.as_ptr() == of.as_ptr();
        let known = kept().iter().find(is_it).map(|it| it.text.clone());
        let text = match known {
            Some(text) => text,
            None => {
                let made = answer(represent(of.clone(), format)?).written_in(format.xml())?;
                let Body::Fhir(text) = made.body else { return Ok(made) };
                let mut kept = kept();
                // Of what is no longer said, nobody asks.
                kept.retain(|it| it.form != form || it.of.len() != of.len());
                kept.truncate(WRITTEN_MAX);
                kept.push(Written { of, form, text: text.clone() });
                text
            }
        };
        Ok(Answer { syntax, ..answer(Body::Fhir(text)) })
    }

    /// What of terminology there is: R4's own, and what was imported. What is stored is found by searches.
    ///
    /// # Errors
    /// As [`Metadata::text`]; Unavailable.
    pub(crate) async fn terminology(&self, domain: &Domain) -> Result<Bytes> {
        let kept = || self.terminology.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, text)) = &*kept()
            && at.elapsed() < TERMINOLOGY_KEPT
        {
            return Ok(text.clone());
        }
        let imported = domain.store().all_imported().await?;
        let own = code_systems().map(|system| (system.url, system.version));
        let imported = imported.iter().map(|system| (system.url.as_str(), system.version.as_str()));
        let mut systems: Vec<_> = own.chain(imported).collect();
        systems.sort_unstable();
        systems.dedup();
        let text = terminology(&instance_of(domain), systems.into_iter())?.to_text();
        let text = Bytes::from(text);
        *kept() = Some((Instant::now(), text.clone()));
        Ok(text)
    }

    /// The text.
    ///
    /// # Errors
    /// Internal where what is described makes no valid resource.
    pub(crate) fn text(&self, domain: &Domain) -> Result<Bytes> {
        let catalogue = domain.catalogue();
        let mut kept = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, text)) if Arc::ptr_eq(of, &catalogue) => Ok(text.clone()),
            _ => {
                let text = Bytes::from(statement(&description(domain, &catalogue))?.to_text());
                *kept = Some((catalogue, text.clone()));
                Ok(text)
            }
        }
    }
}

fn description(domain: &Domain, catalogue: &Catalogue) -> Description {
    let security = object! {
        "cors": true,
        "service": vec![canonical_model::Value::Object(object! {
            "coding": vec![canonical_model::Value::Object(object! {
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
            })],
        })],
        "description": "OAuth 2.0 with SMART scopes; see .well-known/smart-configuration",
    };
    let leading = leading(catalogue);
    let offer = |kind| offer(domain, catalogue, kind, &leading);
    Description {
        formats: vec!["application/fhir+json", "application/fhir+xml", "json", "xml"],
        patch_formats: vec![
            "application/json-patch+json",
            "application/fhir+json",
            "application/fhir+xml",
        ],
        security: Some(security),
        interactions: vec!["batch", "transaction", "history-system", "search-system"],
        operations: offered(domain, |operation| operation.system),
        search_params: common(),
        resources: ResourceType::all().map(offer).collect(),
        ..instance_of(domain)
    }
}

/// Which server this is.
fn instance_of(domain: &Domain) -> Description {
    Description {
        id: instance(domain),
        name: "CareBridge",
        description: "The canonical FHIR R4 record".to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        base_url: domain.base().to_owned(),
        date: DATE.to_owned(),
        ..Description::default()
    }
}

/// Some of the operations, each with where its definition is read: one that is FHIR's own is known by FHIR's URL.
fn offered(domain: &Domain, which: impl Fn(&Operation) -> bool) -> Vec<capability::Operation> {
    let offer = |operation: &Operation| {
        let own = || operation.url(domain.base());
        let definition = operation.standard.map_or_else(own, str::to_owned);
        capability::Operation { name: operation.code, definition }
    };
    OPERATIONS.iter().filter(|operation| which(operation)).map(offer).collect()
}

/// Names this database, so that clients can tell it from another at the same address.
fn instance(domain: &Domain) -> String {
    let secret = domain.store().hasher().secret("instance");
    secret.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Parameters that the specification describes without a definition of their own.
/// <https://hl7.org/fhir/R4/search.html#all>
const UNDEFINED: [(&str, &str); 2] = [
    ("_has", "Resources that another refers to, as _has:Observation:patient:code=1234-5"),
    ("_list", "Resources that a List holds, by its id"),
];

fn undefined() -> impl Iterator<Item = SearchParam> {
    UNDEFINED.into_iter().map(|(code, documentation)| SearchParam {
        code: Cow::Borrowed(code),
        documentation: Cow::Borrowed(documentation),
        ..SearchParam::special()
    })
}

/// What every type has, and so can be asked of the whole system.
fn common() -> Vec<SearchParam> {
    let binary = Registry::r4().search_params(ResourceType::BINARY);
    let params = binary.iter().filter(|param| param.code.starts_with('_'));
    let kinds = SearchParam {
        code: Cow::Borrowed("_type"),
        documentation: Cow::Borrowed("The types to search in, with commas between them"),
        ..SearchParam::special()
    };
    let mut all: Vec<SearchParam> = params.filter(is_answered).cloned().collect();
    all.extend(undefined().chain([kinds]));
    all.sort_by(|a, b| a.code.cmp(&b.code));
    all
}

/// Named queries are the one thing that is not searched.
fn is_answered(param: &&SearchParam) -> bool {
    param.code != "_query"
}

/// All references that can be followed, as `Observation:subject`, with the types that they lead to; none is
/// any.
fn leading(catalogue: &Catalogue) -> Vec<(String, Vec<ResourceType>)> {
    let of_type = |kind: ResourceType| {
        let references = params(catalogue, kind).filter(move |param| {
            param.kind == SearchParamKind::Reference && !is_canonical(catalogue, kind, param)
        });
        references.map(move |param| (format!("{kind}:{}", param.code), targets(param)))
    };
    ResourceType::all().flat_map(of_type).collect()
}

/// Whether no include goes along a reference parameter, for its values are canonical URLs.
fn is_canonical(catalogue: &Catalogue, kind: ResourceType, param: &SearchParam) -> bool {
    let plan = catalogue.plan(kind).ok().and_then(|plan| plan.find(&param.code));
    plan.is_some_and(ParamPlan::is_canonical)
}

/// The search parameters of a type: those that FHIR publishes, and those that are resources here.
fn params(catalogue: &Catalogue, kind: ResourceType) -> impl Iterator<Item = &SearchParam> {
    let published = Registry::r4().search_params(kind).iter().filter(is_answered);
    let uses = catalogue.customs().iter().flat_map(|custom| &custom.uses);
    published.chain(uses.filter(move |(of, _)| *of == kind).map(|(_, param)| param))
}

fn offer(
    domain: &Domain,
    catalogue: &Catalogue,
    kind: ResourceType,
    leading: &[(String, Vec<ResourceType>)],
) -> Offer {
    let policy = domain.policy();
    let mut offer = Offer::new(kind);
    offer.interactions = vec![
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    ];
    offer.update_create = policy.update_as_create;
    offer.conditional_create = true;
    offer.conditional_read = "full-support";
    offer.conditional_update = true;
    offer.conditional_delete = if policy.delete_multiple { "multiple" } else { "single" };
    offer.operations = offered(domain, |operation| operation.is_on(kind));
    offer.search_params = params(catalogue, kind).cloned().chain(undefined()).collect();
    offer.search_params.sort_by(|a, b| a.code.cmp(&b.code));
    let leads = |one: &String| leading.iter().any(|(name, _)| name == one);
    let own = offer.includes_of().into_iter().filter(leads);
    offer.includes = std::iter::once("*".to_owned()).chain(own).collect();
    let here = leading.iter().filter(|(_, to)| to.is_empty() || to.contains(&kind));
    offer.rev_includes =
        std::iter::once("*".to_owned()).chain(here.map(|(name, _)| name.clone())).collect();
    offer
}
