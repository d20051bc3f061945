//! Batch and transaction. <https://hl7.org/fhir/R4/http.html#transaction>

use canonical_model::{Error, Kind, Resource, ResourceType, Result, Value};
use domain::interactions::transaction as interaction;
use domain::{Domain, Request};
use futures::stream::{self, StreamExt};

use crate::answer::{Answer, Body as AnswerBody, Return};
use crate::app::App;
use crate::bundle::entry::{BundleEntry, patch_of};
use crate::bundle::render::{BundleText, Response, instant, response};
use crate::interaction::Interaction;
use crate::limits::{BATCH_CONCURRENCY, BATCH_ENTRIES_MAX};
use crate::outcome::{self, status};
use crate::perform::{log, perform};
use crate::wire_request::{Body, WireRequest};

pub(crate) async fn bundle(app: &App, mut wire: WireRequest) -> Result<Answer> {
    let resource = wire.resource()?;
    if resource.kind() != ResourceType::BUNDLE {
        let text = "Post a Bundle of type batch or transaction here.";
        return Err(Error::invalid(text).at("resourceType"));
    }
    let kind = resource.members().get("type").and_then(Value::as_str).map(str::to_owned);
    match kind.as_deref() {
        Some("transaction") => transaction(app, wire, read_entries(app, resource)?).await,
        Some("batch") => batch(app, wire, entries(resource)).await,
        _ => Err(Error::invalid("type is batch or transaction").at("Bundle.type")),
    }
}

fn entries(resource: Resource) -> Vec<Value> {
    match resource.into_body() {
        Value::Object(mut members) => match members.remove("entry") {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn read_entries(app: &App, resource: Resource) -> Result<Vec<BundleEntry>> {
    entries(resource)
        .into_iter()
        .enumerate()
        .map(|(index, entry)| BundleEntry::read(app.base(), index, entry))
        .collect()
}

/// All or nothing. Writes first, in one transaction; then the reads, which see them.
async fn transaction(app: &App, wire: WireRequest, entries: Vec<BundleEntry>) -> Result<Answer> {
    let writes = entries
        .iter()
        .filter(|entry| !entry.reads())
        .map(|entry| entry.operation(app))
        .collect::<Result<Vec<_>>>()?;
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written =
        Domain::shielded(async move { interaction::transaction(&domain, &request, &writes).await })
            .await?;
    let mut written = written.into_iter();
    let mut bundle = BundleText::new("transaction-response", None);
    for entry in entries {
        let place = format!("Bundle.entry[{}]", entry.index);
        let answer = if entry.reads() {
            run(app, &wire, entry).await.map_err(|error| error.within(&place))
        } else {
            let one =
                written.next().ok_or_else(|| Error::internal("an entry without an answer"))?;
            Answer::written(app, one, wire.wish, &wire.format)
        };
        put(&mut bundle, answer?, wire.wish)?;
    }
    let mut answer = Answer::fhir(bundle.finish(), &wire.format)?;
    answer.audited = false;
    Ok(answer)
}

/// Each entry for itself; an entry that fails says so in its own place.
async fn batch(app: &App, wire: WireRequest, entries: Vec<Value>) -> Result<Answer> {
    if entries.len() > BATCH_ENTRIES_MAX {
        return Err(Error::new(Kind::TooLarge, "A batch has at most 5000 entries. Split it."));
    }
    let wire = &wire;
    let answers: Vec<Result<Answer>> = stream::iter(entries.into_iter().enumerate())
        .map(|(index, entry)| async move {
            run(app, wire, BundleEntry::read(app.base(), index, entry)?).await
        })
        .buffered(BATCH_CONCURRENCY)
        .collect()
        .await;
    let mut bundle = BundleText::new("batch-response", None);
    for answer in answers {
        match answer {
            Ok(answer) => put(&mut bundle, answer, wire.wish)?,
            Err(error) => {
                log(&error);
                refuse(&mut bundle, &error);
            }
        }
    }
    Answer::fhir(bundle.finish(), &wire.format)
}

/// Performs one entry as the request that it is.
async fn run(app: &App, wire: &WireRequest, entry: BundleEntry) -> Result<Answer> {
    if entry.interaction == Interaction::Bundle {
        return Err(Error::invalid("A bundle cannot hold another batch or transaction."));
    }
    let format = crate::format::Format::of(&entry.pairs, None)?;
    let (body, content_type) = body(&entry)?;
    let request = Request { idempotency: None, ..wire.request.clone() };
    let inner = WireRequest {
        request,
        pairs: entry.pairs,
        query: entry.query,
        conditions: entry.conditions,
        wish: wire.wish,
        handling: wire.handling,
        format,
        content_type: Some(content_type.to_owned()),
        accept: None,
        body,
    };
    Box::pin(perform(app, &entry.interaction, inner)).await
}

fn body(entry: &BundleEntry) -> Result<(Body, &'static str)> {
    const FHIR: &str = "application/fhir+json";
    let patches =
        matches!(entry.interaction, Interaction::Patch(..) | Interaction::ConditionalPatch(_));
    match &entry.resource {
        Some(resource) if patches => match patch_of(resource)? {
            domain::interactions::patch::Patch::Json(operations) => {
                let text = operations.to_text();
                Ok((Body::Bytes(text.into()), "application/json-patch+json"))
            }
            domain::interactions::patch::Patch::FhirPath(_) => {
                Ok((Body::Parsed(Box::new(resource.clone())), FHIR))
            }
        },
        Some(resource) => Ok((Body::Parsed(Box::new(resource.clone())), FHIR)),
        None => Ok((Body::Bytes(bytes::Bytes::new()), FHIR)),
    }
}

fn put(bundle: &mut BundleText, answer: Answer, wish: Return) -> Result<()> {
    let mut entry = String::new();
    if let AnswerBody::Fhir(text) = &answer.body
        && wish != Return::Outcome
    {
        entry.push_str(r#","resource":"#);
        entry.push_str(std::str::from_utf8(text).map_err(Error::internal)?);
    }
    let said = match &answer.body {
        AnswerBody::Fhir(text) if wish == Return::Outcome => {
            Some(std::str::from_utf8(text).map_err(Error::internal)?)
        }
        _ => None,
    };
    let parts = Response {
        status: &label(answer.status),
        location: answer.location.as_deref(),
        etag: answer.etag(),
        last_modified: answer.version.as_ref().map(instant),
        outcome: said,
    };
    response(&mut entry, &parts);
    bundle.entry(&entry);
    Ok(())
}

fn refuse(bundle: &mut BundleText, error: &Error) {
    let mut entry = String::new();
    let text = outcome::text(error);
    let parts = Response {
        status: &label(status(error.kind)),
        location: None,
        etag: None,
        last_modified: None,
        outcome: Some(&text),
    };
    response(&mut entry, &parts);
    bundle.entry(&entry);
}

/// `201 Created`.
fn label(status: http::StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
