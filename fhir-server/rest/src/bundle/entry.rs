//! One entry of a batch or transaction, read from the bundle.
//! <https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request>

use canonical_model::json::Object;
use canonical_model::{Error, IssueCode, Resource, ResourceId, ResourceType, Result, Value};
use domain::interactions::patch::Patch;
use domain::interactions::transaction::{Entry, Operation, Target};
use domain::{Criteria, Precondition, Request};
use http::Method;
use search::query::{Pair, parse_pairs, write_pairs};

use crate::app::App;
use crate::bundle::form::add_form;
use crate::conditions::{Conditions, parse_date};
use crate::handlers::create::criteria;
use crate::interaction::Interaction;

/// An entry with its parts read.
#[derive(Debug)]
pub(crate) struct BundleEntry {
    pub(crate) index: usize,
    pub(crate) full_url: Option<String>,
    pub(crate) interaction: Interaction,
    /// Only the head of the answer is wanted.
    pub(crate) head: bool,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) query: Option<String>,
    pub(crate) conditions: Conditions,
    pub(crate) resource: Option<Resource>,
    /// Whether it is a search whose criteria came in a form.
    pub(crate) form: bool,
}

impl BundleEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// Invalid, naming the entry and the member.
    pub(crate) fn read(base: &str, index: usize, entry: Value) -> Result<Self> {
        let place = format!("Bundle.entry[{index}]");
        read(base, index, entry).map_err(|error| error.within(&place))
    }

    /// An error as this entry's.
    pub(crate) fn fault(&self, error: Error) -> Error {
        let error = if self.form { error.in_form("resource") } else { error };
        error.within(&format!("Bundle.entry[{}]", self.index))
    }

    /// Whether it only reads; then it runs after everything that writes.
    pub(crate) fn reads(&self) -> bool {
        match self.interaction {
            Interaction::Capabilities
            | Interaction::Definition(_)
            | Interaction::Read(..)
            | Interaction::Vread(..)
            | Interaction::HistoryInstance(..)
            | Interaction::HistoryType(_)
            | Interaction::HistorySystem
            | Interaction::Search(_)
            | Interaction::Journal
            | Interaction::JournalEvent(_)
            | Interaction::AccessReport(_)
            | Interaction::Disclosures(_)
            | Interaction::Terminology(..)
            | Interaction::Validate(..) => true,
            Interaction::Update(..)
            | Interaction::ConditionalUpdate(_)
            | Interaction::Patch(..)
            | Interaction::ConditionalPatch(_)
            | Interaction::Delete(..)
            | Interaction::ConditionalDelete(_)
            | Interaction::Create(_)
            | Interaction::Release(_)
            | Interaction::Bundle => false,
        }
    }

    /// The entry as a part of a transaction; its resource goes there.
    ///
    /// # Errors
    /// Invalid, naming the entry.
    pub(crate) async fn operation(&mut self, app: &App, request: &Request) -> Result<Entry> {
        let operation = self.write(app, request).await.map_err(|error| self.fault(error))?;
        Ok(Entry { index: self.index, full_url: self.full_url.clone(), operation })
    }

    async fn write(&mut self, app: &App, request: &Request) -> Result<Operation> {
        self.conditions.expect_heeded(&self.interaction)?;
        let resource = self.resource.take();
        let precondition = || self.conditions.precondition();
        match &self.interaction {
            Interaction::Create(kind) => {
                let criteria = match self.conditions.if_none_exist.as_deref() {
                    Some(text) => Some(criteria(app, request, *kind, text).await?),
                    None => None,
                };
                Ok(Operation::Create(content(resource, *kind)?, criteria.map(Box::new)))
            }
            Interaction::Update(kind, id) => {
                let target = Target::Id(*kind, id.clone());
                Ok(Operation::Update(target, content(resource, *kind)?, precondition()?))
            }
            Interaction::ConditionalUpdate(kind) => {
                let target = self.target(app, request, *kind).await?;
                Ok(Operation::Update(target, content(resource, *kind)?, precondition()?))
            }
            Interaction::Patch(kind, id) => {
                patch(resource, Target::Id(*kind, id.clone()), precondition()?)
            }
            Interaction::ConditionalPatch(kind) => {
                patch(resource, self.target(app, request, *kind).await?, precondition()?)
            }
            Interaction::Delete(kind, id) => {
                Ok(Operation::Delete(Target::Id(*kind, id.clone()), precondition()?))
            }
            Interaction::ConditionalDelete(kind) => {
                let target = self.target(app, request, *kind).await?;
                Ok(Operation::Delete(target, precondition()?))
            }
            Interaction::Capabilities
            | Interaction::Definition(_)
            | Interaction::Read(..)
            | Interaction::Vread(..)
            | Interaction::HistoryInstance(..)
            | Interaction::HistoryType(_)
            | Interaction::HistorySystem
            | Interaction::Search(_)
            | Interaction::Journal
            | Interaction::JournalEvent(_)
            | Interaction::AccessReport(_)
            | Interaction::Disclosures(_)
            | Interaction::Terminology(..)
            | Interaction::Validate(..)
            | Interaction::Release(_)
            | Interaction::Bundle => {
                Err(Error::invalid("This request cannot be part of a bundle."))
            }
        }
    }

    async fn target(&self, app: &App, request: &Request, kind: ResourceType) -> Result<Target> {
        let criteria = Criteria::of(&app.domain, request, kind, &self.pairs).await?;
        Ok(Target::Where(Box::new(criteria)))
    }
}

