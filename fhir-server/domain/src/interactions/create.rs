//! Create. <https://hl7.org/fhir/R4/http.html#create>

use access::{Access, Action};
use canonical_model::{Error, IssueCode, Kind, Resource, ResourceId, Result};
use store::{Applied, Found, Method, Once, Stored};
use uuid::Uuid;

use super::written::{Effect, Written, reference};
use crate::judging::Judging;
use crate::parameters::follow;
use crate::prepare::{Place, Prepared, content};
use crate::watch::Watch;
use crate::{Criteria, Domain, IdempotencyKey, Request};

/// Creates a resource under a new id.
///
/// # Errors
/// Forbidden, Unprocessable, or Conflict where the idempotency key came with another request.
pub async fn create(domain: &Domain, request: &Request, resource: Resource) -> Result<Written> {
    conformance::validate(&resource)?;
    let judging = Judging::of_write(domain, request, &resource).await?;
    commit(domain, request, &judging, resource, None).await
}

/// Creates a resource unless the criteria find one.
///
/// # Errors
/// As [`create`]; PreconditionFailed where several match.
pub async fn create_if_none_exist(
    domain: &Domain,
    request: &Request,
    resource: Resource,
    criteria: &Criteria,
) -> Result<Written> {
    conformance::validate(&resource)?;
    let judging = Judging::of_write(domain, request, &resource).await?;
    let access = domain.decide_query(request, &criteria.query, Action::Search)?;
    if let Some(written) = repeated(domain, request).await? {
        return Ok(written);
    }
    // Without a lock first: half of the time the resource is there, and nothing needs one.
    let matches = find(domain, &access, &criteria.query).await?;
    if let Some(existing) = sole(matches).map_err(in_criteria)? {
        return found(domain, request, existing).await;
    }
    let claim = domain.store().hasher().criteria(criteria.kind(), &criteria.meaning);
    let query = search::Query { count: 2, ..criteria.query.clone() };
    if !access.is_whole(criteria.kind()) {
        // The criteria may be claimed by somebody whose resources this caller does not reach. One statement that fails
        // then and another way after it would take longer, and so tell of them: this caller takes that way always.
        return in_turn(domain, request, &judging, resource, &query, claim).await;
    }
    let written = commit(domain, request, &judging, resource.clone(), Some(claim)).await;
    match written {
        Err(error) if error.kind == Kind::PreconditionFailed => {
            in_turn(domain, request, &judging, resource, &query, claim).await
        }
        other => other,
    }
}

/// The criteria find a resource.
async fn found(domain: &Domain, request: &Request, existing: Stored) -> Result<Written> {
    unwritten(domain, request, Effect::Existing, Some(existing)).await
}

/// An answer of what wrote nothing: kept under the request's key, unless that has one.
pub(crate) async fn unwritten(
    domain: &Domain,
    request: &Request,
    effect: Effect,
    version: Option<Stored>,
) -> Result<Written> {
    if let Some(key) = &request.idempotency {
        let reply = match &version {
            Some(version) => reference(effect, version),
            None => serde_json::json!({ "effect": effect.as_str() }),
        };
        let reply = (key.key.clone(), key.request.clone(), serde_json::json!([reply]));
        if !domain.store().keep_reply(&request.caller.client_id, reply).await? {
            return replay(domain, request).await;
        }
    }
    Ok(Written::found(effect, version))
}

/// What was done, or, where that failed because the same request had done it meanwhile, what that was answered.
pub(crate) async fn or_repeated(
    domain: &Domain,
    request: &Request,
    done: Result<Written>,
) -> Result<Written> {
    match done {
        Err(error) if request.idempotency.is_some() => {
            repeated(domain, request).await?.ok_or(error)
        }
        done => done,
    }
}

/// What criteria find, two at most.
///
/// # Errors
/// Unavailable, also where they could miss what is there.
pub(crate) async fn find(
    domain: &Domain,
    access: &Access,
    query: &search::Query,
) -> Result<Vec<Found>> {
    let watch = Watch::begin(domain, std::slice::from_ref(query)).await?;
    let matches = domain.store().find(access, query).await?;
    watch.whole(domain, query).await?;
    Ok(matches)
}

/// The only match, if there is one.
pub(crate) fn sole(found: Vec<Found>) -> Result<Option<Stored>> {
    let mut found = found.into_iter();
    let first = found.next();
    if found.next().is_some() {
        return Err(several());
    }
    Ok(first.map(|found| found.resource))
}

