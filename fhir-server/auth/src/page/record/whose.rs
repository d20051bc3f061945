//! Of whom somebody may see who saw the record.

use std::net::IpAddr;

use access::{FhirUser, Role, Roles};
use axum::http::HeaderMap;
use canonical_model::{ResourceId, ResourceType};
use store::SignedIn;

use super::ask::named;
use crate::page::Stop;
use crate::page::looking::Looking;
use crate::people::Sees;
use crate::state::Parts;

/// A patient.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    pub(super) id: ResourceId,
    /// What he is called, where it is known.
    pub(super) name: String,
    /// Whether it is who reads.
    pub(super) own: bool,
    /// Whether who reads stands for him.
    pub(super) stands_for: bool,
}

impl Whose {
    /// As a page calls him.
    pub(super) fn label(&self) -> String {
        if self.name.is_empty() { format!("Patient/{}", self.id) } else { self.name.clone() }
    }
}

/// Those of whom somebody may see it.
pub(super) struct Choices {
    pub(super) known: Vec<Whose>,
    /// Whether it may be anybody, by id.
    pub(super) any: bool,
}

impl Choices {
    pub(super) fn is_nobody(&self) -> bool {
        self.known.is_empty() && !self.any
    }

    /// The one who is asked for; where nobody is, the only one there is.
    pub(super) fn chosen(&self, asked: &str) -> Option<Whose> {
        if asked.is_empty() {
            let only = (!self.any && self.known.len() == 1).then(|| self.known.first());
            return only.flatten().cloned();
        }
        let known = self.known.iter().find(|whose| whose.id.as_str() == asked).cloned();
        let any = || {
            let name = String::new();
            Some(Whose { id: named(asked)?, name, own: false, stands_for: false })
        };
        known.or_else(|| self.any.then(any).flatten())
    }
}

/// Oneself, those whom one stands for, and for auditors anybody.
pub(super) async fn choices(
    auth: &Parts,
    signed: &SignedIn,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Choices, Stop> {
    let (people, account) = (auth.people()?, &signed.account);
    let roles = Roles::parse(account.roles.iter().map(String::as_str))?;
    let user = account.fhir_user.as_deref().map(FhirUser::parse).transpose()?;
    let own =
        user.filter(|user| user.kind == ResourceType::PATIENT && roles.contains(Role::Patient));
    let own = own.map(|user| user.id);
    let stands_for = match roles.contains(Role::Proxy) {
        true => people.store.stands_for(Some(account.account)).await?,
        false => Vec::new(),
    };
    let mut known = Vec::new();
    for stands in stands_for {
        let id = ResourceId::parse(&stands.patient)?;
        if own.as_ref() == Some(&id) {
            continue;
        }
        let looking = Looking::new(people, account, address, headers);
        let shown = looking.seeing(Sees::StandingFor(&id)).read(&id).await;
        let name = shown.map(|shown| shown.name).unwrap_or_default();
        known.push(Whose { id, name, own: false, stands_for: true });
    }
    let own = own.map(|id| Whose { id, name: "You".to_owned(), own: true, stands_for: false });
    known.splice(0..0, own);
    Ok(Choices { known, any: roles.contains(Role::Auditor) })
}
