//! What is kept aside for its faults: a Task that says what is wrong, whose focus is a Binary with the transaction that
//! was asked for. Whoever may change the Task releases it, and the transaction is done as theirs, with its faults; or
//! cancels it. Both resources are as all others: found, read, recorded and exported.
//! <https://hl7.org/fhir/R4/task.html>

use std::sync::Arc;

use access::{Access, Action, Caller, Consent, Scopes};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use canonical_model::json::Object;
use canonical_model::{
    Error, IssueCode, Kind, Resource, ResourceId, ResourceType, Result, Value, json, object,
};
use store::Stored;

use super::binary::BASE64;
use super::read::look;
use super::transaction::{Entry, Operation, repeated, transaction};
use super::written::{Effect, Written};
use crate::limits::KEPT_BYTES_MAX;
use crate::{Criteria, Domain, IdempotencyKey, Request};

/// What says of a Task that it is one of these: system and code.
pub const CODE: (&str, &str) = ("https://carebridge.example/CodeSystem/task", "quarantine");

/// What names a client in a Task.
const CLIENTS: &str = "https://carebridge.example/NamingSystem/client";

/// What names the proof that this server kept something aside.
const PROOFS: &str = "https://carebridge.example/NamingSystem/quarantine-proof";

/// What the Binary is called by until it has an id.
const CONTENT: &str = "urn:carebridge:content";

/// What was asked for and has faults.
#[derive(Debug)]
pub struct Asked {
    /// As a Bundle of type transaction.
    pub bundle: Value,
    /// As an OperationOutcome.
    pub faults: Value,
    /// In a word, for people: `POST Observation`.
    pub title: String,
}

/// Keeps a request aside; returns its Task. A request that is repeated under its key is kept once.
///
/// # Errors
/// Unprocessable where it is too large; StorageFull, Unavailable or Internal.
pub async fn keep(domain: &Domain, request: &Request, asked: Asked) -> Result<Written> {
    let mut asked = asked;
    let proof = proof(domain, &asked.bundle);
    let labels = labels(&asked.bundle);
    let keeping = keeping(request)?;
    if let Some(first) = repeated(domain, &keeping).await? {
        return sole(first);
    }
    if let Some(waiting) = waiting(domain, request, &proof).await? {
        return Ok(waiting);
    }
    if let Some(bundle) = asked.bundle.as_object_mut() {
        bundle.set("identifier", object! { "system": PROOFS, "value": proof.as_str() });
    }
    let text = asked.bundle.to_text();
    if text.len() > KEPT_BYTES_MAX {
        let text = "It has faults, and is too large to be kept aside: send less at a time.";
        return Err(Error::unprocessable(text).code(IssueCode::TooLong));
    }
    let meta = || (!labels.is_empty()).then(|| object! { "security": labels.clone() });
    let mut binary = object! {
        "resourceType": "Binary",
        "contentType": "application/fhir+json",
        "data": BASE64.encode(text),
    };
    let identifier = object! { "system": PROOFS, "value": proof.as_str() };
    let mut task = task(domain, request, &asked);
    task.set("identifier", vec![Value::Object(identifier)]);
    for resource in [&mut binary, &mut task] {
        meta().into_iter().for_each(|meta| resource.set_at(1, "meta", meta));
    }
    let entry = |index, full_url: Option<&str>, resource: Object| -> Result<Entry> {
        let operation = Operation::Create(Resource::from_value(Value::Object(resource))?, None);
        Ok(Entry { index, full_url: full_url.map(str::to_owned), operation })
    };
    let entries = [entry(0, None, task)?, entry(1, Some(CONTENT), binary)?];
    sole(transaction(domain, &keeping, &entries, &[]).await?)
}

/// The Task's answer, which comes first.
fn sole(written: Vec<Written>) -> Result<Written> {
    written.into_iter().next().ok_or_else(|| Error::internal("a transaction without an answer"))
}

/// The Task by which the same is kept aside already and waits: who sends it again needs no second one.
async fn waiting(domain: &Domain, request: &Request, proof: &str) -> Result<Option<Written>> {
    let query = format!("identifier={PROOFS}|{proof}&status=requested");
    let criteria = Criteria::parse(domain, request, ResourceType::TASK, &query).await?;
    let access = Access::internal("the same request that is kept aside already is not kept twice");
    let found = domain.store().find(&access, &criteria.query).await?;
    let found = found.into_iter().next().map(|found| found.resource);
    Ok(found.map(|task| Written::found(Effect::Existing, Some(task))))
}

