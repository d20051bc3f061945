//! Encounter. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter>

use super::Scene;
use crate::code::{Code, hl7, profile, snomed};
use crate::id::Id;
use crate::json::Json;
use crate::timeline::{Reason, Visit};

const AMBULATORY: Code = hl7!("v3-ActCode", "AMB", "ambulatory");
const EMERGENCY: Code = hl7!("v3-ActCode", "EMER", "emergency");
const PRIMARY_PERFORMER: Code = hl7!("v3-ParticipationType", "PPRF", "primary performer");

const CHILD_CHECK_UP: Code = snomed("410620009", "Well child visit");
const CHECK_UP: Code = snomed("162673000", "General examination of patient");
const FOLLOW_UP: Code = snomed("390906007", "Follow-up encounter");
const PROBLEM: Code = snomed("185347001", "Encounter for problem");
const SYMPTOM: Code = snomed("185345009", "Encounter for symptom");
const EMERGENCY_ADMISSION: Code = snomed("50849002", "Emergency room admission");

/// What a visit is called.
pub(crate) fn kind(visit: &Visit, years: f64) -> Code {
    match visit.reason {
        Reason::Wellness if years < 18.0 => CHILD_CHECK_UP,
        Reason::Wellness => CHECK_UP,
        Reason::Onset(_) => PROBLEM,
        Reason::FollowUp(_) => FOLLOW_UP,
        Reason::Acute(episode) if episode.emergency => EMERGENCY_ADMISSION,
        Reason::Acute(_) => SYMPTOM,
    }
}

/// Writes an encounter; its own id is the scene's.
pub(crate) fn write(w: &mut Json<'_>, id: Id, scene: &Scene, visit: &Visit, kind: Code) {
    let emergency = matches!(visit.reason, Reason::Acute(episode) if episode.emergency);
    w.head("Encounter", id, Some(profile!("us-core-encounter")));
    w.one("identifier", |w| {
        w.text("use", "official");
        w.text("system", "https://carebridge.example/sid/encounter");
        w.id("value", id);
    });
    w.text("status", "finished");
    w.object("class", |w| w.coding(if emergency { &EMERGENCY } else { &AMBULATORY }));
    w.concepts("type", &[kind]);
    w.refer("subject", "Patient", scene.patient);
    w.one("participant", |w| {
        w.concepts("type", &[PRIMARY_PERFORMER]);
        w.period("period", scene.start, scene.end);
        w.refer_shared("individual", "Practitioner", scene.doctor);
    });
    w.period("period", scene.start, scene.end);
    let reason = match visit.reason {
        Reason::Wellness => None,
        Reason::Onset(disease) | Reason::FollowUp(disease) => disease.codes.first(),
        Reason::Acute(episode) => episode.codes.first(),
    };
    if let Some(reason) = reason {
        w.concepts("reasonCode", &[*reason]);
    }
    w.one("location", |w| w.refer_shared("location", "Location", scene.location));
    w.refer_shared("serviceProvider", "Organization", scene.organization);
}
