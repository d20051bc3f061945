//! Search parameters, as each resource type has them.
//! <https://hl7.org/fhir/R4/searchparameter.html>

use std::borrow::Cow;

use canonical_model::ResourceType;

use crate::index::{Component, Index, Param, SearchParamKind, Use};
use crate::registry::position;

/// A search parameter of one resource type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchParam {
    /// The name in a URL.
    pub code: Cow<'static, str>,
    /// The canonical URL of the definition; empty where it has none.
    pub url: Cow<'static, str>,
    /// What it finds, for people.
    pub documentation: Cow<'static, str>,
    /// Its type. `Special` also for `_content`, `_filter`, `_query` and `_text`, which search
    /// something else than an element.
    pub kind: SearchParamKind,
    /// FHIRPath on the resource, only the part that concerns the type; empty where the search is
    /// not of an element.
    pub expression: Cow<'static, str>,
    /// What a reference may point to; empty: anything.
    pub targets: Vec<ResourceType>,
    /// A composite's parts.
    pub components: Vec<Component>,
    /// Prefixes as published; none named leaves them to the type of the parameter.
    pub comparators: Vec<&'static str>,
    /// Modifiers as published; none named leaves them to the type of the parameter.
    pub modifiers: Vec<&'static str>,
    /// Commas mean "or".
    pub multiple_or: bool,
    /// Repetition means "and".
    pub multiple_and: bool,
}

impl SearchParam {
    /// One without a name or an expression yet, of no element.
    #[must_use]
    pub fn special() -> Self {
        Self {
            code: Cow::Borrowed(""),
            url: Cow::Borrowed(""),
            documentation: Cow::Borrowed(""),
            kind: SearchParamKind::Special,
            expression: Cow::Borrowed(""),
            targets: Vec::new(),
            components: Vec::new(),
            comparators: Vec::new(),
            modifiers: Vec::new(),
            multiple_or: true,
            multiple_and: true,
        }
    }
}

impl SearchParamKind {
    const ALL: [Self; 9] = [
        Self::Number,
        Self::Date,
        Self::String,
        Self::Token,
        Self::Reference,
        Self::Composite,
        Self::Quantity,
        Self::Uri,
        Self::Special,
    ];

    /// The kind of FHIR's code.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }

    /// FHIR's code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::String => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }
}

/// Lays the parameters out by type; those of a base go to every type that comes from it.
pub(crate) fn by_type(index: &Index, resources: &[u16]) -> Vec<Vec<SearchParam>> {
    let any = position(&index.structures, "Resource");
    let domain = position(&index.structures, "DomainResource");
    let base = |number: u16| index.structures.get(usize::from(number)).and_then(|it| it.base);
    let mut lists = vec![Vec::new(); resources.len()];
    for param in &index.params {
        let targets: Vec<_> = param
            .targets
            .iter()
            .filter_map(|number| {
                ResourceType::find(index.structures.get(usize::from(*number))?.path)
            })
            .collect();
        for one in &param.uses {
            let owner = Some(one.owner);
            for (resource, list) in resources.iter().zip(&mut lists) {
                let inherited = owner == any || (owner == domain && base(*resource) == domain);
                if one.owner == *resource || inherited {
                    list.push(of_type(param, one, targets.clone()));
                }
            }
        }
    }
    lists
}

fn of_type(param: &Param, one: &Use, targets: Vec<ResourceType>) -> SearchParam {
    SearchParam {
        code: Cow::Borrowed(param.code),
        url: Cow::Borrowed(param.url),
        documentation: Cow::Borrowed(one.documentation),
        kind: param.kind,
        expression: Cow::Borrowed(one.expression),
        targets,
        components: param.components.clone(),
        comparators: param.comparators.clone(),
        modifiers: param.modifiers.clone(),
        multiple_or: param.multiple_or,
        multiple_and: param.multiple_and,
    }
}
