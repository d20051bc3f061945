//! Wires the parts to a server that listens, and takes it apart again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use auth::{
    AuthState, Clients, Endpoints, Keyring, Nothing, People, Refusals, Revocations,
    Services as AuthServices, Throttles, smart_configuration,
};
use axum::Router;
use chrono::{DateTime, Utc};
use domain::{Domain, Services, parameters};
use store::record::Journal;
use store::{
    AuditAction, AuditEntry, Auditor, AuthStore, AuthTransaction, Keys, Notary, Purpose,
    RequestContext, Store, StoreOptions,
};
use telemetry::Ticks;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::limits::CLOSE_MAX;
use crate::settings::Settings;
use crate::tls::Tls;
use crate::{background, http, keys, metrics, sealing};

/// How a server's connections ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// Every request in flight was answered.
    Complete,
    /// Some took longer than [`crate::limits::DRAIN_MAX`] and were cut.
    Cut,
}

/// A server that listens. Dropping it begins its end; [`Running::stop`] waits for it.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its public origin, as `http://127.0.0.1:8080`.
    pub origin: String,
    /// The file of the key that seals, where that is one.
    pub(crate) seal_key: Option<PathBuf>,
    stop: DropGuard,
    serving: JoinHandle<Drain>,
    working: Vec<JoinHandle<()>>,
    store: Store,
    accounts: Option<AuthStore>,
}

/// Starts a server on a bound listener; it answers from then on.
///
/// # Errors
/// A setting is unusable, the database cannot be reached, or its schema is not current.
pub async fn start(settings: Settings, listener: TcpListener) -> Result<Running> {
    let address = listener.local_addr().context("The listener has no address.")?;
    let origin = settings.origin(address)?;
    let url = settings.database.url()?.reveal();
    let accounts = match store::schema_is_current(url).await? {
        true => Some(AuthStore::connect(url).await?),
        false => {
            tracing::warn!(
                "The database has the schema before this one. Run `carebridge migrate` soon."
            );
            None
        }
    };
    let kept = settings.seal.data_keys(url, &settings.clock)?;
    let keys = match &kept {
        Some(kept) => kept.open().await?,
        None => Keys::default(),
    };
    let store = connect(&settings, &keys).await?;
    if !settings.policy.record {
        store.leave_unrecorded();
    }
    // Before the first write: one that comes first would land in a default partition.
    store.ensure_partitions().await?;
    let auditor = Auditor::start(url, &store).await?;
    let (stop, recorder) = (CancellationToken::new(), metrics::recorder());
    recorder.run_upkeep();
    let endpoints = Endpoints::new(&origin);
    let domain = domain(&settings, &endpoints, store.clone(), auditor)?;
    parameters::begin(&domain).await;
    let throttles = Throttles::new(settings.throttle, Ticks::system());
    let (mut parts, mut working) = (Router::new(), Vec::new());
    if settings.roles.api {
        let mut revocations: Arc<dyn Revocations> = Arc::new(Nothing);
        let secret = keys.get(Purpose::Auth).ok();
        let keys = keys::keyring(&settings, accounts.as_ref(), secret).await?;
        if accounts.is_some() {
            let (known, hearing) = background::hearing(url, keys.clone(), stop.clone()).await?;
            working.push(hearing);
            revocations = known;
        }
        if keys.is_shared() {
            working.push(background::rotating(keys.clone(), &settings, stop.clone()));
        }
        let people =
            accounts.clone().map(|store| People::new(store, domain.clone())).transpose()?;
        let api =
            api(&settings, &endpoints, domain.clone(), &throttles, keys, people, revocations)?;
        parts = api.router;
        working.push(background::settling(api.refusals, stop.clone()));
    }
    let https = origin.starts_with("https://");
    let proxies = http::Proxies::new(&settings.http.trusted_proxies);
    let mut edge = http::Edge { proxies, throttles, https, tls: None };
    if let Some(files) = &settings.http.tls {
        let (shaking, following) = Tls::start(files, http::PROTOCOLS, stop.clone())?;
        working.push(following);
        edge.tls = Some(shaking);
    }
    working.extend([
        background::metering(stop.clone()),
        background::keeping_reserve(store.clone(), stop.clone()),
    ]);
    if settings.roles.worker {
        working.push(background::sweeping(store.clone(), accounts.clone(), stop.clone()));
        working.push(background::indexing(domain.clone(), stop.clone()));
        working.extend(accounts.clone().map(|it| background::alerting(it, stop.clone())));
        working.extend(notary(&settings, &store, &keys, &stop)?);
    } else {
        working.push(background::watching_index(domain.clone(), stop.clone()));
    }
    working.extend(kept.map(|kept| background::keeping_keys(kept, keys, stop.clone())));
    let health = http::Health::new(domain, settings.metrics.clone(), stop.clone());
    let router = http::router(parts, health);
    let serving = tokio::spawn(http::serve(listener, router, edge, stop.clone()));
    tracing::info!(%address, origin, "Listening.");
    let seal_key = settings.seal.key_file.clone();
    let stop = stop.drop_guard();
    Ok(Running { address, origin, seal_key, stop, serving, working, store, accounts })
}

