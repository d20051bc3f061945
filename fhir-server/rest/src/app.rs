//! What every handler shares.

use std::sync::Arc;

use auth::Verifier;
use bytes::Bytes;
use domain::Domain;

/// The state of the FHIR API. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The Patient Domain Service.
    pub domain: Domain,
    /// Who is who.
    pub verifier: Arc<Verifier>,
    /// The CapabilityStatement's text, built once.
    pub metadata: Bytes,
}

impl App {
    /// Puts the API together.
    #[must_use]
    pub fn new(domain: Domain, verifier: Arc<Verifier>) -> Self {
        let metadata = Bytes::from(crate::metadata::statement(&domain));
        Self { domain, verifier, metadata }
    }

    pub(crate) fn base(&self) -> &str {
        self.domain.base()
    }
}
