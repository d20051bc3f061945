//! Procedure. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-procedure>

use super::{Known, Scene};
use crate::catalog::procedures::Treatment;
use crate::code::profile;
use crate::id::Id;
use crate::json::Json;

/// Writes a procedure done at the visit.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    scene: &Scene,
    treatment: &Treatment,
    reason: Option<Known>,
) {
    w.head("Procedure", id, Some(profile!("us-core-procedure")));
    w.text("status", "completed");
    w.concept("code", &[treatment.code]);
    w.refer("subject", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    let start = scene.start.plus_minutes(5);
    w.period("performedPeriod", start, start.plus_minutes(treatment.minutes));
    w.one("performer", |w| w.refer_shared("actor", "Practitioner", scene.doctor));
    w.refer_shared("location", "Location", scene.location);
    if let Some(reason) = reason {
        w.one("reasonReference", |w| {
            w.address("reference", "Condition", reason.id);
            w.text("display", reason.code.display);
        });
    }
}
