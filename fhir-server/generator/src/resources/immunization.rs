//! Immunization. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-immunization>

use super::Scene;
use crate::code::{Code, hl7, profile};
use crate::id::Id;
use crate::json::Json;

const MUSCLE: Code = hl7!("v3-RouteOfAdministration", "IM", "Injection, intramuscular");
const LEFT_ARM: Code = hl7!("v3-ActSite", "LA", "left arm");

/// Writes a vaccination; `dose` counts from 1 where the schedule has doses.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    scene: &Scene,
    (vaccine, dose): (Code, Option<i64>),
    lot: u64,
) {
    w.head("Immunization", id, Some(profile!("us-core-immunization")));
    w.text("status", "completed");
    w.concept("vaccineCode", &[vaccine]);
    w.refer("patient", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.moment("occurrenceDateTime", scene.start);
    w.flag("primarySource", true);
    w.refer_shared("location", "Location", scene.location);
    w.text("lotNumber", &format!("L{lot:05}"));
    w.concept("site", &[LEFT_ARM]);
    w.concept("route", &[MUSCLE]);
    w.one("performer", |w| w.refer_shared("actor", "Practitioner", scene.doctor));
    if let Some(dose) = dose {
        w.one("protocolApplied", |w| w.number("doseNumberPositiveInt", dose));
    }
}
