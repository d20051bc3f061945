//! One change of one resource, ready to be committed, and the flat arrays it travels in.

use std::collections::HashMap;

use canonical_model::{Blob, ResourceId, ResourceType};
use chrono::{DateTime, Utc};
use search::{Hasher, IndexEntries};

use crate::commit::Once;
use crate::consent::RuleRows;
use crate::context::RequestContext;
use crate::forward::Forward;
use crate::index_rows::IndexRows;
use crate::statement::{Part, Parts};
use crate::wire;

/// How a version came to be; numbered as in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum Method {
    /// POST.
    Create = 0,
    /// PUT or PATCH; a PUT may be the first version.
    Update = 1,
    /// DELETE: the version has no content.
    Delete = 2,
}

impl Method {
    /// The method of a database number.
    #[must_use]
    pub fn from_number(number: i16) -> Self {
        match number {
            0 => Self::Create,
            2 => Self::Delete,
            _ => Self::Update,
        }
    }
}

/// A new version of one resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource's type.
    pub kind: ResourceType,
    /// The resource's id.
    pub id: ResourceId,
    /// The version it replaces; 0 where the resource is new.
    pub expected: i32,
    /// How.
    pub method: Method,
    /// Whether the version it replaces is a deletion. Where it is and nobody knew, it is stale.
    pub revives: bool,
    /// The text to serve and store; empty for a delete.
    pub text: String,
    /// Content that is stored already, and belongs to the text.
    pub blob: Option<Blob>,
    /// Digest of the content without versionId and lastUpdated.
    pub digest: i64,
    /// What it is found by; empty for a delete.
    pub entries: IndexEntries,
}

/// Flat arrays with offsets: one statement for any number of changes.
#[derive(Default)]
pub(crate) struct Flat {
    pub(crate) rids: Vec<i64>,
    pub(crate) added: IndexRows,
    pub(crate) gone: IndexRows,
    pub(crate) rules: RuleRows,
    /// Hashes of the criteria of conditional creates.
    pub(crate) claims: Vec<i64>,
    /// What all were indexed by; 0 where some differ.
    pub(crate) goal: Option<i64>,
    pub(crate) kinds: Vec<i16>,
    pub(crate) ids: Vec<String>,
    pub(crate) id_hashes: Vec<i64>,
    pub(crate) digests: Vec<i64>,
    pub(crate) contents: Vec<Option<String>>,
    pub(crate) wires: Vec<Option<Vec<u8>>>,
    pub(crate) expected: Vec<i32>,
    pub(crate) methods: Vec<i16>,
    pub(crate) revives: Vec<bool>,
    /// The transaction that wrote the row to be replaced.
    pub(crate) xmins: Vec<i64>,
    /// Which actor a change is of, from 1.
    pub(crate) actors: Vec<i32>,
    pub(crate) keys: Ragged<i64>,
    pub(crate) facets: Ragged<i32>,
    pub(crate) string_params: Vec<i64>,
    pub(crate) strings: Ragged<String>,
    pub(crate) date_params: Vec<i64>,
    pub(crate) date_los: Vec<i64>,
    pub(crate) dates: Ragged<i64>,
    pub(crate) number_params: Vec<i64>,
    pub(crate) number_los: Vec<f64>,
    pub(crate) numbers: Ragged<f64>,
    pub(crate) timeline_keys: Vec<i64>,
    pub(crate) timeline: Ragged<i64>,
    pub(crate) patients: Ragged<i64>,
    pub(crate) times: Vec<DateTime<Utc>>,
    /// The actors.
    pub(crate) contexts: Vec<RequestContext>,
}

/// Changes of one request: they share who asked and when.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) changes: Vec<Change>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) context: RequestContext,
    /// Hash of a conditional create's criteria.
    pub(crate) claim: Option<i64>,
}

/// Rows of different lengths in one array: row n spans `offsets[n]..offsets[n + 1]`.
pub(crate) struct Ragged<T> {
    pub(crate) items: Vec<T>,
    pub(crate) offsets: Vec<i32>,
}

impl<T> Default for Ragged<T> {
    fn default() -> Self {
        Self { items: Vec::new(), offsets: vec![0] }
    }
}

impl<T> Ragged<T> {
    pub(crate) fn end_row(&mut self) {
        self.offsets.push(i32::try_from(self.items.len()).unwrap_or(i32::MAX));
    }
}

impl Flat {
    /// New resources with these numbers.
    pub(crate) fn of_new(hasher: &Hasher, work: Vec<Work>, rids: &[i64]) -> Self {
        let (mut flat, mut rids) = (Self::default(), rids.iter());
        for work in work {
            flat.begin(work.at, work.context);
            flat.claims.extend(work.claim);
            for (change, rid) in work.changes.into_iter().zip(&mut rids) {
                let id_hash = hasher.identity(change.kind, change.id.as_str());
                flat.added.add(*rid, &change.entries, &IndexEntries::default());
                flat.push(change, id_hash, *rid);
            }
        }
        flat.added.sort();
        flat
    }

