//! MedicationRequest. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationrequest>

use super::{Known, Scene};
use crate::catalog::drugs::{Drug, Route};
use crate::code::{Code, hl7, profile, snomed};
use crate::id::Id;
use crate::json::Json;

const COMMUNITY: Code = hl7!("medicationrequest-category", "community", "Community");
const ORAL: Code = snomed("26643006", "Oral route");
const INHALED: Code = snomed("447694001", "Respiratory tract route");

/// Writes a prescription; `active` while it is in force.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    scene: &Scene,
    (drug, active): (&Drug, bool),
    reason: Option<Known>,
) {
    w.head("MedicationRequest", id, Some(profile!("us-core-medicationrequest")));
    w.text("status", if active { "active" } else { "completed" });
    w.text("intent", "order");
    w.concepts("category", &[COMMUNITY]);
    w.concept("medicationCodeableConcept", &[drug.code]);
    w.refer("subject", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.moment("authoredOn", scene.start);
    w.refer_shared("requester", "Practitioner", scene.doctor);
    if let Some(reason) = reason {
        w.one("reasonReference", |w| {
            w.address("reference", "Condition", reason.id);
            w.text("display", reason.code.display);
        });
    }
    w.one("dosageInstruction", |w| dosage(w, drug));
    w.object("dispenseRequest", |w| {
        w.number("numberOfRepeatsAllowed", if drug.course_days == 0 { 11 } else { 0 });
        let days = if drug.course_days == 0 { 30 } else { i64::from(drug.course_days) };
        w.quantity("expectedSupplyDuration", days, 0, ("days", "d"));
    });
}

fn dosage(w: &mut Json<'_>, drug: &Drug) {
    let plural = if drug.units == 1 { "" } else { "s" };
    let how_often = match drug.per_day {
        0 => "as needed".to_owned(),
        1 => "once daily".to_owned(),
        times => format!("{times} times daily"),
    };
    w.number("sequence", 1);
    w.text("text", &format!("Take {} {}{plural} {how_often}", drug.units, drug.unit));
    if drug.per_day > 0 {
        w.object("timing", |w| {
            w.object("repeat", |w| {
                w.number("frequency", drug.per_day);
                w.number("period", 1);
                w.text("periodUnit", "d");
            });
        });
    }
    w.flag("asNeededBoolean", drug.per_day == 0);
    w.concept("route", &[if drug.route == Route::Oral { ORAL } else { INHALED }]);
    w.one("doseAndRate", |w| {
        w.object("doseQuantity", |w| {
            w.number("value", drug.units);
            w.text("unit", drug.unit);
        });
    });
}
