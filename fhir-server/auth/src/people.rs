//! What signing in needs beside clients: accounts, passwords, and the resources that people are.

use std::sync::Arc;

use access::{BREAK_GLASS, Caller, FhirUser, Role, Roles, Scopes};
use canonical_model::{ResourceId, Result};
use domain::{Domain, Request};
use store::{Account, AuditInteraction, AuthStore};

use crate::password::Passwords;

/// The client that our own pages are, in the record.
pub(crate) const PAGES: &str = "carebridge";

/// Accounts, and what is asked about them.
#[derive(Clone)]
pub struct People {
    pub(crate) store: AuthStore,
    pub(crate) passwords: Passwords,
    pub(crate) domain: Domain,
}

impl People {
    /// Takes the accounts, and the data that people are looked up in.
    ///
    /// # Errors
    /// 500 where the system gives no random bytes.
    pub fn new(store: AuthStore, domain: Domain) -> Result<Self> {
        Ok(Self { store, passwords: Passwords::new()?, domain })
    }
}

/// A person on our own pages, who looks at something there.
pub(crate) struct Who<'a> {
    pub(crate) account: &'a Account,
    pub(crate) sees: Sees<'a>,
    /// Scopes beside those that pages need.
    pub(crate) more: &'a str,
}

/// With which rights somebody looks.
#[derive(Clone, Copy)]
pub(crate) enum Sees<'a> {
    /// With his own.
    Own,
    /// In an emergency: whoever it is, relationship and consent are lifted.
    Anybody,
    /// As one who stands for this patient, and as nothing else he is.
    StandingFor(&'a ResourceId),
    /// What people who were there are called, and nothing else.
    Names,
}

fn looking(who: &Who<'_>) -> Result<Caller> {
    let Who { account, sees, more } = *who;
    let stands_for = match sees {
        Sees::StandingFor(patient) => Some(patient),
        Sees::Own | Sees::Anybody | Sees::Names => None,
    };
    let roles = account.roles.iter().map(String::as_str);
    let roles = roles.filter(|role| stands_for.is_none() || *role == Role::Proxy.as_str());
    let orgs = account.orgs.iter().map(|id| ResourceId::parse(id)).collect::<Result<_>>()?;
    let own = Caller {
        subject: Some(account.sub.as_str().into()),
        scopes: Scopes::parse(&format!("user/Patient.rs user/Encounter.rs {more}"))?,
        fhir_user: account.fhir_user.as_deref().map(FhirUser::parse).transpose()?,
        roles: Roles::parse(roles)?,
        orgs,
        patient: stands_for.cloned(),
        ..Caller::of_client(PAGES)
    };
    Ok(match sees {
        Sees::Own | Sees::StandingFor(_) => own,
        Sees::Anybody => Caller {
            scopes: Scopes::parse("system/Patient.rs system/Encounter.rs")?,
            purpose: Some(BREAK_GLASS.into()),
            ..own
        },
        Sees::Names => Caller {
            scopes: Scopes::parse("system/Practitioner.rs system/RelatedPerson.rs")?,
            ..own
        },
    })
}

/// The request of such a look.
pub(crate) async fn look(
    domain: &Domain,
    who: &Who<'_>,
    request_id: Arc<str>,
    address: Option<std::net::IpAddr>,
    interaction: AuditInteraction,
) -> Result<Request> {
    let caller = domain.relate(Arc::new(looking(who)?)).await?;
    Ok(Request {
        caller,
        request_id,
        address,
        interaction,
        idempotency: None,
        releases: false,
        room: None,
    })
}
