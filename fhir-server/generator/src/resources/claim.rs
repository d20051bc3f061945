//! Claim and ExplanationOfBenefit of a visit. <https://hl7.org/fhir/R4/claim.html>

use super::{Known, Scene};
use crate::code::{Code, hl7};
use crate::date::Moment;
use crate::id::Id;
use crate::json::Json;

const PROFESSIONAL: Code = hl7!("claim-type", "professional", "Professional");
const INSTITUTIONAL: Code = hl7!("claim-type", "institutional", "Institutional");
const NORMAL: Code = hl7!("processpriority", "normal", "Normal");
const SUBMITTED: Code = hl7!("adjudication", "submitted", "Submitted Amount");
const COPAY: Code = hl7!("adjudication", "copay", "CoPay");
const BENEFIT: Code = hl7!("adjudication", "benefit", "Benefit Amount");

/// One line of a bill.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) code: Code,
    pub(crate) cents: i64,
}

/// A bill: what a visit cost, why, and who is asked to pay.
#[derive(Debug)]
pub(crate) struct Bill<'b> {
    pub(crate) emergency: bool,
    pub(crate) lines: &'b [Line],
    pub(crate) diagnosis: Option<Known>,
    /// What the visit was for where there was no diagnosis.
    pub(crate) otherwise: Code,
    pub(crate) coverage: Id,
    pub(crate) payer: Id,
    pub(crate) copay_cents: i64,
}

impl Bill<'_> {
    fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.cents).sum()
    }

    /// Billed and answered at the same time of day, days after the visit.
    fn created(scene: &Scene, days: i32) -> Moment {
        Moment { day: scene.start.day.plus(days).workday(), minute: 1020 }
    }

    fn common(&self, w: &mut Json<'_>, scene: &Scene, days: i32) {
        w.text("status", "active");
        w.concept("type", &[if self.emergency { INSTITUTIONAL } else { PROFESSIONAL }]);
        w.text("use", "claim");
        w.refer("patient", "Patient", scene.patient);
        w.period("billablePeriod", scene.start, scene.end);
        w.moment("created", Self::created(scene, days));
        w.refer_shared("insurer", "Organization", self.payer);
        w.refer_shared("provider", "Organization", scene.organization);
    }

    fn diagnoses(&self, w: &mut Json<'_>) {
        w.one("diagnosis", |w| {
            w.number("sequence", 1);
            match self.diagnosis {
                Some(known) => w.refer("diagnosisReference", "Condition", known.id),
                None => w.concept("diagnosisCodeableConcept", &[self.otherwise]),
            }
        });
    }

    fn items(&self, w: &mut Json<'_>, scene: &Scene, adjudicate: bool) {
        w.array("item", |w| {
            for (n, line) in (1..).zip(self.lines) {
                w.item(|w| {
                    w.number("sequence", n);
                    w.array("diagnosisSequence", |w| w.integer(1));
                    w.concept("productOrService", &[line.code]);
                    w.day("servicedDate", scene.start.day);
                    w.money("net", line.cents);
                    if n == 1 {
                        w.one("encounter", |w| {
                            w.address("reference", "Encounter", scene.encounter);
                        });
                    }
                    if adjudicate {
                        let copay = if n == 1 { self.copay_cents.min(line.cents) } else { 0 };
                        adjudication(w, line.cents, copay);
                    }
                });
            }
        });
    }

    /// Writes the claim.
    pub(crate) fn claim(&self, w: &mut Json<'_>, id: Id, scene: &Scene) {
        w.head("Claim", id, None);
        self.common(w, scene, 1);
        w.concept("priority", &[NORMAL]);
        self.diagnoses(w);
        w.one("insurance", |w| {
            w.number("sequence", 1);
            w.flag("focal", true);
            w.refer("coverage", "Coverage", self.coverage);
        });
        self.items(w, scene, false);
        w.money("total", self.total());
    }

    /// Writes the payer's answer to the claim.
    pub(crate) fn explanation(&self, w: &mut Json<'_>, id: Id, scene: &Scene, claim: Id) {
        let first = self.lines.first().map_or(0, |line| line.cents);
        let (total, copay) = (self.total(), self.copay_cents.min(first));
        w.head("ExplanationOfBenefit", id, None);
        self.common(w, scene, 15);
        w.refer("claim", "Claim", claim);
        w.text("outcome", "complete");
        self.diagnoses(w);
        w.one("insurance", |w| {
            w.flag("focal", true);
            w.refer("coverage", "Coverage", self.coverage);
        });
        self.items(w, scene, true);
        w.array("total", |w| {
            for (category, cents) in [(SUBMITTED, total), (BENEFIT, total - copay)] {
                w.item(|w| {
                    w.concept("category", &[category]);
                    w.money("amount", cents);
                });
            }
        });
        w.object("payment", |w| {
            w.day("date", Self::created(scene, 15).day);
            w.money("amount", total - copay);
        });
    }
}

fn adjudication(w: &mut Json<'_>, cents: i64, copay: i64) {
    w.array("adjudication", |w| {
        for (category, cents) in [(SUBMITTED, cents), (COPAY, copay), (BENEFIT, cents - copay)] {
            w.item(|w| {
                w.concept("category", &[category]);
                w.money("amount", cents);
            });
        }
    });
}
