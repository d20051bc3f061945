//! <https://hl7.org/fhir/R4/http.html#read>

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use canonical_model::{Error, Resource, ResourceId, ResourceType, Result, Value};
use domain::interactions::read as interaction;
use http::StatusCode;
use store::Stored;

use crate::answer::{Answer, Body};
use crate::app::App;
use crate::media_type::MediaType;
use crate::wire_request::WireRequest;

pub(crate) async fn read(
    app: &App,
    wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Answer> {
    if wire.conditions.are_of_reads() {
        let stored = interaction::look(&app.domain, &wire.request, kind, id).await?;
        return represent(stored, &wire);
    }
    let reading = interaction::read(&app.domain, &wire.request, kind, id).await?;
    Ok(Answer { audited: reading.recorded, ..represent(reading.stored, &wire)? })
}

pub(crate) async fn vread(
    app: &App,
    wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
    version: i32,
) -> Result<Answer> {
    let stored = interaction::vread(&app.domain, &wire.request, kind, id, version).await?;
    represent(stored, &wire)
}

fn represent(stored: Stored, wire: &WireRequest) -> Result<Answer> {
    if wire.conditions.unchanged(&stored) {
        let body = Body::Empty;
        return Ok(Answer { version: Some(stored), ..Answer::new(StatusCode::NOT_MODIFIED, body) });
    }
    if stored.kind == ResourceType::BINARY && wire.raw {
        return raw(stored);
    }
    Answer::resource(stored, &wire.format)
}

/// A Binary goes out as itself unless FHIR was asked for.
/// <https://hl7.org/fhir/R4/binary.html#rest>
pub(crate) fn wants_raw(accept: &str) -> bool {
    let first = MediaType::read(accept.split(',').next().unwrap_or_default());
    let fhir = first.accepts_json() || first.name == "application/fhir+xml";
    !fhir && first.name != "application/fhir+json"
}

/// Reads all that validation accepts: bits behind the last byte mean nothing.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn raw(stored: Stored) -> Result<Answer> {
    let resource = Resource::parse(stored.text.as_deref().unwrap_or_default())?;
    let member = |name: &str| resource.members().get(name).and_then(Value::as_str);
    let media_type = member("contentType").unwrap_or("application/octet-stream").to_owned();
    let data: String =
        member("data").unwrap_or_default().chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let content = TOLERANT.decode(data).map_err(Error::internal)?;
    let body = Body::Raw { media_type, content: content.into() };
    Ok(Answer { version: Some(stored), ..Answer::new(StatusCode::OK, body) })
}
