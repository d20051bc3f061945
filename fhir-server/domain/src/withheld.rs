//! What an answer says of what it leaves out, and its record: by the rules in force, never by what there is.

use std::fmt;

use access::{Access, Label, Labels};
use canonical_model::{Error, Issue, IssueCode, Kind, ResourceType};
use store::Barred;

/// The rules by which something may have been left out, or was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    labels: Labels,
    /// Types of which the constraint of a scope leaves some.
    constrained: Vec<ResourceType>,
    consent: Denied,
}

/// What Consents may have withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Denied {
    /// Nothing: they do not bind, or there are none.
    Nothing,
    /// Whatever their rules deny.
    Something,
    /// One resource: by the Consent of this id.
    By(String),
}

impl Withheld {
    /// One resource alone, by this.
    pub(crate) fn by(barred: Barred) -> Self {
        let (labels, consent) = match barred {
            Barred::Label(label) => (Labels::of(label), Denied::Nothing),
            Barred::Consent(id) => (Labels::NONE, Denied::By(id)),
        };
        Self { labels, constrained: Vec::new(), consent }
    }

    /// What a Consent denies, whichever it is.
    pub(crate) fn by_consent() -> Self {
        Self { labels: Labels::NONE, constrained: Vec::new(), consent: Denied::Something }
    }

    /// The rules that an access to these types goes by; `None` where there are none.
    pub(crate) fn of(access: &Access, kinds: impl Iterator<Item = ResourceType>) -> Option<Self> {
        let constrained = kinds.filter(|kind| access.is_constrained(*kind)).collect();
        let consent = access.asker().map_or(Denied::Nothing, |_| Denied::Something);
        let all = Self { labels: access.withheld(), constrained, consent };
        let none = all.labels.is_empty() && all.constrained.is_empty();
        (!none || all.consent != Denied::Nothing).then_some(all)
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
        if self.consent != Denied::Nothing {
            parts.push("what patients deny by their Consents".to_owned());
        }
        let text = format!("Left out, if there is any: {}.", parts.join("; "));
        Issue::information(IssueCode::Suppressed, text)
    }

    /// The refusal of one resource, which its reader would reach else.
    pub(crate) fn refusal(self) -> Error {
        let words: Vec<&str> = self.labels.iter().map(Label::as_str).collect();
        let text = match &self.consent {
            Denied::Nothing => format!(
                "The resource is labelled as {}: the roles and the purpose of this token are not cleared for that.",
                words.join(", ")
            ),
            Denied::Something | Denied::By(_) => "The patient denies this by a Consent.".to_owned(),
        };
        Error::new(Kind::Forbidden, text).code(IssueCode::Suppressed).caused_by(self)
    }
}

impl fmt::Display for Withheld {
    /// As the record has it: `label:restricted scope:Observation consent:Consent/7`, or `consent` where it may be any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels.iter().map(|label| format!("label:{}", label.as_str()));
        let scopes = self.constrained.iter().map(|kind| format!("scope:{kind}"));
        let consent = match &self.consent {
            Denied::Nothing => None,
            Denied::Something => Some("consent".to_owned()),
            Denied::By(id) => Some(format!("consent:Consent/{id}")),
        };
        f.write_str(&labels.chain(scopes).chain(consent).collect::<Vec<_>>().join(" "))
    }
}

impl std::error::Error for Withheld {}
