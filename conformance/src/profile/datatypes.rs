//! Rules that no invariant asks as it should: those that R4 states in prose alone, and those whose expression says
//! something else than its text.

use canonical_model::{IssueCode, Value};

use super::walk::{At, Walk};
use crate::validate::Path;

/// Judges an element by the prose about its type.
pub(super) fn check(walk: &mut Walk<'_>, at: &At<'_>, path: &Path<'_>) {
    match at.structure.path {
        "Attachment" => attachment(walk, at.value, path),
        "Questionnaire.item.enableWhen" => enable_when(walk, at.value, path),
        _ => {}
    }
}

/// `que-7`: by its text, whether something exists is yes or no; its expression asks for FHIRPath's own Boolean, which
/// no element is.
fn enable_when(walk: &mut Walk<'_>, value: &Value, path: &Path<'_>) {
    let exists = value.get("operator").and_then(Value::as_str) == Some("exists");
    if exists && value.get("answerBoolean").is_none() {
        let text = "Compare with answerBoolean where the operator is exists. (que-7)";
        walk.report.error(IssueCode::Invariant, path, text);
    }
}

/// The size is that of the data. <https://hl7.org/fhir/R4/datatypes-definitions.html#Attachment.size>
fn attachment(walk: &mut Walk<'_>, value: &Value, path: &Path<'_>) {
    let data = value.get("data").and_then(Value::as_str);
    let size = value.get("size").and_then(Value::as_number).and_then(|it| it.to_i64());
    let (Some(data), Some(size)) = (data, size) else { return };
    let letters = data.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=').count();
    if usize::try_from(size) != Ok(letters * 3 / 4) {
        let text = "size is the number of bytes in data: correct it, or leave it out.";
        walk.report.error(IssueCode::Value, &path.child("size"), text);
    }
}
