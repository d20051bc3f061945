//! What a server declares of itself: its discovery document, and its CapabilityStatement.
//! <https://hl7.org/fhir/R4/capabilitystatement.html>

use serde_json::Value;

/// Both documents; null where it has none.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// SMART's configuration.
    pub(crate) discovery: Value,
    /// The CapabilityStatement.
    pub(crate) statement: Value,
}

impl Declared {
    /// The name of the software.
    pub(crate) fn software(&self) -> &str {
        self.statement.pointer("/software/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// What the server calls itself, with its version.
    pub(crate) fn named(&self) -> String {
        let version = self.statement.pointer("/software/version").and_then(Value::as_str);
        format!("{} {}", self.software(), version.unwrap_or_default()).trim().to_owned()
    }

    /// Whether an interaction is declared: of the system, as `transaction`, or of a type, as `Patient.create`.
    pub(crate) fn interaction(&self, name: &str) -> bool {
        let (within, code) = match name.split_once('.') {
            Some((kind, code)) => (self.of_type(kind), code),
            None => (self.rest(), name),
        };
        within.is_some_and(|within| names(within, "interaction", "code").any(|it| it == code))
    }

    /// Whether a parameter is declared, as `Patient.birthdate`; those of all types are declared with the system.
    pub(crate) fn search(&self, name: &str) -> bool {
        let Some((kind, code)) = name.split_once('.') else { return false };
        let places = [self.of_type(kind), self.rest()];
        places.into_iter().flatten().any(|it| names(it, "searchParam", "name").any(|it| it == code))
    }

    /// Whether an operation is declared, of the system or of any type.
    pub(crate) fn operation(&self, name: &str) -> bool {
        let places = self.types().chain(self.rest());
        places.into_iter().any(|it| names(it, "operation", "name").any(|it| it == name))
    }

    /// Whether a member of a type's declaration says yes, as `Patient.conditionalCreate`.
    pub(crate) fn says(&self, name: &str) -> bool {
        let Some((kind, member)) = name.split_once('.') else { return false };
        match self.of_type(kind).and_then(|it| it.get(member)) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(word)) => word != "not-supported",
            _ => false,
        }
    }

    /// Whether a format is declared, as a MIME type or by its short name.
    pub(crate) fn format(&self, mime: &str) -> bool {
        let short = mime.rsplit(['/', '+']).next().unwrap_or(mime);
        let formats = self.statement.get("format").and_then(Value::as_array);
        let declared = formats.into_iter().flatten().filter_map(Value::as_str);
        declared.into_iter().any(|it| it == mime || it == short)
    }

    fn rest(&self) -> Option<&Value> {
        self.statement.pointer("/rest/0")
    }

    fn types(&self) -> impl Iterator<Item = &Value> {
        let types = self.rest().and_then(|rest| rest.get("resource")).and_then(Value::as_array);
        types.into_iter().flatten()
    }

    fn of_type(&self, kind: &str) -> Option<&Value> {
        self.types().find(|it| it.get("type").and_then(Value::as_str) == Some(kind))
    }
}

/// The member `name` of each item of a list.
fn names<'a>(within: &'a Value, list: &str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let items = within.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(move |item| item.get(name)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_declared_is_found_and_nothing_else() {
        let declared = Declared {
            statement: json!({
                "software": { "name": "Some server" }, "format": ["application/fhir+json", "xml"],
                "rest": [{
                    "interaction": [{ "code": "transaction" }], "operation": [{ "name": "export" }],
                    "searchParam": [{ "name": "_id" }],
                    "resource": [{
                        "type": "Patient", "interaction": [{ "code": "read" }],
                        "searchParam": [{ "name": "birthdate" }], "conditionalCreate": true,
                        "conditionalDelete": "not-supported", "operation": [{ "name": "everything" }],
                    }],
                }],
            }),
            ..Declared::default()
        };
        assert_eq!(declared.software(), "Some server");
        assert!(declared.interaction("transaction") && declared.interaction("Patient.read"));
        assert!(!declared.interaction("batch") && !declared.interaction("Group.read"));
        assert!(declared.search("Patient.birthdate") && declared.search("Patient._id"));
        assert!(!declared.search("Patient.name"));
        assert!(declared.operation("export") && declared.operation("everything"));
        assert!(!declared.operation("expand"));
        assert!(declared.says("Patient.conditionalCreate"));
        assert!(!declared.says("Patient.conditionalDelete"));
        assert!(
            declared.format("application/fhir+xml") && declared.format("application/fhir+json")
        );
        assert!(!declared.format("text/turtle"));
    }
}