/// The store of a server or a command that has these keys.
async fn connect(settings: &Settings, keys: &Keys) -> Result<Store> {
    let options = StoreOptions {
        url: settings.database.url()?.reveal().to_owned(),
        connections: settings.database.connections,
        reserve_mib: settings.database.reserve_mib,
        search_ms: settings.database.search_ms,
        probed_entries: settings.database.probed_entries,
        sealer: Arc::new(settings.seal.sealer(keys)?),
    };
    Ok(Store::connect(&options).await?)
}

/// The store, for a command.
///
/// # Errors
/// A setting is unusable, the database cannot be reached, or its keys cannot be had.
pub(crate) async fn store(settings: &Settings) -> Result<Store> {
    connect(settings, &keys(settings).await?).await
}

/// The keys that a database has, for a command that makes none.
///
/// # Errors
/// As [`store`].
pub(crate) async fn keys(settings: &Settings) -> Result<Keys> {
    let url = settings.database.url()?.reveal();
    let Some(kept) = settings.seal.data_keys(url, &settings.clock)? else {
        return Ok(Keys::default());
    };
    let keys = kept.open_what_is_there().await?;
    kept.close().await;
    Ok(keys)
}

/// What a command needs that changes accounts, clients or keys: each change is kept with its row in the record.
pub(crate) struct Keeper {
    pub(crate) accounts: AuthStore,
    pub(crate) now: DateTime<Utc>,
}

/// Opens the accounts.
///
/// # Errors
/// A setting is unusable, the database cannot be reached, or its schema is not current.
pub(crate) async fn keeper(settings: &Settings) -> Result<Keeper> {
    let accounts = AuthStore::connect(settings.database.url()?.reveal()).await?;
    Ok(Keeper { accounts, now: settings.clock.now() })
}

impl Keeper {
    /// Begins a change.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub(crate) async fn begin(&self) -> Result<AuthTransaction> {
        Ok(self.accounts.begin().await?)
    }

    /// Keeps a change with the row that says so, or neither.
    ///
    /// # Errors
    /// One of them cannot be written.
    pub(crate) async fn keep(&self, open: AuthTransaction, detail: String) -> Result<()> {
        let row = changed(self.now, detail);
        open.record(&row).await.context("The change could not be recorded, so it was not made")?;
        Ok(open.commit().await?)
    }
}

/// The row of a change of accounts, clients or keys that the operator makes.
pub(crate) fn changed(now: DateTime<Utc>, detail: String) -> AuditEntry {
    let context = RequestContext::internal();
    let row = AuditEntry::new(now, context, AuditAction::Accounts, 200);
    AuditEntry { detail: Some(detail), ..row }
}

