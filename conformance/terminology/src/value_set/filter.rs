//! Filters of a value set's include. <https://hl7.org/fhir/R4/valueset-filter-operator.html>

use std::collections::HashSet;
use std::sync::OnceLock;

use canonical_model::{Error, IssueCode, Result, Value};
use regex::{Regex, RegexBuilder};

use crate::bits::Bits;
use crate::code_system::read::text;
use crate::code_system::{CodeSystem, Place};
use crate::limits::{REGEX_BYTES_MAX, REGEX_PROGRAM_BYTES_MAX};
use crate::shown::shown;

/// One condition on the codes of a system.
#[derive(Clone, Debug)]
pub struct Filter {
    property: String,
    op: String,
    value: String,
    listed: HashSet<Box<str>>,
    regex: OnceLock<Option<Regex>>,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of<'f> {
    Code,
    Display,
    Parent,
    Child,
    Inactive,
    Property(&'f str),
}

impl Filter {
    pub(super) fn read(filter: &Value) -> Self {
        let part = |name: &str| text(filter, name).unwrap_or_default().to_owned();
        Self::new(&part("property"), &part("op"), &part("value"))
    }

    /// A filter of its three parts.
    #[must_use]
    pub fn new(property: &str, op: &str, value: &str) -> Self {
        let listed = value.split(',').map(|one| one.trim().into()).collect();
        let (property, op, value) = (property.to_owned(), op.to_owned(), value.to_owned());
        Self { property, op, value, listed, regex: OnceLock::new() }
    }

    /// The concepts that pass.
    ///
    /// # Errors
    /// Unprocessable for a filter that is not offered, or that speaks of what the code system does not have.
    pub fn passing(&self, system: &CodeSystem) -> Result<Bits> {
        let hierarchy = |reach: fn(&CodeSystem, Place) -> Bits| {
            system.expect_subsumption()?;
            Ok(reach(system, system.expect(&self.value)?))
        };
        let mut bits = match (self.of(system)?, self.op.as_str()) {
            (Of::Code, "is-a" | "descendent-of" | "is-not-a") => hierarchy(CodeSystem::all_below)?,
            (Of::Code, "generalizes") => hierarchy(CodeSystem::all_above)?,
            _ => {
                let mut bits = Bits::none(system.len());
                for place in system.places() {
                    if self.holds(system, place)? {
                        bits.insert(place);
                    }
                }
                return Ok(bits);
            }
        };
        match self.op.as_str() {
            "descendent-of" => bits.remove(system.expect(&self.value)?),
            "is-not-a" => {
                let below = bits;
                bits = Bits::all(system.len());
                below.iter().for_each(|place| bits.remove(place));
            }
            _ => {}
        }
        Ok(bits)
    }

    /// Whether one concept passes.
    ///
    /// # Errors
    /// As [`Filter::passing`].
    pub fn holds(&self, system: &CodeSystem, place: Place) -> Result<bool> {
        let of = self.of(system)?;
        if of == Of::Code
            && matches!(self.op.as_str(), "is-a" | "descendent-of" | "is-not-a" | "generalizes")
        {
            system.expect_subsumption()?;
            let named = system.expect(&self.value)?;
            return Ok(match self.op.as_str() {
                "is-a" => system.subsumes(named, place),
                "descendent-of" => named != place && system.subsumes(named, place),
                "is-not-a" => !system.subsumes(named, place),
                _ => system.subsumes(place, named),
            });
        }
        let code = |place: &Place| system.code(*place);
        match of {
            Of::Code => self.compares(std::iter::once(system.code(place))),
            Of::Display => self.compares(system.display(place).into_iter()),
            Of::Parent => self.compares(system.parents(place).iter().map(code)),
            Of::Child => self.compares(system.children(place).iter().map(code)),
            Of::Inactive => {
                let text = if system.is_inactive(place) { "true" } else { "false" };
                self.compares(std::iter::once(text))
            }
            Of::Property(name) => {
                let own = system.properties(place).filter(|property| property.name == name);
                self.compares(own.map(|property| property.compared()))
            }
        }
    }

    /// Compares all values of one concept.
    fn compares<'v>(&self, mut values: impl Iterator<Item = &'v str>) -> Result<bool> {
        let value = self.value.as_str();
        Ok(match self.op.as_str() {
            "=" => values.any(|it| it == value),
            "in" => values.any(|it| self.listed.contains(it)),
            "not-in" => !values.any(|it| self.listed.contains(it)),
            "exists" if value == "true" => values.next().is_some(),
            "exists" if value == "false" => values.next().is_none(),
            "regex" => {
                let regex = self.regex.get_or_init(|| compiled(value)).as_ref();
                let regex = regex.ok_or_else(|| self.unsupported())?;
                values.any(|it| regex.is_match(it))
            }
            _ => return Err(self.unsupported()),
        })
    }

    /// What it looks at: a property must be declared, for its absence would say nothing.
    fn of(&self, system: &CodeSystem) -> Result<Of<'_>> {
        let name = self.property.as_str();
        let declared = system.head().properties.iter().any(|it| it.declared && it.code == name);
        Ok(match name {
            "concept" | "code" => Of::Code,
            "display" => Of::Display,
            _ if declared => Of::Property(name),
            "parent" => Of::Parent,
            "child" => Of::Child,
            "inactive" => Of::Inactive,
            _ => {
                let text = format!("the code system declares no property {}", shown(name));
                return Err(Error::unprocessable(text).code(IssueCode::NotSupported));
            }
        })
    }

    fn unsupported(&self) -> Error {
        let (property, op) = (shown(&self.property), shown(&self.op));
        let text = format!("a value set with the filter {property} {op} cannot be expanded here");
        Error::unprocessable(text).code(IssueCode::NotSupported)
    }
}

/// The whole value must match. The engine takes time in proportion to the text, whatever the expression.
fn compiled(pattern: &str) -> Option<Regex> {
    if pattern.len() > REGEX_BYTES_MAX {
        return None;
    }
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(REGEX_PROGRAM_BYTES_MAX)
        .dfa_size_limit(REGEX_PROGRAM_BYTES_MAX)
        .nest_limit(32)
        .build()
        .ok()
}
