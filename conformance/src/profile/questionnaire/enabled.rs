//! Whether an item is asked at all: `enableWhen`.
//! <https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen>

use std::cmp::Ordering;

use canonical_model::{Value, decimal};

use super::answers::{same, value};
use super::{list, text};

/// Whether the other answers of a response ask for this item.
pub(super) fn is_enabled(question: &Value, response: &Value) -> bool {
    let conditions = list(question, "enableWhen");
    if conditions.is_empty() {
        return true;
    }
    let mut truths = conditions.iter().map(|condition| holds(condition, response));
    if text(question, "enableBehavior") == "all" {
        truths.all(|it| it)
    } else {
        truths.any(|it| it)
    }
}

fn holds(condition: &Value, response: &Value) -> bool {
    let mut given = Vec::new();
    answers(response, text(condition, "question"), &mut given);
    let Some(wanted) = answer(condition) else { return false };
    match text(condition, "operator") {
        "exists" => wanted.as_bool() != Some(given.is_empty()),
        "=" => given.iter().any(|it| same(it, wanted)),
        "!=" => !given.iter().any(|it| same(it, wanted)),
        ">" => given.iter().any(|it| order(it, wanted) == Some(Ordering::Greater)),
        "<" => given.iter().any(|it| order(it, wanted) == Some(Ordering::Less)),
        ">=" => given.iter().any(|it| order(it, wanted).is_some_and(Ordering::is_ge)),
        "<=" => given.iter().any(|it| order(it, wanted).is_some_and(Ordering::is_le)),
        _ => false,
    }
}

/// `answer[x]` of a condition.
fn answer(condition: &Value) -> Option<&Value> {
    let mut members = condition.as_object()?.iter();
    let is_it = |name: &str| {
        name.strip_prefix("answer")
            .is_some_and(|it| it.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    members.find(|(name, _)| is_it(name)).map(|(_, value)| value)
}

/// All answers to a question, wherever it stands.
fn answers<'a>(within: &'a Value, link: &str, found: &mut Vec<&'a Value>) {
    for item in list(within, "item") {
        for answer in list(item, "answer") {
            if text(item, "linkId") == link {
                found.extend(value(answer).map(|(_, value)| value));
            }
            answers(answer, link, found);
        }
        answers(item, link, found);
    }
}

fn order(given: &Value, wanted: &Value) -> Option<Ordering> {
    match (given, wanted) {
        (Value::Number(a), Value::Number(b)) => Some(decimal::compare(a.as_str(), b.as_str())),
        // Dates and times of one precision are in the order of their text.
        (Value::String(a), Value::String(b)) => Some(a.as_str().cmp(b.as_str())),
        (Value::Object(a), Value::Object(b)) if a.get("unit") == b.get("unit") => {
            order(a.get("value")?, b.get("value")?)
        }
        _ => None,
    }
}
