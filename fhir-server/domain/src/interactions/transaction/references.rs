//! References by criteria (`Patient?identifier=…`): which the entries have, and what each means, in the store or
//! among what the transaction writes. <https://hl7.org/fhir/R4/http.html#trules>

use std::collections::{BTreeMap, BTreeSet};

use canonical_model::{Error, Kind, Resource, ResourceType, Result, Value};
use search::{IndexEntries, holds};
use store::{Change, Transaction};

use super::Entry;
use super::links::Links;
use super::plan::Group;
use super::resolve::{Gone, Resolved, find};
use crate::interactions::create::several;
use crate::{Criteria, Domain, Request};

/// The references of all entries, each once.
pub(super) struct References<'e> {
    all: Vec<Reference<'e>>,
    /// For each entry, those of `all` that it has.
    of: Vec<Vec<usize>>,
}

struct Reference<'e> {
    text: String,
    /// The first that has it.
    entry: &'e Entry,
    criteria: Criteria,
    /// Whether what they mean depends on the resource alone that they lead to.
    is_plain: bool,
    /// Whether it may mean something else than when it was looked for.
    due: bool,
    /// The id of what it means.
    known: Option<String>,
}

/// The references of each entry, by their texts.
pub(super) fn texts(entries: &[Entry]) -> BTreeMap<String, Vec<usize>> {
    let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        let mut found = BTreeSet::new();
        if let Some(resource) = entry.operation.resource() {
            collect(resource.body(), &mut found);
        }
        for text in found {
            all.entry(text.to_owned()).or_default().push(place);
        }
    }
    all
}

