//! Condition.
//! <http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-problems-health-concerns>

use super::Scene;
use crate::code::{Code, hl7, profile};
use crate::date::Moment;
use crate::id::Id;
use crate::json::Json;

const ACTIVE: Code = hl7!("condition-clinical", "active", "Active");
const RESOLVED: Code = hl7!("condition-clinical", "resolved", "Resolved");
const CONFIRMED: Code = hl7!("condition-ver-status", "confirmed", "Confirmed");
const PROBLEM: Code = hl7!("condition-category", "problem-list-item", "Problem List Item");
const DIAGNOSIS: Code = hl7!("condition-category", "encounter-diagnosis", "Encounter Diagnosis");

/// How long a condition lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Course {
    /// Long-term: on the problem list.
    Chronic,
    /// The diagnosis of one visit, not over yet.
    Acute,
    /// The diagnosis of one visit, over since.
    Over(Moment),
}

/// Writes a condition that began at `onset` and was recorded at the visit.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    scene: &Scene,
    codes: &[Code],
    onset: Moment,
    course: Course,
) {
    let (profile, category, status) = match course {
        Course::Chronic => {
            (profile!("us-core-condition-problems-health-concerns"), PROBLEM, ACTIVE)
        }
        Course::Acute => (profile!("us-core-condition-encounter-diagnosis"), DIAGNOSIS, ACTIVE),
        Course::Over(_) => (profile!("us-core-condition-encounter-diagnosis"), DIAGNOSIS, RESOLVED),
    };
    w.head("Condition", id, Some(profile));
    w.status_concept("clinicalStatus", &status);
    w.status_concept("verificationStatus", &CONFIRMED);
    w.concepts("category", &[category]);
    w.concept("code", codes);
    w.refer("subject", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.moment("onsetDateTime", onset);
    if let Course::Over(end) = course {
        w.moment("abatementDateTime", end);
    }
    w.moment("recordedDate", scene.start);
    w.refer_shared("recorder", "Practitioner", scene.doctor);
}
