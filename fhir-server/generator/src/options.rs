//! What a population is made from.

use std::fmt;

use crate::date::Day;
use crate::limits::{
    FACILITIES_DEFAULT_MIN, FACILITIES_MAX, PATIENTS_MAX, PATIENTS_PER_FACILITY, YEARS_MAX,
};

/// The same options give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which population.
    pub seed: u64,
    /// How many patients. Patient `n` is the same person in every size with the same `facilities`.
    pub patients: u64,
    /// Years of records before `until`.
    pub years: u32,
    /// The last day of the records.
    pub until: Day,
    /// How many hospitals, each with its departments and doctors.
    pub facilities: u32,
    /// Bundles keep the ids (`PUT Type/id`) rather than let the server choose (`POST Type`).
    pub keep_ids: bool,
}

impl Options {
    /// Five years of records up to a fixed day, with hospitals in proportion to the patients.
    #[must_use]
    pub fn new(seed: u64, patients: u64) -> Self {
        let facilities = (patients / PATIENTS_PER_FACILITY)
            .clamp(FACILITIES_DEFAULT_MIN, u64::from(FACILITIES_MAX));
        Self {
            seed,
            patients,
            years: 5,
            until: Day(20_453), // 2025-12-31
            facilities: facilities as u32,
            keep_ids: false,
        }
    }

    /// Refuses what the generator cannot make, in a sentence.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let (year, ..) = self.until.civil();
        let refuse = |text: String| Err(OptionsError(text));
        if !(1..=PATIENTS_MAX).contains(&self.patients) {
            return refuse(format!("A population has 1 to {PATIENTS_MAX} patients."));
        }
        if !(1..=YEARS_MAX).contains(&self.years) {
            return refuse(format!("Records span 1 to {YEARS_MAX} years."));
        }
        if !(1..=FACILITIES_MAX).contains(&self.facilities) {
            return refuse(format!("There are 1 to {FACILITIES_MAX} facilities."));
        }
        if !(1950..=2200).contains(&year) {
            return refuse("Records end in a year from 1950 to 2200.".to_owned());
        }
        Ok(())
    }
}

/// Why no population can be made from some options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsError(String);

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionsError {}
