//! Chains, forward and reverse. <https://hl7.org/fhir/R4/search.html#chaining>

use canonical_model::ResourceType;
use conformance::SearchParamKind;

use super::{Parsed, criterion, known};
use crate::catalogue::ParamPlan;
use crate::expr::{Expr, Link};
use crate::limits::{CHAIN_DEPTH_MAX, CHAIN_READINGS_MAX};
use crate::query::parse::{QueryContext, few_enough};
use crate::query::refusal::{Refusal, tame};
use crate::query::spelling::{near, near_type};

/// `subject:Patient.name`: the reference, and what holds of the resource it leads to.
pub(super) fn chain(
    context: QueryContext<'_>,
    kind: ResourceType,
    (first, rest): (&str, &str),
    value: &str,
    fan: usize,
) -> Parsed {
    let context = deeper(context)?;
    let (code, narrowed) = match first.split_once(':') {
        Some((code, name)) => {
            let target = ResourceType::find(name).ok_or_else(|| {
                let near = near_type(name);
                Refusal::unsupported(format!("{}: `{}` is no type{near}", tame(code), tame(name)))
            })?;
            (code, Some(target))
        }
        None => (first, None),
    };
    let param = reference(context, kind, code)?;
    let kinds = match narrowed {
        Some(target) if param.targets.is_empty() || param.targets.contains(&target) => vec![target],
        Some(target) => {
            let text = format!("{kind}.{code} does not point to the type {target}");
            return Err(Refusal::value(code, &text));
        }
        None if param.targets.is_empty() => {
            let text = "this can point to any type: name it, as in subject:Patient.name";
            return Err(Refusal::value(code, text));
        }
        None => param.targets.clone(),
    };
    let fan = fan.saturating_mul(kinds.len());
    if fan > CHAIN_READINGS_MAX {
        let text =
            "the chain can be read in too many ways: name the types, as in subject:Patient.name";
        return Err(Refusal::value(code, text));
    }
    let (mut links, mut tests) = (Vec::new(), 0);
    let mut refused = None;
    for target in kinds.iter().copied() {
        match criterion(context, target, rest, value, fan) {
            Ok(filter) => {
                tests += 1 + filter.tests();
                few_enough(tests)?;
                links.push(Expr::Chain(Link {
                    param: param.param,
                    kind: target,
                    filter: Box::new(filter),
                    compartment: param.compartment,
                }));
            }
            // Not every type it may point to needs to know the parameter.
            Err(Refusal::Unknown(issue)) => refused = Some(Refusal::Unknown(issue)),
            Err(other) => return Err(other),
        }
    }
    match refused {
        Some(Refusal::Unknown(_)) if links.is_empty() && kinds.len() > 1 => {
            Err(unknown_to_all(context, (kind, code), &kinds, rest)?)
        }
        Some(refused) if links.is_empty() => Err(refused),
        _ => Ok(Expr::any(links)),
    }
}

/// None of the types that a reference may point to has what the chain asks of them.
fn unknown_to_all(
    context: QueryContext<'_>,
    (kind, code): (ResourceType, &str),
    targets: &[ResourceType],
    rest: &str,
) -> Result<Refusal, Refusal> {
    let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
    let mut offered = String::new();
    for target in targets {
        offered = near(context.catalogue.plan(*target)?, rest);
        if !offered.is_empty() {
            break;
        }
    }
    let names = names.join(", ");
    let rest = tame(rest);
    let text = format!("{kind}.{code} points to {names}: none has a search parameter `{rest}`");
    Ok(Refusal::unknown(text + &offered))
}

/// `_has:Observation:patient:code`: what holds of a resource that refers here.
pub(super) fn has(
    context: QueryContext<'_>,
    kind: ResourceType,
    path: &str,
    value: &str,
    fan: usize,
) -> Parsed {
    let context = deeper(context)?;
    let mut parts = path.splitn(3, ':');
    let (Some(name), Some(code), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        let text = "expected _has:Type:reference:parameter, as in _has:Observation:patient:code";
        return Err(Refusal::value("_has", text));
    };
    let from = ResourceType::find(name).ok_or_else(|| {
        let text = format!("`{}` is no type{}", tame(name), near_type(name));
        Refusal::value("_has", &text)
    })?;
    let param = reference(context, from, code)?;
    if !param.targets.is_empty() && !param.targets.contains(&kind) {
        let text = format!("{from}.{code} does not point to the type {kind}");
        return Err(Refusal::value("_has", &text));
    }
    let filter = Box::new(criterion(context, from, rest, value, fan)?);
    Ok(Expr::Has(Link {
        param: param.param,
        kind: from,
        filter,
        compartment: param.compartment && kind == ResourceType::PATIENT,
    }))
}

fn deeper(context: QueryContext<'_>) -> Result<QueryContext<'_>, Refusal> {
    if context.depth >= CHAIN_DEPTH_MAX {
        let text = format!("a chain has at most {CHAIN_DEPTH_MAX} links");
        return Err(Refusal::unsupported(text));
    }
    Ok(QueryContext { depth: context.depth + 1, ..context })
}

fn reference<'a>(
    context: QueryContext<'a>,
    kind: ResourceType,
    code: &str,
) -> Result<&'a ParamPlan, Refusal> {
    let param = known(context, kind, code)?;
    if param.definition.kind != SearchParamKind::Reference {
        let text = format!("{kind}.{code}: only a reference leads on to other parameters");
        return Err(Refusal::unsupported(text));
    }
    if param.is_canonical() {
        return Err(canonical(kind, code));
    }
    Ok(param)
}

/// A link along it would find nothing, which is not the truth.
pub(in crate::query) fn canonical(kind: ResourceType, code: &str) -> Refusal {
    let text =
        "its values are canonical URLs, along which no link leads: search by their `url` first";
    Refusal::unsupported(format!("{kind}.{}: {text}", tame(code)))
}
