//! CarePlan. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan>

use super::{Known, Scene};
use crate::code::{Code, profile};
use crate::id::Id;
use crate::json::Json;

const ASSESS_PLAN: Code = Code {
    system: "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    code: "assess-plan",
    display: "Assessment and Plan of Treatment",
};

/// Writes a plan for a long-term condition.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    scene: &Scene,
    (kind, activities): (Code, &[Code]),
    reason: Known,
) {
    w.head("CarePlan", id, Some(profile!("us-core-careplan")));
    w.object("text", |w| {
        w.text("status", "generated");
        let text = format!("{} for {}", kind.display, reason.code.display);
        w.text("div", &format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>"));
    });
    w.text("status", "active");
    w.text("intent", "plan");
    w.array("category", |w| {
        w.item(|w| w.codings(&[ASSESS_PLAN]));
        w.item(|w| w.codings(&[kind]));
    });
    w.refer("subject", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.object("period", |w| w.moment("start", scene.start));
    w.refer_shared("author", "Practitioner", scene.doctor);
    w.one("addresses", |w| w.address("reference", "Condition", reason.id));
    w.array("activity", |w| {
        for activity in activities {
            w.item(|w| {
                w.object("detail", |w| {
                    w.concept("code", &[*activity]);
                    w.text("status", "in-progress");
                });
            });
        }
    });
}
