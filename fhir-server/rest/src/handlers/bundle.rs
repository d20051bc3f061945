//! Batch and transaction. <https://hl7.org/fhir/R4/http.html#transaction>

use access::Action;
use canonical_model::{Error, Kind, Resource, ResourceId, ResourceType, Result, Value};
use domain::interactions::Written;
use domain::interactions::binary::set_aside;
use domain::interactions::history::whole_system;
use domain::interactions::transaction::{self as interaction, Existence, Expected};
use domain::{Domain, Request};
use futures::stream::{self, FuturesUnordered, StreamExt};
use store::AuditInteraction;

use super::history::query as history_query;
use super::search::allowed as search_query;
use crate::answer::{Answer, Body as AnswerBody};
use crate::app::App;
use crate::bundle::entry::{BundleEntry, patch_of};
use crate::bundle::fill::Fill;
use crate::bundle::render::{BundleText, Response, instant, member, response};
use crate::format::Format;
use crate::interaction::Interaction;
use crate::limits::{BATCH_CONCURRENCY, BUNDLE_ENTRIES_MAX, RECORDS_AT_ONCE};
use crate::outcome::{self, status};
use crate::perform::{log, perform, record_refusal, record_unwritten};
use crate::throttle::charge;
use crate::wire_request::{Body, View, WireRequest};

pub(crate) async fn bundle(app: &App, mut wire: WireRequest) -> Result<Answer> {
    let resource = wire.resource()?;
    if resource.kind() != ResourceType::BUNDLE {
        let text = "Post a Bundle of type batch or transaction here.";
        return Err(Error::invalid(text).at("resourceType"));
    }
    let kind = resource.members().get("type").and_then(Value::as_str).map(str::to_owned);
    let (entries, around) = entries(resource)?;
    if matches!(kind.as_deref(), Some("transaction" | "batch")) {
        // What is misspelt beside the entries would be passed over, and the entries with it.
        conformance::validate(&Resource::from_value(around)?)?;
    }
    charge(app, &wire.request.caller, &entries);
    match kind.as_deref() {
        Some("transaction") => {
            let done = transaction(app, wire, read_entries(app, entries)?).await;
            done.map_err(Error::in_entries)
        }
        Some("batch") => batch(app, wire, entries).await,
        _ => Err(Error::invalid("type is batch or transaction").at("Bundle.type")),
    }
}

/// The entries of a bundle, and what is around them.
fn entries(resource: Resource) -> Result<(Vec<Value>, Value)> {
    let mut body = resource.into_body();
    let entries = match body.as_object_mut().and_then(|members| members.remove("entry")) {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(Error::invalid("entry is an array").at("Bundle.entry")),
    };
    if entries.len() > BUNDLE_ENTRIES_MAX {
        return Err(Error::new(Kind::TooLarge, "A bundle has at most 5000 entries. Split it."));
    }
    Ok((entries, body))
}

pub(super) fn read_entries(app: &App, entries: Vec<Value>) -> Result<Vec<BundleEntry>> {
    let entries = entries.into_iter().enumerate();
    entries.map(|(index, entry)| BundleEntry::read(app.base(), index, entry)).collect()
}

/// All or nothing. Writes first, in one transaction, which also makes sure that there is something
/// to read; then the reads, which see what was written.
pub(super) async fn transaction(
    app: &App,
    wire: WireRequest,
    mut entries: Vec<BundleEntry>,
) -> Result<Answer> {
    let mut writes = Vec::with_capacity(entries.len());
    let mut expected = Vec::new();
    for entry in &mut entries {
        if entry.reads() {
            let one = expect(app, &wire, entry).await;
            expected.extend(one.map_err(|error| entry.fault(error))?);
        } else {
            take_in(app, &wire, entry).await.map_err(|error| entry.fault(error))?;
            writes.push(entry.operation(app, &wire.request).await?);
        }
    }
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written = Domain::shielded(async move {
        interaction::transaction(&domain, &request, &writes, &expected).await
    })
    .await?;
    let repeated = !written.is_empty() && written.iter().all(|one| one.repeated);
    let mut answers = record_writes(app, &wire, &entries, written).await?.into_iter();
    let (wire, fill) = (&wire, &Fill::default());
    let answers: Vec<Result<Answer>> = stream::iter(entries)
        .map(|entry| {
            let written = if entry.reads() { None } else { answers.next() };
            async move {
                match written {
                    None => run_within(app, wire, entry, fill).await,
                    Some(answer) => answer.map(|answer| fill.take_written(answer)),
                }
            }
        })
        .buffered(BATCH_CONCURRENCY)
        .collect()
        .await;
    let mut bundle = BundleText::new("transaction-response", None);
    for answer in answers {
        tell(&mut bundle, answer)?;
    }
    Ok(Answer { repeated, ..Answer::fhir(bundle.finish(), &wire.format)? })
}

