//! A request and what must come of it, as one row of a table.
//!
//! What must come of it is said in lines: `etag: W/"2"` is a header, `location: *Patient/a` one
//! that ends so, `location:` one that is not there; `.meta.versionId = 2` is a member of the body,
//! `.name absent` one that is not there, `.entry.len = 2` a number of items; `body: empty` is all
//! of the body, `body has …` and `body lacks …` a part of it.

use anyhow::{Context, Result};
use canonical_model::Value;
use it::{Answer, Client};

/// A row.
pub(crate) struct Row {
    /// `PUT /Patient/a`.
    pub(crate) request: &'static str,
    /// `If-Match: W/"1"`. A body is FHIR JSON unless a header says otherwise.
    pub(crate) headers: &'static [&'static str],
    /// The body; empty for none.
    pub(crate) body: &'static str,
    /// The status.
    pub(crate) status: u16,
    /// The rest that must come.
    pub(crate) expected: &'static [&'static str],
}

/// A row without headers and without a body.
pub(crate) const fn get(
    request: &'static str,
    status: u16,
    expected: &'static [&'static str],
) -> Row {
    Row { request, headers: &[], body: "", status, expected }
}

/// A row with a body.
pub(crate) const fn send(
    request: &'static str,
    body: &'static str,
    status: u16,
    expected: &'static [&'static str],
) -> Row {
    Row { request, headers: &[], body, status, expected }
}

/// A row with headers, and perhaps a body.
pub(crate) const fn with(
    request: &'static str,
    headers: &'static [&'static str],
    body: &'static str,
    status: u16,
    expected: &'static [&'static str],
) -> Row {
    Row { request, headers, body, status, expected }
}

/// Plays the rows, one after the other.
pub(crate) async fn play(client: &Client, rows: &[Row]) -> Result<()> {
    for (number, row) in rows.iter().enumerate() {
        let answer = ask(client, row).await?;
        let place = format!("row {number}: {} {:?} {}", row.request, row.headers, row.body);
        let came = format!("{} {:#?}\n{}", answer.status, answer.headers, answer.text);
        assert_eq!(answer.status, row.status, "{place}\n{came}");
        for line in row.expected {
            let holds = holds(&answer, line).with_context(|| format!("{place}: {line}"))?;
            assert!(holds, "{place}\nexpected {line}\n{came}");
        }
        // Whatever goes wrong is said as an outcome.
        let refused = row.status >= 400 && !row.request.starts_with("HEAD");
        assert!(
            !refused || answer.text_at("resourceType") == "OperationOutcome",
            "{place}\n{came}"
        );
    }
    Ok(())
}

async fn ask(client: &Client, row: &Row) -> Result<Answer> {
    let (method, path) = row.request.split_once(' ').context("a method and a path")?;
    let mut request = client.request(method, path);
    for header in row.headers {
        let (name, value) = header.split_once(": ").context("a header")?;
        request = request.header(name, value);
    }
    if !row.body.is_empty() {
        if !row.headers.iter().any(|header| header.to_lowercase().starts_with("content-type")) {
            request = request.header("content-type", "application/fhir+json");
        }
        request = request.body(row.body);
    }
    Answer::of(request).await
}

fn holds(answer: &Answer, line: &str) -> Result<bool> {
    if let Some(part) = line.strip_prefix("body has ") {
        return Ok(answer.text.contains(part));
    }
    if let Some(part) = line.strip_prefix("body lacks ") {
        return Ok(!answer.text.contains(part));
    }
    if line == "body: empty" {
        return Ok(answer.text.is_empty());
    }
    if let Some(member) = line.strip_prefix('.') {
        return member_holds(answer, member);
    }
    let (name, value) = line.split_once(':').context("what is expected cannot be read")?;
    let (found, value) = (answer.header(name), value.trim());
    Ok(match value.strip_prefix('*') {
        Some(end) => !found.is_empty() && found.ends_with(end),
        None => found == value,
    })
}

fn member_holds(answer: &Answer, line: &str) -> Result<bool> {
    if let Some(path) = line.strip_suffix(" absent") {
        return Ok(answer.at(path).is_none());
    }
    let (path, wanted) = line.split_once(" = ").context("a member and its value")?;
    if let Some(path) = path.strip_suffix(".len") {
        let items = answer.at(path).and_then(|value| value.as_array().map(<[_]>::len));
        return Ok(items.unwrap_or_default().to_string() == wanted);
    }
    Ok(match answer.at(path) {
        Some(Value::String(text)) => text.as_str() == wanted,
        Some(other) => other.to_text() == wanted,
        None => false,
    })
}
