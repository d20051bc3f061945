//! The table of contents: which method and path below the base is which interaction. What is not listed here is
//! not routed. <https://hl7.org/fhir/R4/http.html#summary>

use auth::{Listed, listed};
use canonical_model::{Error, Kind as ErrorKind, ResourceId, ResourceType, Result};
use domain::interactions::search::Scope;
use domain::operations::Operation;
use domain::record::parse_event_id;
use http::Method;

use crate::interaction::Interaction as It;
use crate::operations::defined;
use crate::router::BESIDE;

/// The methods of the interactions.
pub(crate) const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// One route.
struct Row {
    methods: &'static [Method],
    path: &'static [Part],
    /// The interaction, of the parts of a path that fits.
    make: fn(&[&str]) -> Result<It>,
}

/// One part of a path.
#[derive(Clone, Copy)]
enum Part {
    /// This word.
    Word(&'static str),
    /// A resource type, or what should be one: anything that is no word of the system.
    Kind,
    /// An id, or what should be one: no operation and no word of FHIR.
    Id,
    /// The id of an event of the record of accesses.
    Event,
    /// The id of the definition of one of the operations.
    Defined,
    /// A resource type, or all of them.
    Member,
    /// A version, or what should be one.
    Version,
}
use Part::{Defined, Event, Id, Kind, Member, Version, Word};

/// Parts of the longest path.
const PARTS_MAX: usize = 4;

const READ: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const ASK: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
const PUT: &[Method] = &[Method::PUT];
const PATCH: &[Method] = &[Method::PATCH];
const DELETE: &[Method] = &[Method::DELETE];

const ROWS: [Row; 40] = [
    row(READ, &[Word("metadata")], |_| Ok(It::Capabilities)),
    row(READ, &[Word("_history")], |_| Ok(It::HistorySystem)),
    row(READ, &[], |_| Ok(It::Search(Scope::System))),
    row(POST, &[Word("_search")], |_| Ok(It::Search(Scope::System))),
    row(POST, &[], |_| Ok(It::Bundle)),
    row(READ, &[Kind], |at| Ok(It::Search(Scope::Type(kind(at)?)))),
    row(POST, &[Kind, Word("_search")], |at| Ok(It::Search(Scope::Type(kind(at)?)))),
    row(POST, &[Kind], |at| Ok(It::Create(kind(at)?))),
    row(PUT, &[Kind], |at| Ok(It::ConditionalUpdate(kind(at)?))),
    row(PATCH, &[Kind], |at| Ok(It::ConditionalPatch(kind(at)?))),
    row(DELETE, &[Kind], |at| Ok(It::ConditionalDelete(kind(at)?))),
    row(READ, &[Kind, Word("_history")], |at| Ok(It::HistoryType(kind(at)?))),
    row(READ, &[Word("AuditEvent"), Word("$journal")], |_| Ok(It::Journal)),
    row(READ, &[Word("AuditEvent"), Event], |at| Ok(It::JournalEvent(id(at)?))),
    row(READ, &[Word("OperationDefinition"), Defined], |at| Ok(It::Definition(id(at)?))),
    row(READ, &[Kind, Id], |at| Ok(It::Read(kind(at)?, id(at)?))),
    row(PUT, &[Kind, Id], |at| Ok(It::Update(kind(at)?, written(at)?))),
    row(PATCH, &[Kind, Id], |at| Ok(It::Patch(kind(at)?, written(at)?))),
    row(DELETE, &[Kind, Id], |at| Ok(It::Delete(kind(at)?, written(at)?))),
    row(READ, &[Word("Patient"), Id, Word("$access-report")], |at| Ok(It::AccessReport(id(at)?))),
    row(READ, &[Word("Patient"), Id, Word("$accounting-of-disclosures")], |at| {
        Ok(It::Disclosures(id(at)?))
    }),
    row(ASK, &[Word("CodeSystem"), Word("$lookup")], |_| {
        Ok(It::Terminology(Operation::Lookup, None))
    }),
    row(ASK, &[Word("CodeSystem"), Word("$validate-code")], |_| {
        Ok(It::Terminology(Operation::ValidateCodeInSystem, None))
    }),
    row(ASK, &[Word("CodeSystem"), Word("$subsumes")], |_| {
        Ok(It::Terminology(Operation::Subsumes, None))
    }),
    row(ASK, &[Word("ValueSet"), Word("$expand")], |_| {
        Ok(It::Terminology(Operation::Expand, None))
    }),
    row(ASK, &[Word("ValueSet"), Word("$validate-code")], |_| {
        Ok(It::Terminology(Operation::ValidateCodeInSet, None))
    }),
    row(ASK, &[Word("ConceptMap"), Word("$translate")], |_| {
        Ok(It::Terminology(Operation::Translate, None))
    }),
    row(ASK, &[Word("CodeSystem"), Id, Word("$validate-code")], |at| {
        Ok(It::Terminology(Operation::ValidateCodeInSystem, Some(id(at)?)))
    }),
    row(ASK, &[Word("CodeSystem"), Id, Word("$subsumes")], |at| {
        Ok(It::Terminology(Operation::Subsumes, Some(id(at)?)))
    }),
    row(ASK, &[Word("ValueSet"), Id, Word("$expand")], |at| {
        Ok(It::Terminology(Operation::Expand, Some(id(at)?)))
    }),
    row(ASK, &[Word("ValueSet"), Id, Word("$validate-code")], |at| {
        Ok(It::Terminology(Operation::ValidateCodeInSet, Some(id(at)?)))
    }),
    row(ASK, &[Word("ConceptMap"), Id, Word("$translate")], |at| {
        Ok(It::Terminology(Operation::Translate, Some(id(at)?)))
    }),
    row(POST, &[Word("Task"), Id, Word("$release")], |at| Ok(It::Release(id(at)?))),
    row(POST, &[Kind, Word("$validate")], |at| Ok(It::Validate(kind(at)?, None))),
    row(READ, &[Kind, Id, Word("$validate")], |at| Ok(It::Validate(kind(at)?, Some(id(at)?)))),
    row(POST, &[Kind, Id, Word("$validate")], |at| Ok(It::Validate(kind(at)?, Some(id(at)?)))),
    row(READ, &[Kind, Id, Word("_history")], |at| Ok(It::HistoryInstance(kind(at)?, id(at)?))),
    row(READ, &[Kind, Id, Member], |at| Ok(It::Search(compartment(at)?))),
    row(POST, &[Kind, Id, Member, Word("_search")], |at| Ok(It::Search(compartment(at)?))),
    row(READ, &[Kind, Id, Word("_history"), Version], |at| {
        Ok(It::Vread(kind(at)?, id(at)?, numbered(part(at, 3))?))
    }),
];

const fn row(
    methods: &'static [Method],
    path: &'static [Part],
    make: fn(&[&str]) -> Result<It>,
) -> Row {
    Row { methods, path, make }
}

/// The interaction of a method and a path below the base; `None` where none is listed.
pub(crate) fn find(method: &Method, path: &str) -> Result<Option<It>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let (mut parts, mut count) = ([""; PARTS_MAX], 0);
    if !path.is_empty() {
        for text in path.split('/') {
            match parts.get_mut(count) {
                Some(place) if !text.is_empty() => *place = text,
                _ => return Ok(None),
            }
            count += 1;
        }
    }
    let parts = parts.get(..count).unwrap_or_default();
    let fits = |row: &&Row| {
        row.path.len() == count
            && row.methods.contains(method)
            && row.path.iter().zip(parts).all(|(part, text)| part.takes(text))
    };
    ROWS.iter().find(fits).map(|row| (row.make)(parts)).transpose()
}

