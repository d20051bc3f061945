//! Rows of the inverted index, as the statements take them, and the difference that an update makes.

use search::IndexEntries;

/// Whose timeline a resource of no patient is on.
const NOBODY: &[i64] = &[0];

/// Rows to write or to remove, each with its resource's number.
#[derive(Default)]
pub(crate) struct IndexRows {
    pub(crate) token_keys: Vec<i64>,
    pub(crate) token_rids: Vec<i64>,
    pub(crate) string_params: Vec<i64>,
    pub(crate) string_rids: Vec<i64>,
    pub(crate) strings: Vec<String>,
    pub(crate) date_params: Vec<i64>,
    pub(crate) date_los: Vec<i64>,
    pub(crate) date_his: Vec<i64>,
    pub(crate) date_rids: Vec<i64>,
    pub(crate) number_params: Vec<i64>,
    pub(crate) number_los: Vec<f64>,
    pub(crate) number_his: Vec<f64>,
    pub(crate) number_rids: Vec<i64>,
    pub(crate) timeline_patients: Vec<i64>,
    pub(crate) timeline_keys: Vec<i64>,
    pub(crate) timeline_ats: Vec<i64>,
    pub(crate) timeline_rids: Vec<i64>,
}

impl IndexRows {
    /// Adds the rows of a version, but those that the other version has too.
    pub(crate) fn add(&mut self, rid: i64, version: &IndexEntries, other: &IndexEntries) {
        for key in version.keys.iter().filter(|key| is_plain(version, **key)) {
            if !(other.keys.contains(key) && is_plain(other, *key)) {
                self.token_keys.push(*key);
                self.token_rids.push(rid);
            }
        }
        for row in version.strings.iter().filter(|row| !other.strings.contains(row)) {
            self.string_params.push(row.0.0);
            self.string_rids.push(rid);
            self.strings.push(row.1.clone());
        }
        for row in version.dates.iter().filter(|row| !other.dates.contains(row)) {
            self.date_params.push(row.0.0);
            self.date_los.push(row.1);
            self.date_his.push(row.2);
            self.date_rids.push(rid);
        }
        for row in version.numbers.iter().filter(|row| !other.numbers.contains(row)) {
            self.number_params.push(row.0.0);
            self.number_los.push(row.1);
            self.number_his.push(row.2);
            self.number_rids.push(rid);
        }
        self.add_timeline(rid, version, other);
    }

    fn add_timeline(&mut self, rid: i64, version: &IndexEntries, other: &IndexEntries) {
        for patient in patients(version) {
            for row in &version.timeline {
                if patients(other).contains(patient) && other.timeline.contains(row) {
                    continue;
                }
                self.timeline_patients.push(*patient);
                self.timeline_keys.push(row.0);
                self.timeline_ats.push(row.1);
                self.timeline_rids.push(rid);
            }
        }
    }
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
        assert_eq!((rows.token_keys, rows.token_rids), (vec![10], vec![7]));
        assert_eq!((rows.timeline_patients, rows.timeline_keys), (vec![0], vec![11]));
        assert_eq!((rows.string_rids.len(), rows.date_los), (2, vec![5]));
    }

    #[test]
    fn an_update_moves_only_what_differs() {
        let before = version(&[10, 11], &[11], 5, &[1, 2], "a");
        let after = version(&[10, 12, 11], &[], 5, &[2], "b");
        let (mut new, mut gone) = (IndexRows::default(), IndexRows::default());
        new.add(7, &after, &before);
        gone.add(7, &before, &after);
        // 11 left the timeline, so it becomes a plain key.
        assert_eq!((new.token_keys, gone.token_keys), (vec![12, 11], vec![]));
        assert_eq!((new.strings, gone.strings), (vec!["b".to_owned()], vec!["a".to_owned()]));
        assert_eq!((new.timeline_keys.len(), gone.timeline_patients), (0, vec![1, 2]));
        assert!(new.date_los.is_empty() && gone.date_los.is_empty());
    }
}
