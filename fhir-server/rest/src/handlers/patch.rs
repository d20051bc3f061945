//! <https://hl7.org/fhir/R4/http.html#patch>

use canonical_model::{ResourceId, ResourceType, Result, json};
use domain::interactions::patch::{self as interaction, Patch};
use domain::{Criteria, Domain};

use crate::answer::Answer;
use crate::app::App;
use crate::wire_request::{Body, WireRequest, unsupported};

pub(crate) async fn patch(
    app: &App,
    mut wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Answer> {
    let change = body(&mut wire)?;
    let precondition = wire.conditions.precondition()?;
    let (domain, request, id) = (app.domain.clone(), wire.request.clone(), id.clone());
    let written = Domain::shielded(async move {
        interaction::patch(&domain, &request, kind, &id, &change, precondition).await
    })
    .await?;
    Answer::written(app, written, wire.wish, &wire.format)
}

pub(crate) async fn conditional(
    app: &App,
    mut wire: WireRequest,
    kind: ResourceType,
) -> Result<Answer> {
    let change = body(&mut wire)?;
    let criteria = Criteria::of(&app.domain, kind, &wire.pairs)?;
    let precondition = wire.conditions.precondition()?;
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written = Domain::shielded(async move {
        interaction::patch_where(&domain, &request, &criteria, &change, precondition).await
    })
    .await?;
    Answer::written(app, written, wire.wish, &wire.format)
}

/// The media type says which of the two kinds of patch it is.
pub(crate) fn body(wire: &mut WireRequest) -> Result<Patch> {
    let media_type = wire.content_type.as_deref().unwrap_or_default();
    let bare = media_type.split(';').next().unwrap_or_default().trim();
    match (bare, &wire.body) {
        ("application/json-patch+json", Body::Bytes(bytes)) => Ok(Patch::Json(json::parse(bytes)?)),
        ("application/fhir+json" | "application/json", _) => {
            Ok(Patch::FhirPath(wire.resource()?.into_body()))
        }
        _ => Err(unsupported(
            "Send a JSON Patch as application/json-patch+json, or a FHIRPath Patch as \
             application/fhir+json.",
        )),
    }
}
