//! The parameters of an operation: from a query, or a Parameters resource. Each that the specification defines is
//! honoured or refused by its name; nothing is passed over. <https://hl7.org/fhir/R4/operations.html#executing>

use canonical_model::{Error, IssueCode, Resource, ResourceType, Result, Value};

use super::{Input, Operation};
use crate::limits::OPERATION_PARAMETERS_MAX;

/// A parameter that an operation has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    name: &'static str,
    form: Form,
    many: bool,
    /// Why it is not honoured.
    refused: Option<&'static str>,
}

/// What a parameter's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Boolean,
    Integer,
    Coding,
    CodeableConcept,
    Resource,
    Parts,
}

/// A parameter that is honoured, for whoever describes the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub name: &'static str,
    /// Its type in FHIR.
    pub kind: &'static str,
    /// Whether it may come often.
    pub many: bool,
}

impl Rule {
    /// What is said of it; nothing where it is refused.
    pub(super) fn taken(&self) -> Option<Taken> {
        let kind = match self.form {
            Form::Text => "string",
            Form::Boolean => "boolean",
            Form::Integer => "integer",
            Form::Coding => "Coding",
            Form::CodeableConcept => "CodeableConcept",
            Form::Resource => "Resource",
            Form::Parts => "Element",
        };
        self.refused.is_none().then_some(Taken { name: self.name, kind, many: self.many })
    }
}

/// A parameter that comes once at most.
pub(super) const fn one(name: &'static str, form: Form) -> Rule {
    Rule { name, form, many: false, refused: None }
}

/// A parameter that may come often.
pub(super) const fn many(name: &'static str, form: Form) -> Rule {
    Rule { name, form, many: true, refused: None }
}

/// A parameter that is not honoured.
pub(super) const fn refused(name: &'static str, why: &'static str) -> Rule {
    Rule { name, form: Form::Text, many: true, refused: Some(why) }
}

/// Why `date` is refused.
pub(super) const NO_DATE: &str = "definitions are kept as they are now, not as they were on a date";
/// Why `context` is refused.
pub(super) const NO_CONTEXT: &str = "name the value set by url; elements are not looked up";

/// What shapes any answer, and is no parameter of the operation.
const VIEW: [&str; 4] = ["_format", "_pretty", "_summary", "_elements"];

/// The parameters that were given.
#[derive(Debug, Default)]
pub(super) struct Given(Vec<(&'static str, Value)>);

impl Given {
    pub(super) fn read(operation: Operation, input: Input) -> Result<Self> {
        let mut given = Self::default();
        let query = match input {
            Input::Query(pairs) => pairs,
            Input::Body(resource, pairs) => {
                given.read_body(operation, &resource)?;
                pairs
            }
        };
        for (name, text) in query.iter().filter(|(name, _)| !VIEW.contains(&name.as_str())) {
            let place = format!("http.{}", crate::terminology::shown(name));
            let rule = rule(operation, name).map_err(|error| error.at(&place))?;
            let value = written(rule, text).map_err(|error| error.at(&place))?;
            given.add(rule, value).map_err(|error| error.at(&place))?;
        }
        Ok(given)
    }

    fn read_body(&mut self, operation: Operation, resource: &Resource) -> Result<()> {
        if resource.kind() != ResourceType::PARAMETERS {
            let text = "Send the operation's parameters as a Parameters resource.";
            return Err(Error::invalid(text).at("resourceType"));
        }
        let list = resource.members().get("parameter").map(Value::items).unwrap_or_default();
        for (index, parameter) in list.iter().enumerate() {
            let place = format!("Parameters.parameter[{index}]");
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let rule = rule(operation, name).map_err(|error| error.at(&place))?;
            let value = sent(rule, parameter).map_err(|error| error.at(&place))?;
            self.add(rule, value).map_err(|error| error.at(&place))?;
        }
        Ok(())
    }

    fn add(&mut self, rule: &Rule, value: Value) -> Result<()> {
        if !rule.many && self.has(rule.name) {
            return Err(Error::invalid(format!("{}: send it once", rule.name)));
        }
        if self.0.len() >= OPERATION_PARAMETERS_MAX {
            let text = format!("at most {OPERATION_PARAMETERS_MAX} parameters");
            return Err(Error::invalid(text));
        }
        self.0.push((rule.name, value));
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The first of a name.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values(name).next()
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(Value::as_str)
    }

    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).filter_map(Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.value(name).and_then(Value::as_bool)
    }

    /// A number from 0.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_number().and_then(|number| number.as_str().parse().ok());
        number.map(Some).ok_or_else(|| {
            Error::invalid(format!("{name}: expected a number from 0")).at(&format!("http.{name}"))
        })
    }

    /// A resource of a kind.
    pub(super) fn resource(&self, name: &str, kind: ResourceType) -> Result<Option<&Value>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.get("resourceType").and_then(Value::as_str) {
            Some(found) if found == kind.name() => Ok(Some(value)),
            _ => {
                let text = format!("{name}: expected a {kind}");
                Err(Error::invalid(text).at(&format!("http.{name}")))
            }
        }
    }

    /// All, with their names.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

