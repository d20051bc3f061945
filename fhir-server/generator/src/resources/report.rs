//! DiagnosticReport of a laboratory panel.
//! <http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab>

use super::Scene;
use crate::code::{Code, hl7, profile};
use crate::id::Id;
use crate::json::Json;

const LABORATORY: Code = hl7!("v2-0074", "LAB", "Laboratory");

/// Writes a report that names its results.
pub(crate) fn write(w: &mut Json<'_>, id: Id, scene: &Scene, code: Code, results: &[Id]) {
    w.head("DiagnosticReport", id, Some(profile!("us-core-diagnosticreport-lab")));
    w.text("status", "final");
    w.concepts("category", &[LABORATORY]);
    w.concept("code", &[code]);
    w.refer("subject", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.moment("effectiveDateTime", scene.start);
    w.moment("issued", scene.end);
    w.one("performer", |w| w.prefixed("reference", "Organization", b'/', scene.organization));
    w.array("result", |w| {
        for result in results {
            w.item(|w| w.address("reference", "Observation", *result));
        }
    });
}
