//! Operations as they are defined: what each is called, where it is invoked and what it takes.
//! <https://hl7.org/fhir/R4/operationdefinition.html>

use canonical_model::json::{Object, Value};
use canonical_model::{Error, Resource, ResourceType, Result, object};

use crate::validate;

/// An operation as `$everything`.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The name without `$`.
    pub code: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// The types that it is invoked on; none is the whole system alone.
    pub on: On,
    /// Invoked as `[base]/$x`.
    pub system: bool,
    /// Invoked as `[base]/[type]/$x`.
    pub of_type: bool,
    /// Invoked as `[base]/[type]/[id]/$x`.
    pub of_instance: bool,
    /// Whether it changes anything: what does is not invoked by GET.
    pub affects_state: bool,
    /// The canonical URL of the definition that it follows, where it is not of our own making.
    pub standard: Option<&'static str>,
    /// What it takes and gives.
    pub parameters: Vec<Parameter>,
}

/// The types that an operation is invoked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// None.
    System,
    /// All.
    Every,
    /// These.
    Types(&'static [&'static str]),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Given, not taken.
    pub out: bool,
    /// At least so many.
    pub min: i64,
    /// At most so many: a number or `*`.
    pub max: &'static str,
    /// Its type, as `string`.
    pub kind: &'static str,
    /// What it means, for people.
    pub documentation: &'static str,
}

impl Operation {
    /// Whether it is invoked on a type or its instances.
    #[must_use]
    pub fn is_on(&self, kind: ResourceType) -> bool {
        match self.on {
            On::System => false,
            On::Every => true,
            On::Types(names) => names.contains(&kind.name()),
        }
    }

    /// The id of its definition: `Patient-access-report`.
    #[must_use]
    pub fn id(&self) -> String {
        match self.on {
            On::Types([first, ..]) => format!("{first}-{}", self.code),
            On::Every => format!("Resource-{}", self.code),
            On::Types([]) | On::System => self.code.to_owned(),
        }
    }

    /// Where its definition is read, below a base.
    #[must_use]
    pub fn url(&self, base: &str) -> String {
        format!("{base}/OperationDefinition/{}", self.id())
    }

    /// The definition.
    ///
    /// # Errors
    /// 500 where what is said of it makes no valid resource.
    pub fn definition(&self, base: &str, date: &str) -> Result<Resource> {
        let mut body = object! {
            "resourceType": "OperationDefinition",
            "id": self.id(),
            "url": self.url(base),
            "name": pascal(&self.id()),
            "title": self.title,
            "status": "active",
            "kind": "operation",
            "date": date,
            "description": self.description,
            "affectsState": self.affects_state,
            "code": self.code,
        };
        if let Some(standard) = self.standard {
            body.set("base", standard);
        }
        let kinds: Vec<Value> = match self.on {
            On::System => Vec::new(),
            On::Every => vec!["Resource".into()],
            On::Types(names) => names.iter().map(|name| Value::from(*name)).collect(),
        };
        if !kinds.is_empty() {
            body.set("resource", kinds);
        }
        body.set("system", self.system);
        body.set("type", self.of_type);
        body.set("instance", self.of_instance);
        let parameters: Vec<Value> = self.parameters.iter().map(Parameter::definition).collect();
        if !parameters.is_empty() {
            body.set("parameter", parameters);
        }
        let definition = Resource::from_value(body.into())?;
        match validate(&definition) {
            Ok(()) => Ok(definition),
            Err(fault) => Err(Error::internal(fault)),
        }
    }
}

impl Parameter {
    /// A parameter that is taken, of a type, at most once.
    #[must_use]
    pub const fn taken(
        name: &'static str,
        kind: &'static str,
        documentation: &'static str,
    ) -> Self {
        Self { name, out: false, min: 0, max: "1", kind, documentation }
    }

    /// What is given: `return`, where it is all.
    #[must_use]
    pub const fn given(
        name: &'static str,
        kind: &'static str,
        documentation: &'static str,
    ) -> Self {
        Self { name, out: true, min: 1, max: "1", kind, documentation }
    }

    /// The same, more than once.
    #[must_use]
    pub const fn many(self) -> Self {
        Self { max: "*", ..self }
    }

    /// The same, needed.
    #[must_use]
    pub const fn needed(self) -> Self {
        Self { min: 1, ..self }
    }

    fn definition(&self) -> Value {
        let object: Object = object! {
            "name": self.name,
            "use": if self.out { "out" } else { "in" },
            "min": self.min,
            "max": self.max,
            "documentation": self.documentation,
            "type": self.kind,
        };
        object.into()
    }
}

/// `Patient-access-report` as a name for machines: `PatientAccessReport`.
fn pascal(id: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    id.split('-').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation() -> Operation {
        Operation {
            code: "look-up",
            title: "Look up",
            description: "Finds.",
            on: On::Types(&["Patient"]),
            system: false,
            of_type: true,
            of_instance: false,
            affects_state: false,
            standard: Some("http://hl7.org/fhir/OperationDefinition/x"),
            parameters: vec![
                Parameter::taken("a", "string", "What.").needed().many(),
                Parameter::given("return", "Bundle", "All."),
            ],
        }
    }

    #[test]
    fn is_defined() {
        let definition = operation().definition("http://h/fhir", "2026-01-01").expect("valid");
        assert_eq!(
            definition.to_text(),
            r#"{"resourceType":"OperationDefinition","id":"Patient-look-up","url":"http://h/fhir/OperationDefinition/Patient-look-up","name":"PatientLookUp","title":"Look up","status":"active","kind":"operation","date":"2026-01-01","description":"Finds.","affectsState":false,"code":"look-up","base":"http://hl7.org/fhir/OperationDefinition/x","resource":["Patient"],"system":false,"type":true,"instance":false,"parameter":[{"name":"a","use":"in","min":1,"max":"*","documentation":"What.","type":"string"},{"name":"return","use":"out","min":1,"max":"1","documentation":"All.","type":"Bundle"}]}"#
        );
        let every = Operation { on: On::Every, ..operation() };
        assert_eq!(
            (every.id().as_str(), every.is_on(ResourceType::BINARY)),
            ("Resource-look-up", true)
        );
        assert!(
            operation().is_on(ResourceType::PATIENT) && !operation().is_on(ResourceType::BINARY)
        );
    }

    #[test]
    fn of_a_type_that_is_none_is_refused() {
        let wrong = Operation { on: On::Types(&["Pacient"]), ..operation() };
        assert!(wrong.definition("http://h/fhir", "2026-01-01").is_err());
    }
}
