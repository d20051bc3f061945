//! What an instrument reads off a person on a day: age, sex, disease and treatment behind a
//! little noise.

use crate::catalog::diseases::Ill;
use crate::date::Day;
use crate::dice::Dice;
use crate::person::Person;

/// One day's readings, in the units of the tables that print them.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    pub(crate) height: f64,
    pub(crate) weight: f64,
    pub(crate) systolic: f64,
    pub(crate) diastolic: f64,
    pub(crate) pulse: f64,
    pub(crate) breaths: f64,
    pub(crate) temperature: f64,
    pub(crate) saturation: f64,
    pub(crate) a1c: f64,
    pub(crate) glucose: f64,
    pub(crate) urea: f64,
    pub(crate) creatinine: f64,
    pub(crate) filtration: f64,
    pub(crate) calcium: f64,
    pub(crate) sodium: f64,
    pub(crate) potassium: f64,
    pub(crate) chloride: f64,
    pub(crate) bicarbonate: f64,
    pub(crate) triglyceride: f64,
    pub(crate) ldl: f64,
    pub(crate) hdl: f64,
    pub(crate) leukocytes: f64,
    pub(crate) hemoglobin: f64,
    pub(crate) platelets: f64,
    pub(crate) albuminuria: f64,
    pub(crate) thyrotropin: f64,
    pub(crate) clotting: f64,
}

/// Height in cm of girls and boys, and their body mass index, by age in years.
const GROWTH: [(f64, f64, f64, f64); 12] = [
    (0.0, 49.5, 50.0, 13.5),
    (0.5, 66.0, 68.0, 17.0),
    (1.0, 74.0, 76.0, 16.9),
    (2.0, 86.0, 88.0, 16.4),
    (4.0, 101.0, 102.0, 15.6),
    (6.0, 115.0, 116.0, 15.5),
    (8.0, 127.0, 128.0, 16.0),
    (10.0, 138.0, 139.0, 17.0),
    (12.0, 151.0, 149.0, 18.2),
    (14.0, 159.5, 163.0, 19.6),
    (16.0, 162.0, 173.0, 21.0),
    (18.0, 163.0, 176.0, 22.5),
];

/// Days over which a new treatment takes effect.
const RELIEF_DAYS: f64 = 540.0;

/// 1 on the day of the diagnosis, 0 once treatment has settled; nothing without the disease.
fn untreated(person: &Person, ill: Ill, day: Day) -> Option<f64> {
    let onset = person.since(ill, day)?;
    Some(1.0 - (f64::from(day.0 - onset.0) / RELIEF_DAYS).min(1.0))
}

/// `base` plus, with the disease, `untreated` that treatment brings down to `treated`.
fn raised(person: &Person, ill: Ill, day: Day, treated: f64, at_onset: f64) -> f64 {
    untreated(person, ill, day).map_or(0.0, |left| treated + (at_onset - treated) * left)
}

