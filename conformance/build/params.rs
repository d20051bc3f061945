//! Search parameters, each type with the arms of the expression that concern it.

use crate::index::{Component, Param, SearchParamKind, Use};
use crate::narrow::narrow;
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
        let documentation = documentation(&definition.description, base);
        let owner = structures.find(base)?;
        uses.push(Use { owner, expression: keep(expression), documentation: keep(documentation) });
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

/// What a description says of one type: that of several has a line for each, as
/// `* [Patient](patient.html): The patient's name`.
fn documentation(description: &str, base: &str) -> String {
    let mark = format!("* [{base}](");
    let line = description.lines().find(|line| line.starts_with(&mark));
    let own = line.and_then(|line| line.split_once("): ")).map(|(_, own)| own);
    own.unwrap_or(description).split_whitespace().collect::<Vec<_>>().join(" ")
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
