//! Bindings to value sets. What terminology does not know is told as not checked, never as right.
//! <https://hl7.org/fhir/R4/terminologies.html#strength>

use canonical_model::{IssueCode, Severity, Value};

use super::element::of;
use super::model::{Binding, Profile, Strength};
use super::terms::Verdict;
use super::walk::{At, Walk};
use crate::validate::Path;

/// A code as an element holds it.
type Code<'a> = (Option<&'a str>, &'a str);

impl<'a> Walk<'a> {
    pub(super) fn binding(
        &mut self,
        at: &At<'a>,
        binding: &Binding,
        profile: &Profile,
        path: &Path<'_>,
    ) {
        // The structural pass knows the codes of these.
        let enumerated = at.element.is_some_and(|it| it.codes.is_some());
        if enumerated && !profile.narrows {
            return;
        }
        let Some(codes) = codes(at) else { return };
        if let Some(largest) = &binding.largest {
            self.bound(&codes, largest, Strength::Required, profile, path);
        }
        self.bound(&codes, &binding.value_set, binding.strength, profile, path);
    }

    fn bound(
        &mut self,
        codes: &[Code<'a>],
        value_set: &str,
        strength: Strength,
        profile: &Profile,
        path: &Path<'_>,
    ) {
        let severity = match strength {
            Strength::Required => Severity::Error,
            Strength::Extensible => Severity::Warning,
            Strength::Preferred => Severity::Information,
        };
        if !self.report.wants(severity) {
            return;
        }
        let of = of(profile);
        if codes.is_empty() {
            if strength == Strength::Required {
                let text = format!("Add a code of {value_set}{of}: text alone is not enough.");
                self.report.error(IssueCode::CodeInvalid, path, text);
            }
            return;
        }
        let verdicts: Vec<Verdict> = codes
            .iter()
            .map(|(system, code)| self.terminology.check(value_set, *system, code))
            .collect();
        if verdicts.contains(&Verdict::In) {
            return;
        }
        if verdicts.contains(&Verdict::Unknown) {
            let text =
                format!("Not checked against {value_set}{of}, which is not known here in full.");
            return self.report.unjudged(path, text);
        }
        let text = match strength {
            Strength::Required => format!("Use a code of {value_set}{of}."),
            Strength::Extensible => {
                format!("Use a code of {value_set}{of}, unless none there has this meaning.")
            }
            Strength::Preferred => format!("Better use a code of {value_set}{of}."),
        };
        self.report.add(severity, IssueCode::CodeInvalid, path, text);
    }
}

/// The codes of an element; none at all where it has only text; `None` where it can have none.
pub(super) fn codes<'a>(at: &At<'a>) -> Option<Vec<Code<'a>>> {
    let coded = |value: &'a Value| {
        let code = value.get("code")?.as_str()?;
        Some((value.get("system").and_then(Value::as_str), code))
    };
    match at.structure.path {
        "CodeableConcept" => {
            let codings = at.value.get("coding").map_or(&[][..], Value::items);
            Some(codings.iter().filter_map(coded).collect())
        }
        "Coding" => Some(coded(at.value).into_iter().collect()),
        // A quantity may have no unit: a profile that needs one says so besides.
        "Quantity" | "Age" | "Count" | "Distance" | "Duration" => {
            coded(at.value).map(|code| vec![code])
        }
        _ => at.value.as_str().filter(|_| at.structure.is_primitive()).map(|it| vec![(None, it)]),
    }
}