/// The methods that a path takes.
pub(crate) fn allowed(path: &str) -> Vec<&'static Method> {
    const ALL: &[Method] = &METHODS;
    ALL.iter().filter(|method| matches!(find(method, path), Ok(Some(_)))).collect()
}

/// The list of all routes below `/fhir`, each with what it asks.
///
/// # Errors
/// A row does not understand its own path.
pub fn routes() -> Result<Vec<Listed>> {
    let mut routes = listed(&BESIDE);
    for row in &ROWS {
        let sample: Vec<&str> = row.path.iter().map(|part| part.sample()).collect();
        let rule = (row.make)(&sample)?.rule().to_string();
        let names = row.path.iter().map(|part| format!("/{}", part.name()));
        let path = format!("/fhir{}", names.collect::<String>());
        routes.extend(row.methods.iter().map(|method| Listed {
            method: method.clone(),
            path: path.clone().into(),
            rule: rule.clone(),
        }));
    }
    Ok(routes)
}

impl Part {
    fn takes(self, text: &str) -> bool {
        match self {
            Word(word) => text == word,
            Kind => !matches!(text, "metadata" | "_history" | "_search"),
            Id => !text.starts_with(['_', '$']),
            Event => is_event(text),
            Defined => defined(text).is_some(),
            Member => text == "*" || ResourceType::find(text).is_some(),
            Version => true,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Word(word) => word,
            Kind => "{type}",
            Id => "{id}",
            Event => "{event}",
            Defined => "{operation}",
            Member => "{member}",
            Version => "{version}",
        }
    }

