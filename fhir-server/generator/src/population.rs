//! The population's face to the outside: who there is, and their records as bundles or lines.

use crate::chart::Chart;
use crate::date::Day;
use crate::dice::Stream;
use crate::directory::Directory;
use crate::id::Id;
use crate::options::{Options, OptionsError};
use crate::person::Person;
use crate::visit;

/// A population. Cheap to make and to clone; every method is a pure function of the options.
#[derive(Clone, Debug)]
pub struct Population {
    options: Options,
}

/// Who a patient is, for those who want to search for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// The number in the population.
    pub index: u64,
    /// The id, where ids are kept.
    pub id: String,
    /// The medical record number, of system [`Population::RECORD_NUMBERS`].
    pub record_number: String,
    /// Surname.
    pub family: &'static str,
    /// First name.
    pub given: &'static str,
    /// Whether administratively female.
    pub female: bool,
    /// Day of birth.
    pub birth_date: Day,
    /// Day of death.
    pub death_date: Option<Day>,
    /// Index of the first member of the household.
    pub household: u64,
}

impl Population {
    /// The identifier system of medical record numbers.
    pub const RECORD_NUMBERS: &'static str = "https://carebridge.example/sid/mrn";

    /// Checks the options.
    ///
    /// # Errors
    /// A sentence where an option is out of range.
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        options.check()?;
        Ok(Self { options })
    }

    /// What the population is made from.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The patients in order.
    pub fn patients(&self) -> impl Iterator<Item = Patient> + '_ {
        (0..self.options.patients).map(|index| self.patient(index))
    }

    /// One patient.
    #[must_use]
    pub fn patient(&self, index: u64) -> Patient {
        let person = Person::of(&self.options, index);
        Patient {
            index,
            id: Id::derive(self.options.seed, Stream::Identity, index, 0).to_string(),
            record_number: person.record_number(self.options.seed),
            family: person.family,
            given: person.given,
            female: person.female,
            birth_date: person.birth,
            death_date: person.death,
            household: person.household.first,
        }
    }

    /// Appends a patient's whole record as a transaction Bundle and returns how many resources it
    /// holds. It refers to [`Population::shared_bundle`], which must be stored first.
    pub fn write_bundle(&self, index: u64, out: &mut Vec<u8>) -> u64 {
        let owner = (self.options.seed, index);
        Chart::bundle(out, owner, self.options.keep_ids, |chart| self.write(index, chart))
    }

    /// Hands a patient's resources to a sink one by one, each with its type, under fixed ids and
    /// without a line end; returns how many.
    pub fn write_ndjson(&self, index: u64, mut sink: impl FnMut(&'static str, &[u8])) -> u64 {
        let mut out = Vec::with_capacity(2048);
        let owner = (self.options.seed, index);
        Chart::lines(&mut out, owner, &mut sink, |chart| self.write(index, chart))
    }

    /// The organizations, locations and practitioners all patients share, as a transaction that
    /// may be repeated: every entry is a PUT under a fixed id.
    #[must_use]
    pub fn shared_bundle(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let owner = (self.options.seed, 0);
        Chart::bundle(&mut out, owner, true, |chart| self.directory().write(chart));
        out
    }

    /// The same as single resources.
    pub fn shared_ndjson(&self, mut sink: impl FnMut(&'static str, &[u8])) -> u64 {
        let mut out = Vec::with_capacity(2048);
        let owner = (self.options.seed, 0);
        Chart::lines(&mut out, owner, &mut sink, |chart| self.directory().write(chart))
    }

    fn directory(&self) -> Directory {
        Directory::of(&self.options)
    }

    fn write(&self, index: u64, chart: &mut Chart<'_>) {
        visit::write_record(&self.options, index, chart);
    }
}
