//! What a server says about a failure, in one line.
//! <https://hl7.org/fhir/R4/operationoutcome.html>

use serde::Deserialize;

use crate::limits::ERROR_CHARS_MAX;
use crate::text::ended;

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

/// What OAuth answers. <https://datatracker.ietf.org/doc/html/rfc6749#section-5.2>
#[derive(Deserialize)]
struct OAuthError {
    error: String,
    error_description: Option<String>,
}

/// What was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The index of the Bundle's entry that it is about.
    pub(crate) entry: Option<usize>,
    /// The grave issues of an OperationOutcome, or the beginning of whatever else was answered. A
    /// path into the Bundle, which the user may never have seen, is said as `entry 3`.
    pub(crate) text: String,
}

/// Reads the body of an answer.
pub(crate) fn read(body: &[u8]) -> Said {
    let outcome = serde_json::from_slice::<Outcome>(body);
    let issues = outcome.map(|outcome| outcome.issue).unwrap_or_default();
    let grave: Vec<&Issue> = issues.iter().filter(|issue| issue.grave()).collect();
    let path = grave.first().and_then(|issue| issue.expression.first());
    let entry = path.and_then(|path| Some(entry_in(path)?.1));
    let lines: Vec<String> = grave.iter().map(|issue| without_paths(&issue.line())).collect();
    let text = match lines.is_empty() {
        false => lines.join("; "),
        true => issues.first().map_or_else(|| other(body), Issue::line),
    };
    let own = entry.map(|n| format!("entry {}", n + 1)).unwrap_or_default();
    let rest = text.strip_prefix(&own).filter(|rest| rest.starts_with([',', ':']));
    let text =
        rest.filter(|_| entry.is_some()).unwrap_or(&text).trim_start_matches([',', ':', ' ']);
    let text = match text.char_indices().nth(ERROR_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None if text.is_empty() => "No reason is given.".to_owned(),
        None => ended(text.to_owned()),
    };
    Said { entry, text }
}

/// The first of the issues, whatever its severity; nothing where there is none.
pub(crate) fn first(body: &[u8]) -> String {
    let outcome = serde_json::from_slice::<Outcome>(body).ok();
    let issue = outcome.and_then(|outcome| outcome.issue.into_iter().next());
    issue.map(|issue| issue.line()).unwrap_or_default()
}

/// What is said by whatever is no OperationOutcome.
fn other(body: &[u8]) -> String {
    match serde_json::from_slice::<OAuthError>(body) {
        Ok(said) => said.error_description.unwrap_or(said.error),
        Err(_) => String::from_utf8_lossy(body).split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Finds `Bundle.entry[7]`: what stands before it, the index, and the rest.
fn entry_in(text: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = text.split_once("Bundle.entry[")?;
    let (number, rest) = rest.split_once(']')?;
    Some((before, number.parse().ok()?, rest))
}

/// `Bundle.entry[7].resource.status` as `entry 8, status`.
fn without_paths(text: &str) -> String {
    let (mut out, mut left) = (String::new(), text);
    while let Some((before, n, rest)) = entry_in(left) {
        out.push_str(&format!("{before}entry {}", n + 1));
        left = match rest.strip_prefix(".resource.").or_else(|| rest.strip_prefix('.')) {
            Some(inner) => {
                out.push_str(", ");
                inner
            }
            None => rest,
        };
    }
    out + left
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
        let said = |entry, text: &str| Said { entry, text: text.to_owned() };
        for (body, expected) in [
            (outcome, said(Some(7), "status: status is missing; invalid.")),
            ("<html>\n  Bad gateway", said(None, "<html> Bad gateway.")),
            ("", said(None, "No reason is given.")),
            ("{}", said(None, "{}.")),
            (r#"{"error":"invalid_client","error_description":"Who?"}"#, said(None, "Who?")),
            (
                r#"{"issue":[{"diagnostics":"Twice","expression":["Bundle.entry[0]"]},
                    {"diagnostics":"As Bundle.entry[1].request is","expression":["Bundle.entry[2]"]}]}"#,
                said(Some(0), "Twice; entry 3: As entry 2, request is."),
            ),
        ] {
            assert_eq!(read(body.as_bytes()), expected);
        }
        let long = read("é".repeat(5_000).as_bytes());
        assert_eq!(long.text.chars().count(), ERROR_CHARS_MAX + 1);
    }
}
