//! Random searches of wherever one may look, with what joins the answer, by apps of one patient too.

use canonical_model::Value;

use super::ask::Ask;
use super::caller::{Caller, OWN};
use super::dice::Dice;
use super::include::{Along, Include};
use super::params::LINKS;
use super::place::{Compartment, Place};
use super::world::{ALL, part};

/// Types that have parameters in common.
const TOGETHER: [&[&str]; 6] = [
    &["Observation", "Condition"],
    &["Observation", "Encounter"],
    &["Observation", "Condition", "Encounter", "RiskAssessment"],
    &["Patient", "Practitioner"],
    &["Condition", "RiskAssessment"],
    &["Encounter", "Location"],
];
const SINGLE: [&[&str]; 7] = [
    &["Patient"],
    &["Observation"],
    &["Observation"],
    &["Encounter"],
    &["Condition"],
    &["RiskAssessment"],
    &["Location"],
];

impl Dice<'_> {
    /// A search with something that [`Dice::ask`] leaves out.
    pub(super) fn wide(&mut self) -> Option<Ask> {
        let place = self.place()?;
        // Without `_type` all types are meant, and only ids are common to them.
        let everywhere = place.is_of_several() && self.random.usize(..4) == 0;
        let kinds = match place.is_of_several() {
            true if everywhere => ALL.to_vec(),
            true => self.pick(&TOGETHER)?.to_vec(),
            false => self.pick(&SINGLE)?.to_vec(),
        };
        if matches!(place, Place::Within(_)) && !kinds.iter().all(|kind| place.has(kind)) {
            return None;
        }
        let criteria = match self.random.usize(..3) {
            _ if everywhere => vec![self.ids(&kinds)?],
            0 => vec![self.criterion(&kinds, 0)?, self.criterion(&kinds, 0)?],
            _ => vec![self.criterion(&kinds, 0)?],
        };
        let sort = if everywhere { Vec::new() } else { self.sort(&kinds) };
        let includes = self.includes(&kinds)?;
        let caller = if self.random.bool() { Some(self.caller()?) } else { None };
        Some(Ask { caller, place, kinds, criteria, sort, includes })
    }

    fn place(&mut self) -> Option<Place> {
        Some(match self.random.usize(..6) {
            0 | 1 => Place::Type,
            2 => Place::System,
            3 | 4 => Place::Within(self.compartment()?),
            _ => Place::AllWithin(self.compartment()?),
        })
    }

    fn compartment(&mut self) -> Option<Compartment> {
        let kind = self.pick(&["Patient", "Patient", "Encounter", "Practitioner"])?;
        Some(Compartment { kind, id: self.id_of(kind)? })
    }

    fn id_of(&mut self, kind: &str) -> Option<String> {
        let all: Vec<&Value> = self.world.of_kind(kind).collect();
        self.random.choice(&all).map(|it| part(it, "id").to_owned())
    }

    fn caller(&mut self) -> Option<Caller> {
        let mut some = |from: &[&'static str]| -> Vec<&'static str> {
            from.iter().copied().filter(|_| self.random.usize(..4) > 0).collect()
        };
        let own = some(&OWN);
        let open = match some(&["Practitioner", "Location", "Questionnaire", "Encounter"]) {
            all if all.len() == 4 => vec!["Practitioner", "Patient"],
            some => some,
        };
        let own = if own.is_empty() { OWN.to_vec() } else { own };
        Some(Caller { patient: self.id_of("Patient")?, own, open })
    }

    fn includes(&mut self, kinds: &[&'static str]) -> Option<Vec<Include>> {
        let mut all: Vec<Include> = Vec::new();
        for _ in 0..self.random.usize(..4) {
            let include = self.include(kinds)?;
            // Every type but the first of a wildcard counts against the limit of includes.
            let wild = |one: &Include| one.reverse && one.along == Along::All;
            if !all.iter().any(|one| *one == include || (wild(one) && wild(&include))) {
                all.push(include);
            }
        }
        Some(all)
    }

    fn include(&mut self, kinds: &[&'static str]) -> Option<Include> {
        let (reverse, iterate) = (self.random.bool(), self.random.bool());
        let links: Vec<_> = LINKS
            .iter()
            .filter(|link| kinds.contains(if reverse { &link.to } else { &link.from }))
            .collect();
        // Some that lead on only from what was included.
        let link = match self.pick(&links) {
            Some(link) if self.random.usize(..3) > 0 => link,
            _ => self.pick(&LINKS.iter().collect::<Vec<_>>())?,
        };
        let along = match self.random.usize(..8) {
            0 => Along::All,
            1 | 2 => Along::AllOf(link.from),
            _ => Along::One(link, self.random.usize(..3) == 0),
        };
        Some(Include { along, reverse, iterate })
    }
}
