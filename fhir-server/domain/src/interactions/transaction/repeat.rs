//! A request that is repeated under its `Idempotency-Key` is answered as the first was.

use access::Access;
use canonical_model::{Error, ResourceId, ResourceType, Result};
use store::{Once, StoredReply};

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
    let mut written = Vec::new();
    for entry in kept.reply.as_array().into_iter().flatten() {
        let word = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
        let effect = Effect::parse(word("effect").unwrap_or_default())?;
        let version = match (word("type"), word("id")) {
            (Some(kind), Some(id)) => {
                let number = entry.get("version").and_then(serde_json::Value::as_i64).unwrap_or(0);
                let number = i32::try_from(number).map_err(Error::internal)?;
                let (kind, id) = (ResourceType::parse(kind)?, ResourceId::parse(id)?);
                let access = Access::internal("a repeated request gets the answer of the first");
                domain.store().vread(&access, kind, &id, number).await?
            }
            _ => None,
        };
        written.push(Written::found(effect, version));
    }
    Ok(written)
}
