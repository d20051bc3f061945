//! The code that a request is about: by itself, as a Coding, or as one of several in a CodeableConcept.

use canonical_model::{Error, Kind, Result, Value};

use super::parameters::Given;
use crate::limits::CODINGS_MAX;

/// A code with its system, as far as that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) system: Option<String>,
    pub(super) version: Option<String>,
    pub(super) code: String,
    pub(super) display: Option<String>,
}

impl Coding {
    /// Reads a Coding; one without a code tells nothing.
    pub(super) fn read(value: &Value) -> Result<Self> {
        let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = part("code").ok_or_else(|| Error::invalid("a Coding here needs its code"))?;
        Ok(Self {
            system: part("system"),
            version: part("version"),
            code,
            display: part("display"),
        })
    }

    /// All that are asked about: `code`, `coding` or `codeableConcept`, just one of them.
    pub(super) fn all(given: &Given, system: &str, version: &str) -> Result<Vec<Self>> {
        let names = ["code", "coding", "codeableConcept"];
        if names.iter().filter(|name| given.has(name)).count() != 1 {
            let text = "name the code by one of code, coding and codeableConcept";
            return Err(Error::invalid(text).at("http.code"));
        }
        if let Some(code) = given.text("code") {
            let own = |name: &str| given.text(name).map(str::to_owned);
            let (system, version) = (own(system), own(version));
            return Ok(vec![Self {
                system,
                version,
                code: code.to_owned(),
                display: own("display"),
            }]);
        }
        if let Some(coding) = given.value("coding") {
            return Ok(vec![Self::read(coding).map_err(|error| error.at("http.coding"))?]);
        }
        let concept = given.value("codeableConcept").and_then(|it| it.get("coding"));
        let codings = concept.map(Value::items).unwrap_or_default();
        if codings.len() > CODINGS_MAX {
            let text = format!("codeableConcept: at most {CODINGS_MAX} codings");
            return Err(Error::new(Kind::TooLarge, text).at("http.codeableConcept"));
        }
        let codings = codings.iter().filter(|it| it.get("code").is_some());
        let codings: Vec<Self> = codings.map(Self::read).collect::<Result<_>>()?;
        if codings.is_empty() {
            let text = "codeableConcept: it has no code";
            return Err(Error::invalid(text).at("http.codeableConcept"));
        }
        Ok(codings)
    }
}