    fn sample(self) -> &'static str {
        match self {
            Word(word) => word,
            Kind => "Patient",
            Id | Version => "1",
            Event => "j-1-1-0",
            Defined => "Patient-access-report",
            Member => "Observation",
        }
    }
}

fn part<'a>(parts: &[&'a str], at: usize) -> &'a str {
    parts.get(at).copied().unwrap_or_default()
}

fn kind(parts: &[&str]) -> Result<ResourceType> {
    known(part(parts, 0))
}

fn id(parts: &[&str]) -> Result<ResourceId> {
    ResourceId::parse(part(parts, 1))
}

/// An id to write under: none of what the server itself has there, for it would never be read.
fn written(parts: &[&str]) -> Result<ResourceId> {
    let (kind, own) = (part(parts, 0), part(parts, 1));
    let refuse = |text| Err(Error::new(ErrorKind::MethodNotAllowed, text));
    if kind == ResourceType::AUDIT_EVENT.name() && is_event(own) {
        return refuse(
            "Ids of this form name the record of accesses, which the server itself keeps.",
        );
    }
    if kind == ResourceType::OPERATION_DEFINITION.name() && defined(own).is_some() {
        return refuse(
            "This id names an operation of this server, which the server itself defines.",
        );
    }
    id(parts)
}

fn is_event(text: &str) -> bool {
    parse_event_id(text).is_some()
}

/// <https://hl7.org/fhir/R4/http.html#vsearch>
fn compartment(parts: &[&str]) -> Result<Scope> {
    let member = part(parts, 2);
    let member = if member == "*" { None } else { Some(known(member)?) };
    Ok(Scope::Compartment(kind(parts)?, id(parts)?, member))
}

fn known(name: &str) -> Result<ResourceType> {
    ResourceType::find(name).ok_or_else(|| {
        Error::not_found(
            "The path names no resource type of FHIR R4. Types are spelt as `Patient`.",
        )
    })
}

/// A version that is no number of ours names nothing.
fn numbered(version: &str) -> Result<i32> {
    let digits = version.bytes().all(|b| b.is_ascii_digit()) && !version.starts_with('0');
    match version.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(Error::not_found("There is no such version.")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use conformance::operation::On;

    use super::*;
    use crate::operations::OPERATIONS;

    /// Each operation is routed where its definition says, and nothing else is. Who adds one adds it to both.
    #[test]
    fn operations_are_routed_as_they_are_defined() {
        let mut routed = BTreeSet::new();
        for row in &ROWS {
            let (place, last) = match row.path {
                [Word(word)] => ("system".to_owned(), word),
                [Kind, Word(word)] => ("every type".to_owned(), word),
                [Word(kind), Word(word)] => (format!("type {kind}"), word),
                [Kind, Id, Word(word)] => ("every instance".to_owned(), word),
                [Word(kind), Id, Word(word)] => (format!("instance {kind}"), word),
                _ => continue,
            };
            routed.extend(last.strip_prefix('$').map(|code| format!("{code}: {place}")));
        }
        let mut defined = BTreeSet::new();
        for operation in OPERATIONS.iter() {
            let kinds: Vec<String> = match operation.on {
                On::System => Vec::new(),
                On::Every => vec!["every".to_owned()],
                On::Types(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            };
            let mut add = |place: String| defined.insert(format!("{}: {place}", operation.code));
            if operation.system {
                add("system".to_owned());
            }
            for kind in kinds {
                let place = |word: &str| match kind.as_str() {
                    "every" => format!("every {word}"),
                    kind => format!("{word} {kind}"),
                };
                if operation.of_type {
                    add(place("type"));
                }
                if operation.of_instance {
                    add(place("instance"));
                }
            }
        }
        assert_eq!(routed, defined);
    }
}