/// What is wrong with the criteria of a conditional create.
pub(crate) fn in_criteria(error: Error) -> Error {
    error.in_header("If-None-Exist")
}

pub(crate) fn several() -> Error {
    Error::precondition("The criteria match several resources. Make them more specific.")
        .code(IssueCode::MultipleMatches)
}

/// One statement: the claim and everything else, or nothing.
async fn commit(
    domain: &Domain,
    request: &Request,
    judging: &Judging,
    resource: Resource,
    claim: Option<i64>,
) -> Result<Written> {
    let (change, version, said) =
        fresh(domain, request, judging, resource)?.settled(domain, None).await?;
    let once = Once {
        criteria: claim,
        idempotency: kept(request.idempotency.as_ref(), Effect::Created, &version),
    };
    let at = version.last_updated;
    match domain.store().commit(change, at, &request.context(), &once, None).await? {
        Applied::Committed => {
            follow(domain, [&version]).await;
            Ok(Written::committed(Effect::Created, version).saying(said))
        }
        Applied::KeyRepeated => replay(domain, request).await,
        Applied::CriteriaTaken => Err(Error::precondition("claimed")),
        Applied::Stale => Err(Error::conflict("The new id was taken. Try again.")),
    }
}

fn fresh(
    domain: &Domain,
    request: &Request,
    judging: &Judging,
    resource: Resource,
) -> Result<Prepared> {
    let access = domain.decide(request, resource.kind(), Action::Create)?;
    let id = new_id()?;
    let place =
        Place { id: &id, expected: 0, method: Method::Create, revives: false, at: domain.now() };
    content(domain, request, &access, judging, resource, place)
}

/// A new id: time-ordered, so that neighbours in time are neighbours on disk.
pub(crate) fn new_id() -> Result<ResourceId> {
    ResourceId::parse(&Uuid::now_v7().to_string())
}

/// The criteria were claimed before: wait for whoever holds them, and look again.
async fn in_turn(
    domain: &Domain,
    request: &Request,
    judging: &Judging,
    resource: Resource,
    query: &search::Query,
    claim: i64,
) -> Result<Written> {
    let access = domain.decide(request, query.kind, Action::Search)?;
    let mut transaction = domain.store().begin().await?;
    transaction.claim(vec![claim]).await?;
    let watch = Watch::begin(domain, std::slice::from_ref(query)).await?;
    let page = transaction.search(&access, query).await?;
    watch.whole(domain, query).await?;
    if let Some(existing) = sole(page.found).map_err(in_criteria)? {
        transaction.rollback().await?;
        return found(domain, request, existing).await;
    }
    let (change, version, said) =
        fresh(domain, request, judging, resource)?.settled(domain, Some(&mut transaction)).await?;
    let idempotency = kept(request.idempotency.as_ref(), Effect::Created, &version);
    let once = Once { criteria: None, idempotency };
    let at = version.last_updated;
    match transaction.write(vec![change], at, &request.context(), &once).await? {
        Applied::Committed => {
            transaction.commit().await?;
            follow(domain, [&version]).await;
            Ok(Written::committed(Effect::Created, version).saying(said))
        }
        Applied::KeyRepeated => {
            drop(transaction);
            replay(domain, request).await
        }
        Applied::CriteriaTaken | Applied::Stale => {
            Err(Error::conflict("The new id was taken. Try again."))
        }
    }
}

/// The answer as it is kept under the request's key.
pub(crate) fn kept(
    key: Option<&IdempotencyKey>,
    effect: Effect,
    version: &Stored,
) -> Option<(String, Vec<u8>, serde_json::Value)> {
    key.map(|key| {
        let reply = serde_json::json!([reference(effect, version)]);
        (key.key.clone(), key.request.clone(), reply)
    })
}

/// Answers a repeated request with what the first one was answered.
pub(crate) async fn replay(domain: &Domain, request: &Request) -> Result<Written> {
    sole_answer(super::transaction::replay(domain, request).await?)
}

/// The answer to a request whose key came before, if it did.
pub(crate) async fn repeated(domain: &Domain, request: &Request) -> Result<Option<Written>> {
    super::transaction::repeated(domain, request).await?.map(sole_answer).transpose()
}

fn sole_answer(mut written: Vec<Written>) -> Result<Written> {
    written.pop().ok_or_else(|| Error::internal("a kept reply is empty"))
}
