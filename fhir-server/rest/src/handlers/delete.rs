//! <https://hl7.org/fhir/R4/http.html#delete>

use canonical_model::{ResourceId, ResourceType, Result};
use domain::interactions::{Effect, Written, delete as interaction};
use domain::{Criteria, Domain};
use http::StatusCode;

use crate::answer::{Answer, Return, said};
use crate::app::App;
use crate::wire_request::WireRequest;

pub(crate) async fn delete(
    app: &App,
    wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Answer> {
    let precondition = wire.conditions.precondition()?;
    let (domain, request, id) = (app.domain.clone(), wire.request.clone(), id.clone());
    let written = Domain::shielded(async move {
        interaction::delete(&domain, &request, kind, &id, precondition).await
    })
    .await?;
    Answer::written(app, written, wire.wish, &wire.format)
}

pub(crate) async fn conditional(
    app: &App,
    wire: WireRequest,
    kind: ResourceType,
) -> Result<Answer> {
    let criteria = Criteria::of(&app.domain, &wire.request, kind, &wire.pairs).await?;
    let precondition = wire.conditions.precondition()?;
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let gone = Domain::shielded(async move {
        interaction::delete_where(&domain, &request, &criteria, precondition).await
    })
    .await?;
    let audited = !gone.is_empty() && gone.iter().all(|written| written.audited);
    let version = match gone.as_slice() {
        [only] => only.version.clone(),
        _ => None,
    };
    let written =
        Written { effect: Effect::Deleted, version, audited, repeated: false, said: Vec::new() };
    let mut answer = Answer::written(app, written, wire.wish, &wire.format)?;
    let many = gone.len() > 1;
    if (wire.wish == Return::Outcome && gone.len() != 1) || (wire.wish != Return::Minimal && many) {
        // Whoever meant one is told that it was more.
        answer.status = StatusCode::OK;
        answer.body = said(format!("{} resources matched and are deleted.", gone.len()));
    }
    Ok(answer)
}
