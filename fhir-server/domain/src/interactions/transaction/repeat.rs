//! A request that is repeated under its `Idempotency-Key` is answered as the first was.

use access::{Access, Action};
use canonical_model::{Error, IssueCode, Kind, ResourceId, ResourceType, Result};
use store::{Once, Stored, StoredReply, VersionName};

use crate::checked::said_again;
use crate::interactions::read::told;
use crate::interactions::update::overtaken;
use crate::interactions::written::{Effect, Written, reference};
use crate::limits::FOUND_BYTES_MAX;
use crate::{Domain, IdempotencyKey, Request};

/// The answers as they are kept under the request's key.
pub(super) fn once(request: &Request, written: &[Written]) -> Once {
    let idempotency = request.idempotency.as_ref().map(|key| {
        let reply = written
            .iter()
            .map(|written| match &written.version {
                Some(version) => reference(written.effect, version),
                None => serde_json::json!({ "effect": written.effect.as_str() }),
            })
            .collect();
        (key.key.clone(), key.request.clone(), serde_json::Value::Array(reply))
    });
    Once { criteria: None, idempotency }
}

/// The answer to a request whose key came before, if it did.
///
/// # Errors
/// As [`replay`].
pub(crate) async fn repeated(domain: &Domain, request: &Request) -> Result<Option<Vec<Written>>> {
    let Some(key) = &request.idempotency else { return Ok(None) };
    match domain.store().stored_reply(&request.caller.client_id, &key.key).await? {
        Some(kept) => answer(domain, request, key, &kept).await.map(Some),
        None => Ok(None),
    }
}

/// Answers a repeated request with what the first one was answered.
///
/// # Errors
/// Unprocessable where the key came with another request.
pub(crate) async fn replay(domain: &Domain, request: &Request) -> Result<Vec<Written>> {
    let Some(key) = &request.idempotency else {
        return Err(Error::internal("a repeated key without a key"));
    };
    let kept = domain.store().stored_reply(&request.caller.client_id, &key.key).await?;
    let kept = kept.ok_or_else(overtaken)?;
    answer(domain, request, key, &kept).await
}

async fn answer(
    domain: &Domain,
    request: &Request,
    key: &IdempotencyKey,
    kept: &StoredReply,
) -> Result<Vec<Written>> {
    if kept.request != key.request {
        let text = "This Idempotency-Key came with another request before. Use a new key.";
        return Err(Error::unprocessable(text));
    }
    let (mut all, mut room) = (Vec::new(), FOUND_BYTES_MAX);
    for entry in kept.reply.as_array().into_iter().flatten() {
        let word = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
        let effect = Effect::parse(word("effect").unwrap_or_default())?;
        let mut version = match name(word("type"), word("id"), entry.get("version"))? {
            Some(name) => again(domain, request, effect, name).await?,
            None => None,
        };
        let said = match (effect, &version) {
            (Effect::Created | Effect::Updated, Some(version)) => {
                said_again(domain, request, version).await?
            }
            _ => Vec::new(),
        };
        if let Some(version) = &mut version {
            // As the first answer: what many of them hold would fill the memory.
            match room.checked_sub(version.text.as_ref().map_or(0, |text| text.len())) {
                Some(left) => room = left,
                None => version.text = None,
            }
        }
        all.push(Written { repeated: true, said, ..Written::found(effect, version) });
    }
    Ok(all)
}

/// The version that the first request was answered with, by what this token reaches now: a key is no right.
async fn again(
    domain: &Domain,
    request: &Request,
    effect: Effect,
    (kind, id, version): VersionName,
) -> Result<Option<Stored>> {
    let access = match effect {
        // What is gone has no content to tell of.
        Effect::Deleted => Access::internal("a repeated delete is told that it was done"),
        Effect::Created => domain.decide(request, kind, Action::Create)?,
        Effect::Updated | Effect::Unchanged => domain.decide(request, kind, Action::Update)?,
        Effect::Existing => domain.decide(request, kind, Action::Search)?,
    };
    let extract = |it: &_| domain.extract(it);
    let found = domain.store().vread(&access, kind, &id, version, &extract).await?;
    if found.is_none() && effect != Effect::Deleted {
        let text = "The request was carried out before, and what came of it is out of this token's reach now.";
        return Err(Error::new(Kind::Forbidden, text).code(IssueCode::Suppressed));
    }
    match found {
        // Of a patch, whose author need not know the content.
        Some(version) if matches!(effect, Effect::Updated | Effect::Unchanged) => {
            told(domain, request, version).await.map(Some)
        }
        found => Ok(found),
    }
}

/// The version that an entry of a kept reply names, if it names one.
fn name(
    kind: Option<&str>,
    id: Option<&str>,
    version: Option<&serde_json::Value>,
) -> Result<Option<VersionName>> {
    let (Some(kind), Some(id)) = (kind, id) else { return Ok(None) };
    let version = version.and_then(serde_json::Value::as_i64).unwrap_or(0);
    let version = i32::try_from(version).map_err(Error::internal)?;
    Ok(Some((ResourceType::parse(kind)?, ResourceId::parse(id)?, version)))
}
