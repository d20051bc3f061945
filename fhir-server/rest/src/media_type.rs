//! Media types with their parameters. <https://www.rfc-editor.org/rfc/rfc9110#section-8.3>

use crate::syntax::Syntax;

/// A media type, or a range of them.
#[derive(Debug)]
pub(crate) struct MediaType<'a> {
    /// `application/fhir+json`, in small letters.
    pub(crate) name: String,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    pub(crate) fn read(text: &'a str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self { name: name.trim().to_ascii_lowercase(), parameters }
    }

    /// A parameter's value, without quotes.
    pub(crate) fn parameter(&self, wanted: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let found = name.trim().eq_ignore_ascii_case(wanted);
            found.then(|| value.trim().trim_matches('"'))
        })
    }

    /// JSON as FHIR R4 writes it, under any of its names.
    pub(crate) fn is_json(&self) -> bool {
        const NAMES: [&str; 5] = [
            "application/fhir+json",
            "application/json",
            "json",
            "text/json",
            // A `+` in a query that was not escaped arrives as a space.
            "application/fhir json",
        ];
        NAMES.contains(&self.name.as_str()) && self.is_r4()
    }

    /// XML as FHIR R4 writes it, under any of its names.
    pub(crate) fn is_xml(&self) -> bool {
        const NAMES: [&str; 5] = [
            "application/fhir+xml",
            "application/xml",
            "xml",
            "text/xml",
            // As above.
            "application/fhir xml",
        ];
        NAMES.contains(&self.name.as_str()) && self.is_r4()
    }

    /// Which of FHIR's formats it names, if one.
    pub(crate) fn syntax(&self) -> Option<Syntax> {
        match (self.is_json(), self.is_xml()) {
            (true, _) => Some(Syntax::Json),
            (_, true) => Some(Syntax::Xml),
            _ => None,
        }
    }

    /// <https://hl7.org/fhir/R4/http.html#version-parameter>
    fn is_r4(&self) -> bool {
        self.parameter("fhirversion").is_none_or(|version| matches!(version, "4.0" | "4.0.1"))
    }

    /// How narrow a range of an `Accept` header it is where it takes formats of FHIR: 2 names one, 0 takes all.
    pub(crate) fn narrowness(&self) -> Option<u8> {
        match self.name.as_str() {
            "*/*" | "" => Some(0),
            "application/*" => Some(1),
            _ => self.syntax().map(|_| 2),
        }
    }

    /// The weight that an `Accept` header gives to a range, in thousandths; 0 refuses.
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2>
    pub(crate) fn weight(&self) -> u16 {
        const MOST: u16 = 1000;
        let Some(said) = self.parameter("q") else { return MOST };
        match said.split_once('.').unwrap_or((said, "")) {
            ("0", fraction) => {
                let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
                digits.parse().unwrap_or(MOST)
            }
            _ => MOST,
        }
    }
}
