//! Responses against a questionnaire, one fault a case.

use canonical_model::{Resource, Severity, Value, json};

use super::{Unknown, Validator};
use crate::profile::{Profiles, answered};

const FORM: &str = r#"{"resourceType":"Questionnaire","url":"https://a.example/q","status":"active","item":[
{"linkId":"1","type":"boolean","required":true},
{"linkId":"2","type":"group","item":[
  {"linkId":"2.1","type":"string","maxLength":3},
  {"linkId":"2.2","type":"choice","repeats":true,"answerOption":[{"valueCoding":{"system":"s","code":"a"}},{"valueCoding":{"system":"s","code":"b"}}]}]},
{"linkId":"3","type":"integer","required":true,"enableWhen":[{"question":"1","operator":"=","answerBoolean":true}],"item":[{"linkId":"3.1","type":"text"}]},
{"linkId":"4","type":"display"},
{"linkId":"5","type":"open-choice","answerOption":[{"valueString":"x"}]}]}"#;

fn told(status: &str, items: &str) -> Vec<String> {
    let text = format!(
        r#"{{"resourceType":"QuestionnaireResponse","questionnaire":"https://a.example/q|2","status":"{status}","item":[{items}]}}"#
    );
    let resource = Resource::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(answered(resource.body()), ["https://a.example/q|2"]);
    crate::validate(&resource).unwrap_or_else(|e| panic!("{text}: {e}"));
    let (profiles, forms) = (Profiles::new(), [json::parse(FORM.as_bytes()).unwrap()]);
    let validator = Validator::new(&profiles, &Unknown).with_questionnaires(&forms);
    let mut issues = validator.judge(&resource, &[]);
    issues.retain(|it| it.severity == Severity::Error);
    super::told(&issues)
}

#[test]
fn responses() {
    let yes = r#"{"linkId":"1","answer":[{"valueBoolean":true}]}"#;
    let no = r#"{"linkId":"1","answer":[{"valueBoolean":false}]}"#;
    let three = r#"{"linkId":"3","answer":[{"valueInteger":3}]}"#;
    for (items, expected) in [
        (format!("{yes},{three}"), &[][..]),
        (no.to_owned(), &[]),
        (yes.to_owned(), &["error QuestionnaireResponse.item required"]),
        (
            three.to_owned(),
            &[
                "error QuestionnaireResponse.item[0] structure",
                "error QuestionnaireResponse.item required",
            ],
        ),
        (format!("{no},{three}"), &["error QuestionnaireResponse.item[1] structure"]),
        (format!("{three},{yes}"), &["error QuestionnaireResponse.item[1] structure"]),
        (format!("{no},{no}"), &["error QuestionnaireResponse.item structure"]),
        (
            r#"{"linkId":"1","answer":[{"valueString":"yes"}]}"#.to_owned(),
            &["error QuestionnaireResponse.item[0].answer[0].value structure"],
        ),
        (format!(r#"{no},{{"linkId":"9"}}"#), &["error QuestionnaireResponse.item[1] structure"]),
        (
            format!(
                r#"{no},{{"linkId":"2","item":[{{"linkId":"2.1","answer":[{{"valueString":"abcd"}}]}}]}}"#
            ),
            &["error QuestionnaireResponse.item[1].item[0].answer[0].value too-long"],
        ),
        (
            format!(r#"{no},{{"linkId":"2.1","answer":[{{"valueString":"a"}}]}}"#),
            &["error QuestionnaireResponse.item[1] structure"],
        ),
        (
            format!(
                r#"{no},{{"linkId":"2","item":[{{"linkId":"2.2","answer":[{{"valueCoding":{{"system":"s","code":"a"}}}},{{"valueCoding":{{"system":"s","code":"c"}}}}]}}]}}"#
            ),
            &["error QuestionnaireResponse.item[1].item[0].answer[1].value code-invalid"],
        ),
        (
            format!(r#"{no},{{"linkId":"2","answer":[{{"valueString":"a"}}]}}"#),
            &["error QuestionnaireResponse.item[1].answer structure"],
        ),
        (
            format!(
                r#"{yes},{{"linkId":"3","answer":[{{"valueInteger":1}},{{"valueInteger":2}}]}}"#
            ),
            &["error QuestionnaireResponse.item[1].answer structure"],
        ),
        (
            format!(
                r#"{yes},{{"linkId":"3","answer":[{{"valueInteger":1,"item":[{{"linkId":"3.1","answer":[{{"valueString":"a"}}]}}]}}]}}"#
            ),
            &[],
        ),
        (
            format!(
                r#"{yes},{{"linkId":"3","item":[{{"linkId":"3.1"}}],"answer":[{{"valueInteger":1}}]}}"#
            ),
            &[
                "error QuestionnaireResponse.item[1].item structure",
                "error QuestionnaireResponse.item[1] invariant",
            ],
        ),
        (format!(r#"{no},{{"linkId":"5","answer":[{{"valueString":"anything"}}]}}"#), &[]),
        (
            format!(r#"{no},{{"linkId":"5","answer":[{{"valueCoding":{{"code":"a"}}}}]}}"#),
            &["error QuestionnaireResponse.item[1].answer[0].value code-invalid"],
        ),
    ] {
        assert_eq!(told("completed", &items), expected, "{items}");
    }
    // What is not complete yet may lack answers.
    assert_eq!(told("in-progress", yes), [""; 0]);
}

#[test]
fn one_that_is_not_known_is_told() {
    let text = r#"{"resourceType":"QuestionnaireResponse","questionnaire":"https://a.example/none","status":"completed"}"#;
    let profiles = Profiles::new();
    let resource = Resource::parse(text.as_bytes()).unwrap();
    let issues = Validator::new(&profiles, &Unknown).judge(&resource, &[]);
    let at = Some("QuestionnaireResponse.questionnaire");
    assert!(issues.iter().any(|it| it.expression.as_deref() == at), "{issues:?}");
    assert_eq!(answered(&Value::Null), [""; 0]);
}

/// Each answer is looked for among the options of its question: so many in all, and no more.
#[test]
fn many_answers_of_many_options_end_as_too_costly() {
    let options: Vec<String> =
        (0..10_000).map(|n| format!(r#"{{"valueCoding":{{"code":"o{n}"}}}}"#)).collect();
    let form = format!(
        r#"{{"resourceType":"Questionnaire","url":"https://a.example/q","status":"active","item":[
        {{"linkId":"1","type":"choice","repeats":true,"answerOption":[{}]}}]}}"#,
        options.join(",")
    );
    let answers = vec![r#"{"valueCoding":{"code":"o9999"}}"#; 10_000].join(",");
    let response = format!(
        r#"{{"resourceType":"QuestionnaireResponse","questionnaire":"https://a.example/q","status":"completed",
        "item":[{{"linkId":"1","answer":[{answers}]}}]}}"#
    );
    let resource = Resource::parse(response.as_bytes()).unwrap();
    let (profiles, forms) = (Profiles::new(), [json::parse(form.as_bytes()).unwrap()]);
    let validator = Validator::new(&profiles, &Unknown).with_questionnaires(&forms);
    let issues = validator.judge(&resource, &[]);
    assert!(issues.iter().any(|it| it.code == canonical_model::IssueCode::TooCostly), "{issues:?}");
}
