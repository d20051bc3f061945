//! A search in the words of the specification, for the operator who asks how it is answered: parameters, modifiers,
//! prefixes, values, chains, and which of them are joined by AND and by OR.
//! <https://hl7.org/fhir/R4/search.html#Introduction>

use canonical_model::{ResourceType, Result};
use conformance::SearchParamKind;

use super::alternatives;
use super::values::split;
use crate::catalogue::{Catalogue, ParamPlan};
use crate::expr::Prefix;
use crate::query::Query;
use crate::query::parse::CONTROLS;

/// What a query asks for: its type, a line for each criterion, all of which must hold, and a line for how the answer is to
/// be. It holds the values that were searched for.
///
/// # Errors
/// Internal, where a definition is broken.
pub fn in_words(catalogue: &Catalogue, query: &Query) -> Result<String> {
    let is_control = |name: &str| {
        let code = name.split(':').next().unwrap_or_default();
        CONTROLS.contains(&code) || matches!(code, "_include" | "_revinclude")
    };
    let (controls, criteria): (Vec<_>, Vec<_>) =
        query.applied.iter().partition(|(name, _)| is_control(name));
    let words = Words { catalogue };
    let mut lines = vec![match criteria.len() {
        0 => format!("Every {}", query.kind),
        1 => format!("{}, where", query.kind),
        _ => format!("{}, where all of these hold (AND):", query.kind),
    }];
    for (name, value) in criteria {
        lines.push(format!("  {}", words.criterion(query.kind, name, value)?));
    }
    if !controls.is_empty() {
        let pairs: Vec<_> =
            controls.iter().map(|(name, value)| format!("{name}={value}")).collect();
        lines.push(format!("The answer: {}", pairs.join(" ")));
    }
    Ok(lines.join("\n"))
}

struct Words<'a> {
    catalogue: &'a Catalogue,
}

impl Words<'_> {
    /// One parameter and its values.
    fn criterion(&self, kind: ResourceType, name: &str, value: &str) -> Result<String> {
        if let Some(rest) = name.strip_prefix("_has:") {
            return self.has(kind, rest, value);
        }
        if let Some((first, rest)) = name.split_once('.') {
            return self.chain(kind, first, rest, value);
        }
        let (code, modifier) = match name.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (name, None),
        };
        let with = |kind: &str| match modifier {
            Some(modifier) => format!("({kind}, modifier :{modifier})"),
            None => format!("({kind})"),
        };
        if let Some((named, each)) = common(code) {
            return Ok(format!("{code} {} {}", with(named), joined(value, modifier, each)));
        }
        let Some(param) = self.catalogue.plan(kind)?.find(code) else {
            return Ok(format!("{kind}.{code} {value:?}"));
        };
        let each = |value: &str| of_kind(param, modifier, value);
        let named = param.definition.kind.as_str();
        Ok(format!("{kind}.{code} {} {}", with(named), joined(value, modifier, each)))
    }

    /// `_has:Observation:patient:code`.
    fn has(&self, kind: ResourceType, path: &str, value: &str) -> Result<String> {
        let mut parts = path.splitn(3, ':');
        let (name, code, rest) = (parts.next(), parts.next(), parts.next());
        let found = name.and_then(ResourceType::find);
        let (Some(from), Some(code), Some(rest)) = (found, code, rest) else {
            return Ok(format!("{kind} _has:{path} {value:?}"));
        };
        let inner = self.criterion(from, rest, value)?;
        Ok(format!("{from}.{code} of some {from} leads here (_has), where {inner}"))
    }

    /// `subject:Patient.name`.
    fn chain(&self, kind: ResourceType, first: &str, rest: &str, value: &str) -> Result<String> {
        let (code, narrowed) = match first.split_once(':') {
            Some((code, name)) => (code, ResourceType::find(name)),
            None => (first, None),
        };
        let param = self.catalogue.plan(kind)?.find(code);
        let mut targets = match (narrowed, param) {
            (Some(target), _) => vec![target],
            (None, param) => param.map(|param| param.targets.clone()).unwrap_or_default(),
        };
        // Those that do not know what is asked of them are not looked at.
        let asked = rest.split(['.', ':']).next().unwrap_or_default();
        if !asked.starts_with('_') {
            let mut known = Vec::new();
            for target in targets {
                if self.catalogue.plan(target)?.find(asked).is_some() {
                    known.push(target);
                }
            }
            targets = known;
        }
        let inner = targets.iter().map(|target| self.criterion(*target, rest, value));
        let inner = inner.collect::<Result<Vec<_>>>()?.join(" OR ");
        let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
        Ok(format!("{kind}.{code} leads to {} (chain), where {inner}", names.join(" or ")))
    }
}

