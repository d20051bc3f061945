//! Families: people of consecutive indices who share a roof, a hospital and mostly a surname.

use crate::dice::{Dice, Stream};
use crate::options::Options;
use crate::words::{HERITAGES, Heritage, STREETS, TOWNS, Town};

/// Indices are dealt in blocks; a block is cut into households, so that any index finds its own
/// household without counting all those before it.
const BLOCK: u64 = 12;

/// People per household, by weight.
const SIZES: [(u64, u32); 5] = [(1, 28), (2, 34), (3, 15), (4, 15), (5, 8)];

/// Years between the younger parent and the oldest child, at the least.
const PARENT_AGE_MIN: f64 = 19.0;

/// Years between siblings, at the least, where the parents are old enough.
const SIBLINGS_APART: f64 = 0.85;

/// How a household pays for care, before age decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    Commercial(u64),
    Medicaid,
}

/// A household.
#[derive(Clone, Debug)]
pub(crate) struct Household {
    pub(crate) first: u64,
    pub(crate) size: u64,
    pub(crate) heritage: &'static Heritage,
    pub(crate) family: &'static str,
    pub(crate) town: &'static Town,
    pub(crate) line: String,
    pub(crate) postal: String,
    pub(crate) phone: i32,
    pub(crate) facility: u32,
    pub(crate) cover: Cover,
    /// Speaks the heritage's own language at home.
    pub(crate) own_language: bool,
    pub(crate) head_female: bool,
    pub(crate) head_years: f64,
    pub(crate) spouse_years: Option<f64>,
}

/// First index and size of the household of an index.
fn span(seed: u64, index: u64) -> (u64, u64) {
    let start = index - index % BLOCK;
    let mut dice = Dice::new(seed, Stream::Block, start / BLOCK);
    let mut first = start;
    loop {
        let drawn = dice.weighted(&SIZES, |row| row.1).0;
        let size = drawn.min(start + BLOCK - first);
        if index < first + size {
            return (first, size);
        }
        first += size;
    }
}

impl Household {
    /// The household of a patient.
    pub(crate) fn of(options: &Options, index: u64) -> Self {
        let (first, size) = span(options.seed, index);
        let mut dice = Dice::new(options.seed, Stream::Household, first);
        let heritage = dice.weighted(&HERITAGES, |heritage| heritage.weight);
        let couple = size > 2 || (size == 2 && dice.chance(750));
        let (youngest, oldest) = match (size, couple) {
            (1, _) => (20, 95),
            (2, true) => (22, 92),
            (2, false) => (25, 60),
            _ => (28, 58),
        };
        let head_years = f64::from(dice.between(youngest * 365, oldest * 365)) / 365.0;
        let spouse_years = couple.then(|| (head_years + dice.bell() * 1.6).max(20.0));
        let facility = dice.below(u64::from(options.facilities)) as u32;
        let town = town_of(facility);
        let mut line = format!("{} {}", dice.between(1, 980), dice.pick(&STREETS));
        if dice.chance(220) {
            line.push_str(&format!(" Apt {}", dice.between(1, 48)));
        }
        Self {
            first,
            size,
            heritage,
            family: dice.pick(heritage.families),
            town,
            line,
            postal: format!("{}{:02}", town.postal, dice.below(100)),
            phone: dice.between(100, 199),
            facility,
            cover: if dice.chance(190) {
                Cover::Medicaid
            } else {
                Cover::Commercial(dice.below(crate::directory::COMMERCIAL_PAYERS))
            },
            own_language: heritage.language.is_some() && dice.chance(450),
            head_female: dice.chance(520),
            head_years,
            spouse_years,
        }
    }

    /// Range of ages of the `n`th of the children, in years: siblings are a pregnancy apart.
    pub(crate) fn child_years(&self, n: u64) -> (f64, f64) {
        let adults = if self.spouse_years.is_some() { 2 } else { 1 };
        let children = self.size.saturating_sub(adults).max(1);
        let parent = self.spouse_years.map_or(self.head_years, |years| years.min(self.head_years));
        let slot = (parent - PARENT_AGE_MIN).clamp(0.5, 22.0) / children as f64;
        let youngest = slot * n as f64;
        (youngest, youngest + (slot - SIBLINGS_APART).max(slot * 0.4))
    }
}

/// The town a hospital stands in.
#[expect(clippy::indexing_slicing, reason = "a remainder by the length is an index")]
pub(crate) fn town_of(facility: u32) -> &'static Town {
    &TOWNS[facility as usize % TOWNS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn households_cover_every_index_once() {
        let mut index = 0;
        while index < 5_000 {
            let (first, size) = span(3, index);
            assert_eq!(first, index);
            assert!((1..=5).contains(&size));
            assert!((first..first + size).all(|member| span(3, member) == (first, size)));
            index += size;
        }
    }
}
