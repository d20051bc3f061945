//! A QuestionnaireResponse against its Questionnaire: which items there are, in which order, with which
//! answers. <https://hl7.org/fhir/R4/questionnaireresponse.html#notes>

mod answers;
mod enabled;

use canonical_model::{IssueCode, Value};

use super::compile::bare;
use super::walk::Walk;
use crate::validate::Path;
use enabled::is_enabled;

/// The canonical URLs of the questionnaires that a resource, or a bundle's entries, answer.
#[must_use]
pub fn answered(resource: &Value) -> Vec<&str> {
    let entries = resource.get("entry").map_or(&[][..], Value::items).iter();
    let all = std::iter::once(resource).chain(entries.filter_map(|it| it.get("resource")));
    let named = all.filter(|it| kind(it) == "QuestionnaireResponse");
    named
        .filter_map(|it| it.get("questionnaire")?.as_str())
        .filter(|it| !it.starts_with('#'))
        .collect()
}

fn kind(resource: &Value) -> &str {
    resource.get("resourceType").and_then(Value::as_str).unwrap_or_default()
}

/// What items are judged by.
struct Form<'a> {
    response: &'a Value,
    /// Whether everything that is required must be there.
    is_complete: bool,
}

/// Judges a response, where its questionnaire is known.
pub(super) fn check<'a>(walk: &mut Walk<'a>, response: &'a Value, path: &Path<'_>) {
    if kind(response) != "QuestionnaireResponse" {
        return;
    }
    let Some(canonical) = response.get("questionnaire").and_then(Value::as_str) else { return };
    let here = path.child("questionnaire");
    let Some(questionnaire) = find(walk, response, canonical) else {
        let text =
            "The questionnaire is not known here, so the answers were not checked against it.";
        return walk.report.unjudged(&here, text);
    };
    let status = response.get("status").and_then(Value::as_str).unwrap_or_default();
    let form = Form { response, is_complete: matches!(status, "completed" | "amended") };
    form.level(walk, list(questionnaire, "item"), list(response, "item"), path);
}

fn find<'a>(walk: &Walk<'a>, response: &'a Value, canonical: &str) -> Option<&'a Value> {
    if let Some(id) = canonical.strip_prefix('#') {
        let contained = list(response, "contained").iter();
        return contained.into_iter().find(|it| {
            it.get("id").and_then(Value::as_str) == Some(id) && kind(it) == "Questionnaire"
        });
    }
    let url = bare(canonical);
    walk.questionnaires.iter().find(|it| it.get("url").and_then(Value::as_str) == Some(url))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).map_or(&[], Value::items)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

impl<'a> Form<'a> {
    /// The items of one level.
    fn level(&self, walk: &mut Walk<'a>, asked: &'a [Value], given: &'a [Value], path: &Path<'_>) {
        let all = path.child("item");
        let mut last = 0;
        for (n, item) in given.iter().enumerate() {
            let here = all.item(n);
            if walk.report.is_full() || !walk.spend(asked.len(), &here) {
                return;
            }
            let link = text(item, "linkId");
            let Some(place) = asked.iter().position(|it| text(it, "linkId") == link) else {
                let text =
                    "The questionnaire has no such item here: correct linkId or move the item.";
                walk.report.error(IssueCode::Structure, &here, text);
                continue;
            };
            if place < last {
                let text = "Put the items into the order of the questionnaire.";
                walk.report.error(IssueCode::Structure, &here, text);
            }
            last = last.max(place);
            if let Some(question) = asked.get(place) {
                self.item(walk, question, item, &here);
            }
        }
        for question in asked {
            self.times(walk, question, given, &all);
        }
    }

    /// How often an item is there.
    fn times(&self, walk: &mut Walk<'a>, question: &Value, given: &[Value], path: &Path<'_>) {
        let link = text(question, "linkId");
        let count = given.iter().filter(|it| text(it, "linkId") == link).count();
        let kind = text(question, "type");
        let many = kind == "group" && flag(question, "repeats");
        if count > 1 && !many {
            let text = format!("Give the item {} once: several answers stand in one item.", link);
            walk.report.error(IssueCode::Structure, path, text);
        }
        let needed = self.is_complete && flag(question, "required") && kind != "display";
        if count == 0 && needed && is_enabled(question, self.response) {
            let text = format!("The questionnaire requires the item {link}.");
            walk.report.error(IssueCode::Required, path, text);
        }
    }

    fn item(&self, walk: &mut Walk<'a>, question: &'a Value, item: &'a Value, path: &Path<'_>) {
        let given = list(item, "answer");
        let kind = text(question, "type");
        if !is_enabled(question, self.response) && (!given.is_empty() || item.get("item").is_some())
        {
            let text = "By the other answers this item is not asked: leave it out.";
            walk.report.error(IssueCode::Structure, path, text);
        }
        let inner = list(question, "item");
        if matches!(kind, "group" | "display") {
            if !given.is_empty() {
                let text = "This item is no question: leave its answers out.";
                walk.report.error(IssueCode::Structure, &path.child("answer"), text);
            }
            return self.level(walk, inner, list(item, "item"), path);
        }
        if item.get("item").is_some() {
            let text = "Items within a question stand in its answer.";
            walk.report.error(IssueCode::Structure, &path.child("item"), text);
        }
        let answers = path.child("answer");
        if given.is_empty() && self.is_complete && flag(question, "required") {
            let text = "The questionnaire requires an answer.";
            walk.report.error(IssueCode::Required, &answers, text);
        }
        if given.len() > 1 && !flag(question, "repeats") {
            let text = "Give one answer: the question does not repeat.";
            walk.report.error(IssueCode::Structure, &answers, text);
        }
        for (n, answer) in given.iter().enumerate() {
            let here = answers.item(n);
            answers::check(walk, question, answer, &here);
            self.level(walk, inner, list(answer, "item"), &here);
        }
    }
}
