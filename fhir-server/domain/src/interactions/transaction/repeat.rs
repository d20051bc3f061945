//! A request that is repeated under its `Idempotency-Key` is answered as the first was.

use access::Access;
use canonical_model::{Error, ResourceId, ResourceType, Result};
use store::{Once, StoredReply, VersionName};

use crate::interactions::update::overtaken;
use crate::interactions::written::{Effect, Written, reference};
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
        Some(kept) => answer(domain, key, &kept).await.map(Some),
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
    answer(domain, key, &kept).await
}

async fn answer(domain: &Domain, key: &IdempotencyKey, kept: &StoredReply) -> Result<Vec<Written>> {
    if kept.request != key.request {
        let text = "This Idempotency-Key came with another request before. Use a new key.";
        return Err(Error::unprocessable(text));
    }
    let (mut effects, mut names) = (Vec::new(), Vec::new());
    for entry in kept.reply.as_array().into_iter().flatten() {
        let word = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
        let name = name(word("type"), word("id"), entry.get("version"))?;
        effects.push((Effect::parse(word("effect").unwrap_or_default())?, name.is_some()));
        names.extend(name);
    }
    let access = Access::internal("a repeated request gets the answer of the first");
    let mut versions = domain.store().vread_many(&access, &names).await?.into_iter();
    let written = effects.into_iter().map(|(effect, named)| {
        let version = if named { versions.next().flatten() } else { None };
        Written { repeated: true, ..Written::found(effect, version) }
    });
    Ok(written.collect())
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
