//! The service itself: what interactions share.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use ::terminology::CodeSystem;
use access::{Access, Action, Binding, Rules, Treatment};
use canonical_model::{Error, Resource, ResourceType, Result};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use conformance::Registry;
use moka::sync::Cache;
use search::{Catalogue, IndexEntries, Query};
use store::record::Journal;
use store::{Auditor, Store};
use telemetry::Clock;
use tokio::sync::Notify;

use crate::checked::Validation;
use crate::conditions::Compiled;
use crate::consents;
use crate::definitions::Known;
use crate::hooks::Hooks;
use crate::judging;
use crate::limits::{CODE_SYSTEMS_REMEMBERED_BYTES, IMPORTED_REMEMBERED_BYTES};
use crate::relations;
use crate::request::Request;

/// What the server promises beyond the specification, by choice.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether PUT to an unknown id creates it.
    pub update_as_create: bool,
    /// Whether a conditional delete may remove several resources.
    pub delete_multiple: bool,
    /// Whether those who work with patients need a relationship to them.
    pub treatment: Treatment,
    /// Whom Consent resources bind.
    pub consent: Binding,
    /// What is done with what breaks a rule of R4 or of a profile.
    pub validation: Validation,
    /// Whether what is written is indexed. Without, no search finds it: only to measure what the index costs.
    pub index: bool,
    /// Whether rights are asked for at all. Without, everybody has all: only to measure what they cost.
    pub authorize: bool,
    /// Whether reads are recorded: without, only to measure what the record costs.
    pub record: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            update_as_create: true,
            delete_multiple: true,
            treatment: Treatment::default(),
            consent: Binding::default(),
            validation: Validation::default(),
            index: true,
            authorize: true,
            record: true,
        }
    }
}

/// What the service is made of.
#[derive(Debug)]
pub struct Services {
    /// The tenant's database.
    pub store: Store,
    /// Where reads are recorded.
    pub auditor: Auditor,
    /// Where the record of accesses is read.
    pub journal: Journal,
    /// The time.
    pub clock: Clock,
    /// The FHIR base URL, without a slash at its end.
    pub base: String,
    /// What is refused before a commit.
    pub hooks: Hooks,
    /// Choices.
    pub policy: Policy,
}

/// The Patient Domain Service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Domain {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) services: Services,
    catalogue: RwLock<Arc<Catalogue>>,
    definitions: Known,
    /// Calls whoever indexes in the background.
    index_work: Notify,
    pub(crate) rules: Rules,
    /// Constraints of scopes.
    pub(crate) compiled: Compiled,
    /// Callers with their relationships.
    pub(crate) related: relations::Known,
    pub(crate) consents: consents::Known,
    /// Stored code systems as they were read, by id and version.
    pub(crate) code_systems: Cache<(String, i32), Arc<CodeSystem>>,
    /// Imported ones, by their number.
    pub(crate) imported: Cache<i64, Arc<CodeSystem>>,
    /// One is read at a time: whoever waits for it finds it read.
    pub(crate) importing: tokio::sync::Mutex<()>,
    /// Profiles that are stored.
    pub(crate) profiles: judging::Known,
}

impl Shared {
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Domain {
    /// Puts the service together.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let store = &services.store;
        let catalogue = Catalogue::with_sealed(store.hasher().clone(), store.sealer().paths());
        let registry = Registry::r4();
        let in_compartment = |kind| !registry.patient_compartment(kind).is_empty();
        let rules = Rules::new(in_compartment, services.policy.treatment)
            .with_consent(services.policy.consent);
        let catalogue = RwLock::new(Arc::new(catalogue));
        let index_work = Notify::new();
        Self {
            shared: Arc::new(Shared {
                services,
                catalogue,
                definitions: Known::default(),
                index_work,
                rules,
                compiled: Compiled::default(),
                related: relations::Known::default(),
                consents: consents::Known::default(),
                code_systems: remembered(CODE_SYSTEMS_REMEMBERED_BYTES),
                imported: remembered(IMPORTED_REMEMBERED_BYTES),
                importing: tokio::sync::Mutex::new(()),
                profiles: judging::Known::default(),
            }),
        }
    }

    /// The store, for reads that carry their access.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.services.store
    }

    /// Where the record of accesses is read.
    pub(crate) fn journal(&self) -> &Journal {
        &self.shared.services.journal
    }

    /// Where accesses are recorded.
    #[must_use]
    pub fn auditor(&self) -> &Auditor {
        &self.shared.services.auditor
    }

    /// The search parameters as they are now.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.shared.catalogue()
    }

    /// What a resource is indexed under.
    pub(crate) fn extract(&self, resource: &Resource) -> Result<IndexEntries> {
        search::extract(&self.catalogue(), self.base(), resource)
    }

    /// What the SearchParameter resources came to when they were last read.
    pub(crate) fn definitions(&self) -> &Known {
        &self.shared.definitions
    }

    /// Takes others. What was begun with the ones before is ended with them.
    pub(crate) fn put_catalogue(&self, catalogue: Arc<Catalogue>) {
        *self.shared.catalogue.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
        self.shared.index_work.notify_one();
    }

    /// Waits until there is something to index, for one who does that.
    pub async fn index_work(&self) {
        self.shared.index_work.notified().await;
    }

    /// The FHIR base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.shared.services.base
    }

    /// Choices.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.shared.services.policy
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.shared.services.hooks
    }

    /// The time of a new version, in the milliseconds of a FHIR instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.services.clock.now().trunc_subsecs(3)
    }

    /// The time of a version that follows another: later than it, whatever the clock says.
    pub(crate) fn now_after(&self, previous: DateTime<Utc>) -> DateTime<Utc> {
        self.now().max(previous.trunc_subsecs(3) + TimeDelta::milliseconds(1))
    }

    /// Decides on an interaction with one type.
    ///
    /// # Errors
    /// Forbidden.
    pub fn decide(&self, request: &Request, kind: ResourceType, action: Action) -> Result<Access> {
        if !self.policy().authorize {
            return Ok(Access::internal("a benchmark measures what rights cost"));
        }
        Access::decide(&self.shared.rules, &request.caller, kind, action, &*self.shared)
    }

    /// Decides on a search, also of the types that its criteria lead through: what the caller may not see
    /// must not decide what is found, or not found.
    ///
    /// # Errors
    /// Forbidden.
    pub fn decide_query(&self, request: &Request, query: &Query, action: Action) -> Result<Access> {
        let mut kinds = Vec::new();
        query.filter.types(&mut kinds);
        for kind in kinds {
            self.decide(request, kind, Action::Search)?;
        }
        self.decide(request, query.kind, action)
    }

    /// Decides on an interaction with the whole system.
    ///
    /// # Errors
    /// Forbidden.
    pub fn decide_system(&self, request: &Request, action: Action) -> Result<Access> {
        Access::decide_system(&self.shared.rules, &request.caller, action, &*self.shared)
    }

    /// Runs a write to its end even where the client goes away: a request that is dropped in the
    /// middle can then neither hold a transaction open nor lose its audit record.
    ///
    /// # Errors
    /// What the write returns; Internal where it panicked.
    pub async fn shielded<T, F>(future: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        tokio::spawn(future).await.map_err(Error::internal)?
    }
}

/// A memory of code systems that has an end.
fn remembered<K>(most: u64) -> Cache<K, Arc<CodeSystem>>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
{
    let bytes = |_: &K, system: &Arc<CodeSystem>| u32::try_from(system.bytes()).unwrap_or(u32::MAX);
    Cache::builder().weigher(bytes).max_capacity(most).build()
}