fn content(resource: Option<Resource>, kind: ResourceType) -> Result<Resource> {
    let resource = resource.ok_or_else(|| missing("resource"))?;
    if resource.kind() != kind {
        let text = format!("resourceType must be {kind}, as in request.url");
        return Err(Error::invalid(text).at("resource"));
    }
    Ok(resource)
}

fn patch(
    resource: Option<Resource>,
    target: Target,
    precondition: Precondition,
) -> Result<Operation> {
    let resource = resource.ok_or_else(|| missing("resource"))?;
    Ok(Operation::Patch(target, patch_of(&resource)?, precondition))
}

/// A patch inside a bundle: Parameters is a FHIRPath Patch, a Binary holds a JSON Patch.
pub(crate) fn patch_of(resource: &Resource) -> Result<Patch> {
    use base64::Engine as _;
    match resource.kind() {
        ResourceType::PARAMETERS => Ok(Patch::FhirPath(resource.body().clone())),
        ResourceType::BINARY => {
            let data = resource.members().get("data").and_then(Value::as_str).unwrap_or_default();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(data)
                .map_err(|_| Error::invalid("data is not base64").at("resource.data"))?;
            Ok(Patch::Json(canonical_model::json::parse(&bytes)?))
        }
        _ => Err(Error::invalid("A patch is a Parameters resource or a Binary.").at("resource")),
    }
}

fn missing(member: &str) -> Error {
    Error::invalid(format!("{member} is missing")).code(IssueCode::Required).at(member)
}

fn read(base: &str, index: usize, entry: Value) -> Result<BundleEntry> {
    let Value::Object(mut entry) = entry else {
        return Err(Error::invalid("An entry is an object."));
    };
    let resource = entry.remove("resource");
    let entry = Value::Object(entry);
    let Some(Value::Object(request)) = entry.get("request") else {
        return Err(missing("request"));
    };
    let part = |name: &str| request.get(name).and_then(Value::as_str);
    let method = part("method").ok_or_else(|| missing("request.method"))?;
    let method = match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" => {
            Method::from_bytes(method.as_bytes()).map_err(Error::internal)?
        }
        _ => {
            let text = "method is one of GET, HEAD, POST, PUT, PATCH, DELETE";
            return Err(Error::invalid(text).at("request.method"));
        }
    };
    let url = part("url").ok_or_else(|| missing("request.url"))?;
    let below = url.strip_prefix(base).filter(|rest| rest.starts_with(['/', '?']));
    let local = below.unwrap_or(url);
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    let interaction = Interaction::of(&method, path).map_err(|e| e.at("request.url"))?;
    if matches!(interaction, Interaction::Bundle | Interaction::Release(_)) {
        let text = "A bundle cannot hold another batch or transaction, nor release one.";
        return Err(Error::invalid(text).at("request.url"));
    }
    let mut pairs = parse_pairs(query).map_err(|e| e.at("request.url"))?;
    let mut query = query.to_owned();
    // A condition that is no text, or misspelt, must not be taken for none.
    expect_structure(&entry)?;
    let mut resource = match resource {
        Some(value) => Some(Resource::from_value(value).map_err(|e| e.within("resource"))?),
        None => None,
    };
    let form = matches!(interaction, Interaction::Search(_)) && resource.is_some();
    if let Some(resource) = resource.take_if(|_| form) {
        add_form(&mut pairs, &method, &resource)?;
        query = write_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    let full_url = entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned);
    if let Some(id) = full_url.as_deref().and_then(|url| url.strip_prefix("urn:uuid:"))
        && !ResourceId::is_legal(id)
    {
        return Err(Error::invalid("urn:uuid: without a UUID").at("fullUrl"));
    }
    Ok(BundleEntry {
        index,
        full_url,
        interaction,
        head: method == Method::HEAD,
        pairs,
        query: (!query.is_empty()).then_some(query),
        conditions: conditions(request),
        resource,
        form,
    })
}

/// Judges an entry without its resource, which is judged by itself.
fn expect_structure(entry: &Value) -> Result<()> {
    const PLACE: &str = "Bundle.entry";
    conformance::validate_value(PLACE, entry).map_err(|mut error| {
        for issue in &mut error.issues {
            let within = issue.expression.take();
            issue.expression = within.map(|path| match path.strip_prefix("Bundle.entry.") {
                Some(below) => below.to_owned(),
                None => path,
            });
        }
        error
    })
}

fn conditions(request: &Object) -> Conditions {
    let part = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    Conditions {
        if_match: part("ifMatch"),
        if_none_match: part("ifNoneMatch"),
        if_none_exist: part("ifNoneExist"),
        if_modified_since: part("ifModifiedSince").as_deref().and_then(parse_date),
    }
}
