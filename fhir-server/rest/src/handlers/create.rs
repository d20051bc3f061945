//! <https://hl7.org/fhir/R4/http.html#create>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::{Error, Resource, ResourceType, Result, Value, object};
use domain::interactions::create as interaction;
use domain::{Criteria, Domain};

use crate::answer::Answer;
use crate::app::App;
use crate::format::is_json;
use crate::wire_request::{Body, WireRequest};

pub(crate) async fn create(app: &App, mut wire: WireRequest, kind: ResourceType) -> Result<Answer> {
    let resource = content(&mut wire, kind)?;
    if resource.kind() != kind {
        let text = format!("resourceType must be {kind}, as in the URL");
        return Err(Error::invalid(text).at("resourceType"));
    }
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written = match wire.conditions.if_none_exist.as_deref() {
        None => {
            let work = async move { interaction::create(&domain, &request, resource).await };
            Domain::shielded(work).await
        }
        Some(text) => {
            let text = text.trim_start_matches(&format!("{kind}?")).trim_start_matches('?');
            let criteria = Criteria::parse(&app.domain, kind, text)?;
            let work = async move {
                interaction::create_if_none_exist(&domain, &request, resource, &criteria).await
            };
            Domain::shielded(work).await
        }
    }?;
    Answer::written(app, written, wire.wish, &wire.format)
}

/// The body as a resource; what is no FHIR under `/Binary` becomes a Binary.
pub(crate) fn content(wire: &mut WireRequest, kind: ResourceType) -> Result<Resource> {
    let media_type = wire.content_type.clone().unwrap_or_default();
    if kind == ResourceType::BINARY
        && !media_type.is_empty()
        && !is_json(&media_type)
        && let Body::Bytes(bytes) = &wire.body
    {
        let binary = object! {
            "resourceType": "Binary",
            "contentType": media_type,
            "data": STANDARD.encode(bytes),
        };
        return Resource::from_value(Value::Object(binary));
    }
    wire.resource()
}