fn rule(operation: Operation, name: &str) -> Result<&'static Rule> {
    let rule = operation.rules().iter().find(|rule| rule.name == name).ok_or_else(|| {
        let text = format!(
            "{}: ${} has no such parameter",
            crate::terminology::shown(name),
            operation.name()
        );
        Error::invalid(text).code(IssueCode::NotSupported)
    })?;
    match rule.refused {
        Some(why) => {
            let text = format!("{name}: it is not supported; {why}");
            Err(Error::invalid(text).code(IssueCode::NotSupported))
        }
        None => Ok(rule),
    }
}

/// A value of a query.
fn written(rule: &Rule, text: &str) -> Result<Value> {
    let name = rule.name;
    match rule.form {
        Form::Text => Ok(text.into()),
        Form::Boolean => match text {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(Error::invalid(format!("{name}: expected true or false"))),
        },
        Form::Integer => {
            let number: Option<i64> = text.parse().ok();
            let number = number.ok_or_else(|| Error::invalid(format!("{name}: expected a number")));
            Ok(number?.into())
        }
        Form::Coding | Form::CodeableConcept | Form::Resource | Form::Parts => {
            let text = format!("{name}: it is no plain value; send it by POST in Parameters");
            Err(Error::invalid(text))
        }
    }
}

/// A value of a Parameters resource.
fn sent(rule: &Rule, parameter: &Value) -> Result<Value> {
    let members = || parameter.as_object().into_iter().flat_map(|it| it.iter());
    let value = members().find(|(key, _)| key.starts_with("value"));
    let fits = |key: &str, value: &Value| match rule.form {
        Form::Text => value.as_str().is_some(),
        Form::Boolean => key == "valueBoolean" && value.as_bool().is_some(),
        Form::Integer => {
            matches!(key, "valueInteger" | "valuePositiveInt" | "valueUnsignedInt")
                && value.as_number().is_some()
        }
        Form::Coding => key == "valueCoding",
        Form::CodeableConcept => key == "valueCodeableConcept",
        Form::Resource | Form::Parts => false,
    };
    let found = match rule.form {
        Form::Resource => parameter.get("resource"),
        Form::Parts => parameter.get("part"),
        _ => value.filter(|(key, value)| fits(key, value)).map(|(_, value)| value),
    };
    found.cloned().ok_or_else(|| {
        let expected = match rule.form {
            Form::Text => "a text, as valueUri, valueCode or valueString",
            Form::Boolean => "valueBoolean",
            Form::Integer => "valueInteger",
            Form::Coding => "valueCoding",
            Form::CodeableConcept => "valueCodeableConcept",
            Form::Resource => "resource",
            Form::Parts => "part",
        };
        Error::invalid(format!("{}: expected {expected}", rule.name)).code(IssueCode::Structure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every parameter that R4 defines has a rule, and no other.
    #[test]
    fn the_rules_are_those_of_the_specification() {
        for (operation, names) in [
            (Operation::Lookup, "code system version coding date displayLanguage property"),
            (
                Operation::ValidateCodeInSystem,
                "url codeSystem code version display coding codeableConcept date abstract displayLanguage",
            ),
            (Operation::Subsumes, "codeA codeB system version codingA codingB"),
            (
                Operation::Expand,
                "url valueSet valueSetVersion context contextDirection filter date offset count includeDesignations \
                 designation includeDefinition activeOnly excludeNested excludeNotForUI excludePostCoordinated \
                 displayLanguage exclude-system system-version check-system-version force-system-version",
            ),
            (
                Operation::ValidateCodeInSet,
                "url context valueSet valueSetVersion code system systemVersion display coding codeableConcept date \
                 abstract displayLanguage",
            ),
            (
                Operation::Translate,
                "url conceptMap conceptMapVersion code system version source coding codeableConcept target \
                 targetsystem dependency reverse",
            ),
        ] {
            let known: Vec<&str> = operation.rules().iter().map(|rule| rule.name).collect();
            assert_eq!(known, names.split_whitespace().collect::<Vec<_>>(), "{operation:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_name() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            Given::read(Operation::Expand, Input::Query(pairs.collect()))
        };
        for (pairs, expected) in [
            (&[("flter", "x")][..], "flter: $expand has no such parameter"),
            (&[("date", "2020")], "date: it is not supported"),
            (&[("context", "x")], "context: it is not supported"),
            (&[("offset", "x")], "offset: expected a number"),
            (&[("activeOnly", "yes")], "activeOnly: expected true or false"),
            (&[("url", "a"), ("url", "b")], "url: send it once"),
            (&[("valueSet", "a")], "valueSet: it is no plain value"),
        ] {
            let refused = of(pairs).expect_err(expected).to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        let given = of(&[("designation", "a"), ("designation", "b"), ("_format", "json")]);
        assert_eq!(given.expect("understood").texts("designation").count(), 2);
        assert!(of(&[("offset", "-1")]).expect("a number").number("offset").is_err());
        for (body, expected) in [
            (r#"{"resourceType":"Patient"}"#, "a Parameters resource"),
            (
                r#"{"resourceType":"Parameters","parameter":[{"name":"url"}]}"#,
                "url: expected a text",
            ),
            (
                r#"{"resourceType":"Parameters","parameter":[{"name":"count","valueString":"1"}]}"#,
                "count: expected valueInteger",
            ),
            (r#"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#, "x: $expand has no"),
        ] {
            let resource = Resource::parse(body.as_bytes()).expect("a resource");
            let input = Input::Body(Box::new(resource), Vec::new());
            let refused = Given::read(Operation::Expand, input).expect_err(expected).to_string();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
