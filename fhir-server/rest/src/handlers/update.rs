//! <https://hl7.org/fhir/R4/http.html#update>

use access::Action;
use canonical_model::{Error, ResourceId, ResourceType, Result};
use domain::interactions::binary::set_aside;
use domain::interactions::update as interaction;
use domain::{Criteria, Domain};

use super::create::content;
use crate::answer::Answer;
use crate::app::App;
use crate::wire_request::WireRequest;

pub(crate) async fn update(
    app: &App,
    mut wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Answer> {
    let resource = content(&mut wire, kind, Some(id))?;
    let resource = set_aside(&app.domain, &wire.request, Action::Update, resource).await?;
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
    let resource = set_aside(&app.domain, &wire.request, Action::Update, resource).await?;
    let criteria = Criteria::of(&app.domain, &wire.request, kind, &wire.pairs).await?;
    let precondition = wire.conditions.precondition()?;
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written = Domain::shielded(async move {
        interaction::update_where(&domain, &request, &criteria, resource, precondition).await
    })
    .await?;
    Answer::written(app, written, wire.wish, &wire.format)
}
