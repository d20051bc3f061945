//! One answer: of the type that the question asks for, not too long, one of the options.
//! <https://hl7.org/fhir/R4/valueset-item-type.html>

use canonical_model::{IssueCode, Value};

use super::{list, text};
use crate::profile::compile::bare;
use crate::profile::terms::Verdict;
use crate::profile::walk::Walk;
use crate::validate::Path;

/// What answers to each type of question are, as the end of `value[x]`.
const TYPES: [(&str, &[&str]); 15] = [
    ("boolean", &["Boolean"]),
    ("decimal", &["Decimal"]),
    ("integer", &["Integer"]),
    ("date", &["Date"]),
    ("dateTime", &["DateTime"]),
    ("time", &["Time"]),
    ("string", &["String"]),
    ("text", &["String"]),
    ("url", &["Uri"]),
    ("choice", &["Coding", "Integer", "Date", "Time", "String", "Reference"]),
    ("open-choice", &["Coding", "String", "Integer", "Date", "Time", "Reference"]),
    ("attachment", &["Attachment"]),
    ("reference", &["Reference"]),
    ("quantity", &["Quantity"]),
    ("question", &[]),
];

/// The value of an answer or option, and the end of its name.
pub(super) fn value(of: &Value) -> Option<(&str, &Value)> {
    let members = of.as_object()?.iter();
    let mut values = members.filter_map(|(name, value)| Some((name.strip_prefix("value")?, value)));
    values.find(|(kind, _)| kind.starts_with(|c: char| c.is_ascii_uppercase()))
}

pub(super) fn check(walk: &mut Walk<'_>, question: &Value, answer: &Value, path: &Path<'_>) {
    let Some((kind, given)) = value(answer) else { return };
    let here = path.child("value");
    let asked = text(question, "type");
    let types = TYPES.iter().find(|(name, _)| *name == asked).map_or(&[][..], |(_, types)| types);
    if !types.is_empty() && !types.contains(&kind) {
        let text =
            format!("Answer a question of type {asked} with value{}.", types.join(" or value"));
        return walk.report.error(IssueCode::Structure, &here, text);
    }
    let most = question.get("maxLength").and_then(Value::as_number).and_then(|it| it.to_i64());
    if let (Some(most), Some(text)) = (most.and_then(|it| usize::try_from(it).ok()), given.as_str())
        && text.chars().count() > most
    {
        walk.report.error(IssueCode::TooLong, &here, format!("Use at most {most} characters."));
    }
    options(walk, question, kind, given, &here);
}

/// Whether the answer is one of those that the question offers.
fn options(walk: &mut Walk<'_>, question: &Value, kind: &str, given: &Value, path: &Path<'_>) {
    let is_open = text(question, "type") == "open-choice";
    let offered = list(question, "answerOption");
    if !offered.is_empty() {
        if !walk.spend(offered.len(), path) {
            return;
        }
        let is_it = |option: &Value| value(option).is_some_and(|(_, one)| same(one, given));
        let is_own_words = is_open && kind == "String";
        if !is_own_words && !offered.iter().any(is_it) {
            let text = "Answer with one of the options that the question offers.";
            walk.report.error(IssueCode::CodeInvalid, path, text);
        }
        return;
    }
    let value_set = text(question, "answerValueSet");
    if value_set.is_empty() || kind != "Coding" {
        return;
    }
    let system = given.get("system").and_then(Value::as_str);
    match walk.terminology.check(bare(value_set), system, text(given, "code")) {
        Verdict::In => {}
        Verdict::Out => {
            let text = "Answer with a code of the value set that the question names.";
            walk.report.error(IssueCode::CodeInvalid, path, text);
        }
        Verdict::Unknown => {
            let text =
                "Not checked against the question's value set, which is not known here in full.";
            walk.report.unjudged(path, text);
        }
    }
}

/// Whether two answers are the same: of codes the system and the code decide.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(one), Value::Object(other)) if one.get("code").is_some() => {
            one.get("code") == other.get("code") && one.get("system") == other.get("system")
        }
        (Value::Number(one), Value::Number(other)) => {
            canonical_model::decimal::compare(one.as_str(), other.as_str()).is_eq()
        }
        _ => a == b,
    }
}
