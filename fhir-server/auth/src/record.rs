//! The record of what the authorization server does: log-ins, tokens, revocations, refusals.

use std::net::IpAddr;
use std::sync::Arc;

use access::{Caller, FhirUser};
use axum::http::HeaderMap;
use canonical_model::Result;
use store::{Account, AuditAction, AuditEntry, AuditInteraction, AuthTransaction, RequestContext};

use crate::people::PAGES;
use crate::refusals::Door;
use crate::state::Parts;

/// What is about to be recorded. Nothing leaves before it is durable.
pub(crate) struct Said<'a> {
    auth: &'a Parts,
    caller: Caller,
    entry: AuditEntry,
}

impl<'a> Said<'a> {
    pub(crate) fn new(
        auth: &'a Parts,
        headers: &HeaderMap,
        address: Option<IpAddr>,
        action: AuditAction,
    ) -> Self {
        let caller = Caller::of_client(PAGES);
        let context = RequestContext {
            request_id: request_id(headers),
            caller: Arc::new(caller.clone()),
            address,
            interaction: AuditInteraction::Operation,
        };
        let entry = AuditEntry::new(auth.clock.now(), context, action, 200);
        Self { auth, caller, entry }
    }

    /// Through which app.
    pub(crate) fn client(mut self, id: &str) -> Self {
        self.caller.client_id = id.into();
        self
    }

    /// Who.
    pub(crate) fn account(self, account: &Account) -> Self {
        self.person(&account.sub, account.fhir_user.as_deref())
    }

    /// Who, by the account's name and the person.
    pub(crate) fn person(mut self, sub: &str, fhir_user: Option<&str>) -> Self {
        self.caller.subject = Some(sub.into());
        self.caller.fhir_user = fhir_user.and_then(|user| FhirUser::parse(user).ok());
        self
    }

    /// About whom.
    pub(crate) fn patient(self, identity: i64) -> Self {
        self.patients(vec![identity])
    }

    /// About whom, where it may be several.
    pub(crate) fn patients(mut self, mut identities: Vec<i64>) -> Self {
        identities.sort_unstable();
        identities.dedup();
        self.entry.patients = identities;
        self
    }

    /// What for.
    pub(crate) fn purpose(mut self, code: &str) -> Self {
        self.caller.purpose = Some(code.into());
        self
    }

    /// The `jti` of the token.
    pub(crate) fn token(mut self, id: &str) -> Self {
        self.caller.token_id = id.into();
        self
    }

    /// The status of the answer.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.entry.status = status;
        self
    }

    /// What is told beside.
    pub(crate) fn detail(mut self, detail: String) -> Self {
        self.entry.detail = Some(detail);
        self
    }

    /// Writes it, and returns when it is durable.
    ///
    /// # Errors
    /// It could not be written: then the answer must not leave.
    pub(crate) async fn record(self) -> Result<()> {
        match &self.auth.auditor {
            Some(auditor) => auditor.record(self.whole()).await,
            None => Ok(()),
        }
    }

    /// Writes it with a change: both are kept, or neither.
    ///
    /// # Errors
    /// It could not be written: then the change is not kept either.
    pub(crate) async fn record_in(self, open: &AuthTransaction) -> Result<()> {
        match &self.auth.auditor {
            Some(auditor) if auditor.keeps_record() => open.record(&self.whole()).await,
            _ => Ok(()),
        }
    }

    /// Writes it, unless as much was refused there already that it is only counted.
    ///
    /// # Errors
    /// As [`Said::record`].
    pub(crate) async fn record_refused(self, door: Door) -> Result<()> {
        self.auth.refusals.record(door, self.whole()).await
    }

    fn whole(self) -> AuditEntry {
        let Self { caller, mut entry, .. } = self;
        entry.context.caller = Arc::new(caller);
        entry
    }
}

/// The id of a request, which the server's outermost layer gave it.
pub(crate) fn request_id(headers: &HeaderMap) -> Arc<str> {
    headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().into()
}
