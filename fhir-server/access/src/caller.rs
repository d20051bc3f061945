//! Who asks, as a verified token says it.

use std::fmt;
use std::sync::Arc;

use canonical_model::{Error, Phi, ResourceId, ResourceType, Result};
use compact_str::{CompactString, format_compact};

use crate::{Action, BREAK_GLASS, Consent, Context, Related, Roles, Scope, Scopes, TypeSet};

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
    /// What the user is to the organisation; none where a client acts for itself.
    pub roles: Roles,
    /// The organisations that the user works for, as ids of Organization.
    pub orgs: Box<[ResourceId]>,
    /// The purpose of use, as `TREAT`, where one was stated.
    pub purpose: Option<CompactString>,
    /// The authorization that the token came from, by its number in the database; `None` where there was none.
    pub grant: Option<i64>,
    /// What the token was issued under.
    pub generations: Generations,
    /// To whom the user stands in a relationship; `None` where nobody has asked: then roles that need one reach
    /// nobody.
    pub related: Option<Arc<Related>>,
    /// What Consent resources say of the caller, if they bind them.
    pub consent: Consent,
}

/// The generations of account and client that a token was issued under: a later one ends all tokens of those
/// before. 0, where a token says nothing, is before any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Of the user's account.
    pub account: i32,
    /// Of the client.
    pub client: i32,
}

/// The user as a FHIR resource.
#[derive(Clone, PartialEq, Eq)]
pub struct FhirUser {
    /// `Practitioner`, `PractitionerRole`, `Patient`, `RelatedPerson` or `Person`.
    pub kind: ResourceType,
    /// Its id.
    pub id: ResourceId,
    /// Written once, for the record of every access.
    reference: CompactString,
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
                let reference = format_compact!("{kind}/{id}");
                Ok(Self { kind: ResourceType::parse(kind)?, id: ResourceId::parse(id)?, reference })
            }
            _ => Err(Error::invalid("fhirUser: not a reference to a person or a role")),
        }
    }

    /// As `Practitioner/1`.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

impl Caller {
    /// A client for itself that may do nothing yet: what is known of a caller before its token is read, or where
    /// there is none.
    #[must_use]
    pub fn of_client(client_id: impl Into<CompactString>) -> Self {
        Self {
            client_id: client_id.into(),
            subject: None,
            scopes: Scopes::default(),
            patient: None,
            fhir_user: None,
            token_id: CompactString::default(),
            site: 0,
            roles: Roles::NONE,
            orgs: Box::default(),
            purpose: None,
            grant: None,
            generations: Generations::default(),
            related: None,
            consent: Consent::Unasked,
        }
    }

    /// Whether a user looks in an emergency.
    #[must_use]
    pub fn is_emergency(&self) -> bool {
        self.purpose.as_deref() == Some(BREAK_GLASS) && self.subject.is_some()
    }

    /// Whether it is the operator's own program: a client for itself, without a user, that may do
    /// everything with everything.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        let all = |scope: &Scope| {
            scope.context() == Context::System
                && scope.types() == TypeSet::ALL
                && scope.constraint().is_none()
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
            .field("roles", &self.roles)
            .field("orgs", &self.orgs)
            .field("purpose", &self.purpose)
            .field("grant", &self.grant)
            .field("generations", &self.generations)
            .field("related", &self.related)
            .field("consent", &self.consent)
            .finish()
    }
}
