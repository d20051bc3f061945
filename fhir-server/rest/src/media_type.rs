//! Media types with their parameters. <https://www.rfc-editor.org/rfc/rfc9110#section-8.3>

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

    /// <https://hl7.org/fhir/R4/http.html#version-parameter>
    fn is_r4(&self) -> bool {
        self.parameter("fhirversion").is_none_or(|version| matches!(version, "4.0" | "4.0.1"))
    }

    /// Whether a range of an `Accept` header takes FHIR's JSON; a weight of 0 refuses.
    pub(crate) fn accepts_json(&self) -> bool {
        let refused = self.parameter("q").is_some_and(|weight| weight.parse() == Ok(0.0));
        let any = matches!(self.name.as_str(), "*/*" | "application/*" | "");
        !refused && (any || self.is_json())
    }
}
