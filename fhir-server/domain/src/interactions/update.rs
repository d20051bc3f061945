//! Update, also as create, also conditional. <https://hl7.org/fhir/R4/http.html#update>

use access::Action;
use canonical_model::{Error, Issue, IssueCode, Kind, Resource, ResourceId, ResourceType, Result};
use store::{Applied, Head, Method, Once};

use super::create::{
    create_if_none_exist, find, kept, or_repeated, repeated, replay, sole, unwritten,
};
use super::transaction::{Entry, Operation, Target, transaction};
use super::written::{Effect, Written};
use crate::judging::Judging;
use crate::limits::WRITE_TRIES_MAX;
use crate::parameters::follow;
use crate::prepare::{Place, Prepared, content};
use crate::{Criteria, Domain, Precondition, Request};

/// Puts a resource under an id.
///
/// # Errors
/// Invalid where the body names another type or id; PreconditionFailed; Conflict; Forbidden;
/// Unprocessable; MethodNotAllowed where the id is new and update-as-create is off.
pub async fn update(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
    resource: Resource,
    precondition: Precondition,
) -> Result<Written> {
    expect_identity(kind, id, &resource)?;
    conformance::validate(&resource)?;
    let judging = Judging::of_write(domain, request, &resource).await?;
    put(domain, request, &judging, id, resource, precondition).await
}

/// Puts a resource where the criteria find it, or creates it.
///
/// # Errors
/// As [`update`]; PreconditionFailed where several match.
pub async fn update_where(
    domain: &Domain,
    request: &Request,
    criteria: &Criteria,
    resource: Resource,
    precondition: Precondition,
) -> Result<Written> {
    conformance::validate(&resource)?;
    let judging = Judging::of_write(domain, request, &resource).await?;
    let access = domain.decide_query(request, &criteria.query, Action::Search)?;
    for _ in 0..WRITE_TRIES_MAX {
        let matches = find(domain, &access, &criteria.query).await?;
        let Some(existing) = sole(matches)? else {
            if precondition.needs_resource() {
                return Err(stale());
            }
            let written = match resource.id() {
                Some(_) => put_claimed(domain, request, criteria, &resource, precondition).await,
                None => create_if_none_exist(domain, request, resource.clone(), criteria).await,
            }?;
            // Someone else created it meanwhile: then this is an update of theirs.
            if written.effect == Effect::Existing {
                continue;
            }
            return Ok(written);
        };
        let id = ResourceId::parse(&existing.id)?;
        if resource.id().is_some_and(|named| named != existing.id) {
            return Err(Error::invalid(
                "The criteria match a resource with another id than the body's.",
            )
            .at(&format!("{}.id", resource.kind())));
        }
        let held = precondition.held(existing.version);
        match put(domain, request, &judging, &id, resource.clone(), held).await {
            // It is another version now, which the criteria may not match.
            Err(error) if precondition.is_overtaken(&error) => {}
            other => return other,
        }
    }
    Err(overtaken())
}

/// Puts a resource under its id where the criteria find nothing, as a transaction of its own: that
/// claims the criteria, so that another with the same ones waits, and finds it.
async fn put_claimed(
    domain: &Domain,
    request: &Request,
    criteria: &Criteria,
    resource: &Resource,
    precondition: Precondition,
) -> Result<Written> {
    let target = Target::Where(Box::new(criteria.clone()));
    let operation = Operation::Update(target, resource.clone(), precondition);
    let entry = Entry { index: 0, full_url: None, operation };
    let written = transaction(domain, request, &[entry], &[]).await;
    let mut written = written.map_err(|error| error.without("Bundle.entry[0]"))?;
    written.pop().ok_or_else(|| Error::internal("a transaction without its answer"))
}

/// The body of a PUT must say what the URL says.
pub(crate) fn expect_identity(
    kind: ResourceType,
    id: &ResourceId,
    resource: &Resource,
) -> Result<()> {
    let refuse = |at: &str, text: String| {
        let issue = Issue::error(IssueCode::Invalid, text).at(at);
        Err(Error::from_issues(Kind::Invalid, vec![issue]))
    };
    if resource.kind() != kind {
        return refuse("resourceType", format!("resourceType must be {kind}, as in the URL"));
    }
    match resource.id() {
        Some(named) if named == id.as_str() => Ok(()),
        Some(_) => refuse(&format!("{kind}.id"), "id must be the one in the URL".to_owned()),
        None => {
            refuse(&format!("{kind}.id"), "id is missing; it must be the one in the URL".to_owned())
        }
    }
}

async fn put(
    domain: &Domain,
    request: &Request,
    judging: &Judging,
    id: &ResourceId,
    resource: Resource,
    precondition: Precondition,
) -> Result<Written> {
    let done = put_once(domain, request, judging, id, resource, precondition).await;
    or_repeated(domain, request, done).await
}

