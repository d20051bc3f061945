//! <https://hl7.org/fhir/R4/http.html#update>

use canonical_model::{Error, Resource, ResourceId, ResourceType, Result};
use domain::interactions::update as interaction;
use domain::{Criteria, Domain};

use super::create::content;
use crate::answer::Answer;
use crate::app::App;
use crate::format::is_json;
use crate::wire_request::WireRequest;

pub(crate) async fn update(
    app: &App,
    mut wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Answer> {
    let raw =
        kind == ResourceType::BINARY && !is_json(wire.content_type.as_deref().unwrap_or("json"));
    let mut resource = content(&mut wire, kind)?;
    if raw {
        resource = with_id(resource, id)?;
    }
    let precondition = wire.conditions.precondition()?;
    let (domain, request, id) = (app.domain.clone(), wire.request.clone(), id.clone());
    let written = Domain::shielded(async move {
        interaction::update(&domain, &request, kind, &id, resource, precondition).await
    })
    .await?;
    Answer::written(app, written, wire.wish, &wire.format)
}

pub(crate) async fn conditional(
    app: &App,
    mut wire: WireRequest,
    kind: ResourceType,
) -> Result<Answer> {
    let resource = wire.resource()?;
    if resource.kind() != kind {
        let text = format!("resourceType must be {kind}, as in the URL");
        return Err(Error::invalid(text).at("resourceType"));
    }
    let criteria = Criteria::of(&app.domain, kind, &wire.pairs)?;
    let precondition = wire.conditions.precondition()?;
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written = Domain::shielded(async move {
        interaction::update_where(&domain, &request, &criteria, resource, precondition).await
    })
    .await?;
    Answer::written(app, written, wire.wish, &wire.format)
}

/// Raw content has no id of its own.
fn with_id(resource: Resource, id: &ResourceId) -> Result<Resource> {
    let mut body = resource.into_body();
    if let Some(members) = body.as_object_mut() {
        members.set_at(1, "id", id.as_str());
    }
    Resource::from_value(body)
}
