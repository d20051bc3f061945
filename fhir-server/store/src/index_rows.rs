//! Rows of the inverted index, as the statements take them, and the difference that an update makes.

use std::collections::BTreeSet;

use search::fold::string_key;
use search::{IndexEntries, Param};

/// Whose timeline a resource of no patient is on.
const NOBODY: &[i64] = &[0];

/// Rows to write or to remove, each ending with its resource's number.
#[derive(Default)]
pub(crate) struct IndexRows {
    /// Key.
    pub(crate) tokens: Vec<(i64, i64)>,
    /// Parameter, value.
    pub(crate) strings: Vec<(i64, String, i64)>,
    /// Parameter, begin, end.
    pub(crate) dates: Vec<(i64, i64, i64, i64)>,
    /// Parameter, low, high.
    pub(crate) numbers: Vec<(i64, f64, f64, i64)>,
    /// Patient, key, time.
    pub(crate) timelines: Vec<(i64, i64, i64, i64)>,
}

impl IndexRows {
    /// Adds the rows of a version, but those of values that the other version has too. What was read back
    /// from a head does not tell values with rows from those without, so a row may be removed that never was.
    pub(crate) fn add(&mut self, rid: i64, version: &IndexEntries, other: &IndexEntries) {
        let keys = version.keys.iter().filter(|key| is_plain(version, **key));
        let keys = keys.filter(|key| !(other.keys.contains(key) && is_plain(other, **key)));
        self.tokens.extend(keys.map(|key| (*key, rid)));
        let beside = &other.beside;
        let (strings, known) = (string_keys(&version.strings), string_keys(&other.strings));
        let strings = strings.difference(&known);
        let strings = strings.filter(|(param, value)| !holds(&beside.strings, *param, value));
        self.strings.extend(strings.map(|(param, value)| (param.0, (*value).to_owned(), rid)));
        let dates = version.dates.iter();
        let dates = dates.filter(|r| !other.dates.contains(r) && !beside.dates.contains(r));
        self.dates.extend(dates.map(|(param, lo, hi)| (param.0, *lo, *hi, rid)));
        let numbers = version.numbers.iter();
        let numbers = numbers.filter(|r| !other.numbers.contains(r) && !beside.numbers.contains(r));
        self.numbers.extend(numbers.map(|(param, lo, hi)| (param.0, *lo, *hi, rid)));
        for patient in patients(version) {
            let known = patients(other).contains(patient);
            let rows =
                version.timeline.iter().filter(|row| !(known && other.timeline.contains(row)));
            self.timelines.extend(rows.map(|(key, at)| (*patient, *key, *at, rid)));
        }
    }

    /// In the order of the indexes: neighbours then meet the same pages, while they are at hand.
    pub(crate) fn sort(&mut self) {
        self.tokens.sort_unstable();
        self.strings.sort_unstable();
        self.dates.sort_unstable();
        self.numbers.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.timelines.sort_unstable();
    }
}

/// Strings as they stand in the index, each once.
fn string_keys(strings: &[(Param, String)]) -> BTreeSet<(Param, &str)> {
    strings.iter().map(|(param, value)| (*param, string_key(value))).collect()
}

fn holds(strings: &[(Param, String)], param: Param, key: &str) -> bool {
    strings.iter().any(|(of, value)| *of == param && string_key(value) == key)
}

/// A key on a timeline is found there.
fn is_plain(version: &IndexEntries, key: i64) -> bool {
    version.timeline.iter().all(|(timed, _)| *timed != key)
}

fn patients(version: &IndexEntries) -> &[i64] {
    if version.patients.is_empty() { NOBODY } else { &version.patients }
}

#[cfg(test)]
mod tests {
    use search::Param;

    use super::*;

    fn version(keys: &[i64], timed: &[i64], at: i64, patients: &[i64], text: &str) -> IndexEntries {
        IndexEntries {
            keys: keys.to_vec(),
            timeline: timed.iter().map(|key| (*key, at)).collect(),
            patients: patients.to_vec(),
            strings: vec![(Param(1), text.to_owned()), (Param(2), "same".to_owned())],
            dates: vec![(Param(3), at, at + 1)],
            ..IndexEntries::default()
        }
    }

    #[test]
    fn a_new_version_has_all_its_rows_and_a_timed_key_only_on_the_timeline() {
        let mut rows = IndexRows::default();
        rows.add(7, &version(&[10, 11], &[11], 5, &[], "a"), &IndexEntries::default());
        assert_eq!((rows.tokens, rows.timelines), (vec![(10, 7)], vec![(0, 11, 5, 7)]));
        assert_eq!((rows.strings.len(), rows.dates), (2, vec![(3, 5, 6, 7)]));
    }

    #[test]
    fn an_update_moves_only_what_differs() {
        let before = version(&[10, 11], &[11], 5, &[1, 2], "a");
        let after = version(&[10, 12, 11], &[], 5, &[2], "b");
        let (mut new, mut gone) = (IndexRows::default(), IndexRows::default());
        new.add(7, &after, &before);
        gone.add(7, &before, &after);
        // 11 left the timeline, so it becomes a plain key.
        assert_eq!((new.tokens, gone.tokens), (vec![(12, 7), (11, 7)], vec![]));
        assert_eq!(new.strings, vec![(1, "b".to_owned(), 7)]);
        assert_eq!(gone.strings, vec![(1, "a".to_owned(), 7)]);
        assert_eq!((new.timelines, gone.timelines), (vec![], vec![(1, 11, 5, 7), (2, 11, 5, 7)]));
        assert!(new.dates.is_empty() && gone.dates.is_empty());
    }
}
