//! Performs an interaction and records the access: nothing leaves before its record is durable.

use std::net::IpAddr;
use std::sync::Arc;

use access::Caller;
use auth::{Door, NOBODY, Unverified};
use canonical_model::{Error, IssueCode, ResourceId, ResourceType, Result};
use domain::interactions::search::Scope;
use domain::{Request, Withheld, is_to_keep};
use store::{AuditAction, AuditEntry, AuditInteraction, RequestContext};

use crate::answer::Answer;
use crate::app::App;
use crate::handlers;
use crate::handlers::quarantine::Held;
use crate::interaction::{Interaction, Rule};
use crate::outcome::status;
use crate::wire_request::WireRequest;

/// Performs one interaction, from the wire or from a bundle's entry.
pub(crate) async fn perform(
    app: &App,
    interaction: &Interaction,
    mut wire: WireRequest,
) -> Result<Answer> {
    wire.request.interaction = recorded(interaction);
    let context = wire.request.context();
    let held = Held::of(app, interaction, &wire);
    let detail = wire.query.take().map(|query| app.domain.catalogue().written_down(query));
    let outcome = match dispatch(app, interaction, wire).await {
        Err(error) if is_to_keep(&error) => match held {
            Some(held) => held.keep(app, interaction, error).await,
            None => Err(error),
        },
        outcome => outcome,
    };
    let recorded = match &outcome {
        Ok(answer) => answer.audited,
        Err(_) => false,
    };
    if !recorded && interaction.rule() != Rule::Open {
        let entry = entry(app, context, interaction, &outcome, detail);
        app.domain.auditor().record(entry).await?;
    }
    outcome
}

/// Records an answer of a transaction that wrote nothing: what was there already is given out too.
pub(crate) async fn record_unwritten(
    app: &App,
    wire: &WireRequest,
    interaction: &Interaction,
    outcome: &Result<Answer>,
) -> Result<()> {
    if outcome.as_ref().is_ok_and(|answer| answer.audited) {
        return Ok(());
    }
    let context = RequestContext { interaction: recorded(interaction), ..wire.request.context() };
    app.domain.auditor().record(entry(app, context, interaction, outcome, None)).await
}

/// The record of an answer.
fn entry(
    app: &App,
    context: RequestContext,
    interaction: &Interaction,
    outcome: &Result<Answer>,
    detail: Option<String>,
) -> AuditEntry {
    let answer = outcome.as_ref().ok();
    let about = answer.and_then(|answer| answer.version.as_ref());
    let said = answer.and_then(|answer| answer.interaction).unwrap_or(context.interaction);
    let context = RequestContext { interaction: said, ..context };
    let status = outcome.as_ref().map_or_else(|e| status(e.kind), |a| a.status).as_u16();
    let refused_by = |error: &Error| error.cause.as_ref()?.downcast_ref().map(Withheld::to_string);
    let rules = outcome.as_ref().map_or_else(refused_by, |answer| answer.rules.clone());
    let found = about.map(|version| &version.patients).or(answer.map(|answer| &answer.patients));
    let found = found.filter(|found| !found.is_empty()).cloned();
    let patients = found.unwrap_or_else(|| named(app, interaction));
    AuditEntry {
        kind: interaction.kind(),
        id: about
            .map(|version| version.id.clone())
            .or_else(|| interaction.id().map(ToString::to_string)),
        version: about.map(|version| version.version),
        patients,
        detail,
        rules,
        ..AuditEntry::new(app.domain.now(), context, action(interaction), status)
    }
}

/// Whom a request was about that was refused or found nothing, by its path alone: to look up whose something hidden is
/// would tell by its time that it is there.
fn named(app: &App, interaction: &Interaction) -> Vec<i64> {
    let hasher = app.domain.store().hasher();
    let identity = |id: &ResourceId| hasher.identity(ResourceType::PATIENT, id.as_str());
    interaction.patient().map(identity).into_iter().collect()
}

