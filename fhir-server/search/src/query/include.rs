//! `_include` and `_revinclude`. <https://hl7.org/fhir/R4/search.html#include>

use canonical_model::ResourceType;
use conformance::SearchParamKind;

use super::criteria::along_canonical;
use super::parse::QueryContext;
use super::refusal::{Refusal, tame};
use super::spelling::{near_reference, near_type, offer};
use crate::catalogue::ParamPlan;
use crate::keys::Param;

/// References along which other resources join the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The type that refers.
    pub source: ResourceType,
    /// The parameters of its references.
    pub params: Vec<Param>,
    /// The type that is referred to; `None` for any.
    pub target: Option<ResourceType>,
    /// From what is referred to, to what refers: `_revinclude`.
    pub reverse: bool,
    /// Also from what was included.
    pub iterate: bool,
}

/// Reads `Type:parameter:Target`, `Type:*` or `*`.
pub(super) fn include(
    context: QueryContext<'_>,
    kind: ResourceType,
    name: &str,
    value: &str,
) -> Result<Vec<Include>, Refusal> {
    let (code, modifier) = name.split_once(':').unwrap_or((name, ""));
    let iterate = match modifier {
        "" => false,
        "iterate" | "recurse" => true,
        other => {
            let near = offer(other, ["iterate"].into_iter());
            let text =
                format!("{code}: the modifier `{}` is not supported on it{near}", tame(other));
            return Err(Refusal::unsupported(text));
        }
    };
    let reverse = code == "_revinclude";
    let shape = || {
        let text = "expected Type:parameter, Type:parameter:Target, Type:* or *";
        Refusal::value(code, text).about(value)
    };
    let of_type = |name: &str| {
        let unknown = || {
            let text = format!("`{}` is no type{}", tame(name), near_type(name));
            Refusal::value(code, &text).about(name)
        };
        ResourceType::find(name).ok_or_else(unknown)
    };
    let make = |source, params, target| Include { source, params, target, reverse, iterate };
    match value.split(':').collect::<Vec<_>>().as_slice() {
        ["*"] => {
            let sources: Vec<ResourceType> =
                if reverse { ResourceType::all().collect() } else { vec![kind] };
            let target = reverse.then_some(kind);
            let each = sources
                .into_iter()
                .map(|source| Ok(make(source, references(context, source, target)?, target)));
            each.collect::<Result<Vec<_>, Refusal>>()
                .map(|all| all.into_iter().filter(|one| !one.params.is_empty()).collect())
        }
        [source, "*"] => {
            let source = of_type(source)?;
            let target = reverse.then_some(kind);
            Ok(vec![make(source, references(context, source, target)?, target)])
        }
        [source, param, rest @ ..] if rest.len() <= 1 && !param.is_empty() => {
            let source = of_type(source)?;
            let target = rest.first().map(|name| of_type(name)).transpose()?;
            let found = reference(context, code, source, param)?;
            if found.is_canonical() {
                return Err(along_canonical(source, param));
            }
            if let Some(kind) = target.filter(|kind| !leads(&found.targets, *kind)) {
                let text = format!("{source}.{} does not point to the type {kind}", tame(param));
                return Err(Refusal::value(code, &text));
            }
            // `patient` narrows what it shares with `subject`.
            let only = match found.targets.as_slice() {
                [only] => Some(*only),
                _ => None,
            };
            Ok(vec![make(source, vec![found.param], target.or(only))])
        }
        _ => Err(shape()),
    }
}

fn references(
    context: QueryContext<'_>,
    source: ResourceType,
    target: Option<ResourceType>,
) -> Result<Vec<Param>, Refusal> {
    let plan = context.catalogue.plan(source)?;
    let all = plan.params.iter().filter(|param| {
        param.definition.kind == SearchParamKind::Reference
            && !param.is_canonical()
            && target.is_none_or(|target| leads(&param.targets, target))
    });
    let noted = all.inspect(|param| context.note(source, param));
    let mut params: Vec<Param> = noted.map(|param| param.param).collect();
    params.sort_unstable();
    params.dedup();
    Ok(params)
}

/// Whether a reference with these targets may point to the type; none is any.
fn leads(targets: &[ResourceType], kind: ResourceType) -> bool {
    targets.is_empty() || targets.contains(&kind)
}

fn reference<'a>(
    context: QueryContext<'a>,
    code: &str,
    source: ResourceType,
    param: &str,
) -> Result<&'a ParamPlan, Refusal> {
    let plan = context.catalogue.plan(source)?;
    match plan.find(param) {
        Some(found) if found.definition.kind == SearchParamKind::Reference => {
            context.note(source, found);
            Ok(found)
        }
        Some(_) => {
            let text = format!("{source}.{} is no reference", tame(param));
            Err(Refusal::value(code, &text).about(param))
        }
        None => {
            let near = near_reference(plan, param);
            let text = format!("{code}: {source} has no search parameter `{}`{near}", tame(param));
            Err(Refusal::unknown(text))
        }
    }
}
