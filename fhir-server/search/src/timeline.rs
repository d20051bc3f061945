//! What each type is asked for along time: `patient + code, newest first`.

use canonical_model::ResourceType;

/// A type's date and the tokens that are asked for along it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    pub(crate) date: &'static str,
    pub(crate) keys: &'static [&'static str],
}

const TIMELINES: &[(&str, Timeline)] = &[
    ("AllergyIntolerance", Timeline { date: "date", keys: &["code"] }),
    ("CarePlan", Timeline { date: "date", keys: &["category"] }),
    ("Condition", Timeline { date: "onset-date", keys: &["code", "category"] }),
    ("DiagnosticReport", Timeline { date: "date", keys: &["code", "category"] }),
    ("DocumentReference", Timeline { date: "date", keys: &["type", "category"] }),
    ("Encounter", Timeline { date: "date", keys: &["class", "type"] }),
    ("Immunization", Timeline { date: "date", keys: &["vaccine-code"] }),
    ("MedicationRequest", Timeline { date: "authoredon", keys: &["code", "intent"] }),
    ("Observation", Timeline { date: "date", keys: &["code", "category"] }),
    ("Procedure", Timeline { date: "date", keys: &["code"] }),
    ("ServiceRequest", Timeline { date: "authored", keys: &["code", "category"] }),
];

/// The timeline of a type.
pub(crate) fn of(kind: ResourceType) -> Option<Timeline> {
    let at = TIMELINES.binary_search_by(|(name, _)| name.cmp(&kind.name())).ok()?;
    TIMELINES.get(at).map(|(_, timeline)| *timeline)
}

/// Where a version without a date stands: before all others.
pub(crate) const NO_DATE: i64 = i64::MIN;
/// Where a period without a start begins: before all dates, and still after what has no date at all.
pub(crate) const NO_START: i64 = NO_DATE + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_type_and_a_parameter() {
        assert!(TIMELINES.is_sorted_by_key(|(name, _)| *name));
        let registry = conformance::Registry::r4();
        for (name, timeline) in TIMELINES {
            let kind = ResourceType::find(name).expect(name);
            for code in timeline.keys.iter().chain([&timeline.date]) {
                assert!(registry.search_param(kind, code).is_some(), "{name}.{code}");
            }
        }
    }
}
