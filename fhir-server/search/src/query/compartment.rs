//! What is in a compartment. <https://hl7.org/fhir/R4/compartmentdefinition.html>

use canonical_model::{Error, ResourceId, ResourceType, Result};
use conformance::Registry;

use super::criteria::criterion;
use super::parse::QueryContext;
use super::refusal::Refusal;
use crate::expr::Expr;

/// The filter of a type's resources that are in the compartment of this resource; `None` where the type
/// has no part in such compartments.
///
/// # Errors
/// NotFound for a type that has no compartments; Internal where a definition is broken.
pub fn compartment(
    context: QueryContext<'_>,
    of: ResourceType,
    id: &ResourceId,
    kind: ResourceType,
) -> Result<Option<Expr>> {
    let registry = Registry::r4();
    if !registry.has_compartment(of) {
        return Err(Error::not_found(format!("{of} has no compartment.")));
    }
    let hasher = context.catalogue.hasher();
    let identity = hasher.identity(of, id.as_str());
    let codes = registry.compartment(of.name(), kind);
    let mut parts = Vec::with_capacity(codes.len() + 1);
    if kind == of {
        parts.push(Expr::Identity(vec![identity]));
    }
    for code in codes {
        let target = format!("{of}/{id}");
        match criterion(context, kind, code, &target, 1) {
            Ok(part) => parts.push(part),
            Err(Refusal::Unknown(_)) => {}
            Err(refusal) => return Err(refusal.error()),
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let referred = Expr::any(parts);
    Ok(Some(match of {
        // The owners are beside every head, and the timeline is theirs.
        ResourceType::PATIENT => Expr::And(vec![Expr::Owned(identity), referred]),
        _ => referred,
    }))
}
