//! <https://hl7.org/fhir/R4/http.html#read>

use base64::Engine as _;
use canonical_model::{Error, Resource, ResourceId, ResourceType, Result, Value};
use domain::interactions::binary::BASE64;
use domain::interactions::read as interaction;
use http::StatusCode;
use store::Stored;

use crate::answer::{Answer, Body, Raw};
use crate::app::App;
use crate::content::{Content, Gap};
use crate::media_type::MediaType;
use crate::range::Part;
use crate::wire_request::{View, WireRequest};

pub(crate) async fn read(
    app: &App,
    wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Answer> {
    if wire.conditions.are_of_reads() {
        let stored = interaction::look(&app.domain, &wire.request, kind, id).await?;
        return represent(app, stored, &wire);
    }
    let reading = interaction::read(&app.domain, &wire.request, kind, id).await?;
    Ok(Answer { audited: reading.recorded, ..represent(app, reading.stored, &wire)? })
}

pub(crate) async fn vread(
    app: &App,
    wire: WireRequest,
    kind: ResourceType,
    id: &ResourceId,
    version: i32,
) -> Result<Answer> {
    let stored = interaction::vread(&app.domain, &wire.request, kind, id, version).await?;
    represent(app, stored, &wire)
}

fn represent(app: &App, stored: Stored, wire: &WireRequest) -> Result<Answer> {
    if wire.conditions.unchanged(&stored) {
        let body = Body::Empty;
        return Ok(Answer { version: Some(stored), ..Answer::new(StatusCode::NOT_MODIFIED, body) });
    }
    if stored.kind == ResourceType::BINARY && wire.view == View::Raw {
        return raw(app, stored, wire.range.as_deref());
    }
    match Content::of(app.domain.store(), &stored) {
        // A part of the resource never has it.
        Some(content) if wire.view == View::Resource && !wire.format.projects() => {
            around(content, stored, wire)
        }
        _ => Answer::resource(stored, &wire.format),
    }
}

/// The resource with its content, which is put in as it is read.
fn around(content: Content, stored: Stored, wire: &WireRequest) -> Result<Answer> {
    let text = stored.text.as_deref().unwrap_or_default();
    let gap = match wire.format.xml() {
        Some(layout) => Gap::for_data_in_xml(text, layout)?,
        None => {
            let text = std::str::from_utf8(text).map_err(Error::internal)?;
            let text = wire.format.lay_out(text.to_owned())?;
            Gap::for_data(&text, wire.format.pretty)?
        }
    };
    let body = Body::Around(Box::new(content), gap);
    Ok(Answer { version: Some(stored), ..Answer::new(StatusCode::OK, body) })
}

/// Whether `Accept` names none of FHIR's formats first: then a Binary that is read goes out as itself.
/// <https://hl7.org/fhir/R4/binary.html#rest>
pub(crate) fn wants_raw(accept: &str) -> bool {
    let first = MediaType::read(accept.split(',').next().unwrap_or_default());
    !first.is_json() && first.name != "application/fhir+xml"
}

/// Whether `Accept` asks for something that no format of FHIR is: then a Binary that was written is
/// answered as itself, too.
pub(crate) fn wants_only_raw(accept: &str) -> bool {
    let first = MediaType::read(accept.split(',').next().unwrap_or_default());
    wants_raw(accept) && first.narrowness().is_none()
}

fn raw(app: &App, stored: Stored, range: Option<&str>) -> Result<Answer> {
    let resource = Resource::parse(stored.text.as_deref().unwrap_or_default())?;
    let member = |name: &str| resource.members().get(name).and_then(Value::as_str);
    let media_type = member("contentType").unwrap_or("application/octet-stream").to_owned();
    let content = match Content::of(app.domain.store(), &stored) {
        Some(content) => Raw::Kept(Box::new(content)),
        None => {
            let data = member("data").unwrap_or_default();
            let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            Raw::Whole(BASE64.decode(data).map_err(Error::internal)?.into())
        }
    };
    let size = content.size();
    let (status, content, range) = match Part::of(range, size) {
        Part::Whole => (StatusCode::OK, content, None),
        Part::Some(part) => {
            let range = format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1));
            (StatusCode::PARTIAL_CONTENT, content.part(part), Some(range))
        }
        Part::Beyond => {
            let none = Raw::Whole(bytes::Bytes::new());
            (StatusCode::RANGE_NOT_SATISFIABLE, none, Some(format!("bytes */{size}")))
        }
    };
    let body = Body::Raw { media_type, content, range };
    Ok(Answer { version: Some(stored), ..Answer::new(status, body) })
}
