//! Who asks, as a verified token says it.

use std::fmt;

use canonical_model::{Error, Phi, ResourceId, ResourceType, Result};
use compact_str::CompactString;

use crate::{Action, Context, Scope, Scopes, TypeSet};

/// Who asks. Data only: [`crate::Access`] draws the conclusions.
#[derive(Clone)]
pub struct Caller {
    /// The registered client.
    pub client_id: CompactString,
    /// The user who signed in; `None` where a client acts for itself.
    pub subject: Option<CompactString>,
    /// What the token grants.
    pub scopes: Scopes,
    /// The patient whom the launch chose: what `patient/` scopes speak of.
    pub patient: Option<ResourceId>,
    /// The user as a FHIR resource: what `user/` scopes are bounded by.
    pub fhir_user: Option<FhirUser>,
    /// The token's `jti`, for the audit record.
    pub token_id: CompactString,
    /// The site that the client speaks for, by its number in the database.
    pub site: i16,
}

/// The user as a FHIR resource.
#[derive(Clone, PartialEq, Eq)]
pub struct FhirUser {
    /// `Practitioner`, `PractitionerRole`, `Patient`, `RelatedPerson` or `Person`.
    pub kind: ResourceType,
    /// Its id.
    pub id: ResourceId,
}

impl FhirUser {
    /// Reads `Practitioner/1`, or an absolute URL that ends so.
    ///
    /// # Errors
    /// 400 where the type is none that a user can be, or the id is illegal.
    pub fn parse(reference: &str) -> Result<Self> {
        let mut parts = reference.rsplit('/');
        let (id, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match kind {
            "Practitioner" | "PractitionerRole" | "Patient" | "RelatedPerson" | "Person" => {
                Ok(Self { kind: ResourceType::parse(kind)?, id: ResourceId::parse(id)? })
            }
            _ => Err(Error::invalid("fhirUser: not a reference to a person or a role")),
        }
    }
}

impl Caller {
    /// Whether it is the operator's own program: a client for itself, without a user, that may do
    /// everything with everything.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        let all = |scope: &Scope| {
            scope.context() == Context::System
                && scope.types() == TypeSet::ALL
                && Action::ALL.into_iter().all(|action| scope.grants(action))
        };
        self.subject.is_none() && self.scopes.clinical().iter().any(all)
    }
}

impl fmt::Debug for FhirUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, Phi(&self.id))
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("client_id", &self.client_id)
            .field("subject", &self.subject.as_ref().map(Phi))
            .field("scopes", &self.scopes)
            .field("patient", &self.patient.as_ref().map(Phi))
            .field("fhir_user", &self.fhir_user)
            .field("token_id", &self.token_id)
            .field("site", &self.site)
            .finish()
    }
}
