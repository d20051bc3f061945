//! Rules in FHIRPath, each asked once of each element, within what is left of the steps.
//! <https://hl7.org/fhir/R4/conformance-rules.html#constraints>

use canonical_model::fhirpath::Spot;
use canonical_model::{IssueCode, Severity};

use super::model::{Invariant, Node};
use super::walk::{At, Walk};
use crate::validate::Path;

impl<'a> Walk<'a> {
    /// Asks the rules of one definition that were not asked of this element before.
    pub(super) fn invariants(
        &mut self,
        at: &At<'a>,
        node: &'a Node,
        asked: &mut Vec<u64>,
        path: &Path<'_>,
    ) {
        for invariant in &node.invariants {
            let wanted = invariant.is_error || self.report.wants(Severity::Warning);
            if wanted && !asked.contains(&invariant.identity) {
                asked.push(invariant.identity);
                self.invariant(at, invariant, path);
            }
        }
    }

    fn invariant(&mut self, at: &At<'a>, invariant: &Invariant, path: &Path<'_>) {
        let Some(rule) = &invariant.rule else {
            return self.not_checked(invariant, "its expression cannot be read here", path);
        };
        let spot = Spot {
            value: at.value,
            kind: at.structure.path,
            extension: at.extension,
            resource: at.resource,
            container: at.container,
        };
        match rule.holds(&spot, &mut self.steps_left) {
            Ok(Some(true)) => {}
            Ok(None) => self.not_checked(invariant, "it says neither yes nor no here", path),
            Ok(Some(false)) => {
                let severity = if invariant.is_error { Severity::Error } else { Severity::Warning };
                let text = format!("See to it that: {} ({})", invariant.human, invariant.key);
                self.report.add(severity, IssueCode::Invariant, path, text);
            }
            Err(_) if self.steps_left == 0 => {
                self.spend(usize::MAX, path);
            }
            Err(why) => self.not_checked(invariant, why, path),
        }
    }

    fn not_checked(&mut self, invariant: &Invariant, why: &str, path: &Path<'_>) {
        let text = format!("Rule {} was not checked: {why}.", invariant.key);
        self.report.unjudged(path, text);
    }
}
