//! AllergyIntolerance. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-allergyintolerance>

use super::Scene;
use crate::catalog::allergens::Allergen;
use crate::code::{Code, hl7, profile};
use crate::id::Id;
use crate::json::Json;

const ACTIVE: Code = hl7!("allergyintolerance-clinical", "active", "Active");
const CONFIRMED: Code = hl7!("allergyintolerance-verification", "confirmed", "Confirmed");

/// Writes an allergy.
pub(crate) fn write(w: &mut Json<'_>, id: Id, scene: &Scene, allergen: &Allergen) {
    let severe = allergen.severity == "severe";
    w.head("AllergyIntolerance", id, Some(profile!("us-core-allergyintolerance")));
    w.status_concept("clinicalStatus", &ACTIVE);
    w.status_concept("verificationStatus", &CONFIRMED);
    w.text("type", "allergy");
    w.strings("category", &[allergen.category]);
    w.text("criticality", if severe { "high" } else { "low" });
    w.concept("code", &[allergen.code]);
    w.refer("patient", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.moment("recordedDate", scene.start);
    w.refer_shared("recorder", "Practitioner", scene.doctor);
    w.one("reaction", |w| {
        w.concepts("manifestation", &[allergen.reaction]);
        w.text("severity", allergen.severity);
    });
}
