//! What an answer says of what it leaves out, and its record: by the rules in force, never by what there is.

use std::fmt;

use access::{Access, Label, Labels};
use canonical_model::{Error, Issue, IssueCode, Kind, ResourceType};

/// The rules by which something may have been left out, or was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    labels: Labels,
    /// Types of which the constraint of a scope leaves some.
    constrained: Vec<ResourceType>,
}

impl Withheld {
    /// A label alone.
    pub(crate) fn by(label: Label) -> Self {
        Self { labels: Labels::of(label), constrained: Vec::new() }
    }

    /// The rules that an access to these types goes by; `None` where there are none.
    pub(crate) fn of(access: &Access, kinds: impl Iterator<Item = ResourceType>) -> Option<Self> {
        let constrained = kinds.filter(|kind| access.is_constrained(*kind)).collect();
        let all = Self { labels: access.withheld(), constrained };
        (!all.labels.is_empty() || !all.constrained.is_empty()).then_some(all)
    }

    /// What an answer says that may have left something out.
    #[must_use]
    pub fn issue(&self) -> Issue {
        let mut parts = Vec::new();
        if !self.constrained.is_empty() {
            let kinds: Vec<&str> = self.constrained.iter().map(|kind| kind.name()).collect();
            parts.push(format!("{} outside of what scopes with `?` let through", kinds.join(", ")));
        }
        if !self.labels.is_empty() {
            let words: Vec<&str> = self.labels.iter().map(Label::as_str).collect();
            parts.push(format!("what is labelled as {}", words.join(", ")));
        }
        let text = format!("Left out, if there is any: {}.", parts.join("; "));
        Issue::information(IssueCode::Suppressed, text)
    }

    /// The refusal of one resource, which its reader would reach else.
    pub(crate) fn refusal(self) -> Error {
        let words: Vec<&str> = self.labels.iter().map(Label::as_str).collect();
        let text = format!(
            "The resource is labelled as {}: the roles and the purpose of this token are not cleared for that.",
            words.join(", ")
        );
        Error::new(Kind::Forbidden, text).code(IssueCode::Suppressed).caused_by(self)
    }
}

impl fmt::Display for Withheld {
    /// As the record has it: `label:restricted label:violence scope:Observation`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels.iter().map(|label| format!("label:{}", label.as_str()));
        let scopes = self.constrained.iter().map(|kind| format!("scope:{kind}"));
        f.write_str(&labels.chain(scopes).collect::<Vec<_>>().join(" "))
    }
}

impl std::error::Error for Withheld {}