    /// New versions of the heads that admit them; also the place of each in the work, from 0.
    pub(crate) fn of_next(
        work: &[Work],
        identities: &[i64],
        heads: &HashMap<i64, Forward>,
    ) -> (Self, Vec<usize>) {
        let (mut flat, mut places) = (Self::default(), Vec::new());
        let mut all = identities.iter().enumerate();
        for Work { changes, at, context, .. } in work {
            flat.begin(*at, context.clone());
            for (change, (place, id_hash)) in changes.iter().zip(&mut all) {
                let Some(head) = heads.get(id_hash).filter(|head| head.admits(change, *at)) else {
                    continue;
                };
                flat.added.add(head.rid, &change.entries, &head.entries);
                flat.gone.add(head.rid, &head.entries, &change.entries);
                flat.xmins.push(head.xmin);
                flat.push(change.clone(), *id_hash, head.rid);
                places.push(place);
            }
        }
        flat.added.sort();
        flat.gone.sort();
        (flat, places)
    }

    /// The same versions of heads, with new entries in the place of all they had.
    pub(crate) fn of_same(work: Work, identities: &[i64], heads: &HashMap<i64, Forward>) -> Self {
        let mut flat = Self::default();
        flat.begin(work.at, work.context);
        for (change, id_hash) in work.changes.into_iter().zip(identities) {
            let head = heads.get(id_hash).filter(|head| head.version == change.expected);
            if let Some(head) = head {
                flat.added.add(head.rid, &change.entries, &IndexEntries::default());
                flat.gone.add(head.rid, &head.entries, &IndexEntries::default());
                flat.xmins.push(head.xmin);
                flat.push(change, *id_hash, head.rid);
            }
        }
        flat.added.sort();
        flat.gone.sort();
        flat
    }

    /// Notes who asked, of the changes that follow.
    fn begin(&mut self, at: DateTime<Utc>, context: RequestContext) {
        self.times.push(at);
        self.contexts.push(context);
    }

    /// How many changes.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The parts of a statement that there is something for.
    pub(crate) fn parts(&self, once: &Once) -> Parts {
        let (new, gone) = (&self.added, &self.gone);
        Parts::default()
            .with(Part::Claims, !self.claims.is_empty())
            .with(Part::Key, once.idempotency.is_some())
            .with(Part::Tokens, !new.tokens.is_empty())
            .with(Part::Strings, !new.strings.is_empty())
            .with(Part::Dates, !new.dates.is_empty())
            .with(Part::Numbers, !new.numbers.is_empty())
            .with(Part::Timelines, !new.timelines.is_empty())
            .with(Part::TokensGone, !gone.tokens.is_empty())
            .with(Part::StringsGone, !gone.strings.is_empty())
            .with(Part::DatesGone, !gone.dates.is_empty())
            .with(Part::NumbersGone, !gone.numbers.is_empty())
            .with(Part::TimelinesGone, !gone.timelines.is_empty())
            .with(Part::Rules, self.rules.has_some())
    }

    fn push(&mut self, change: Change, id_hash: i64, rid: i64) {
        self.rids.push(rid);
        self.rules.add(change.kind, rid, &change.entries.rules);
        self.actors.push(i32::try_from(self.times.len()).unwrap_or(i32::MAX));
        let gone = change.method == Method::Delete;
        self.kinds.push(change.kind.number());
        self.ids.push(change.id.as_str().to_owned());
        self.id_hashes.push(id_hash);
        self.digests.push(change.digest);
        self.wires.push((!gone).then(|| wire::encode(&change.text, change.blob.as_ref())));
        self.contents.push((!gone).then_some(change.text));
        self.expected.push(change.expected);
        self.methods.push(change.method as i16);
        self.revives.push(change.revives);
        if !gone {
            let goal = change.entries.goal;
            self.goal = Some(self.goal.map_or(goal, |all| if all == goal { goal } else { 0 }));
        }
        self.push_entries(change.entries);
    }

    fn push_entries(&mut self, entries: IndexEntries) {
        self.keys.items.extend(entries.keys);
        self.facets.items.extend(entries.facets);
        self.patients.items.extend(entries.patients);
        let beside = entries.beside;
        // A parameter's values stand in their order: a sort takes the first or the last.
        let mut strings: Vec<_> = entries.strings.into_iter().chain(beside.strings).collect();
        strings.sort_unstable();
        let mut dates: Vec<_> = entries.dates.into_iter().chain(beside.dates).collect();
        dates.sort_unstable();
        for (param, value) in strings {
            self.string_params.push(param.0);
            self.strings.items.push(value);
        }
        for (param, lo, hi) in dates {
            self.date_params.push(param.0);
            self.date_los.push(lo);
            self.dates.items.push(hi);
        }
        for (param, lo, hi) in entries.numbers.into_iter().chain(beside.numbers) {
            self.number_params.push(param.0);
            self.number_los.push(lo);
            self.numbers.items.push(hi);
        }
        for (key, at) in entries.timeline {
            self.timeline_keys.push(key);
            self.timeline.items.push(at);
        }
        self.keys.end_row();
        self.facets.end_row();
        self.patients.end_row();
        self.strings.end_row();
        self.dates.end_row();
        self.numbers.end_row();
        self.timeline.end_row();
    }
}
