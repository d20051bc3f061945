//! What the SearchParameter resources come to when they are read: those that are used, and those that ask for
//! it and are not. One that cannot be used is said, and is in nobody's way.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use canonical_model::{Resource, Result};
use search::limits::CUSTOMS_MAX;
use search::{Custom, published_urls};
use store::Definition;
use store::limits::DEFINITIONS_AT_ONCE;
use telemetry::Emit;
use telemetry::event::ParametersUnused;
use tokio::sync::MutexGuard;

use crate::Domain;
use crate::limits::UNUSED_NAMED_MAX;

/// How it stands with the search parameters of one's own, for an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Those in use.
    pub used: usize,
    /// Those that ask to be used and are not: they cannot be, another has their code, or there are too many.
    pub unused: usize,
    /// How often they were read since the start.
    pub readings: u64,
}

/// What one reading came to.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// Those that are used, the older first.
    pub(crate) customs: Vec<Custom>,
    /// The ids of all that were read.
    asking: HashSet<String>,
    /// Those that were not used, by why.
    unused: ParametersUnused,
}

impl Read {
    /// Reads all there are, in slices.
    ///
    /// # Errors
    /// Unavailable or Internal, where the database does not answer; never for what it holds.
    pub(crate) async fn all(domain: &Domain) -> Result<Self> {
        let there = domain.store().definitions(published_urls()).await?;
        let mut read = Self::default();
        read.unused.beyond = there.beyond;
        for slice in there.numbers.chunks(DEFINITIONS_AT_ONCE) {
            for one in domain.store().read_definitions(slice).await? {
                read.take(domain, one);
            }
        }
        if read.unused.all() > 0 {
            read.unused.emit();
        }
        Ok(read)
    }

    /// Of those that clash, which only two writers at once can bring about, the one that was made first.
    fn take(&mut self, domain: &Domain, one: Definition) {
        let custom = one.text.and_then(|text| {
            let custom = Custom::read(&Resource::parse(&text)?, domain.store().hasher())?;
            Ok(custom.map(|new| Custom { id: one.id.clone(), ..new }))
        });
        match custom {
            Ok(Some(_)) if self.customs.len() >= CUSTOMS_MAX => self.unused.beyond += 1,
            Ok(Some(new)) if self.customs.iter().any(|known| new.clashes(known).is_some()) => {
                self.name(&one.id, "another has its code");
                self.unused.clashing += 1;
            }
            Ok(Some(new)) => self.customs.push(new),
            Ok(None) => {}
            Err(error) => {
                self.name(&one.id, error);
                self.unused.unusable += 1;
            }
        }
        self.asking.insert(one.id);
    }

    fn name(&self, id: &str, why: impl Display) {
        if self.unused.clashing + self.unused.unusable < UNUSED_NAMED_MAX {
            tracing::warn!(id, %why, "The search parameter is not used.");
        }
    }
}

/// What was read last.
#[derive(Debug, Default)]
pub(crate) struct Known {
    last: Mutex<Last>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Last {
    /// The versions of SearchParameter that it was read of, summed up, and the goal that stood then. `None`
    /// before anything was read.
    of: Option<(i64, i64)>,
    asking: HashSet<String>,
    standing: Standing,
}

impl Known {
    /// The turn to read, which one at a time has.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Counts a reading.
    pub(crate) fn count(&self) {
        self.with(|last| last.standing.readings += 1);
    }

    /// Takes what was read of the versions `seen`, while `goal` stood.
    pub(crate) fn take(&self, read: Read, used: usize, seen: i64, goal: i64) {
        self.with(|last| {
            let readings = last.standing.readings;
            last.of = Some((seen, goal));
            last.standing = Standing { used, unused: read.unused.all(), readings };
            last.asking = read.asking;
        });
    }

    /// Notes of one resource, which was just written, whether it asks to be used.
    pub(crate) fn note(&self, id: &str, asks: bool) {
        self.with(|last| match asks {
            true => last.asking.insert(id.to_owned()),
            false => last.asking.remove(id),
        });
    }

    /// What it was read of; `None` before anything was.
    pub(crate) fn of(&self) -> Option<(i64, i64)> {
        self.with(|last| last.of)
    }

    /// How many resources ask to be used, but for these.
    pub(crate) fn asking_but<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> usize {
        self.with(|last| {
            let known = ids.into_iter().filter(|id| last.asking.contains(*id)).count();
            last.asking.len() - known
        })
    }

    pub(crate) fn standing(&self) -> Standing {
        self.with(|last| last.standing)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Last) -> T) -> T {
        act(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
