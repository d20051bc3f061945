//! <https://hl7.org/fhir/R4/http.html#create>

use access::Action;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::{Error, Resource, ResourceId, ResourceType, Result, Value, object};
use domain::interactions::binary::set_aside;
use domain::interactions::create as interaction;
use domain::{Criteria, Domain, Request};

use crate::answer::Answer;
use crate::app::App;
use crate::interaction::Interaction;
use crate::media_type::MediaType;
use crate::wire_request::{Body, WireRequest};

pub(crate) async fn create(app: &App, mut wire: WireRequest, kind: ResourceType) -> Result<Answer> {
    let resource = content(&mut wire, kind, None)?;
    if resource.kind() != kind {
        let text = format!("resourceType must be {kind}, as in the URL");
        return Err(Error::invalid(text).at("resourceType"));
    }
    let resource = set_aside(&app.domain, &wire.request, Action::Create, resource).await?;
    let (domain, request) = (app.domain.clone(), wire.request.clone());
    let written = match wire.conditions.if_none_exist.as_deref() {
        None => {
            let work = async move { interaction::create(&domain, &request, resource).await };
            Domain::shielded(work).await
        }
        Some(text) => {
            let criteria = criteria(app, &wire.request, kind, text).await?;
            let work = async move {
                interaction::create_if_none_exist(&domain, &request, resource, &criteria).await
            };
            Domain::shielded(work).await
        }
    }?;
    Answer::written(app, written, wire.wish, &wire.format)
}

/// The criteria of a conditional create, as they are sent: with or without `Patient?` before them.
pub(crate) async fn criteria(
    app: &App,
    request: &Request,
    kind: ResourceType,
    text: &str,
) -> Result<Criteria> {
    let text = text.trim_start_matches(&format!("{kind}?")).trim_start_matches('?');
    let criteria = Criteria::parse(&app.domain, request, kind, text).await;
    criteria.map_err(|error| error.in_header("If-None-Exist"))
}

/// The body as a resource. Under `/Binary`, what is no Binary resource is a Binary's content,
/// whatever its type. <https://hl7.org/fhir/R4/binary.html#rest>
pub(crate) fn content(
    wire: &mut WireRequest,
    kind: ResourceType,
    id: Option<&ResourceId>,
) -> Result<Resource> {
    let media_type = wire.content_type.clone().unwrap_or_default();
    if let Body::Stored(blob) = wire.body {
        return Ok(binary(id, media_type, None)?.with_blob(Some(blob)));
    }
    if kind == ResourceType::BINARY
        && !media_type.is_empty()
        && let Body::Bytes(bytes) = &wire.body
        && is_content(&media_type, bytes)
    {
        // No element is ever empty: content without a byte is none.
        let data = (!bytes.is_empty()).then(|| STANDARD.encode(bytes));
        return binary(id, media_type, data);
    }
    wire.resource()
}

fn binary(id: Option<&ResourceId>, media_type: String, data: Option<String>) -> Result<Resource> {
    let mut binary = object! { "resourceType": "Binary" };
    if let Some(id) = id {
        binary.set("id", id.as_str());
    }
    binary.set("contentType", media_type);
    if let Some(data) = data {
        binary.set("data", data);
    }
    Resource::from_value(Value::Object(binary))
}

/// Whether a body under `/Binary` can only be content, whatever is in it: then it need not be held in
/// memory to be looked at.
pub(crate) fn is_plain_content(interaction: &Interaction, media_type: Option<&str>) -> bool {
    let writes = matches!(
        interaction,
        Interaction::Create(ResourceType::BINARY) | Interaction::Update(ResourceType::BINARY, _)
    );
    writes
        && media_type.filter(|name| !name.is_empty()).is_some_and(|name| {
            let media_type = MediaType::read(name);
            media_type.name != "application/fhir+xml" && !media_type.is_json()
        })
}

/// Whether bytes sent to `/Binary` are content, not a Binary resource in one of FHIR's formats.
fn is_content(media_type: &str, bytes: &[u8]) -> bool {
    let media_type = MediaType::read(media_type);
    match media_type.name.as_str() {
        // What is no XML at all is refused where it is read.
        "application/fhir+xml" => {
            conformance::xml::root(bytes).is_some_and(|name| name != ResourceType::BINARY.name())
        }
        _ if media_type.is_json() => canonical_model::json::parse(bytes).is_ok_and(|value| {
            let named = value.get("resourceType").and_then(Value::as_str);
            named != Some(ResourceType::BINARY.name())
        }),
        _ => true,
    }
}
