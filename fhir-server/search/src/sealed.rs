//! Which parameters would give away what is stored sealed. Tokens, references and uris are indexed as
//! keyed hashes; strings, dates and numbers would lie open, so those of sealed elements are not indexed,
//! and searching them is refused.

use std::borrow::Cow;
use std::collections::HashSet;

use canonical_model::ResourceType;

use crate::catalogue::Catalogue;
use crate::query::{parse_pairs, write_pairs};

/// What is written for a value that nobody may read.
const HIDDEN: &str = "-sealed-";

/// Whether an expression may yield what lies on a sealed path, or holds it. Where either is not plain,
/// only its plain beginning counts, so that it is rather hidden than told.
pub(crate) fn overlaps(kind: ResourceType, expression: &str, sealed: &[String]) -> bool {
    let own = |names: &Vec<&str>| {
        names.first().is_some_and(|first| {
            [kind.name(), "Resource", "DomainResource"].contains(first) && names.len() > 1
        })
    };
    let ways: Vec<Vec<&str>> = expression.split('|').map(names).filter(own).collect();
    sealed.iter().map(|path| names(path)).any(|path| {
        path.first() == Some(&kind.name())
            && ways.iter().any(|way| path.iter().zip(way).skip(1).all(|(a, b)| a == b))
    })
}

/// As [`overlaps`], of an expression that nobody has looked at: what is not plain may yield anything of the
/// resource.
pub(crate) fn tells(kind: ResourceType, expression: &str, sealed: &[String]) -> bool {
    let any = sealed.iter().any(|path| names(path).first() == Some(&kind.name()));
    let plain = |arm: &str| {
        let (names, rest) = walk(arm);
        let rest = rest.trim_matches([' ', ')']);
        names.len() > 1 && (rest.is_empty() || rest.starts_with("as "))
    };
    any && (overlaps(kind, expression, sealed) || !expression.split('|').all(plain))
}

/// The names along a path, from its type: `Patient, name, family` of
/// `Patient.name.where(use='official').family`.
fn names(path: &str) -> Vec<&str> {
    walk(path).0
}

/// The same, with what stands behind them.
fn walk(path: &str) -> (Vec<&str>, &str) {
    let mut found = Vec::new();
    let mut rest = path.trim_start_matches([' ', '(']);
    loop {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, ""));
        rest = match (name, after.strip_prefix('(')) {
            ("", _) => return (found, rest),
            ("where" | "as" | "ofType" | "first" | "last", Some(inner)) => behind_call(inner),
            ("extension", Some(inner)) => {
                found.push(name);
                behind_call(inner)
            }
            (_, Some(_)) => return (found, rest),
            (name, None) => {
                found.push(name);
                after
            }
        };
        match rest.strip_prefix('.') {
            Some(more) => rest = more,
            None => return (found, rest),
        }
    }
}

/// What stands behind the bracket that closes a call.
fn behind_call(inner: &str) -> &str {
    let (mut depth, mut quoted) = (1_usize, false);
    for (at, letter) in inner.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return inner.get(at + 1..).unwrap_or_default();
        }
    }
    ""
}

impl Catalogue {
    /// A query as it may be written down: without the values of parameters that find sealed elements.
    #[must_use]
    pub fn written_down(&self, query: String) -> String {
        let hidden = self.hidden();
        if hidden.is_empty() {
            return query;
        }
        let Ok(mut pairs) = parse_pairs(&query) else { return HIDDEN.to_owned() };
        // A chain names the parameter last; a filter holds names and values.
        let tells = |name: &str| {
            ["_filter", "_content", "_text"].contains(&name)
                || name.split([':', '.']).any(|part| hidden.contains(part))
        };
        for (name, value) in &mut pairs {
            if tells(name) {
                HIDDEN.clone_into(value);
            }
        }
        write_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The codes of all parameters that find sealed elements.
    fn hidden(&self) -> &HashSet<Cow<'static, str>> {
        self.hidden.get_or_init(|| {
            let kinds =
                self.sealed.iter().filter_map(|path| ResourceType::find(names(path).first()?));
            let plans = kinds.filter_map(|kind| self.plan(kind).ok());
            let params = plans.flat_map(|plan| &plan.params).filter(|param| param.sealed);
            params.map(|param| param.definition.code.clone()).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_may_tell() {
        let sealed = ["Patient.name.family".to_owned()];
        for (expression, expected) in [
            ("Patient.gender", false),
            ("Patient.name.where(use='usual').given", false),
            ("Patient.name.family", true),
            ("Patient.descendants()", true),
            ("Patient.gender.iif(true, %resource.name.family)", true),
            ("Patient.gender | %resource.name.family", true),
            ("(Patient.deceased as dateTime)", false),
            ("Patient.name.family.exists()", true),
        ] {
            assert_eq!(tells(ResourceType::PATIENT, expression, &sealed), expected, "{expression}");
        }
        assert!(!tells(ResourceType::PATIENT, "Patient.descendants()", &[]));
    }

    #[test]
    fn paths_and_expressions_meet() {
        let patient = |expression: &str, sealed: &str| {
            overlaps(ResourceType::PATIENT, expression, &[sealed.to_owned()])
        };
        for (expression, sealed, expected) in [
            ("Patient.name", "Patient.name.family", true),
            ("Patient.name.family", "Patient.name", true),
            ("Patient.name.given", "Patient.name.family", false),
            ("Patient.birthDate | Person.birthDate", "Patient.birthDate", true),
            ("Person.birthDate", "Patient.birthDate", false),
            ("Patient.identifier", "Patient.identifier.where(system='a.b|(c').value", true),
            ("Patient.telecom.where(system='phone')", "Patient.telecom.value", true),
            ("(Patient.deceased as dateTime)", "Patient.deceased.ofType(dateTime)", true),
            ("Patient.deceased.exists() and Patient.deceased != false", "Patient.deceased", true),
            ("Resource.meta.tag", "Patient.meta.tag.code", true),
            ("Patient.gender", "Patient.descendants().where(true)", true),
            ("Patient.extension('http://a.b/c')", "Patient.extension.value", true),
            ("Patient.gender", "Observation.value", false),
            ("", "Patient.gender", false),
        ] {
            assert_eq!(patient(expression, sealed), expected, "{expression} / {sealed}");
        }
    }
}
