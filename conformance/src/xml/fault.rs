//! Why a text is refused: in our words, with its place, and nothing of what the sender wrote.

use canonical_model::{Error, Issue, IssueCode, Kind};

/// Where, in bytes from the start, and why reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

pub(super) type Read<T> = Result<T, Fault>;

/// A refusal that says where in the text, and in which element.
pub(super) fn refuse(bytes: &[u8], fault: &Fault, path: &str) -> Error {
    let before = bytes.get(..fault.at).unwrap_or(bytes);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    let text = format!("XML: {}, at line {line}, column {column}", fault.what);
    let issue = Issue::error(IssueCode::Structure, text);
    let issue = if path.is_empty() { issue } else { issue.at(path) };
    Error::from_issues(Kind::Invalid, vec![issue])
}
