//! Why a parameter was not taken, and where its value is wrong.

use canonical_model::{Error, Issue, IssueCode, Kind};

/// Why a parameter was not taken.
pub(super) enum Refusal {
    /// Not understood: ignored or refused, as the client prefers.
    Unknown(Issue),
    /// Understood and wrong: refused always.
    Bad(Error),
    /// The same, of the part of a value that begins at this address: from it and the whole value follows
    /// the character.
    Placed(Error, usize),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Bad(error)
    }
}

impl Refusal {
    pub(super) fn unknown(text: impl Into<String>) -> Self {
        Self::Unknown(Issue::error(IssueCode::NotSupported, text))
    }

    /// A known parameter asked for in a way that is not supported. Without it the answer would hold
    /// what the client excluded. <https://hl7.org/fhir/R4/search.html#modifiers>
    pub(super) fn unsupported(text: impl Into<String>) -> Self {
        let issue = Issue::error(IssueCode::NotSupported, text);
        Self::Bad(Error::from_issues(Kind::Invalid, vec![issue]))
    }

    pub(super) fn value(name: &str, text: &str) -> Self {
        let issue = Issue::error(IssueCode::Value, format!("{name}: {text}"));
        Self::Bad(Error::from_issues(Kind::Invalid, vec![issue]))
    }

    /// More codes than one value may mean.
    pub(super) fn too_many(place: &str, most: usize) -> Self {
        let text =
            format!("{place}: these are more than {most} codes. Name fewer, or a narrower set.");
        let issue = Issue::error(IssueCode::TooCostly, text).at(place);
        Self::Bad(Error::from_issues(Kind::TooLarge, vec![issue]))
    }

    /// The same, refused always.
    pub(super) fn hard(self) -> Self {
        match self {
            Self::Unknown(issue) => Self::Bad(Error::from_issues(Kind::Invalid, vec![issue])),
            bad @ (Self::Bad(_) | Self::Placed(..)) => bad,
        }
    }

    /// What is wrong is this part of the value, unless a part of it is known already.
    pub(super) fn about(self, part: &str) -> Self {
        match self {
            Self::Bad(error) => Self::Placed(error, part.as_ptr().addr()),
            other @ (Self::Unknown(_) | Self::Placed(..)) => other,
        }
    }

    /// What is wrong is this part of the value, whatever was said before.
    pub(super) fn about_all(self, part: &str) -> Self {
        match self {
            Self::Placed(error, _) => Self::Bad(error).about(part),
            other => other.about(part),
        }
    }

    /// Names the parameter it is of, as it was sent, and the character of its value.
    pub(super) fn of(self, name: &str, value: &str) -> Self {
        let place = place(name);
        match self {
            Self::Unknown(issue) => Self::Unknown(match issue.expression {
                None => issue.at(place),
                Some(_) => issue,
            }),
            Self::Bad(error) => Self::Bad(error.at(&place)),
            Self::Placed(mut error, address) => {
                if let Some(character) = character(value, address) {
                    for issue in &mut error.issues {
                        issue.diagnostics.push_str(&format!(" (at character {character})"));
                    }
                }
                Self::Bad(error.at(&place))
            }
        }
    }

    pub(super) fn error(self) -> Error {
        match self {
            Self::Unknown(issue) => Error::from_issues(Kind::Invalid, vec![issue]),
            Self::Bad(error) | Self::Placed(error, _) => error,
        }
    }
}

/// The number, from 1, of the character of a text at an address.
fn character(text: &str, address: usize) -> Option<usize> {
    let before = text.get(..address.checked_sub(text.as_ptr().addr())?)?;
    Some(before.chars().count() + 1)
}

/// How an OperationOutcome names a parameter of the request.
/// <https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.expression>
pub(super) fn place(name: &str) -> String {
    match tame(name).as_str() {
        "" => "http".to_owned(),
        name => format!("http.{name}"),
    }
}

/// A parameter's name as it may be shown: it is the sender's text.
#[must_use]
pub fn tame(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-:.".contains(*c)).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_its_place_in_the_value() {
        let value = String::from("é,xy");
        let part = value.split(',').nth(1).expect("two parts");
        let told = Refusal::value("name", "wrong").about(part).about(&value).of("na<me", &value);
        let issue = told.error().issues.remove(0);
        assert_eq!(issue.diagnostics, "name: wrong (at character 3)");
        assert_eq!(issue.expression.as_deref(), Some("http.name"));
        let elsewhere = Refusal::value("name", "wrong").about("other").of("name", &value);
        assert_eq!(elsewhere.error().issues.remove(0).diagnostics, "name: wrong");
    }
}