/// The answers of the entries that write, once all of them are recorded: what wrote nothing, as a
/// whole transaction that is repeated, is recorded here, many in one flush.
async fn record_writes(
    app: &App,
    wire: &WireRequest,
    entries: &[BundleEntry],
    written: Vec<Written>,
) -> Result<Vec<Result<Answer>>> {
    let writes = entries.iter().filter(|entry| !entry.reads()).map(|entry| &entry.interaction);
    let written = written.into_iter().map(|one| Answer::written(app, one, wire.wish, &wire.format));
    let answers: Vec<_> = writes.zip(written).collect();
    for some in answers.chunks(RECORDS_AT_ONCE) {
        let mut records = FuturesUnordered::new();
        for (write, answer) in some {
            records.push(record_unwritten(app, wire, write, answer));
        }
        while let Some(recorded) = records.next().await {
            recorded?;
        }
    }
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Sets the content of a large Binary aside, before the transaction begins.
async fn take_in(app: &App, wire: &WireRequest, entry: &mut BundleEntry) -> Result<()> {
    let action = match entry.interaction {
        Interaction::Create(_) => Action::Create,
        Interaction::Update(..) | Interaction::ConditionalUpdate(_) => Action::Update,
        _ => return Ok(()),
    };
    if let Some(resource) = entry.resource.take() {
        let resource = set_aside(&app.domain, &wire.request, action, resource).await?;
        entry.resource = Some(resource);
    }
    Ok(())
}

/// Refuses a reading entry that cannot succeed while nothing is written yet, and says what must be
/// there in the end for it to succeed.
async fn expect(app: &App, wire: &WireRequest, entry: &BundleEntry) -> Result<Option<Expected>> {
    Format::of_entry(&entry.pairs)?.expect(&entry.interaction)?;
    let index = entry.index;
    let one = |kind: &ResourceType, id: &ResourceId, what: Existence| {
        app.domain.decide(&wire.request, *kind, Action::Read)?;
        Ok(Some(Expected { index, kind: *kind, id: id.clone(), what }))
    };
    let history = || history_query(app, wire, whole_system(), &entry.pairs).map(drop);
    match &entry.interaction {
        Interaction::Read(kind, id) => one(kind, id, Existence::Alive),
        Interaction::Vread(kind, id, version) => one(kind, id, Existence::Version(*version)),
        Interaction::HistoryInstance(kind, id) => {
            history()?;
            one(kind, id, Existence::Ever)
        }
        Interaction::HistoryType(kind) => {
            history()?;
            app.domain.decide(&wire.request, *kind, Action::Search).map(|_| None)
        }
        Interaction::HistorySystem => {
            history()?;
            app.domain.decide_system(&wire.request, Action::Search).map(|_| None)
        }
        Interaction::Search(scope) => {
            search_query(app, &wire.request, scope, &entry.pairs, wire.handling).await?;
            Ok(None)
        }
        Interaction::Terminology(operation, None) => {
            app.domain.decide(&wire.request, operation.kind(), Action::Search).map(|_| None)
        }
        Interaction::Terminology(operation, Some(id)) => {
            one(&operation.kind(), id, Existence::Alive)
        }
        Interaction::Capabilities
        | Interaction::Definition(_)
        | Interaction::Journal
        | Interaction::JournalEvent(_)
        | Interaction::AccessReport(_)
        | Interaction::Disclosures(_)
        | Interaction::Validate(..)
        | Interaction::Update(..)
        | Interaction::ConditionalUpdate(_)
        | Interaction::Patch(..)
        | Interaction::ConditionalPatch(_)
        | Interaction::Delete(..)
        | Interaction::ConditionalDelete(_)
        | Interaction::Create(_)
        | Interaction::Release(_)
        | Interaction::Bundle => Ok(None),
    }
}

/// Each entry for itself; an entry that fails says so in its own place.
async fn batch(app: &App, wire: WireRequest, entries: Vec<Value>) -> Result<Answer> {
    let (wire, fill) = (&wire, &Fill::default());
    // With each answer, whether it is that of a write.
    let answers: Vec<(bool, Result<Answer>)> = stream::iter(entries.into_iter().enumerate())
        .map(|(index, entry)| async move {
            match BundleEntry::read(app.base(), index, entry) {
                Ok(entry) => {
                    let writes = !entry.reads();
                    let (place, form) = (format!("Bundle.entry[{index}]"), entry.form);
                    let placed = |error: Error| match form {
                        true => error.in_form(&format!("{place}.resource")),
                        false => error.within_url(&place),
                    };
                    let answer = run_within(app, wire, entry, fill).await.map_err(placed);
                    (writes, answer.map_err(|error| fill.take_refused(error)))
                }
                Err(error) => {
                    let recorded = record_refusal(app, &wire.request, None, &error).await;
                    (false, recorded.and(Err(fill.take_refused(error))))
                }
            }
        })
        .buffered(BATCH_CONCURRENCY)
        .collect()
        .await;
    let mut bundle = BundleText::new("batch-response", None);
    let written = answers.iter().filter(|(writes, _)| *writes);
    let mut written = written.filter_map(|(_, answer)| answer.as_ref().ok()).peekable();
    let repeated = written.peek().is_some() && written.all(|answer| answer.repeated);
    for (_, answer) in answers {
        tell(&mut bundle, answer)?;
    }
    let interaction = Some(AuditInteraction::Batch);
    Ok(Answer { interaction, repeated, ..Answer::fhir(bundle.finish(), &wire.format)? })
}

/// Performs one entry as the request that it is, if there is room for what it reads.
async fn run_within(
    app: &App,
    wire: &WireRequest,
    entry: BundleEntry,
    fill: &Fill,
) -> Result<Answer> {
    if !entry.reads() {
        return run(app, wire, entry).await.map(|answer| fill.take_written(answer));
    }
    if let Err(error) = fill.expect_room() {
        record_refusal(app, &wire.request, Some(&entry.interaction), &error).await?;
        return Err(error);
    }
    fill.take(run(app, wire, entry).await?)
}

/// Performs one entry as the request that it is.
async fn run(app: &App, wire: &WireRequest, entry: BundleEntry) -> Result<Answer> {
    let format = Format::of_entry(&entry.pairs)?;
    format.expect(&entry.interaction)?;
    let (body, content_type) = body(&entry)?;
    let key = wire.request.idempotency.as_ref().filter(|_| !entry.reads());
    let idempotency = key.map(|key| key.of_entry(entry.index));
    let request = Request { idempotency, ..wire.request.clone() };
    let inner = WireRequest {
        request,
        pairs: entry.pairs,
        query: entry.query,
        conditions: entry.conditions,
        wish: wire.wish,
        handling: wire.handling,
        format,
        content_type: Some(content_type.to_owned()),
        view: View::Entry,
        range: None,
        body,
    };
    let mut answer = Box::pin(perform(app, &entry.interaction, inner)).await?;
    if entry.head {
        answer.body = AnswerBody::Empty;
    }
    Ok(answer)
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

/// Adds an entry's answer, or its refusal, in its own place.
fn tell(bundle: &mut BundleText, answer: Result<Answer>) -> Result<()> {
    match answer {
        Ok(answer) => put(bundle, answer),
        Err(error) => {
            log(&error);
            refuse(bundle, &error)
        }
    }
}

fn put(bundle: &mut BundleText, answer: Answer) -> Result<()> {
    let (resource, said) = match &answer.body {
        AnswerBody::Fhir(text) => (Some(std::str::from_utf8(text).map_err(Error::internal)?), None),
        AnswerBody::Outcome(text) => (None, Some(text.clone())),
        AnswerBody::Empty | AnswerBody::Around(..) | AnswerBody::Raw { .. } => (None, None),
    };
    let faults = (!answer.faults.is_empty()).then(|| outcome::outcome(&answer.faults).to_text());
    let said = said.or(faults);
    let parts = Response {
        status: &label(answer.status),
        location: answer.location.as_deref(),
        etag: answer.etag(),
        last_modified: answer.version.as_ref().map(instant),
        outcome: said.as_deref(),
    };
    bundle.entry(|entry| {
        if let Some(text) = resource {
            member(entry, "resource").push_str(text);
        }
        response(entry, &parts);
        Ok(())
    })
}

fn refuse(bundle: &mut BundleText, error: &Error) -> Result<()> {
    let text = outcome::text(error);
    let parts = Response {
        status: &label(status(error.kind)),
        location: None,
        etag: None,
        last_modified: None,
        outcome: Some(&text),
    };
    bundle.entry(|entry| {
        response(entry, &parts);
        Ok(())
    })
}

/// `201 Created`.
fn label(status: http::StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