/// Values of which one must hold; of what is denied, each.
fn joined(value: &str, modifier: Option<&str>, each: impl Fn(&str) -> String) -> String {
    let all: Vec<String> = alternatives(value).into_iter().map(each).collect();
    all.join(if matches!(modifier, Some("not" | "not-in")) { " AND " } else { " OR " })
}

/// A value in words.
type Said = fn(&str) -> String;

/// A parameter of every type that is no element's: what it is called, and what a value of it means.
fn common(code: &str) -> Option<(&'static str, Said)> {
    let said: (_, Said) = match code {
        "_id" => ("token", |value| format!("is {value:?}")),
        "_lastUpdated" => ("date", dated),
        "_text" => ("words", |value| format!("of the narrative are {value:?}")),
        "_content" => ("words", |value| format!("of all content are {value:?}")),
        "_list" => ("list", |value| format!("{value:?} has it")),
        "_filter" => ("filter", |value| format!("holds: {value}")),
        _ => return None,
    };
    Some(said)
}

/// What a value means, by the kind of its parameter and by the modifier.
fn of_kind(param: &ParamPlan, modifier: Option<&str>, value: &str) -> String {
    let kind = param.definition.kind;
    let verb = match (kind, modifier) {
        (_, Some("missing")) => {
            return if value == "true" { "has no value" } else { "has a value" }.to_owned();
        }
        (SearchParamKind::Composite, _) => return together(param, value),
        (SearchParamKind::Date, None) => return dated(value),
        (SearchParamKind::Number | SearchParamKind::Quantity, None) => return measured(value),
        (_, Some("not")) => "is not",
        (_, Some("in")) => "is of the value set",
        (_, Some("not-in")) => "is not of the value set",
        (_, Some("text")) => "has a text with",
        (_, Some("below")) => "is this or below it:",
        (_, Some("above")) => "is this or above it:",
        (_, Some("of-type")) => "is, by system|code|value,",
        (_, Some("identifier")) => "refers by the identifier",
        (SearchParamKind::String, Some("exact")) => "is exactly",
        (SearchParamKind::String, Some("contains")) => "contains",
        (SearchParamKind::String, None) => "begins with",
        (SearchParamKind::Reference, Some(target)) => {
            return format!("refers to \"{target}/{value}\"");
        }
        (SearchParamKind::Reference, None) => "refers to",
        (SearchParamKind::Special, _) => "is near",
        (_, _) => "is",
    };
    format!("{verb} {value:?}")
}

/// `code$value`: of one element.
fn together(param: &ParamPlan, value: &str) -> String {
    let parts = param.composite.iter().zip(split(value, '$')).map(|(part, value)| {
        let said = match part.kind {
            SearchParamKind::Date => dated(value),
            SearchParamKind::Number | SearchParamKind::Quantity => measured(value),
            SearchParamKind::String => format!("begins with {value:?}"),
            _ => format!("is {value:?}"),
        };
        format!("{} {said}", part.code)
    });
    format!("has in one element ({})", parts.collect::<Vec<_>>().join(" AND "))
}

/// A date with its prefix.
fn dated(value: &str) -> String {
    let (prefix, date) = Prefix::split(value);
    let words = match prefix {
        Prefix::Eq => "is within",
        Prefix::Ne => "is not within",
        Prefix::Gt => "goes on after",
        Prefix::Lt => "begins before",
        Prefix::Ge => "is within, or goes on after,",
        Prefix::Le => "is within, or begins before,",
        Prefix::Sa => "begins after",
        Prefix::Eb => "ends before",
        Prefix::Ap => "is about",
    };
    format!("{words} {date} ({})", prefix.as_str())
}

