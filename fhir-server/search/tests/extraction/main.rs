//! Every search parameter of R4 on an example of its type: none fails, and each yields a value of its
//! kind, but for those that are listed with the reason.

#![cfg(test)]

mod example;

use std::borrow::Cow;

use canonical_model::{Resource, ResourceId, ResourceType, Value};
use conformance::SearchParamKind;
use example::Recipe;
use search::catalogue::ParamPlan;
use search::keys::{Aspect, Discrete, Mark};
use search::{Catalogue, Hasher, IndexEntries, Param, extract};

/// Parameters that no element of an example can yield a value for: type (`*` any), code, why.
const SILENT: &[(&str, &str, &str)] = &[
    ("*", "_content", "searches the whole text, which is no element"),
    ("*", "_filter", "is a language of its own"),
    ("*", "_id", "is a column of the head"),
    ("*", "_lastUpdated", "is a column of the head"),
    ("*", "_query", "names a query of the server's; there are none"),
    ("*", "_text", "searches the narrative, which is not indexed"),
    ("Bundle", "composition", "is the first entry itself, which has no address outside the bundle"),
    ("Bundle", "message", "is the first entry itself, which has no address outside the bundle"),
];

/// Examples of one parameter: as many as the most types, codes or targets that an element has.
const VARIANTS: usize = 160;

#[test]
fn every_parameter_yields_a_value_of_its_kind() {
    let catalogue = Catalogue::new(Hasher::new(&[7; 16]));
    let (mut silent, mut tried) = (Vec::new(), 0);
    for kind in ResourceType::all() {
        let plan = catalogue.plan(kind).expect("every published expression compiles");
        for param in &plan.params {
            tried += 1;
            if !yields(&catalogue, kind, param) {
                silent.push((kind.name(), param.definition.code.clone()));
            }
        }
    }
    let listed = |(kind, code): &(&str, Cow<'_, str>)| {
        SILENT.iter().any(|(k, c, _)| ["*", kind].contains(k) && *c == *code)
    };
    let unlisted: Vec<_> = silent.iter().filter(|it| !listed(it)).collect();
    assert!(unlisted.is_empty(), "{} yield nothing: {unlisted:?}", unlisted.len());
    for (kind, code, why) in SILENT {
        let still = silent.iter().any(|(k, c)| ["*", k].contains(kind) && *c == **code);
        assert!(still, "{kind}.{code} yields something now, though it {why}");
    }
    assert!(tried > 2_500, "only {tried} parameters");
}

/// An example without the element has no value: so the test above can fail.
#[test]
fn no_element_no_value() {
    let catalogue = Catalogue::new(Hasher::new(&[7; 16]));
    let bare = Recipe::new("", 0).resource(ResourceType::PATIENT);
    let entries = extract(&catalogue, "http://x.example/fhir", &bare).expect("it is small");
    let plan = catalogue.plan(ResourceType::PATIENT).expect("it compiles");
    let found = plan.params.iter().filter(|it| holds(&catalogue, it, &bare, &entries));
    // Whoever is not said to be dead is said to live.
    assert_eq!(found.map(|it| &*it.definition.code).collect::<Vec<_>>(), ["deceased"]);
}

fn yields(catalogue: &Catalogue, kind: ResourceType, param: &ParamPlan) -> bool {
    let mut expression = param.definition.expression.clone().into_owned();
    for part in &param.definition.components {
        expression = format!("{expression} {}", part.expression);
    }
    if param.definition.kind == SearchParamKind::Special {
        expression.push_str(" latitude longitude");
    }
    (0..VARIANTS).any(|variant| {
        let resource = Recipe::new(&expression, variant).resource(kind);
        let entries = extract(catalogue, "http://x.example/fhir", &resource);
        let entries = entries.unwrap_or_else(|e| panic!("{kind}.{}: {e:?}", param.definition.code));
        holds(catalogue, param, &resource, &entries)
    })
}

/// Whether the entries hold a value of the parameter, where its kind keeps them, made of what its
/// expression selects.
fn holds(
    catalogue: &Catalogue,
    param: &ParamPlan,
    resource: &Resource,
    entries: &IndexEntries,
) -> bool {
    let hasher = catalogue.hasher();
    let Some(path) = &param.path else { return false };
    let items = path.eval(resource.body());
    let marked = |mark: Mark| mark.iter().all(|half| entries.facets.contains(half));
    if !items.is_empty() && !marked(hasher.present(param.own)) {
        return false;
    }
    let mut texts = Vec::new();
    items.iter().for_each(|item| leaves(item.value, &mut texts));
    if items.is_empty() {
        return false;
    }
    // A composite's part may lie beside its element.
    if param.definition.kind == SearchParamKind::Composite {
        leaves(resource.body(), &mut texts);
    }
    param.lookups().into_iter().any(|under| match param.definition.kind {
        SearchParamKind::Token => {
            texts.iter().any(|text| entries.keys.contains(&hasher.code(under, text)))
        }
        SearchParamKind::Reference => texts.iter().any(|text| {
            let key = match local(text) {
                Some((kind, id)) => hasher.reference(under, hasher.identity(kind, id)),
                None => hasher.uri(under, text),
            };
            entries.keys.contains(&key)
        }),
        SearchParamKind::Uri => {
            texts.iter().any(|text| entries.keys.contains(&hasher.uri(under, text)))
        }
        SearchParamKind::Composite => heads(hasher, param, under, &texts)
            .into_iter()
            .any(|head| marked(hasher.whole(head)) || has_value(entries, hasher, head)),
        SearchParamKind::String
        | SearchParamKind::Date
        | SearchParamKind::Number
        | SearchParamKind::Quantity
        | SearchParamKind::Special => has_value(entries, hasher, under),
    })
}

fn has_value(entries: &IndexEntries, hasher: &Hasher, under: Param) -> bool {
    let unit = hasher.aspect(under, &Aspect::UnitName("x"));
    let beside = &entries.beside;
    let is = |param: &Param| *param == under || *param == unit;
    entries.strings.iter().chain(&beside.strings).any(|(param, _)| is(param))
        || entries.dates.iter().chain(&beside.dates).any(|(param, ..)| is(param))
        || entries.numbers.iter().chain(&beside.numbers).any(|(param, ..)| is(param))
}

/// What a composite's ordered part may be under: narrowed by each of the texts, for each other part.
fn heads(hasher: &Hasher, param: &ParamPlan, under: Param, texts: &[String]) -> Vec<Param> {
    let ordered = param.composite.iter().filter(|part| part.is_ordered()).count();
    let mut heads = vec![under];
    for _ in 0..param.composite.len() - ordered {
        let narrow = |text: &String| match local(text) {
            Some((kind, id)) => Discrete::Reference(kind, Cow::Owned(id.to_owned())),
            None => Discrete::Code(Cow::Owned(text.clone())),
        };
        heads = heads
            .iter()
            .flat_map(|head| texts.iter().map(|text| hasher.part(*head, &narrow(text))))
            .collect();
    }
    if ordered > 1 {
        heads = heads.iter().map(|head| hasher.part(*head, &Discrete::Nth(0))).collect();
    }
    heads
}

fn local(text: &str) -> Option<(ResourceType, &str)> {
    let (kind, id) = text.split_once('/')?;
    Some((ResourceType::find(kind)?, id)).filter(|(_, id)| ResourceId::parse(id).is_ok())
}

/// The texts at the ends of a value.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(value) => found.push(value.to_string()),
        Value::Number(number) => found.push(number.as_str().to_owned()),
        Value::String(text) => found.push(text.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(object) => object.iter().for_each(|(_, value)| leaves(value, found)),
    }
}
