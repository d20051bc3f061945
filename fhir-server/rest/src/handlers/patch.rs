//! <https://hl7.org/fhir/R4/http.html#patch>

use canonical_model::{Error, IssueCode, ResourceId, ResourceType, Result, json};
use domain::interactions::patch::{self as interaction, Patch};
use domain::{Criteria, Domain};

use crate::answer::Answer;
use crate::app::App;
use crate::media_type::MediaType;
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
    let criteria = Criteria::of(&app.domain, &wire.request, kind, &wire.pairs).await?;
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
    let media_type = MediaType::read(wire.content_type.as_deref().unwrap_or_default());
    let (is_patch, is_json) =
        (media_type.name == "application/json-patch+json", media_type.is_json());
    let is_fhir = media_type.syntax().is_some();
    match &wire.body {
        Body::Bytes(bytes) if is_patch => Ok(Patch::Json(json::parse(bytes)?)),
        Body::Bytes(bytes) if is_json && bytes.trim_ascii_start().starts_with(b"[") => {
            Err(Error::invalid(
                "application/fhir+json is for a FHIRPath Patch, a Parameters resource; send this \
                 JSON Patch with `Content-Type: application/json-patch+json`.",
            )
            .code(IssueCode::Structure))
        }
        _ if is_fhir => Ok(Patch::FhirPath(wire.resource()?.into_body())),
        _ => Err(unsupported(
            "Send a JSON Patch as application/json-patch+json, or a FHIRPath Patch as \
             application/fhir+json or application/fhir+xml.",
        )),
    }
}
