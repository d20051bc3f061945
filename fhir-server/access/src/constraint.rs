//! What follows a scope's `?`: the search that narrows it to some resources of the type.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use canonical_model::{Error, Phi, ResourceType, Result};
use compact_str::CompactString;
use search::Catalogue;
use search::query::{alternatives, parse_pairs};

use crate::limits::{CONSTRAINT_PARAMETERS_MAX, CONSTRAINT_VALUES_MAX};

/// FHIR's own search parameters, to read constraints by. The hash is of no database: nothing is looked up.
static PUBLISHED: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::new(search::Hasher::new(&[0; 16])));

/// Parameters of which all must hold, each by one of its values.
#[derive(Clone)]
pub(crate) struct Constraint {
    /// As it was asked, so that it is granted in the same words.
    text: CompactString,
    parameters: Vec<Parameter>,
}

/// A parameter, with the values of which one must match; decoded.
#[derive(Clone)]
struct Parameter {
    name: String,
    values: Vec<String>,
}

impl Constraint {
    /// Reads a constraint on a type as a query string is read.
    ///
    /// # Errors
    /// 400, saying what to change, where it has too much, or asks what one resource does not decide by itself.
    pub(crate) fn parse(kind: ResourceType, text: &str) -> Result<Self> {
        let pairs = parse_pairs(text).map_err(refused)?;
        if pairs.len() > CONSTRAINT_PARAMETERS_MAX {
            let text = format!("scope: at most {CONSTRAINT_PARAMETERS_MAX} parameters after `?`");
            return Err(Error::invalid(text));
        }
        search::condition(&PUBLISHED, "", kind, &pairs).map_err(refused)?;
        let parameters = pairs.into_iter().map(|(name, value)| {
            let values: Vec<String> = alternatives(&value).into_iter().map(str::to_owned).collect();
            if values.len() > CONSTRAINT_VALUES_MAX {
                let text = format!(
                    "scope: at most {CONSTRAINT_VALUES_MAX} values of one parameter after `?`"
                );
                return Err(Error::invalid(text));
            }
            Ok(Parameter { name, values })
        });
        let parameters = parameters.collect::<Result<_>>()?;
        Ok(Self { text: text.into(), parameters })
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether all that it lets through the other lets through too, as far as their words tell: each parameter of the
    /// other is one of its own, with no other values.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        let narrower = |mine: &Parameter, wide: &Parameter| {
            mine.name == wide.name && mine.values.iter().all(|value| wide.values.contains(value))
        };
        other.parameters.iter().all(|wide| self.parameters.iter().any(|mine| narrower(mine, wide)))
    }
}

/// What the search says is wrong, as of the scope. Without the two characters that an error of OAuth must not have
/// (RFC 6749, section 5.2).
fn refused(error: Error) -> Error {
    let said = error.issues.first().map_or("", |issue| issue.diagnostics.as_str());
    Error::invalid(format!("scope: {}", said.replace(['"', '\\'], "")))
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Constraint {}

impl Hash for Constraint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Constraint {
    /// A value may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Phi(&self.text), f)
    }
}
