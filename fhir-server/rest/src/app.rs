//! What every handler shares.

use std::sync::Arc;

use auth::Verifier;
use domain::Domain;

use crate::metadata::Metadata;
use crate::room::{Bodies, Rooms};

/// The state of the FHIR API. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The Patient Domain Service.
    pub domain: Domain,
    /// Who is who.
    pub verifier: Arc<Verifier>,
    /// The CapabilityStatement's text.
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) rooms: Rooms,
}

impl App {
    /// Puts the API together.
    #[must_use]
    pub fn new(domain: Domain, verifier: Arc<Verifier>, bodies: Bodies) -> Self {
        Self { domain, verifier, metadata: Arc::default(), rooms: Rooms::new(bodies) }
    }

    pub(crate) fn base(&self) -> &str {
        self.domain.base()
    }
}
