//! Read and vread. <https://hl7.org/fhir/R4/http.html#read>

use access::{Access, Action};
use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use store::{Reading, Stored};

use crate::withheld::Withheld;
use crate::{Domain, Request};

/// The current version, with the record of its access where that could be made in one.
///
/// # Errors
/// Forbidden, also where a label or a Consent withholds it; NotFound, the same whether it is absent or out of reach; Gone where
/// it was deleted.
pub async fn read(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Reading> {
    let access = domain.decide(request, kind, Action::Read)?;
    let (at, context) = (domain.now(), request.context());
    let found = domain.store().read_and_record(&access, kind, id, at, context).await?;
    let Some(reading) = found else { return Err(missing(domain, &access, kind, id).await?) };
    present(Some(reading.stored)).map(|stored| Reading { stored, ..reading })
}

/// The current version, for an answer that depends on more than whether it is there. Its access is
/// not recorded yet.
///
/// # Errors
/// As [`read`].
pub async fn look(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Stored> {
    let access = domain.decide(request, kind, Action::Read)?;
    match domain.store().read(&access, kind, id).await? {
        None => Err(missing(domain, &access, kind, id).await?),
        found => present(found),
    }
}

/// What is told of a version that came of a change whose whole content its author need not know: without its content,
/// where that may be written and not read.
pub(crate) async fn told(domain: &Domain, request: &Request, version: Stored) -> Result<Stored> {
    let kind = version.kind;
    let readable = match domain.decide(request, kind, Action::Read) {
        Ok(access) => {
            let id = ResourceId::parse(&version.id)?;
            domain.store().read(&access, kind, &id).await?.is_some()
        }
        Err(_) => false,
    };
    Ok(if readable { version } else { Stored { text: None, ..version } })
}

/// What is said where nothing was found: that something withholds it, to who would reach it else.
async fn missing(
    domain: &Domain,
    access: &Access,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Error> {
    let barred = domain.store().withheld(access, kind, id).await?;
    Ok(barred.map_or_else(absent, |barred| Withheld::by(barred).refusal()))
}

/// One version.
///
/// # Errors
/// As [`read`].
pub async fn vread(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
    version: i32,
) -> Result<Stored> {
    let access = domain.decide(request, kind, Action::Read)?;
    let found = domain.store().vread(&access, kind, id, version, &|it| domain.extract(it)).await?;
    present(found)
}

pub(crate) fn present(found: Option<Stored>) -> Result<Stored> {
    let stored = found.ok_or_else(absent)?;
    if stored.text.is_none() {
        return Err(deleted());
    }
    Ok(stored)
}

pub(crate) fn absent() -> Error {
    Error::not_found("There is no such resource.")
}

pub(crate) fn deleted() -> Error {
    Error::new(Kind::Gone, "The resource was deleted.")
}
