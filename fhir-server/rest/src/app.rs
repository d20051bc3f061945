//! What every handler shares.

use std::sync::Arc;

use access::Caller;
use auth::{Refusals, Throttles, Verifier};
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
    /// What a client can find out before it has a token.
    pub(crate) smart_configuration: Arc<serde_json::Value>,
    /// The CapabilityStatement's text.
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) rooms: Rooms,
    pub(crate) throttles: Throttles,
    /// Where is recorded whose tokens are not accepted.
    pub(crate) refusals: Refusals,
    /// Who everybody is where a benchmark leaves rights out.
    pub(crate) everybody: Option<Arc<Caller>>,
}

impl App {
    /// Puts the API together.
    #[must_use]
    pub fn new(
        domain: Domain,
        verifier: Arc<Verifier>,
        bodies: Bodies,
        throttles: Throttles,
        refusals: Refusals,
        smart_configuration: serde_json::Value,
    ) -> Self {
        let smart_configuration = Arc::new(smart_configuration);
        let rooms = Rooms::new(bodies);
        let everybody = || Arc::new(Caller::of_client("bench"));
        let everybody = (!domain.policy().authorize).then(everybody);
        let metadata = Arc::default();
        Self {
            domain,
            verifier,
            smart_configuration,
            metadata,
            rooms,
            throttles,
            refusals,
            everybody,
        }
    }

    pub(crate) fn base(&self) -> &str {
        self.domain.base()
    }
}
