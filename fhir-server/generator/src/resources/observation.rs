//! Observation: vital signs, laboratory results and the social history.
//! <http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs>

use super::Scene;
use crate::body::Measures;
use crate::catalog::labs::Lab;
use crate::chart::Chart;
use crate::code::{Code, hl7, loinc, profile, snomed};
use crate::id::Id;
use crate::json::Json;

const VITAL: Code = hl7!("observation-category", "vital-signs", "Vital Signs");
const LABORATORY: Code = hl7!("observation-category", "laboratory", "Laboratory");
const SOCIAL: Code = hl7!("observation-category", "social-history", "Social History");

const LOW: Code = hl7!("v3-ObservationInterpretation", "L", "Low");
const HIGH: Code = hl7!("v3-ObservationInterpretation", "H", "High");
const NORMAL: Code = hl7!("v3-ObservationInterpretation", "N", "Normal");

const PRESSURE_UNIT: (&str, &str) = ("mmHg", "mm[Hg]");
const PRESSURE: Code = loinc("85354-9", "Blood pressure panel with all children optional");
const SYSTOLIC: Code = loinc("8480-6", "Systolic blood pressure");
const DIASTOLIC: Code = loinc("8462-4", "Diastolic blood pressure");
const SMOKING: Code = loinc("72166-2", "Tobacco smoking status");
const SMOKES: Code = snomed("449868002", "Smokes tobacco daily");
const NEVER_SMOKED: Code = snomed("266919005", "Never smoked tobacco");

/// A vital sign of one value.
struct Vital {
    code: Code,
    profile: &'static str,
    unit: (&'static str, &'static str),
    places: u32,
    read: fn(&Measures) -> f64,
}

/// Rounds to a number of decimal places, kept as an integer.
fn scaled(value: f64, places: u32) -> i64 {
    let mut factor = 1.0;
    for _ in 0..places {
        factor *= 10.0;
    }
    (value * factor).round() as i64
}

/// The index as it follows from the height and weight that are printed.
fn mass_index(m: &Measures) -> f64 {
    let metres = scaled(m.height, 1) as f64 / 1000.0;
    scaled(m.weight, 1) as f64 / 10.0 / (metres * metres)
}

#[rustfmt::skip]
static VITALS: [Vital; 7] = [
    Vital { code: loinc("8302-2", "Body height"), profile: profile!("us-core-body-height"), unit: ("cm", "cm"), places: 1, read: |m| m.height },
    Vital { code: loinc("29463-7", "Body weight"), profile: profile!("us-core-body-weight"), unit: ("kg", "kg"), places: 1, read: |m| m.weight },
    Vital { code: loinc("39156-5", "Body mass index (BMI) [Ratio]"), profile: profile!("us-core-bmi"), unit: ("kg/m2", "kg/m2"), places: 2, read: mass_index },
    Vital { code: loinc("8867-4", "Heart rate"), profile: profile!("us-core-heart-rate"), unit: ("beats/minute", "/min"), places: 0, read: |m| m.pulse },
    Vital { code: loinc("9279-1", "Respiratory rate"), profile: profile!("us-core-respiratory-rate"), unit: ("breaths/minute", "/min"), places: 0, read: |m| m.breaths },
    Vital { code: loinc("8310-5", "Body temperature"), profile: profile!("us-core-body-temperature"), unit: ("Cel", "Cel"), places: 1, read: |m| m.temperature },
    Vital { code: loinc("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"), profile: profile!("us-core-vital-signs"), unit: ("%", "%"), places: 0, read: |m| m.saturation },
];

/// Writes what every observation starts with.
fn head(w: &mut Json<'_>, id: Id, scene: &Scene, profile: &str, category: Code, code: Code) {
    w.head("Observation", id, Some(profile));
    w.text("status", "final");
    w.concepts("category", &[category]);
    w.concept("code", &[code]);
    w.refer("subject", "Patient", scene.patient);
    w.refer("encounter", "Encounter", scene.encounter);
    w.moment("effectiveDateTime", scene.start);
    w.moment("issued", scene.end);
    w.one("performer", |w| w.prefixed("reference", "Practitioner", b'/', scene.doctor));
}

/// Adds the vital signs: all of them, or those of a sick visit; blood pressure from three years on.
pub(crate) fn vitals(
    chart: &mut Chart<'_>,
    scene: &Scene,
    measures: &Measures,
    years: f64,
    sick: bool,
) {
    let skipped = if sick { 3 } else { 0 };
    for vital in VITALS.iter().skip(skipped) {
        chart.add("Observation", |w, id| {
            head(w, id, scene, vital.profile, VITAL, vital.code);
            let value = scaled((vital.read)(measures), vital.places);
            w.quantity("valueQuantity", value, vital.places, vital.unit);
        });
    }
    if years >= 3.0 {
        chart.add("Observation", |w, id| pressure(w, id, scene, measures));
    }
}

fn pressure(w: &mut Json<'_>, id: Id, scene: &Scene, measures: &Measures) {
    head(w, id, scene, profile!("us-core-blood-pressure"), VITAL, PRESSURE);
    w.array("component", |w| {
        for (code, value) in [(SYSTOLIC, measures.systolic), (DIASTOLIC, measures.diastolic)] {
            w.item(|w| {
                w.concept("code", &[code]);
                w.quantity("valueQuantity", scaled(value, 0), 0, PRESSURE_UNIT);
            });
        }
    });
}

/// Writes a laboratory result with its reference range and what it means.
pub(crate) fn lab(w: &mut Json<'_>, id: Id, scene: &Scene, lab: &Lab, measures: &Measures) {
    let value = scaled((lab.read)(measures), lab.places);
    let limit = |end: Option<f64>| end.map(|end| scaled(end, lab.places));
    let (low, high) = (limit(lab.low), limit(lab.high));
    head(w, id, scene, profile!("us-core-observation-lab"), LABORATORY, lab.code);
    w.quantity("valueQuantity", value, lab.places, lab.unit);
    let meaning = match (low, high) {
        (Some(low), _) if value < low => LOW,
        (_, Some(high)) if value > high => HIGH,
        _ => NORMAL,
    };
    w.concepts("interpretation", &[meaning]);
    w.one("referenceRange", |w| {
        for (key, end) in [("low", low), ("high", high)] {
            if let Some(end) = end {
                w.quantity(key, end, lab.places, lab.unit);
            }
        }
    });
}

/// Writes whether a person smokes.
pub(crate) fn smoking(w: &mut Json<'_>, id: Id, scene: &Scene, smoker: bool) {
    head(w, id, scene, profile!("us-core-smokingstatus"), SOCIAL, SMOKING);
    w.concept("valueCodeableConcept", &[if smoker { SMOKES } else { NEVER_SMOKED }]);
}
