//! Search parameters, each type with the arms of the expression that concern it.

use crate::index::{Component, Param, SearchParamKind};
use crate::package::{Package, SearchParameter};
use crate::structures::Structures;
use crate::{Built, keep};

/// They have no expression: a server answers them from something else than an element.
const WITHOUT_EXPRESSION: [&str; 4] = ["_content", "_filter", "_query", "_text"];

pub(crate) fn read(package: &Package, structures: &Structures) -> Built<Vec<Param>> {
    let mut params = Vec::new();
    for definition in package.all::<SearchParameter>("SearchParameter")? {
        let special = WITHOUT_EXPRESSION.contains(&&*definition.code);
        let usable = definition.expression.is_some() || special;
        if usable && !definition.base.is_empty() && !definition.id.starts_with("example") {
            params.push(param(definition, special, structures)?);
        }
    }
    params.sort_by_key(|param| (param.code, param.url));
    Ok(params)
}

fn param(definition: SearchParameter, special: bool, structures: &Structures) -> Built<Param> {
    let mut uses = Vec::new();
    for base in &definition.base {
        let expression = narrow(definition.expression.as_deref().unwrap_or_default(), base);
        if expression.is_empty() && !special {
            return Err(format!("SearchParameter/{} says nothing of {base}", definition.id));
        }
        uses.push((structures.find(base)?, keep(expression)));
    }
    let targets = definition.target.iter().map(|name| structures.find(name));
    let components = definition.component.into_iter().map(|part| Component {
        definition: keep(part.definition),
        // R4's Observation.code-value-date writes `DateTime` for `dateTime`.
        expression: keep(part.expression.replace("(DateTime)", "(dateTime)")),
    });
    Ok(Param {
        kind: if special { SearchParamKind::Special } else { kind(&definition.kind)? },
        uses,
        targets: targets.collect::<Built<_>>()?,
        components: components.collect(),
        comparators: definition.comparator.into_iter().map(keep).collect(),
        modifiers: definition.modifier.into_iter().map(keep).collect(),
        multiple_or: definition.multiple_or.unwrap_or(true),
        multiple_and: definition.multiple_and.unwrap_or(true),
        code: keep(definition.code),
        url: keep(definition.url),
    })
}

/// Keeps the arms of a union that begin with `base`; arms without a type get it.
fn narrow(expression: &str, base: &str) -> String {
    let mut kept = Vec::new();
    for arm in arms(expression) {
        let path = arm.trim_start_matches('(');
        let head = path.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if head == base {
            kept.push(arm.to_owned());
        } else if head.starts_with(|c: char| c.is_ascii_lowercase()) {
            kept.push(format!("{base}.{arm}"));
        }
    }
    kept.join(" | ")
}

/// Splits at each `|` outside parentheses and quotes.
fn arms(expression: &str) -> Vec<&str> {
    let (mut depth, mut quoted) = (0_u32, false);
    let cut = |c: char| {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '|' && depth == 0 && !quoted
    };
    expression.split(cut).map(str::trim).filter(|arm| !arm.is_empty()).collect()
}

fn kind(code: &str) -> Built<SearchParamKind> {
    Ok(match code {
        "number" => SearchParamKind::Number,
        "date" => SearchParamKind::Date,
        "string" => SearchParamKind::String,
        "token" => SearchParamKind::Token,
        "reference" => SearchParamKind::Reference,
        "composite" => SearchParamKind::Composite,
        "quantity" => SearchParamKind::Quantity,
        "uri" => SearchParamKind::Uri,
        "special" => SearchParamKind::Special,
        other => return Err(format!("unknown search parameter type {other}")),
    })
}