/// The service without its HTTP surface, for a command that works on the database. `starting` makes the index
/// follow the settings, as a server's start does.
///
/// # Errors
/// A setting is unusable, the database cannot be reached, or its schema is not current.
pub(crate) async fn attach(settings: &Settings, starting: bool) -> Result<Domain> {
    let url = settings.database.url()?.reveal();
    store::schema_is_current(url).await?;
    let store = store(settings).await?;
    let auditor = Auditor::start(url, &store).await?;
    let endpoints = Endpoints::new(&settings.origin(settings.listen)?);
    let domain = domain(settings, &endpoints, store, auditor)?;
    parameters::settle(&domain, starting).await?;
    Ok(domain)
}

/// Who seals the record of accesses; nobody, where there is no key.
fn notary(
    settings: &Settings,
    store: &Store,
    keys: &Keys,
    stop: &CancellationToken,
) -> Result<Option<JoinHandle<()>>> {
    if keys.are_none() {
        tracing::warn!(
            "The record of accesses is not sealed, so nobody can prove it: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`."
        );
        return Ok(None);
    }
    let notary = Notary::new(settings.database.url()?.reveal(), store, keys.clone())?;
    Ok(Some(sealing::sealing(notary, settings.audit.clone(), settings.clock.clone(), stop.clone())))
}

/// The Patient Domain Service as the settings describe it.
fn domain(
    settings: &Settings,
    endpoints: &Endpoints,
    store: Store,
    auditor: Auditor,
) -> Result<Domain> {
    let journal = Journal::new(settings.database.url()?.reveal())?;
    Ok(Domain::new(Services {
        store,
        auditor,
        journal,
        clock: settings.clock.clone(),
        base: endpoints.fhir(),
        hooks: settings.hooks.clone(),
        policy: settings.policy.clone(),
    }))
}

/// The FHIR API and the authorization server.
struct Api {
    router: Router,
    /// What both refuse to whoever proves nothing.
    refusals: Refusals,
}

/// Puts them together.
fn api(
    settings: &Settings,
    endpoints: &Endpoints,
    domain: Domain,
    throttles: &Throttles,
    keys: Keyring,
    people: Option<People>,
    revocations: Arc<dyn Revocations>,
) -> Result<Api> {
    let clients = Clients::configure(settings.clients.clone(), site_number)?;
    let (bodies, smart) = (
        settings.bodies,
        smart_configuration(endpoints, people.is_some(), settings.auth.registration.is_on()),
    );
    let auth = AuthState::new(AuthServices {
        endpoints: endpoints.clone(),
        clients,
        registration: settings.auth.registration.clone(),
        providers: settings.auth.providers.clone(),
        keys,
        clock: settings.clock.clone(),
        revocations,
        throttles: throttles.clone(),
        people,
        auditor: Some(domain.auditor().clone()),
        outbound: Some(settings.outbound.door()?),
    });
    let verifier = Arc::new(auth.verifier());
    let refusals = auth.refusals();
    let app = rest::App::new(domain, verifier, bodies, throttles.clone(), refusals.clone(), smart);
    Ok(Api { router: auth::router(auth).merge(rest::router(app)), refusals })
}

/// The sites of a new database: one, `local`.
pub(crate) fn site_number(name: &str) -> Option<i16> {
    (name == "local").then_some(0)
}

impl Running {
    /// Stops accepting, turns readiness off, answers what is in flight, gives the connections to
    /// the database back.
    pub async fn stop(self) -> Drain {
        let Self { stop, serving, working, store, accounts, .. } = self;
        drop(stop);
        // The task does not panic and is not aborted.
        let drain = serving.await.unwrap_or(Drain::Cut);
        for work in working {
            drop(work.await);
        }
        let closing = async {
            store.close().await;
            if let Some(accounts) = accounts {
                accounts.close().await;
            }
        };
        if timeout(CLOSE_MAX, closing).await.is_err() {
            tracing::warn!("Connections to the database are still in use.");
        }
        drain
    }
}
