//! What the authorization server is made of.

use std::net::IpAddr;
use std::sync::Arc;

use outbound::Outbound;
use store::Auditor;
use telemetry::{Clock, Ticks};

use crate::client::Clients;
use crate::client_keys::ClientKeys;
use crate::cookie::digest;
use crate::keyring::Keyring;
use crate::limits::{FAILURE_WINDOW_S, FAILURES_MAX, LOG_IN_WINDOW_S};
use crate::page::Stop;
use crate::people::People;
use crate::provider::{ProviderConfig, Providers};
use crate::refresh_token::RefreshKey;
use crate::refusals::Refusals;
use crate::register::{Registration, RegistrationKey};
use crate::registry::Registry;
use crate::revocation::Revocations;
use crate::throttle::Throttle;
use crate::throttles::{Throttles, household};
use crate::verifier::Verifier;

/// The addresses that tokens and documents name, all below one public origin.
#[derive(Clone, Debug)]
pub struct Endpoints {
    origin: String,
}

impl Endpoints {
    /// Takes the public origin, as `https://fhir.example.org`.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.trim_end_matches('/').to_owned() }
    }

    /// The FHIR base: `aud` of tokens.
    #[must_use]
    pub fn fhir(&self) -> String {
        format!("{}/fhir", self.origin)
    }

    /// `iss` of tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("{}/auth", self.origin)
    }

    /// The token endpoint.
    #[must_use]
    pub fn token(&self) -> String {
        format!("{}/auth/token", self.origin)
    }

    /// The authorization endpoint.
    #[must_use]
    pub fn authorize(&self) -> String {
        format!("{}/auth/authorize", self.origin)
    }

    /// Where a token is asked about.
    #[must_use]
    pub fn introspect(&self) -> String {
        format!("{}/auth/introspect", self.origin)
    }

    /// Where a token is ended.
    #[must_use]
    pub fn revoke(&self) -> String {
        format!("{}/auth/revoke", self.origin)
    }

    /// Where apps register.
    #[must_use]
    pub fn register(&self) -> String {
        format!("{}/auth/register", self.origin)
    }

    /// Where people come back to from another provider.
    #[must_use]
    pub fn callback(&self) -> String {
        format!("{}/auth/callback", self.origin)
    }

    /// Where people see what they gave.
    #[must_use]
    pub fn manage(&self) -> String {
        format!("{}/auth/manage", self.origin)
    }

    /// The public origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether browsers reach it by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The public keys.
    #[must_use]
    pub fn jwks(&self) -> String {
        format!("{}/auth/jwks", self.origin)
    }
}

/// The authorization server. Clones are the same one.
#[derive(Clone)]
pub struct AuthState(Arc<Parts>);

/// What an authorization server is put together from.
pub struct Services {
    /// Its addresses.
    pub endpoints: Endpoints,
    /// The configured clients.
    pub clients: Clients,
    /// Who may register others.
    pub registration: Registration,
    /// Where people may sign in besides.
    pub providers: Vec<ProviderConfig>,
    /// What signs.
    pub keys: Keyring,
    /// What tells it the time.
    pub clock: Clock,
    /// What has been revoked.
    pub revocations: Arc<dyn Revocations>,
    /// How often may be asked.
    pub throttles: Throttles,
    /// Who can sign in; nobody where the database has no accounts yet.
    pub people: Option<People>,
    /// Where all of it is recorded; only tests have none.
    pub auditor: Option<Auditor>,
    /// The door to clients' keys; without one only those that are configured are known.
    pub outbound: Option<Outbound>,
}

pub(crate) struct Parts {
    pub(crate) endpoints: Endpoints,
    pub(crate) clients: Registry,
    pub(crate) registration: Registration,
    pub(crate) providers: Providers,
    pub(crate) keys: Keyring,
    pub(crate) clock: Clock,
    /// Of what proves no client.
    pub(crate) throttle: Throttle,
    /// Of wrong passwords, by log-in and address.
    pub(crate) log_ins: Throttle,
    /// Of registrations.
    pub(crate) newcomers: Throttle,
    /// Of wrong passwords, by address alone.
    pub(crate) guesses: Throttle,
    pub(crate) throttles: Throttles,
    pub(crate) people: Option<People>,
    pub(crate) auditor: Option<Auditor>,
    pub(crate) refusals: Refusals,
    pub(crate) refresh: RefreshKey,
    pub(crate) registrations: RegistrationKey,
    pub(crate) client_keys: ClientKeys,
    verifier: Verifier,
}

impl Parts {
    /// The verifier of the tokens issued here.
    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// What seals, the same on all servers of a database.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        self.keys.secret()
    }

    /// An address as accounts know it: digested under a key, so that nobody reads it in the database.
    pub(crate) fn place(&self, address: Option<IpAddr>) -> Option<[u8; 32]> {
        let named = household(address?).to_string();
        Some(digest(b"place", &[self.secret().as_slice(), named.as_bytes()].concat()))
    }

    /// Who can sign in.
    pub(crate) fn people(&self) -> Result<&People, Stop> {
        self.people.as_ref().ok_or(Stop::Closed)
    }
}

impl AuthState {
    /// Puts the authorization server together.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let Services { endpoints, clients, registration, keys, clock, .. } = services;
        let Services { revocations, throttles, people, auditor, outbound, .. } = services;
        let refresh = RefreshKey::new(keys.secret());
        let registrations = RegistrationKey::new(keys.secret());
        let providers = Providers::new(services.providers, outbound.clone());
        let client_keys = ClientKeys::new(outbound, Ticks::system());
        let verifier =
            Verifier::new(&endpoints, keys.clone(), clients.clone(), clock.clone(), revocations);
        let [throttle, log_ins, newcomers] =
            [(); 3].map(|()| Throttle::new(FAILURES_MAX, FAILURE_WINDOW_S));
        let guesses = Throttle::new(throttles.rates().log_in_failures, LOG_IN_WINDOW_S);
        let store = people.as_ref().map(|people| people.store.clone());
        let clients = Registry::new(clients, store);
        let refusals = Refusals::new(auditor.clone(), clock.clone());
        Self(Arc::new(Parts {
            endpoints,
            clients,
            registration,
            providers,
            keys,
            clock,
            throttle,
            log_ins,
            newcomers,
            guesses,
            throttles,
            people,
            auditor,
            refusals,
            refresh,
            registrations,
            client_keys,
            verifier,
        }))
    }

    /// The verifier of the tokens issued here.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.0.verifier.clone()
    }

    /// Where is recorded what was refused to whoever proved nothing.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.0.refusals.clone()
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }
}
