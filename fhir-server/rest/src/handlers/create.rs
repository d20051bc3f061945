//! <https://hl7.org/fhir/R4/http.html#create>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::{Error, Resource, ResourceId, ResourceType, Result, Value, object};
use domain::interactions::create as interaction;
use domain::{Criteria, Domain};

use crate::answer::Answer;
use crate::app::App;
use crate::media_type::MediaType;
use crate::wire_request::{Body, WireRequest};

pub(crate) async fn create(app: &App, mut wire: WireRequest, kind: ResourceType) -> Result<Answer> {
    let resource = content(&mut wire, kind, None)?;
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

/// The body as a resource. Under `/Binary`, what is no Binary resource is a Binary's content,
/// whatever its type. <https://hl7.org/fhir/R4/binary.html#rest>
pub(crate) fn content(
    wire: &mut WireRequest,
    kind: ResourceType,
    id: Option<&ResourceId>,
) -> Result<Resource> {
    let media_type = wire.content_type.clone().unwrap_or_default();
    if kind == ResourceType::BINARY
        && !media_type.is_empty()
        && let Body::Bytes(bytes) = &wire.body
        && is_content(&media_type, bytes)
    {
        let mut binary = object! { "resourceType": "Binary" };
        if let Some(id) = id {
            binary.set("id", id.as_str());
        }
        binary.set("contentType", media_type);
        binary.set("data", STANDARD.encode(bytes));
        return Resource::from_value(Value::Object(binary));
    }
    wire.resource()
}

/// Whether bytes sent to `/Binary` are content, not a Binary resource in one of FHIR's formats.
fn is_content(media_type: &str, bytes: &[u8]) -> bool {
    let media_type = MediaType::read(media_type);
    match media_type.name.as_str() {
        "application/fhir+xml" => !bytes.windows(7).any(|window| window == b"<Binary"),
        _ if media_type.is_json() => canonical_model::json::parse(bytes).is_ok_and(|value| {
            let named = value.get("resourceType").and_then(Value::as_str);
            named != Some(ResourceType::BINARY.name())
        }),
        _ => true,
    }
}
