//! Narratives: what a browser will be asked to show. <https://hl7.org/fhir/R4/narrative.html#xhtml>

use canonical_model::IssueCode;

use super::primitive::Fault;

/// Checks that the text is one `div` without active content.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with("<div") || !lower.ends_with('>') {
        return Err((IssueCode::Structure, "A narrative is one <div> element of XHTML."));
    }
    if ["<script", "<!doctype", "<!entity"].iter().any(|word| lower.contains(word)) {
        return Err((IssueCode::Security, "A narrative has no scripts, DOCTYPE or entities."));
    }
    Ok(())
}
