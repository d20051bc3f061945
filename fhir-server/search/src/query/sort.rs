//! `_sort`: by any parameter that has values with an order.
//! <https://hl7.org/fhir/R4/search.html#sort>

use canonical_model::ResourceType;
use conformance::SearchParamKind;

use super::criteria::sealed;
use super::parse::QueryContext;
use super::refusal::{Refusal, tame};
use super::spelling::near_sort;
use super::{Sort, SortBy};
use crate::catalogue::{ParamPlan, TypePlan};
use crate::limits::SORT_FIELDS_MAX;

pub(super) fn sort(
    context: QueryContext<'_>,
    plan: &TypePlan,
    kind: ResourceType,
    value: &str,
) -> Result<Vec<Sort>, Refusal> {
    if value.split(',').count() > SORT_FIELDS_MAX {
        let first = value.split(',').nth(SORT_FIELDS_MAX).unwrap_or_default();
        return Err(Refusal::value("_sort", "more than 8 fields").about(first));
    }
    let field = |field: &str| {
        sort_field(context, plan, kind, field.trim()).map_err(|refusal| refusal.about(field))
    };
    value.split(',').map(field).collect()
}

fn sort_field(
    context: QueryContext<'_>,
    plan: &TypePlan,
    kind: ResourceType,
    field: &str,
) -> Result<Sort, Refusal> {
    let (code, descending) = match field.strip_prefix('-') {
        Some(code) => (code, true),
        None => (field, false),
    };
    if code.is_empty() {
        return Err(Refusal::value("_sort", "the value is empty"));
    }
    let by = match code {
        "_lastUpdated" => SortBy::Updated,
        "_id" => SortBy::Id,
        _ => {
            let unknown = || {
                let near = near_sort(plan, code);
                Refusal::unknown(format!(
                    "_sort: {kind} cannot be sorted by `{}`{near}",
                    tame(code)
                ))
            };
            let param = plan.find(code).ok_or_else(unknown)?;
            context.note(kind, param);
            if param.sealed {
                return Err(sealed(kind, code));
            }
            by_param(plan, param).ok_or_else(unknown)?
        }
    };
    Ok(Sort { by, descending })
}

fn by_param(plan: &TypePlan, param: &ParamPlan) -> Option<SortBy> {
    match param.definition.kind {
        SearchParamKind::Date => Some(SortBy::Date {
            param: param.param,
            timed: plan.timeline_date == Some(param.param),
        }),
        SearchParamKind::String => Some(SortBy::Text(param.lookups())),
        SearchParamKind::Number | SearchParamKind::Quantity => {
            Some(SortBy::Number(param.lookups()))
        }
        SearchParamKind::Token | SearchParamKind::Reference | SearchParamKind::Uri => {
            let columns = param.path.as_ref()?.columns()?;
            let columns =
                columns.into_iter().map(|(path, kind)| format!("{path}{}", value_of(&kind)));
            Some(SortBy::Element(columns.collect()))
        }
        SearchParamKind::Composite | SearchParamKind::Special => None,
    }
}

/// Where the text is that an element of a type is sorted by.
fn value_of(kind: &str) -> &'static str {
    match kind {
        "CodeableConcept" => ".coding.code",
        "Coding" => ".code",
        "Identifier" | "ContactPoint" => ".value",
        "Reference" => ".reference",
        _ => "",
    }
}
