//! Judging by profiles: R4's own, the specification's examples, profiles made to be difficult, and
//! HL7's cases for validators.

mod cases;
mod definitions;
mod hostile;
mod mutations;
mod official;
mod own;
mod questionnaires;
mod samples;
mod slicing;

use canonical_model::{Issue, Resource, Severity, json};

use super::{Profiles, Terminology, Unknown, Validator, Verdict};

/// The issues of a resource, as `severity expression code`.
fn told(issues: &[Issue]) -> Vec<String> {
    let line = |it: &Issue| {
        let at = it.expression.as_deref().unwrap_or_default();
        format!("{} {at} {}", it.severity.as_str(), it.code.as_str())
    };
    issues.iter().map(line).collect()
}

/// What is wrong with a resource, without remarks.
fn faults(profiles: &Profiles, terminology: &dyn Terminology, text: &str) -> Vec<String> {
    let resource = Resource::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
    crate::validate(&resource).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut issues = Validator::new(profiles, terminology).judge(&resource, &[]);
    issues.retain(|it| matches!(it.severity, Severity::Error | Severity::Warning));
    issues.retain(|it| !it.diagnostics.ends_with("(dom-6)"));
    told(&issues)
}

fn installed(definitions: &[&str]) -> Profiles {
    let mut profiles = Profiles::new();
    for text in definitions {
        let definition = json::parse(text.as_bytes()).unwrap();
        profiles.install(&definition).unwrap_or_else(|e| panic!("{e}"));
    }
    profiles
}

/// Value sets of a test: URL, system, code.
struct Sets(&'static [(&'static str, &'static str, &'static str)]);

impl Terminology for Sets {
    fn check(&self, value_set: &str, system: Option<&str>, code: &str) -> Verdict {
        let mut of_set = self.0.iter().filter(|(url, ..)| *url == value_set).peekable();
        if of_set.peek().is_none() {
            return Verdict::Unknown;
        }
        let is_it = |(_, own, one): &(&str, &str, &str)| {
            *one == code && system.is_none_or(|system| system == *own)
        };
        if of_set.any(is_it) { Verdict::In } else { Verdict::Out }
    }
}
