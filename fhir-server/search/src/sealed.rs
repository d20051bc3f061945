//! Which parameters would give away what is stored sealed. Tokens and uris are in a blind index
//! ([`crate::Hasher::blinded`]); strings, dates and numbers would lie open, so those of sealed elements are not indexed,
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
        names.first().is_some_and(|first| is_own(kind, first) && names.len() > 1)
    };
    let ways: Vec<Vec<&str>> = expression.split('|').map(names).filter(own).collect();
    sealed.iter().map(|path| names(path)).any(|path| {
        path.first() == Some(&kind.name())
            && ways.iter().any(|way| path.iter().zip(way).skip(1).all(|(a, b)| a == b))
    })
}

/// As [`overlaps`], of an expression that nobody has looked at: what is not plain may yield anything of the
/// resource, and what asks for a sealed element tells of it, though it yields another.
pub(crate) fn tells(kind: ResourceType, expression: &str, sealed: &[String]) -> bool {
    let sealed: Vec<Vec<&str>> = sealed.iter().map(|path| names(path)).collect();
    let sealed: Vec<_> = sealed.iter().filter(|path| path.first() == Some(&kind.name())).collect();
    let plain = |arm: &str| {
        let way = walk(arm);
        let own = way.names.first().is_some_and(|first| is_own(kind, first));
        let asks = |(depth, criterion): &(usize, &str)| {
            let before = way.names.get(..*depth).unwrap_or_default();
            asks_for(before, criterion, &sealed)
        };
        own && way.names.len() > 1 && is_cast(way.rest) && !way.criteria.iter().any(asks)
    };
    let meets = |arm: &str| {
        let way = names(arm);
        sealed.iter().any(|path| path.iter().zip(way.iter()).skip(1).all(|(a, b)| a == b))
    };
    let arms = || expression.split('|');
    !sealed.is_empty() && (is_odd(expression) || arms().any(meets) || !arms().all(plain))
}

/// Whether a path from this type begins with that name.
fn is_own(kind: ResourceType, name: &str) -> bool {
    [kind.name(), "Resource", "DomainResource"].contains(&name)
}

/// Whether nothing stands behind a path, or ` as Type` alone.
fn is_cast(rest: &str) -> bool {
    let rest = rest.trim_matches([' ', ')']);
    let is_type = |name: &str| name.trim().chars().all(|c| c.is_ascii_alphanumeric());
    rest.is_empty() || rest.strip_prefix("as ").is_some_and(is_type)
}

/// Whether an expression has what leads elsewhere, or could hide from a reader what is quoted: variables,
/// escapes, names in quotes, comments.
fn is_odd(expression: &str) -> bool {
    let mut quoted = false;
    let mut before = ' ';
    expression.chars().any(|letter| {
        quoted ^= letter == '\'';
        let comment = !quoted && before == '/' && ['/', '*'].contains(&letter);
        before = letter;
        comment || ['%', '$', '\\', '`', '"'].contains(&letter)
    })
}

/// Whether a criterion for what lies at a path asks for a sealed element there, or for another resource's.
fn asks_for(before: &[&str], criterion: &str, sealed: &[&Vec<&str>]) -> bool {
    // Every second piece stands between quotes.
    let open: Vec<&str> = criterion.split('\'').step_by(2).collect();
    let leads_away =
        |text: &&str| text.split("resolve").skip(1).any(|behind| !behind.starts_with("() is "));
    let has = |name: &str| {
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        open.iter().any(|text| text.split(is_end).any(|word| word == name))
    };
    let below = |path: &&Vec<&str>| {
        path.iter().zip(before).skip(1).all(|(a, b)| a == b)
            && path.get(before.len()).is_none_or(|next| has(next))
    };
    open.iter().any(leads_away) || sealed.iter().any(below)
}

/// The names along a path, from its type: `Patient, name, family` of
/// `Patient.name.where(use='official').family`.
fn names(path: &str) -> Vec<&str> {
    walk(path).names
}

/// A path, taken apart.
#[derive(Default)]
struct Way<'a> {
    names: Vec<&'a str>,
    /// What `where` asks for, behind so many names.
    criteria: Vec<(usize, &'a str)>,
    /// What stands behind the path.
    rest: &'a str,
}

fn walk(path: &str) -> Way<'_> {
    let mut way = Way { rest: path.trim_start_matches([' ', '(']), ..Way::default() };
    loop {
        let end = way.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, after) =
            way.rest.split_at_checked(end.unwrap_or(way.rest.len())).unwrap_or((way.rest, ""));
        way.rest = match (name, after.strip_prefix('(')) {
            ("", _) => return way,
            ("where", Some(inner)) => {
                let rest = behind_call(inner);
                let criterion = inner.get(..inner.len() - rest.len()).unwrap_or(inner);
                way.criteria.push((way.names.len(), criterion));
                rest
            }
            ("as" | "ofType" | "first" | "last", Some(inner)) => behind_call(inner),
            ("extension", Some(inner)) => {
                way.names.push(name);
                behind_call(inner)
            }
            (_, Some(_)) => return way,
            (name, None) => {
                way.names.push(name);
                after
            }
        };
        match way.rest.strip_prefix('.') {
            Some(more) => way.rest = more,
            None => return way,
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
    /// Whether what an expression of this type yields is stored sealed, or a part of it.
    pub(crate) fn seals(&self, kind: ResourceType, expression: &str) -> bool {
        overlaps(kind, expression, &self.sealed)
    }

    /// Whether any element of this type is stored sealed.
    pub(crate) fn seals_some(&self, kind: ResourceType) -> bool {
        self.sealed.iter().any(|path| names(path).first() == Some(&kind.name()))
    }

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
            let named = |part: &str| {
                ["_filter", "_content", "_text"].contains(&part) || hidden.contains(part)
            };
            name.split([':', '.']).any(named)
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
            ("(Patient.gender as code).combine(%resource.name.family)", true),
            ("(Patient.gender as code).combine(Patient.name.family)", true),
            ("Patient.name.given.where(%resource.name.family='Smith')", true),
            ("Patient.name.where(family='Smith').given", true),
            ("Patient.where(name.exists(family='Smith')).gender", true),
            ("Patient.where(name.count() > 1).gender", true),
            ("Patient.where(active=true).gender", false),
            ("Patient.name.where(use='family').given", false),
            ("Patient.name.where(`family`='Smith').given", true),
            ("Patient.name.where(use='it\\'s' or family='Smith' or use='it\\'s').given", true),
            ("Patient.name.where(/* ' */family='Smith'/* ' */).given", true),
            ("Patient.contact.where(name.family='Smith').gender", false),
            ("(Patient.gender | name.family)", true),
            ("Patient.link.other.where(resolve() is Patient)", false),
            ("Patient.link.other.where(resolve().name.family='Smith')", true),
            ("Patient.extension('http://x.example/e').value", false),
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
