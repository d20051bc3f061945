//! Value sets that a URL alone defines: all codes of a system, or those below one.
//! <https://hl7.org/fhir/R4/snomedct.html#implicit>

use canonical_model::{Error, IssueCode, Result, Value, object};

use super::ValueSet;

impl ValueSet {
    /// The value set of a URL as `http://snomed.info/sct?fhir_vs=isa/73211009`, for any code system; `None` for other
    /// URLs.
    ///
    /// # Errors
    /// Unprocessable for a form that is not offered: reference sets, and expressions.
    pub fn implicit(url: &str) -> Result<Option<Self>> {
        let Some((system, query)) = url.split_once("?fhir_vs") else { return Ok(None) };
        let mut include = object! { "system": system };
        match query.strip_prefix('=') {
            None if query.is_empty() => {}
            Some(query) => {
                let root = query.strip_prefix("isa/").filter(|code| !code.is_empty());
                let root = root.ok_or_else(not_offered)?;
                let filter = object! { "property": "concept", "op": "is-a", "value": root };
                include.set("filter", vec![Value::from(filter)]);
            }
            None => return Err(not_offered()),
        }
        let compose = object! { "include": vec![Value::from(include)] };
        let set = object! {
            "resourceType": "ValueSet",
            "url": url,
            "status": "active",
            "compose": compose,
        };
        Self::read(set.into()).map(Some)
    }
}

fn not_offered() -> Error {
    let text = "of the value sets that a URL defines, ?fhir_vs and ?fhir_vs=isa/CODE are offered";
    Error::unprocessable(text).code(IssueCode::NotSupported)
}
