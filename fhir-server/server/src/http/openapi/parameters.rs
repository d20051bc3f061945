//! The parameters of routes: what stands in their paths, and what shapes their answers.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{Required, Schema};

use super::said::{Described, Gives, Takes};

/// Names in braces, with what they mean, a pattern of theirs and an example.
const NAMES: [(&str, &str, &str, &str); 7] = [
    ("type", "A resource type of FHIR R4", "^[A-Z][A-Za-z]+$", "Patient"),
    ("id", "A logical id", "^[A-Za-z0-9.-]{1,64}$", "example"),
    ("version", "A version's number", "^[1-9][0-9]{0,8}$", "1"),
    ("member", "A resource type, or * for all", r"^([A-Z][A-Za-z]+|\*)$", "Observation"),
    ("event", "An event of the record of accesses", "^j-[0-9]+-[0-9]+-[0-9]+$", "j-1-1-0"),
    ("operation", "An operation's definition", "^[A-Za-z0-9.-]{1,64}$", "Patient-access-report"),
    ("client", "An app's id", "^[A-Za-z0-9._-]{1,128}$", "app"),
];

/// What shapes an answer of FHIR: name, meaning, values.
const VIEW: [(&str, &str, &[&str]); 4] = [
    ("_format", "The format of the answer", &["json", "xml"]),
    ("_pretty", "Lay the answer out for people", &["true", "false"]),
    ("_summary", "A part of each resource", &["true", "text", "data", "count", "false"]),
    ("_elements", "Elements to keep, with commas between them", &[]),
];

/// Headers that decide what a write does: name, meaning.
const UNIQUE: (&str, &str) = ("If-None-Exist", "Criteria: nothing is created where they find one");
const HELD: (&str, &str) =
    ("If-Match", "The ETag that was read: nothing changes where it is another");
const WISH: (&str, &str) =
    ("Prefer", "return=minimal, return=representation or return=OperationOutcome");
const ONCE: (&str, &str) =
    ("Idempotency-Key", "The same key again is answered as the first time, and nothing is done");

/// The parameters of a route.
pub(super) fn of(one: &Described) -> Vec<Parameter> {
    let path = &*one.route.path;
    let braces = path.split(['{', '}']).skip(1).step_by(2);
    let mut all: Vec<Parameter> = braces.map(in_path).collect();
    if path.ends_with("/metadata") {
        all.push(query("mode", "Which statement", &["full", "normative", "terminology"]));
    }
    all.extend(headers(one).into_iter().map(in_header));
    match one.said.takes {
        Takes::View => all.extend(view()),
        Takes::Arguments | Takes::Judged => {
            all.push(free(
                "arguments",
                "Parameters as the operation's OperationDefinition lists them",
            ));
            all.extend(view());
        }
        Takes::Criteria | Takes::Where | Takes::ResourceWhere | Takes::PatchWhere => {
            all.push(criteria());
            all.extend(view());
        }
        Takes::Query => all.push(criteria()),
        Takes::Resource
        | Takes::Parameters
        | Takes::Patch
        | Takes::Bundle
        | Takes::CriteriaForm => all.extend(view()),
        Takes::Nothing | Takes::Form | Takes::Json => {}
    }
    all
}

fn headers(one: &Described) -> Vec<(&'static str, &'static str)> {
    let is_write = match one.said.takes {
        Takes::Patch | Takes::PatchWhere | Takes::Bundle => true,
        _ => one.said.gives == Gives::Written,
    };
    let mut all = if is_write { vec![WISH, ONCE] } else { Vec::new() };
    match (one.route.method.as_str(), &*one.route.path) {
        ("POST", "/fhir/{type}") => all.push(UNIQUE),
        ("PUT" | "PATCH", path) if path.starts_with("/fhir/") => all.push(HELD),
        ("DELETE", "/fhir/{type}/{id}") => all.push(HELD),
        _ => {}
    }
    all
}

fn in_header((name, meaning): (&str, &str)) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(meaning))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn in_path(name: &str) -> Parameter {
    let known = NAMES.iter().find(|(known, ..)| *known == name);
    let (_, meaning, pattern, example) = known.copied().unwrap_or((name, "", ".", "x"));
    let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(meaning))
        .example(Some(example.into()))
        .schema(Some(schema))
        .build()
}

fn view() -> impl Iterator<Item = Parameter> {
    VIEW.iter().map(|(name, meaning, values)| query(name, meaning, values))
}

fn query(name: &str, meaning: &str, values: &[&str]) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let schema = match values {
        [] => schema,
        values => schema.enum_values(Some(values.iter().copied())),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(meaning))
        .schema(Some(schema))
        .build()
}

/// Any criteria: those of each type are in the CapabilityStatement.
fn criteria() -> Parameter {
    free("criteria", "Parameters as /fhir/metadata lists them for the type")
}

/// Parameters of any names.
fn free(name: &str, meaning: &str) -> Parameter {
    let texts = ObjectBuilder::new().schema_type(Type::String);
    let schema = ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::RefOr(Schema::from(texts).into())));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(meaning))
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
        .schema(Some(schema))
        .build()
}
