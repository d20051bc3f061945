//! What the authorization server is made of.

use std::sync::Arc;

use telemetry::Clock;

use crate::client::Clients;
use crate::key::SigningKey;
use crate::revocation::Revocations;
use crate::throttle::Throttle;
use crate::throttles::Throttles;
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

    /// The public keys.
    #[must_use]
    pub fn jwks(&self) -> String {
        format!("{}/auth/jwks", self.origin)
    }
}

/// The authorization server. Clones are the same one.
#[derive(Clone)]
pub struct AuthState(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) endpoints: Endpoints,
    pub(crate) clients: Clients,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) clock: Clock,
    pub(crate) throttle: Throttle,
    pub(crate) throttles: Throttles,
    verifier: Verifier,
}

impl AuthState {
    /// Puts the authorization server together.
    #[must_use]
    pub fn new(
        endpoints: Endpoints,
        clients: Clients,
        key: SigningKey,
        clock: Clock,
        revocations: Arc<dyn Revocations>,
        throttles: Throttles,
    ) -> Self {
        let key = Arc::new(key);
        let verifier = Verifier::new(
            &endpoints,
            Arc::clone(&key),
            clients.clone(),
            clock.clone(),
            revocations,
        );
        let throttle = Throttle::default();
        Self(Arc::new(Parts { endpoints, clients, key, clock, throttle, throttles, verifier }))
    }

    /// The verifier of the tokens issued here.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.0.verifier.clone()
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }
}
