//! What a server says about a failure, in one line.
//! <https://hl7.org/fhir/R4/operationoutcome.html>

use serde::Deserialize;

use crate::limits::ERROR_CHARS_MAX;

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    severity: Option<String>,
    code: Option<String>,
    diagnostics: Option<String>,
    details: Option<Details>,
    #[serde(default)]
    expression: Vec<String>,
}

#[derive(Deserialize)]
struct Details {
    text: Option<String>,
}

impl Issue {
    fn grave(&self) -> bool {
        !matches!(self.severity.as_deref(), Some("information" | "warning"))
    }

    fn line(&self) -> String {
        let details = self.details.as_ref().and_then(|details| details.text.as_deref());
        let words = self.diagnostics.as_deref().or(details).or(self.code.as_deref());
        let words = words.unwrap_or("no reason given");
        match self.expression.first() {
            Some(path) => format!("{path}: {words}"),
            None => words.to_owned(),
        }
    }
}

fn issues(body: &[u8]) -> Vec<Issue> {
    serde_json::from_slice::<Outcome>(body).map(|outcome| outcome.issue).unwrap_or_default()
}

/// The grave issues of an OperationOutcome, or the beginning of whatever else was answered.
pub(crate) fn text(body: &[u8]) -> String {
    let lines: Vec<_> = issues(body).iter().filter(|i| i.grave()).map(Issue::line).collect();
    let text = match lines.is_empty() {
        false => lines.join("; "),
        true => String::from_utf8_lossy(body).split_whitespace().collect::<Vec<_>>().join(" "),
    };
    match text.char_indices().nth(ERROR_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None if text.is_empty() => "no reason given".to_owned(),
        None => text,
    }
}

/// The entry of a Bundle that the first issue is about, as `Bundle.entry[7].resource` says.
pub(crate) fn entry(body: &[u8]) -> Option<usize> {
    let issues = issues(body);
    let path = issues.iter().find(|issue| issue.grave())?.expression.first()?;
    let (number, _) = path.split_once("entry[")?.1.split_once(']')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_matters() {
        let outcome = r#"{"resourceType":"OperationOutcome","issue":[
            {"severity":"warning","code":"x","diagnostics":"never mind"},
            {"severity":"error","code":"required","diagnostics":"status is missing",
             "expression":["Bundle.entry[7].resource.status"]},
            {"severity":"error","code":"invalid"}]}"#;
        let expected = "Bundle.entry[7].resource.status: status is missing; invalid";
        assert_eq!(text(outcome.as_bytes()), expected);
        assert_eq!(entry(outcome.as_bytes()), Some(7));
        assert_eq!(text(b"<html>\n  Bad gateway"), "<html> Bad gateway");
        assert_eq!(text(b""), "no reason given");
        assert_eq!(entry(b"{}"), None);
        assert_eq!(text("é".repeat(5_000).as_bytes()).chars().count(), ERROR_CHARS_MAX + 1);
    }
}