/// A number or quantity with its prefix.
fn measured(value: &str) -> String {
    let (prefix, number) = Prefix::split(value);
    let words = match prefix {
        Prefix::Eq => "equals",
        Prefix::Ne => "does not equal",
        Prefix::Gt | Prefix::Sa => "is greater than",
        Prefix::Lt | Prefix::Eb => "is less than",
        Prefix::Ge => "is at least",
        Prefix::Le => "is at most",
        Prefix::Ap => "is about",
    };
    format!("{words} {number} ({})", prefix.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Hasher;
    use crate::query::{Handling, QueryContext, parse, parse_pairs};
    use crate::terms::Terms;

    fn said(kind: &str, query: &str) -> String {
        let catalogue = Catalogue::new(Hasher::new(&[7; 16]));
        let terms = Terms::default();
        let context = QueryContext::new(&catalogue, "http://x/fhir", Handling::Strict, &terms);
        let kind = ResourceType::find(kind).expect("a type");
        let query = parse(context, kind, &parse_pairs(query).expect("pairs")).expect(query);
        in_words(&catalogue, &query).expect("words")
    }

    #[test]
    fn a_search_is_said_in_the_words_of_the_specification() {
        for (kind, query, line) in [
            (
                "Patient",
                "family=a,b",
                r#"Patient.family (string) begins with "a" OR begins with "b""#,
            ),
            (
                "Patient",
                "family:exact=A",
                r#"Patient.family (string, modifier :exact) is exactly "A""#,
            ),
            ("Patient", "gender:not=male,other", r#"is not "male" AND is not "other""#),
            (
                "Patient",
                "birthdate=ge1990,lt1980-02",
                "Patient.birthdate (date) is within, or goes on after, 1990 (ge) OR begins before 1980-02 (lt)",
            ),
            ("Patient", "deceased:missing=true", "(token, modifier :missing) has no value"),
            ("Patient", "_id=a,b", r#"_id (token) is "a" OR is "b""#),
            ("Patient", "_lastUpdated=gt2024", "_lastUpdated (date) goes on after 2024 (gt)"),
            (
                "Observation",
                "value-quantity=le5.4|http://unitsofmeasure.org|mg",
                "is at most 5.4|http://unitsofmeasure.org|mg (le)",
            ),
            (
                "Observation",
                "subject:Patient.family=x",
                r#"Observation.subject leads to Patient (chain), where Patient.family (string) begins with "x""#,
            ),
            (
                "Observation",
                "subject.birthdate=1990",
                "Observation.subject leads to Patient (chain), where Patient.birthdate (date) is within 1990 (eq)",
            ),
            (
                "Observation",
                "subject:Patient=7",
                r#"Observation.subject (reference, modifier :Patient) refers to "Patient/7""#,
            ),
            (
                "Patient",
                "_has:Observation:patient:code=x",
                r#"Observation.patient of some Observation leads here (_has), where Observation.code (token) is "x""#,
            ),
            (
                "Observation",
                "code-value-quantity=8480-6$gt140",
                r#"has in one element (code is "8480-6" AND value-quantity is greater than 140 (gt))"#,
            ),
        ] {
            let words = said(kind, query);
            assert!(words.contains(line), "{query}: {words}");
            for debug in ["Param(", "Key(", "And(", "Facet"] {
                assert!(!words.contains(debug), "{query}: {words}");
            }
        }
        assert_eq!(said("Patient", ""), "Every Patient");
        assert_eq!(
            said("Patient", "family=a&gender=male&_sort=-birthdate&_count=5"),
            "Patient, where all of these hold (AND):\n  Patient.family (string) begins with \"a\"\n  \
             Patient.gender (token) is \"male\"\nThe answer: _sort=-birthdate _count=5"
        );
    }
}