/// Records a request of a known caller that was refused before it was performed.
pub(crate) async fn record_refusal(
    app: &App,
    request: &Request,
    interaction: Option<&Interaction>,
    error: &Error,
) -> Result<()> {
    let doing = interaction.map_or(AuditInteraction::Operation, recorded);
    let context = RequestContext { interaction: doing, ..request.context() };
    let (action, status) =
        (interaction.map_or(AuditAction::Operation, action), status(error.kind).as_u16());
    let entry = AuditEntry {
        kind: interaction.and_then(Interaction::kind),
        id: interaction.and_then(Interaction::id).map(ToString::to_string),
        patients: interaction.map(|it| named(app, it)).unwrap_or_default(),
        ..AuditEntry::new(app.domain.now(), context, action, status)
    };
    app.domain.auditor().record(entry).await
}

/// A request whose token was not accepted.
pub(crate) struct Refused<'a> {
    pub(crate) id: &'a Arc<str>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) asked: Option<&'a Interaction>,
}

/// Records a request with a token that is not accepted: whose it is, where it was signed here. One without any token
/// claimed nothing.
pub(crate) async fn record_unverified(
    app: &App,
    request: &Refused<'_>,
    unverified: &Unverified,
) -> Result<()> {
    let Refused { id, address, asked } = *request;
    let error = &unverified.error;
    let why = match error.issues.first().map(|issue| issue.code) {
        Some(IssueCode::Expired) => "expired",
        Some(IssueCode::Security) if unverified.caller.is_some() => "revoked",
        Some(IssueCode::Security) => "unknown",
        _ => return Ok(()),
    };
    let nobody = || Arc::new(Caller::of_client(NOBODY));
    let context = RequestContext {
        request_id: Arc::clone(id),
        caller: unverified.caller.clone().unwrap_or_else(nobody),
        address,
        interaction: asked.map_or(AuditInteraction::Operation, recorded),
    };
    let (action, status) =
        (asked.map_or(AuditAction::Operation, action), status(error.kind).as_u16());
    let entry = AuditEntry {
        kind: asked.and_then(Interaction::kind),
        id: asked.and_then(Interaction::id).map(ToString::to_string),
        rules: Some(format!("token:{why}")),
        ..AuditEntry::new(app.domain.now(), context, action, status)
    };
    app.refusals.record(Door::Bearer, entry).await
}

fn action(interaction: &Interaction) -> AuditAction {
    match interaction {
        Interaction::Read(..) | Interaction::Vread(..) | Interaction::HistoryInstance(..) => {
            AuditAction::Read
        }
        Interaction::Search(_) | Interaction::HistoryType(_) | Interaction::HistorySystem => {
            AuditAction::Search
        }
        Interaction::Create(_) => AuditAction::Create,
        Interaction::Update(..)
        | Interaction::ConditionalUpdate(_)
        | Interaction::Patch(..)
        | Interaction::ConditionalPatch(_) => AuditAction::Update,
        Interaction::Delete(..) | Interaction::ConditionalDelete(_) => AuditAction::Delete,
        Interaction::JournalEvent(_) => AuditAction::Read,
        Interaction::Journal => AuditAction::Search,
        Interaction::Capabilities
        | Interaction::Definition(_)
        | Interaction::Bundle
        | Interaction::AccessReport(_)
        | Interaction::Disclosures(_)
        | Interaction::Terminology(..)
        | Interaction::Release(_)
        | Interaction::Validate(..) => AuditAction::Operation,
    }
}

