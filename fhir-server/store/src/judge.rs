//! Whether superseded versions are within reach: `history` keeps no index values, so it is decided on their content.

use std::collections::HashSet;

use canonical_model::{Resource, Result};
use search::IndexEntries;

use crate::Store;
use crate::reach::{Arm, Extract, Kin, Reach, Ways};
use crate::rows::Stored;

/// For each arm the patients who are indexed under its keys, of those that were asked about.
type Known = Vec<HashSet<i64>>;

impl Store {
    /// Which of these versions of one type, of which the owners are within reach already, are so in all else. One that
    /// cannot be read or indexed any more is not; one without content has no label and meets no condition.
    pub(crate) async fn judge(
        &self,
        reach: &Reach,
        versions: &[&Stored],
        extract: Extract<'_>,
    ) -> Result<Vec<bool>> {
        let Some(ways) = reach.ways() else { return Ok(vec![true; versions.len()]) };
        let patients: Vec<i64> =
            versions.iter().flat_map(|stored| stored.patients.iter().copied()).collect();
        let known = self.known(ways, &patients).await?;
        // A label that came later withholds what was before it too, and so does what a Consent denies of the head.
        let identity = |it: &&Stored| self.hasher().identity(it.kind, &it.id);
        let identities: Vec<i64> = versions.iter().map(identity).collect();
        let mut withheld = self.indexed_under(&ways.labels, &identities).await?;
        if let Some(denials) = &ways.denials {
            withheld.extend(self.denied_heads(denials, &identities).await?);
        }
        let mut within: Vec<(usize, IndexEntries)> = Vec::with_capacity(versions.len());
        let open = |(_, version): &(usize, &&Stored)| !withheld.contains(&identity(version));
        for (at, version) in versions.iter().enumerate().filter(open) {
            let entries = entries(version, extract);
            let admitted = |entries: &IndexEntries| ways.admit(&version.patients, entries, &known);
            within.extend(entries.filter(admitted).map(|entries| (at, entries)));
        }
        let passing = match &ways.denials {
            None => (0..within.len()).collect(),
            Some(denials) => {
                let mut all = Vec::with_capacity(within.len());
                for (at, entries) in &within {
                    let stored = versions.get(*at);
                    all.extend(stored.map(|it| (it.kind, &*entries.keys, &*it.patients)));
                }
                self.passing(denials, &all).await?
            }
        };
        let mut judged = vec![false; versions.len()];
        for (at, _) in passing.into_iter().filter_map(|place| within.get(place)) {
            if let Some(place) = judged.get_mut(*at) {
                *place = true;
            }
        }
        Ok(judged)
    }

    /// Which of these patients each arm reaches by their own keys.
    async fn known(&self, ways: &Ways, patients: &[i64]) -> Result<Known> {
        let mut known = Known::with_capacity(ways.arms.len());
        for arm in &ways.arms {
            let keys = arm.related.as_ref().map_or(&[][..], |kin| &kin.keys);
            known.push(self.indexed_under(keys, patients).await?);
        }
        Ok(known)
    }
}

fn entries(version: &Stored, extract: Extract<'_>) -> Option<IndexEntries> {
    match version.text.as_deref() {
        None => Some(IndexEntries::default()),
        Some(text) => Resource::parse(text).and_then(|resource| extract(&resource)).ok(),
    }
}

impl Ways {
    /// Whether a version that belongs to these patients and is indexed under this is let through.
    fn admit(&self, patients: &[i64], entries: &IndexEntries, known: &Known) -> bool {
        let withheld = self.labels.iter().any(|label| entries.keys.contains(label));
        let let_in = |(n, Arm { owners, related, when }): (usize, &Arm)| {
            let by_keys = |patient: &i64| known.get(n).is_some_and(|known| known.contains(patient));
            let is_kin = |kin: &Kin, it: &i64| kin.patients.contains(it) || by_keys(it);
            let one = |patient: &i64| {
                owners.as_ref().is_none_or(|owners| owners.contains(patient))
                    && related.as_ref().is_none_or(|kin| is_kin(kin, patient))
            };
            let bounded = owners.is_some() || related.is_some();
            (!bounded || patients.iter().any(one))
                && when.as_ref().is_none_or(|it| it.admits(entries))
        };
        !withheld && self.arms.iter().enumerate().any(let_in)
    }
}
