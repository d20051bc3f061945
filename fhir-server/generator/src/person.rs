//! A person: who they are, how their body is, what they have and since when.

use crate::catalog::allergens::{ALLERGENS, Allergen};
use crate::catalog::diseases::{DISEASES, Disease, Ill, Risk};
use crate::date::Day;
use crate::dice::{Dice, Stream};
use crate::household::Household;
use crate::options::Options;

/// Place in the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Head,
    Spouse,
    Child,
}

/// A person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) index: u64,
    pub(crate) household: Household,
    pub(crate) role: Role,
    pub(crate) female: bool,
    pub(crate) given: &'static str,
    pub(crate) middle: Option<&'static str>,
    pub(crate) family: &'static str,
    pub(crate) birth: Day,
    pub(crate) death: Option<Day>,
    /// Deviations from what is usual at that age and sex.
    pub(crate) tall: f64,
    pub(crate) tense: f64,
    pub(crate) fit: f64,
    /// Body mass index as an adult of 40.
    pub(crate) mass_index: f64,
    pub(crate) smoker: bool,
    pub(crate) diseases: Vec<(&'static Disease, Day)>,
    pub(crate) allergies: Vec<&'static Allergen>,
}

/// Deaths per thousand person-years, up to an age.
const MORTALITY: [(f64, u32); 8] =
    [(1.0, 5), (40.0, 1), (55.0, 3), (65.0, 9), (75.0, 20), (85.0, 60), (92.0, 140), (200.0, 280)];

impl Person {
    /// The person of an index.
    pub(crate) fn of(options: &Options, index: u64) -> Self {
        let household = Household::of(options, index);
        let mut dice = Dice::new(options.seed, Stream::Person, index);
        let (role, years) = place(&household, index, &mut dice);
        let female = match role {
            Role::Head => household.head_female,
            Role::Spouse => household.head_female == dice.chance(40),
            Role::Child => dice.chance(490),
        };
        let heritage = household.heritage;
        let names = if female { heritage.women } else { heritage.men };
        let keeps_name = role == Role::Spouse && dice.chance(200);
        let mut person = Self {
            index,
            role,
            female,
            given: dice.pick(names),
            middle: dice.chance(650).then(|| dice.pick(names)),
            family: if keeps_name { dice.pick(heritage.families) } else { household.family },
            birth: options.until.plus(-(years * 365.2425) as i32),
            death: None,
            tall: dice.bell(),
            tense: dice.bell(),
            fit: dice.bell(),
            mass_index: (27.5 + 5.0 * dice.bell()).clamp(18.0, 46.0),
            smoker: dice.chance(170),
            diseases: Vec::new(),
            allergies: Vec::new(),
            household,
        };
        person.draw_death(options, &mut dice);
        person.draw_diseases(options);
        person
    }

    /// Age in years on a day.
    pub(crate) fn years(&self, day: Day) -> f64 {
        day.years_since(self.birth)
    }

    /// The last day with records.
    pub(crate) fn last_day(&self, options: &Options) -> Day {
        self.death.unwrap_or(options.until)
    }

    /// Since when a person has a disease, if it began by that day.
    pub(crate) fn since(&self, ill: Ill, day: Day) -> Option<Day> {
        let found = self.diseases.iter().find(|(disease, _)| disease.ill == ill);
        found.map(|(_, onset)| *onset).filter(|onset| *onset <= day)
    }

    /// The medical record number: unique within a population, and between most.
    pub(crate) fn record_number(&self, seed: u64) -> String {
        format!("{}{:08}", 1000 + crate::dice::mix(seed) % 9000, self.index)
    }

    fn draw_death(&mut self, options: &Options, dice: &mut Dice) {
        for year in (0..options.years).rev() {
            let day = options.until.plus_years(-f64::from(year)).plus(-dice.between(1, 364));
            let years = self.years(day);
            let row = MORTALITY.iter().find(|(below, _)| years < *below);
            let per_mille = row.map_or(0, |(_, per_mille)| *per_mille);
            if years > 0.02 && dice.chance(per_mille) {
                self.death = Some(day);
                return;
            }
        }
    }

    fn draw_diseases(&mut self, options: &Options) {
        let mut dice = Dice::new(options.seed, Stream::Illness, self.index);
        let last = self.last_day(options);
        for disease in &DISEASES {
            let (from, to) = disease.begins;
            let age = f64::from(from) + f64::from(to - from) * dice.below(1000) as f64 / 1000.0;
            let onset = self.birth.plus_years(age).workday();
            let drawn = dice.below(1000) < u64::from(self.risk(disease, onset));
            if drawn && onset < last {
                self.diseases.push((disease, onset));
            }
        }
        if dice.chance(200) {
            for _ in 0..1 + dice.below(2) {
                let allergen = dice.weighted(&ALLERGENS, |allergen| allergen.weight);
                if !self.allergies.iter().any(|known| known.code.code == allergen.code.code) {
                    self.allergies.push(allergen);
                }
            }
        }
    }

    /// Chance in a thousand to get a disease, given what else there is.
    fn risk(&self, disease: &Disease, onset: Day) -> u32 {
        if disease.ill == Ill::Obesity {
            return if self.mass_index >= 31.0 { 1000 } else { 0 };
        }
        let base = if self.female { disease.lifetime.0 } else { disease.lifetime.1 };
        let raised = |risk: &&Risk| match risk {
            Risk::Smoking => self.smoker,
            Risk::Having(ill) => self.since(*ill, onset).is_some(),
        };
        let doublings = disease.raised_by.iter().filter(raised).count() as u32;
        (base << doublings).min(850)
    }
}

/// Role and age in years.
fn place(household: &Household, index: u64, dice: &mut Dice) -> (Role, f64) {
    let position = index - household.first;
    match (position, household.spouse_years) {
        (0, _) => (Role::Head, household.head_years),
        (1, Some(years)) => (Role::Spouse, years),
        (_, spouse) => {
            let adults = if spouse.is_some() { 2 } else { 1 };
            let (low, high) = household.child_years(position.saturating_sub(adults));
            (Role::Child, low + (high - low) * dice.below(1000) as f64 / 1000.0)
        }
    }
}