/// What FHIR calls it. Whether a bundle is a batch is known once it has been read.
fn recorded(interaction: &Interaction) -> AuditInteraction {
    use AuditInteraction as As;
    match interaction {
        Interaction::Capabilities
        | Interaction::Definition(_)
        | Interaction::Journal
        | Interaction::AccessReport(_)
        | Interaction::Disclosures(_)
        | Interaction::Terminology(..)
        | Interaction::Release(_)
        | Interaction::Validate(..) => As::Operation,
        Interaction::JournalEvent(_) => As::Read,
        Interaction::Read(..) => As::Read,
        Interaction::Vread(..) => As::Vread,
        Interaction::Update(..) | Interaction::ConditionalUpdate(_) => As::Update,
        Interaction::Patch(..) | Interaction::ConditionalPatch(_) => As::Patch,
        Interaction::Delete(..) | Interaction::ConditionalDelete(_) => As::Delete,
        Interaction::Create(_) => As::Create,
        Interaction::HistoryInstance(..) => As::HistoryInstance,
        Interaction::HistoryType(_) => As::HistoryType,
        Interaction::HistorySystem => As::HistorySystem,
        Interaction::Search(Scope::Type(_) | Scope::Compartment(..)) => As::SearchType,
        Interaction::Search(Scope::System) => As::SearchSystem,
        Interaction::Bundle => As::Transaction,
    }
}

async fn dispatch(app: &App, interaction: &Interaction, wire: WireRequest) -> Result<Answer> {
    use handlers::{
        bundle, capabilities, create, delete, history, journal, operation, patch, quarantine, read,
        search, update, validate,
    };
    wire.conditions.expect_heeded(interaction)?;
    match interaction {
        Interaction::Capabilities | Interaction::Definition(_) => {
            capabilities::open(app, interaction, &wire.pairs, &wire.format).await
        }
        Interaction::Read(kind, id) => read::read(app, wire, *kind, id).await,
        Interaction::Vread(kind, id, version) => read::vread(app, wire, *kind, id, *version).await,
        Interaction::Update(kind, id) => update::update(app, wire, *kind, id).await,
        Interaction::ConditionalUpdate(kind) => update::conditional(app, wire, *kind).await,
        Interaction::Patch(kind, id) => patch::patch(app, wire, *kind, id).await,
        Interaction::ConditionalPatch(kind) => patch::conditional(app, wire, *kind).await,
        Interaction::Delete(kind, id) => delete::delete(app, wire, *kind, id).await,
        Interaction::ConditionalDelete(kind) => delete::conditional(app, wire, *kind).await,
        Interaction::Create(kind) => create::create(app, wire, *kind).await,
        Interaction::HistoryInstance(kind, id) => {
            let scope = store::HistoryScope::Instance(*kind, id.clone());
            history::history(app, wire, scope, &format!("{kind}/{id}/_history")).await
        }
        Interaction::HistoryType(kind) => {
            let scope = store::HistoryScope::Types(vec![*kind]);
            history::history(app, wire, scope, &format!("{kind}/_history")).await
        }
        Interaction::HistorySystem => {
            let scope = domain::interactions::history::whole_system();
            history::history(app, wire, scope, "_history").await
        }
        Interaction::Search(scope) => search::search(app, wire, scope).await,
        Interaction::Bundle => Box::pin(bundle::bundle(app, wire)).await,
        Interaction::Journal => journal::journal(app, wire).await,
        Interaction::JournalEvent(id) => journal::event(app, wire, id).await,
        Interaction::AccessReport(id) => journal::access_report(app, wire, id).await,
        Interaction::Disclosures(id) => journal::disclosures(app, wire, id).await,
        Interaction::Terminology(named, id) => {
            operation::terminology(app, wire, *named, id.as_ref()).await
        }
        Interaction::Release(id) => quarantine::release(app, wire, id).await,
        Interaction::Validate(kind, id) => validate::validate(app, wire, *kind, id.as_ref()).await,
    }
}

/// Logs an error once, where it leaves the server.
pub(crate) fn log(error: &Error) {
    if matches!(error.kind, canonical_model::Kind::Internal) {
        tracing::error!(error = ?error, "Request failed.");
    } else if let Some(cause) = &error.cause {
        tracing::debug!(kind = error.kind.as_str(), cause = %cause, "Request refused.");
    }
}