/// What shows that a transaction was kept aside here, and is not of somebody who would have others do it.
fn proof(domain: &Domain, bundle: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &domain.store().hasher().secret("quarantine"));
    let tag = hmac::sign(&key, bundle.to_text().as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The labels of what is kept aside: they are those of what keeps it too.
fn labels(bundle: &Value) -> Vec<Value> {
    let entries = bundle.get("entry").map(Value::items).unwrap_or_default();
    let labels =
        entries.iter().filter_map(|entry| entry.get("resource")?.get("meta")?.get("security"));
    let mut all: Vec<Value> = Vec::new();
    for label in labels.flat_map(Value::items) {
        if !all.contains(label) {
            all.push(label.clone());
        }
    }
    all
}

/// The request with the right to keep something aside, whatever its own rights are: by the server's policy, not by its
/// will. What it may write, and whether Consents deny it, was asked before.
fn keeping(request: &Request) -> Result<Request> {
    let scopes = Scopes::parse("system/Binary.c system/Task.c")?;
    let caller = Caller { scopes, consent: Consent::None, ..Caller::clone(&request.caller) };
    let idempotency = request.idempotency.as_ref().map(IdempotencyKey::of_kept);
    Ok(Request { caller: Arc::new(caller), idempotency, ..request.clone() })
}

fn task(domain: &Domain, request: &Request, asked: &Asked) -> Object {
    let client = request.caller.client_id.as_str();
    let coding = object! { "system": CODE.0, "code": CODE.1 };
    let first =
        asked.faults.get("issue").and_then(|issues| issues.items().first()?.get("diagnostics"));
    let mut faults = asked.faults.clone();
    if let Some(faults) = faults.as_object_mut() {
        faults.set_at(1, "id", "faults");
    }
    let output = object! {
        "type": object! { "text": "faults" },
        "valueReference": object! { "reference": "#faults" },
    };
    let mut task = object! {
        "resourceType": "Task",
        "contained": vec![faults],
        "status": "requested",
        "statusReason": object! { "text": first.and_then(Value::as_str).unwrap_or("It has faults.") },
        "intent": "order",
        "code": object! { "coding": vec![Value::Object(coding)] },
        "description": format!("{} by {client}", asked.title),
        "focus": object! { "reference": CONTENT },
        "authoredOn": domain.now().to_rfc3339(),
        "requester": object! { "identifier": object! { "system": CLIENTS, "value": client } },
        "output": vec![Value::Object(output)],
    };
    if let Some(patient) = patient(domain, &asked.bundle) {
        task.set("for", object! { "reference": format!("Patient/{patient}") });
    }
    task
}

/// The patient whom all of it is about, if it is one.
fn patient(domain: &Domain, bundle: &Value) -> Option<ResourceId> {
    let entries = bundle.get("entry").map(Value::items).unwrap_or_default();
    let mut all = Vec::new();
    for resource in entries.iter().filter_map(|entry| entry.get("resource")) {
        let resource = Resource::from_value(resource.clone()).ok()?;
        all.extend(domain.extract(&resource).ok()?.owners);
    }
    all.dedup();
    match all.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// What was kept aside, to be released.
#[derive(Debug)]
pub struct Kept {
    /// The entries of the transaction that was asked for.
    pub entries: Vec<Value>,
    /// The Task, as it is when that is done, as an entry of the same transaction.
    pub done: Value,
}

/// Reads what was kept aside, by the id of its Task.
///
/// # Errors
/// NotFound or Forbidden, as a read of the Task and of its Binary; Unprocessable for another Task, Conflict for one
/// that was released or cancelled.
pub async fn kept(domain: &Domain, request: &Request, id: &ResourceId) -> Result<Kept> {
    domain.decide(request, ResourceType::TASK, Action::Update)?;
    let task = look(domain, request, ResourceType::TASK, id).await?;
    let mut body = parsed(&task)?;
    if !is_quarantine(&body) {
        return Err(Error::unprocessable("This Task keeps nothing aside.").at("Task.code"));
    }
    let version = match body.get("status").and_then(Value::as_str) {
        Some("requested") => task.version,
        // Perhaps by this same request, which its key will tell; if not, that is no longer the version.
        Some("completed") if request.idempotency.is_some() => task.version - 1,
        _ => {
            let text = "It was released or cancelled before: see Task.status.";
            return Err(Error::new(Kind::Conflict, text).at("Task.status"));
        }
    };
    let focus = body.get("focus").and_then(|focus| focus.get("reference")?.as_str());
    let binary = focus.and_then(|name| name.strip_prefix("Binary/"));
    let binary =
        binary.ok_or_else(|| Error::unprocessable("Its focus is no Binary.").at("Task.focus"))?;
    let binary = look(domain, request, ResourceType::BINARY, &ResourceId::parse(binary)?).await?;
    let mut bundle = content(&parsed(&binary)?)?;
    let proven = bundle.as_object_mut().and_then(|bundle| bundle.remove("identifier"));
    let proven = proven.and_then(|proven| Some(proven.get("value")?.as_str()?.to_owned()));
    let expected = proof(domain, &bundle);
    if !proven.is_some_and(|it| {
        constant_time::verify_slices_are_equal(it.as_bytes(), expected.as_bytes()).is_ok()
    }) {
        let text = "This server did not keep that aside: somebody else wrote it, or changed it.";
        return Err(Error::unprocessable(text).at("Task.focus"));
    }
    if let Some(task) = body.as_object_mut() {
        task.set("status", "completed");
        task.remove("statusReason");
        task.set("lastModified", domain.now().to_rfc3339());
    }
    let asked = object! { "method": "PUT", "url": format!("Task/{id}"), "ifMatch": format!("W/\"{version}\"") };
    let done = Value::Object(object! { "request": asked, "resource": body });
    match bundle.as_object_mut().and_then(|bundle| bundle.remove("entry")) {
        Some(Value::Array(entries)) => Ok(Kept { entries, done }),
        _ => Err(strange()),
    }
}

fn parsed(stored: &Stored) -> Result<Value> {
    json::parse(stored.text.as_deref().unwrap_or_default())
}

fn is_quarantine(task: &Value) -> bool {
    let codings = task.get("code").and_then(|code| code.get("coding"));
    let part = |coding: &Value, name: &str| coding.get(name)?.as_str().map(str::to_owned);
    let is_it = |coding: &Value| {
        part(coding, "system").as_deref() == Some(CODE.0)
            && part(coding, "code").as_deref() == Some(CODE.1)
    };
    codings.is_some_and(|codings| codings.items().iter().any(is_it))
}

fn content(binary: &Value) -> Result<Value> {
    let data = binary.get("data").and_then(Value::as_str).ok_or_else(strange)?;
    json::parse(&BASE64.decode(data).map_err(|_| strange())?)
}

fn strange() -> Error {
    Error::unprocessable("The Binary that the Task is about holds no transaction.").at("Task.focus")
}
