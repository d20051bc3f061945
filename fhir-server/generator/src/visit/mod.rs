//! Tells a person's story: the record opens, visits follow, and each leaves its resources behind.

mod illness;
mod prevention;

use crate::body::Measures;
use crate::catalog::diseases::Ill;
use crate::catalog::drugs::Drug;
use crate::catalog::labs::Panel;
use crate::catalog::procedures::Treatment;
use crate::chart::Chart;
use crate::code::icd10;
use crate::date::{Day, Moment};
use crate::dice::{Dice, Stream};
use crate::directory::{Directory, Specialty};
use crate::id::Id;
use crate::options::Options;
use crate::person::{Person, Role};
use crate::resources::claim::{Bill, Line};
use crate::resources::{
    Known, Scene, allergy, coverage, encounter, observation, patient, procedure, report,
};
use crate::timeline::{Reason, Visit, visits};

/// Writes everything about one patient.
pub(crate) fn write_record(options: &Options, index: u64, chart: &mut Chart<'_>) {
    let person = Person::of(options, index);
    let directory = Directory::of(options);
    let facility = person.household.facility;
    let organization = directory.organization(facility);
    let own_doctor = match person.years(options.until) {
        0.0..18.0 => Specialty::Pediatrics,
        18.0..65.0 => Specialty::Family,
        _ => Specialty::Internal,
    };
    let doctor = directory.practitioner(facility, own_doctor);
    let kin = kin(options, &person);
    let patient = chart.add("Patient", |w, id| {
        patient::write(w, id, (options, &person), kin.as_ref(), (doctor, organization));
    });
    let opens = options.until.plus_years(-f64::from(options.years)).max(person.birth);
    let payer = directory.payer(person.household.cover, person.years(options.until));
    let coverage = chart.add("Coverage", |w, id| {
        coverage::write(w, id, (patient, &person), payer, opens);
    });
    let mut story = Story {
        options,
        person: &person,
        directory,
        patient,
        coverage,
        payer: payer.0,
        known: Vec::new(),
        prescribed: Vec::new(),
        checked: opens,
        season: 0,
        dice: Dice::new(options.seed, Stream::Values, index),
        lines: Vec::new(),
    };
    for (n, visit) in visits(&person, options).iter().enumerate() {
        story.tell(chart, visit, n == 0);
    }
}

/// Whom to call: a child's parent, a spouse's spouse.
fn kin(options: &Options, person: &Person) -> Option<Person> {
    let household = &person.household;
    let index = match (person.role, household.spouse_years) {
        (Role::Head, Some(_)) => household.first + 1,
        (Role::Head, None) => return None,
        _ => household.first,
    };
    Some(Person::of(options, index))
}

struct Story<'s> {
    options: &'s Options,
    person: &'s Person,
    directory: Directory,
    patient: Id,
    coverage: Id,
    payer: Id,
    known: Vec<(Ill, Known)>,
    prescribed: Vec<(&'static Drug, Day)>,
    /// The last check-up, or the day the record opens.
    checked: Day,
    /// The last season with a vaccination against influenza.
    season: i32,
    dice: Dice,
    /// The bill of the visit being told.
    lines: Vec<Line>,
}

impl Story<'_> {
    fn tell(&mut self, chart: &mut Chart<'_>, visit: &Visit, first: bool) {
        let day = visit.start.day;
        let years = self.person.years(day);
        let kind = encounter::kind(visit, years);
        let mut scene = self.scene(visit, years);
        scene.encounter = chart.add("Encounter", |w, id| {
            encounter::write(w, id, &scene, visit, kind);
        });
        let emergency = matches!(visit.reason, Reason::Acute(episode) if episode.emergency);
        let fee = if emergency { 61_450 } else { 4_800 + i64::from(visit.minutes) * 310 };
        self.lines.clear();
        self.lines.push(Line { code: kind, cents: fee });
        if first {
            self.open(chart, &scene);
        }
        let fever = matches!(visit.reason, Reason::Acute(episode) if episode.fever);
        let measures = Measures::of(self.person, day, fever, &mut self.dice);
        let sick = matches!(visit.reason, Reason::Acute(_));
        observation::vitals(chart, &scene, &measures, years, sick);
        let diagnosis = match visit.reason {
            Reason::Wellness => self.check_up(chart, &scene, &measures, years),
            Reason::Onset(disease) => Some(self.onset(chart, &scene, disease, &measures)),
            Reason::FollowUp(disease) => self.follow_up(chart, &scene, disease, &measures),
            Reason::Acute(episode) => Some(self.acute(chart, &scene, episode, &measures)),
        };
        self.bill(chart, &scene, diagnosis, emergency, years);
    }

    fn scene(&mut self, visit: &Visit, years: f64) -> Scene {
        let facility = self.person.household.facility;
        let specialty = visit.specialty(years);
        Scene {
            patient: self.patient,
            encounter: self.patient, // replaced as soon as the encounter has its id
            start: visit.start,
            end: visit.start.plus_minutes(visit.minutes),
            organization: self.directory.organization(facility),
            location: self.directory.location(facility, specialty == Specialty::Emergency),
            doctor: self.directory.practitioner(facility, specialty),
        }
    }

    /// The first visit takes down what the person brings along.
    fn open(&mut self, chart: &mut Chart<'_>, scene: &Scene) {
        for allergen in &self.person.allergies {
            chart.add("AllergyIntolerance", |w, id| allergy::write(w, id, scene, allergen));
        }
        for (disease, onset) in &self.person.diseases {
            if *onset < scene.start.day {
                let known = self.record(chart, scene, disease, Moment { day: *onset, minute: 540 });
                self.prescribe(chart, scene, disease, Some(known));
            }
        }
    }

    fn panel(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        panel: &'static Panel,
        measures: &Measures,
    ) {
        let mut results = Vec::with_capacity(panel.labs.len());
        for lab in panel.labs {
            results.push(chart.add("Observation", |w, id| {
                observation::lab(w, id, scene, lab, measures);
            }));
            let (code, cents) = (lab.code, 1_150);
            if panel.report.is_none() {
                self.lines.push(Line { code, cents });
            }
        }
        if let Some(code) = panel.report {
            chart.add("DiagnosticReport", |w, id| report::write(w, id, scene, code, &results));
            self.lines.push(Line { code, cents: 4_620 });
        }
    }

    fn treat(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        treatment: &'static Treatment,
        reason: Option<Known>,
    ) {
        chart.add("Procedure", |w, id| procedure::write(w, id, scene, treatment, reason));
        self.lines.push(Line { code: treatment.code, cents: treatment.cents });
    }

    fn bill(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        diagnosis: Option<Known>,
        emergency: bool,
        years: f64,
    ) {
        let otherwise = if years < 18.0 {
            icd10(
                "Z00.129",
                "Encounter for routine child health examination without abnormal findings",
            )
        } else {
            icd10(
                "Z00.00",
                "Encounter for general adult medical examination without abnormal findings",
            )
        };
        let bill = Bill {
            emergency,
            lines: &self.lines,
            diagnosis,
            otherwise,
            coverage: self.coverage,
            payer: self.payer,
            copay_cents: if emergency { 15_000 } else { 2_500 },
        };
        let claim = chart.add("Claim", |w, id| bill.claim(w, id, scene));
        chart.add("ExplanationOfBenefit", |w, id| bill.explanation(w, id, scene, claim));
    }
}
