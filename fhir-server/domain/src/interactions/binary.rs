//! A Binary's content, which is kept beside it where it is large.
//! <https://hl7.org/fhir/R4/binary.html>

use access::Action;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use canonical_model::{Blob, Resource, ResourceType, Result, Value};
use store::BlobWriter;

use crate::limits::{BASE64_BYTES_AT_ONCE, CONTENT_INLINE_BYTES_MAX};
use crate::{Domain, Request};

/// Reads all that validation accepts: bits behind the last byte mean nothing.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Begins to take in the content of a Binary that the caller may write.
///
/// # Errors
/// Forbidden.
pub fn take_in(domain: &Domain, request: &Request, action: Action) -> Result<BlobWriter> {
    domain.decide(request, ResourceType::BINARY, action)?;
    Ok(domain.store().blob_writer())
}

/// Sets the content of a Binary aside, where it is large; any other resource stays as it is. What is
/// no base64 stays too, for validation to refuse.
///
/// # Errors
/// Forbidden; StorageFull or Unavailable.
pub async fn set_aside(
    domain: &Domain,
    request: &Request,
    action: Action,
    resource: Resource,
) -> Result<Resource> {
    let data = resource.members().get("data").and_then(Value::as_str);
    let is_large =
        |data: &&str| data.trim_end_matches('=').len() * 3 / 4 > CONTENT_INLINE_BYTES_MAX;
    let Some(data) = data.filter(is_large) else { return Ok(resource) };
    if resource.kind() != ResourceType::BINARY {
        return Ok(resource);
    }
    let Some(blob) = decode(take_in(domain, request, action)?, data).await? else {
        return Ok(resource);
    };
    let mut body = resource.into_body();
    if let Some(members) = body.as_object_mut() {
        members.remove("data");
    }
    Ok(Resource::from_value(body)?.with_blob(Some(blob)))
}

/// A piece at a time; `None` where it is no base64.
async fn decode(mut writer: BlobWriter, data: &str) -> Result<Option<Blob>> {
    let mut letters = data.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let (mut piece, mut bytes) = (Vec::with_capacity(BASE64_BYTES_AT_ONCE), Vec::new());
    loop {
        piece.clear();
        piece.extend(letters.by_ref().take(BASE64_BYTES_AT_ONCE));
        if piece.is_empty() {
            return writer.finish().await.map(Some);
        }
        bytes.clear();
        if BASE64.decode_vec(&piece, &mut bytes).is_err() {
            return Ok(None);
        }
        writer.push(&bytes).await?;
    }
}