impl Measures {
    /// Reads everything at once, so that what depends on each other agrees.
    pub(crate) fn of(person: &Person, day: Day, fever: bool, dice: &mut Dice) -> Self {
        let years = person.years(day);
        let (height, weight) = size(person, years, dice);
        let (systolic, diastolic) = pressure(person, day, years, dice);
        let has = |ill| person.since(ill, day).is_some();
        let feverish = if fever { 1.0 } else { 0.0 };
        let a1c = 5.25 + 0.15 * dice.bell() + raised(person, Ill::Diabetes, day, 1.5, 3.1);
        let filtration = filtration(person, day, years, dice);
        let muscle = if person.female { 0.78 } else { 0.98 };
        let lean = (38.0 - person.mass_index) * 0.7;
        let blood = if person.female { 13.5 } else { 15.0 };
        Self {
            height,
            weight,
            systolic,
            diastolic,
            pulse: resting_pulse(years) + 6.0 * dice.bell() - 3.0 * person.fit
                + 18.0 * feverish
                + if has(Ill::Fibrillation) { 12.0 } else { 0.0 },
            breaths: (34.0 - years * 1.6).max(15.0) + dice.bell() + 3.0 * feverish,
            temperature: 36.7 + 0.2 * dice.bell() + 1.5 * feverish,
            saturation: (98.0 + 0.8 * dice.bell() - if has(Ill::Pulmonary) { 4.5 } else { 0.0 })
                .clamp(86.0, 100.0),
            a1c,
            glucose: (28.7 * a1c - 46.7 - 14.0 + 7.0 * dice.bell()).max(62.0),
            urea: 13.0 + 2.5 * dice.bell() + (90.0 - filtration).max(0.0) * 0.25,
            creatinine: muscle * 92.0 / filtration,
            filtration,
            calcium: 9.4 + 0.3 * dice.bell(),
            sodium: 140.0 + 1.8 * dice.bell(),
            potassium: 4.2 + 0.28 * dice.bell() + (55.0 - filtration).max(0.0) * 0.012,
            chloride: 102.0 + 1.8 * dice.bell(),
            bicarbonate: 25.0 + 1.4 * dice.bell(),
            triglyceride: (118.0 - lean * 3.0
                + 28.0 * dice.bell()
                + raised(person, Ill::Lipids, day, 25.0, 75.0))
            .max(45.0),
            ldl: (104.0 + 14.0 * dice.bell() + raised(person, Ill::Lipids, day, -8.0, 68.0))
                .max(48.0),
            hdl: (if person.female { 56.0 } else { 47.0 } + lean * 0.5 + 5.0 * dice.bell())
                .max(24.0),
            leukocytes: (6.9 + 1.2 * dice.bell() + 5.0 * feverish).max(3.2),
            hemoglobin: blood + 0.7 * dice.bell() - raised(person, Ill::Anemia, day, 0.8, 3.6),
            platelets: 252.0 + 42.0 * dice.bell(),
            albuminuria: (11.0
                + 4.0 * dice.bell()
                + if has(Ill::Kidney) { 95.0 + 30.0 * dice.bell() } else { 0.0 })
            .max(2.0),
            thyrotropin: (2.0 + 0.5 * dice.bell() + raised(person, Ill::Thyroid, day, 0.6, 7.5))
                .max(0.3),
            clotting: (2.5 + 0.35 * dice.bell()).max(1.1),
        }
    }

    /// Total cholesterol, by Friedewald's sum.
    pub(crate) fn cholesterol(&self) -> f64 {
        self.ldl + self.hdl + self.triglyceride / 5.0
    }
}

/// Height in cm and weight in kg.
fn size(person: &Person, years: f64, dice: &mut Dice) -> (f64, f64) {
    let (girl, boy, child_index) = growth(years);
    let usual = if person.female { girl } else { boy };
    let shrunk = (years - 60.0).max(0.0) * 0.08;
    let height = usual * (1.0 + 0.036 * person.tall) - shrunk;
    let grown = ((years - 2.0) / 18.0).clamp(0.0, 1.0);
    let own_adult = person.mass_index + ((years - 40.0) * 0.05).clamp(-1.5, 1.5);
    let own_child = child_index * (1.0 + (person.mass_index / 27.5 - 1.0) * 0.5);
    let index = own_child + (own_adult - own_child) * grown * grown + 0.3 * dice.bell();
    (height, index.max(11.0) * height * height / 10_000.0)
}

/// A straight line between the two nearest rows of the growth table.
fn growth(years: f64) -> (f64, f64, f64) {
    let mut before = (0.0, 49.5, 50.0, 13.5);
    for row in GROWTH {
        if years < row.0 {
            let part = (years - before.0) / (row.0 - before.0);
            let between = |from: f64, to: f64| from + (to - from) * part;
            return (between(before.1, row.1), between(before.2, row.2), between(before.3, row.3));
        }
        before = row;
    }
    (before.1, before.2, before.3)
}

fn pressure(person: &Person, day: Day, years: f64, dice: &mut Dice) -> (f64, f64) {
    let usual = if years < 18.0 { 82.0 + years * 1.8 } else { 111.0 + (years - 18.0) * 0.22 };
    let high = raised(person, Ill::Hypertension, day, 12.0, 34.0);
    let systolic = usual + 5.0 * person.tense + 4.5 * dice.bell() + high;
    let share = if years > 60.0 { 0.57 } else { 0.63 };
    (systolic, systolic * share + 2.5 * dice.bell())
}

fn resting_pulse(years: f64) -> f64 {
    (132.0 - years * 7.0).max(80.0 - years.min(40.0) * 0.2)
}

/// Kidneys lose a little every year after thirty, and more once they are ill.
fn filtration(person: &Person, day: Day, years: f64, dice: &mut Dice) -> f64 {
    let healthy = 112.0 - (years - 30.0).max(0.0) * 0.72 + 5.0 * person.fit;
    let ill = person.since(Ill::Kidney, day).map(|onset| 56.0 - 1.9 * day.years_since(onset));
    // Stage 3 ends at 30.
    (ill.map_or(healthy.max(64.0), |ill| ill.min(healthy)) + 1.2 * dice.bell()).max(31.0)
}