/// Writes under an id. With `If-Match` the version is known, so it is one round trip; without,
/// the head is read first, and again whenever another write was faster.
async fn put_once(
    domain: &Domain,
    request: &Request,
    judging: &Judging,
    id: &ResourceId,
    resource: Resource,
    precondition: Precondition,
) -> Result<Written> {
    let kind = resource.kind();
    let access = domain.decide(request, kind, Action::Update)?;
    if let Some(written) = repeated(domain, request).await? {
        return Ok(written);
    }
    // No version is below 1: such a tag names none, and must not pass for a new resource.
    if let (Some(version @ 1..), None) = (precondition.if_match, &request.idempotency) {
        let (method, at) = (Method::Update, domain.now());
        let place = Place { id, expected: version, method, revives: false, at };
        let prepared = content(domain, request, &access, judging, resource.clone(), place)?;
        let effect = Effect::Updated;
        if let Some(written) = replace(domain, request, &access, prepared, effect).await? {
            return Ok(written);
        }
    }
    for _ in 0..WRITE_TRIES_MAX {
        let head = domain.store().head(&access, kind, id).await?;
        let place = place(domain, id, head, precondition)?;
        if place.expected == 0 {
            may_create(domain, request, kind)?;
        }
        let prepared = content(domain, request, &access, judging, resource.clone(), place)?;
        if let Some(head) = head
            && head.method != Method::Delete
            && head.digest == prepared.digest()
        {
            let current = domain.store().read(&access, kind, id).await?;
            let said = prepared.into_parts().said;
            let written = unwritten(domain, request, Effect::Unchanged, current).await?;
            return Ok(written.saying(said));
        }
        let alive = head.is_some_and(|head| head.method != Method::Delete);
        let effect = if alive { Effect::Updated } else { Effect::Created };
        if let Some(written) = replace(domain, request, &access, prepared, effect).await? {
            return Ok(written);
        }
    }
    Err(overtaken())
}

/// Checks the preconditions against the head and says where the new version goes.
pub(crate) fn place<'a>(
    domain: &Domain,
    id: &'a ResourceId,
    head: Option<Head>,
    precondition: Precondition,
) -> Result<Place<'a>> {
    // An id that is out of reach is taken, and a write there is refused as one outside would be:
    // whatever the conditions say, for the answer must not tell whether they hold.
    if head.is_some_and(|head| !head.visible) {
        return Err(crate::prepare::outside());
    }
    let alive = head.is_some_and(|head| head.method != Method::Delete);
    if precondition.if_none_match_any && alive {
        let text = "If-None-Match: the resource exists.";
        return Err(Error::precondition(text).in_header("If-None-Match"));
    }
    let current = head.filter(|_| alive).map(|head| head.version);
    if precondition.needs_resource()
        && (current.is_none() || precondition.if_match.is_some_and(|it| current != Some(it)))
    {
        return Err(stale());
    }
    match head {
        Some(head) => Ok(Place {
            id,
            expected: head.version,
            method: Method::Update,
            revives: !alive,
            at: domain.now_after(head.last_updated),
        }),
        None => {
            let (method, at) = (Method::Update, domain.now());
            Ok(Place { id, expected: 0, method, revives: false, at })
        }
    }
}

pub(crate) fn may_create(domain: &Domain, request: &Request, kind: ResourceType) -> Result<()> {
    if !domain.policy().update_as_create {
        let text =
            "There is no such resource, and ids are given by this server: create it by POST.";
        return Err(Error::new(Kind::MethodNotAllowed, text));
    }
    domain.decide(request, kind, Action::Create).map(drop)
}

/// Commits; `None` where another write was faster.
pub(crate) async fn replace(
    domain: &Domain,
    request: &Request,
    access: &access::Access,
    prepared: Prepared,
    effect: Effect,
) -> Result<Option<Written>> {
    let (change, version, said) = prepared.settled(domain, None).await?;
    let at = version.last_updated;
    let context = request.context();
    let idempotency = kept(request.idempotency.as_ref(), effect, &version);
    let once = Once { criteria: None, idempotency };
    let applied = if once.idempotency.is_none() {
        domain.store().commit(change, at, &context, &once, Some(access)).await?
    } else {
        // A key must not be kept for a write that another one overtook.
        let mut open = domain.store().begin().await?;
        let applied = open.write(vec![change], at, &context, &once).await?;
        if applied == Applied::Committed {
            open.commit().await?;
        }
        applied
    };
    match applied {
        Applied::Committed => {
            follow(domain, [&version]).await;
            Ok(Some(Written::committed(effect, version).saying(said)))
        }
        Applied::KeyRepeated => replay(domain, request).await.map(Some),
        Applied::Stale | Applied::CriteriaTaken => Ok(None),
    }
}

pub(crate) fn stale() -> Error {
    Error::precondition(
        "If-Match: the resource has another version, or is not there. Read it again and repeat.",
    )
    .in_header("If-Match")
}

pub(crate) fn overtaken() -> Error {
    Error::conflict("Other writes were faster each time. Try again.")
}