fn collect<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter() {
                match member {
                    Value::String(text) if key == "reference" && is_by_criteria(text) => {
                        found.insert(text.as_str());
                    }
                    other => collect(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn is_by_criteria(text: &str) -> bool {
    text.split_once('?').is_some_and(|(kind, _)| ResourceType::find(kind).is_some())
}

impl<'e> References<'e> {
    /// Reads the criteria. Before the transaction begins: what they mean may have to be looked up, and that takes
    /// another session.
    ///
    /// # Errors
    /// The first that cannot be read, at its element.
    pub(super) async fn read(
        domain: &Domain,
        request: &Request,
        entries: &'e [Entry],
        texts: BTreeMap<String, Vec<usize>>,
    ) -> Result<Self> {
        let mut all = Vec::with_capacity(texts.len());
        let mut of = vec![Vec::new(); entries.len()];
        for (text, places) in texts {
            let first = places.first().and_then(|place| entries.get(*place));
            let Some(entry) = first else { continue };
            let (kind, query) = text.split_once('?').unwrap_or((&text, ""));
            let kind = ResourceType::parse(kind).map_err(|error| entry.fault(error))?;
            let criteria = Criteria::parse(domain, request, kind, query).await;
            let criteria = criteria.map_err(|error| misplaced(entry, &text, error))?;
            for place in places {
                of.get_mut(place).into_iter().for_each(|its| its.push(all.len()));
            }
            let is_plain = holds(&criteria.query.filter, &IndexEntries::default()).is_some();
            all.push(Reference { text, entry, criteria, is_plain, due: true, known: None });
        }
        Ok(Self { all, of })
    }

    /// Whether all is known that an entry refers to.
    pub(super) fn are_known_of(&self, place: usize) -> bool {
        let its = self.of.get(place).into_iter().flatten();
        its.filter_map(|at| self.all.get(*at)).all(|one| one.known.is_some())
    }

    /// Notes which may mean what is about to be written, or no longer what they meant.
    pub(super) fn expect(&mut self, changes: &[Change]) {
        for one in self.all.iter_mut().filter(|one| !one.due) {
            let is_it = |change: &Change| {
                change.kind == one.criteria.kind()
                    && one.known.as_deref() == Some(change.id.as_str())
            };
            one.due = !one.is_plain
                || changes.iter().any(|it| is_it(it) || one.means(it.kind, &it.entries));
        }
    }

    /// Looks for what those are about that are due; whether any was found.
    ///
    /// # Errors
    /// Where one means several.
    pub(super) async fn look(
        &mut self,
        domain: &Domain,
        request: &Request,
        open: &mut Transaction,
        gone: &Gone,
        links: &mut Links,
    ) -> Result<bool> {
        let mut any = false;
        for one in self.all.iter_mut().filter(|one| one.due && one.known.is_none()) {
            one.due = false;
            let found = find(domain, request, open, &one.criteria, gone).await;
            if let Some(stored) = found.map_err(|error| one.misplaced(error))? {
                one.learn(&stored.id, links);
                any = true;
            }
        }
        Ok(any)
    }

    /// Makes sure, when all is written, that each still means what was put in its place: they are about what there is
    /// after all changes, in whatever order these were made.
    ///
    /// # Errors
    /// Where one means another resource, several or none.
    pub(super) async fn confirm(
        &self,
        domain: &Domain,
        request: &Request,
        open: &mut Transaction,
        gone: &Gone,
    ) -> Result<()> {
        for one in self.all.iter().filter(|one| one.due) {
            let found = find(domain, request, open, &one.criteria, gone).await;
            let found = found.map_err(|error| one.misplaced(error))?;
            if found.map(|stored| stored.id) != one.known {
                let said = "What the transaction writes changes what this conditional reference means: name the \
                            resource by its id, or by its fullUrl.";
                return Err(one.misplaced(Error::precondition(said)));
            }
        }
        Ok(())
    }

    /// Looks among entries that wait for each other, or for themselves, for those that nothing else is meant by;
    /// whether any was found. What they will hold is known but for those references.
    ///
    /// # Errors
    /// Where one means several.
    pub(super) fn among(
        &mut self,
        domain: &Domain,
        waiting: &Group<'_>,
        links: &mut Links,
    ) -> Result<bool> {
        let mut candidates = Vec::with_capacity(waiting.places.len());
        for (_, entry, resolved) in waiting.iter() {
            if let (Resolved::New(id) | Resolved::Target(id, _), Some(resource)) =
                (resolved, entry.operation.resource())
            {
                let entries = domain.extract(resource).map_err(|error| entry.fault(error))?;
                candidates.push((resource.kind(), id, entries));
            }
        }
        let mut any = false;
        for one in self.all.iter_mut().filter(|one| one.known.is_none() && one.is_plain) {
            let mut meant =
                candidates.iter().filter(|(kind, _, entries)| one.means(*kind, entries));
            match (meant.next(), meant.next()) {
                (Some((_, id, _)), None) => {
                    one.learn(id.as_str(), links);
                    any = true;
                }
                (Some(_), Some(_)) => return Err(one.misplaced(several())),
                (None, _) => {}
            }
        }
        Ok(any)
    }

    /// That the first which nothing was found for means nothing.
    pub(super) fn unfound(&self) -> Error {
        let Some(one) = self.all.iter().find(|one| one.known.is_none()) else {
            return Error::internal("an entry waits for no reference");
        };
        let kind = one.criteria.kind();
        let names: Vec<&str> =
            one.criteria.query.applied.iter().map(|(name, _)| name.as_str()).collect();
        let said = format!(
            "This conditional reference matches no {kind} by its {}: write that one first, or in the same \
             transaction.",
            names.join(" and ")
        );
        one.misplaced(Error::new(Kind::PreconditionFailed, said))
    }
}

impl Reference<'_> {
    /// Whether it leads to a resource with these values.
    fn means(&self, kind: ResourceType, entries: &IndexEntries) -> bool {
        kind == self.criteria.kind() && holds(&self.criteria.query.filter, entries) == Some(true)
    }

    fn learn(&mut self, id: &str, links: &mut Links) {
        links.add(self.text.clone(), format!("{}/{id}", self.criteria.kind()));
        self.known = Some(id.to_owned());
    }

    fn misplaced(&self, error: Error) -> Error {
        misplaced(self.entry, &self.text, error)
    }
}

/// An error as that of the element whose reference it is.
fn misplaced(entry: &Entry, reference: &str, mut error: Error) -> Error {
    let element = entry.operation.resource().map(|resource| element(resource, reference));
    for issue in &mut error.issues {
        issue.expression.clone_from(&element);
    }
    entry.fault(error)
}

/// Where in a resource a reference stands first.
fn element(resource: &Resource, reference: &str) -> String {
    fn within(value: &Value, path: &str, reference: &str) -> Option<String> {
        match value {
            Value::Object(object) => object.iter().find_map(|(key, member)| match member {
                Value::String(text) if key == "reference" && *text == *reference => {
                    Some(format!("{path}.{key}"))
                }
                other => within(other, &format!("{path}.{key}"), reference),
            }),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(n, item)| within(item, &format!("{path}[{n}]"), reference)),
            _ => None,
        }
    }
    within(resource.body(), "resource", reference).unwrap_or_else(|| "resource".to_owned())
}
