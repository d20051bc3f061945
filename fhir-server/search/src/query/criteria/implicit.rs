//! `system|code` of `code` elements: their codes carry no system, it follows from the value set that they
//! are bound to. <https://hl7.org/fhir/R4/search.html#token>

use std::borrow::Cow;

use super::Criterion;
use crate::binding::binding;
use crate::catalogue::ParamPlan;
use crate::limits::CONCEPTS_MAX;
use crate::query::refusal::Refusal;
use crate::terms::Term;

/// The codes that `system|code`, or `system|`, means where the elements themselves name no system; `None`
/// where they do.
///
/// # Errors
/// Bad where nothing gives the codes a system.
pub(super) fn codes<'v>(
    it: &Criterion<'_>,
    param: &ParamPlan,
    system: &str,
    code: Cow<'v, str>,
) -> Result<Option<Vec<Cow<'v, str>>>, Refusal> {
    let types = param.path.as_ref().map(|path| path.types()).unwrap_or_default();
    if system.is_empty() || types.is_empty() || types.iter().any(|name| name != "code") {
        return Ok(None);
    }
    let name = &param.definition.code;
    let bound = binding(it.kind, &param.definition.expression).ok_or_else(|| {
        let text = "its codes have no system, so ask for the code alone";
        Refusal::unsupported(format!("{}.{name}: {text}", it.kind))
    })?;
    let place = || format!("http.{name}");
    let all = it.context.terms.codes(&Term::ValueSet(bound.to_owned()), place).unwrap_or_default();
    let mut of_system = all.iter().filter(|known| known.system == system);
    if !code.is_empty() {
        return Ok(Some(
            of_system.any(|known| known.code == *code).then_some(code).into_iter().collect(),
        ));
    }
    let codes: Vec<_> = of_system.map(|known| Cow::Owned(known.code.clone())).collect();
    if codes.len() > CONCEPTS_MAX {
        return Err(Refusal::too_many(&place(), CONCEPTS_MAX));
    }
    Ok(Some(codes))
}
