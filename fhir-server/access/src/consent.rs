//! Whom Consent resources bind, and whom their rules speak of.
//! See docs/adr/0010-authorization-server-and-audit.md, section 3.

use std::fmt;
use std::sync::Arc;

use canonical_model::{Phi, ResourceId, ResourceType};
use compact_str::CompactString;

use crate::{Caller, Role};

/// The purpose of use in an emergency: it lifts relationship and consent.
pub const BREAK_GLASS: &str = "BTG";

/// Whom Consent resources bind, by choice of the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Nobody: where there are no patients.
    Nobody,
    /// Whoever signed in.
    Users,
    /// Clients that act for themselves too, but for the operator's own.
    #[default]
    All,
}

impl Binding {
    /// Whether the caller is one of them. Never in an emergency.
    #[must_use]
    pub fn binds(self, caller: &Caller) -> bool {
        let is_user = caller.subject.is_some();
        match self {
            Self::Nobody => false,
            Self::Users => is_user && !caller.is_emergency(),
            Self::All if is_user => !caller.is_emergency(),
            Self::All => !caller.is_operator(),
        }
    }
}

/// What Consent resources say of a caller whom they bind.
#[derive(Clone, Debug, Default)]
pub enum Consent {
    /// Nobody has asked yet: who is bound reaches nothing.
    #[default]
    Unasked,
    /// There are none.
    None,
    /// There are some, which may deny something to this asker.
    Some(Arc<Asker>),
}

/// Whom rules speak of, of one caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Asker {
    identities: Vec<(ResourceType, ResourceId)>,
    purposes: Option<Vec<CompactString>>,
    own: Option<ResourceId>,
}

impl Asker {
    /// A caller who is also these: roles of a practitioner as resources, organisations.
    #[must_use]
    pub fn new(caller: &Caller, also: Vec<(ResourceType, ResourceId)>) -> Self {
        let user = caller.fhir_user.iter().map(|user| (user.kind, user.id.clone()));
        Self {
            identities: user.chain(also).collect(),
            purposes: purposes(caller),
            own: caller.is_patient().cloned(),
        }
    }

    /// What they are known as.
    pub fn identities(&self) -> impl Iterator<Item = (ResourceType, &str)> {
        self.identities.iter().map(|(kind, id)| (*kind, id.as_str()))
    }

    /// What they may be asking for: as their token states, else as their roles have it. `None` where neither says.
    #[must_use]
    pub fn purposes(&self) -> Option<&[CompactString]> {
        self.purposes.as_deref()
    }

    /// The patient who asks: their own Consents speak of others.
    #[must_use]
    pub fn own(&self) -> Option<&ResourceId> {
        self.own.as_ref()
    }
}

fn purposes(caller: &Caller) -> Option<Vec<CompactString>> {
    if let Some(stated) = &caller.purpose {
        return Some(vec![stated.clone()]);
    }
    let of: Option<Vec<CompactString>> =
        caller.roles.iter().map(|role| purpose_of(role).map(Into::into)).collect();
    of.filter(|purposes| !purposes.is_empty())
}

/// What a role is for. <https://terminology.hl7.org/CodeSystem-v3-ActReason.html>
fn purpose_of(role: Role) -> Option<&'static str> {
    match role {
        Role::Clinician | Role::CareCoordinator => Some("TREAT"),
        Role::Billing => Some("HPAYMT"),
        Role::FrontDesk | Role::Auditor | Role::Admin => Some("HOPERAT"),
        Role::Patient | Role::Proxy => Some("PATRQT"),
        Role::Integration => None,
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (purposes, identities) = (&self.purposes, Phi(&self.identities));
        write!(f, "{identities:?} for {purposes:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FhirUser, Roles, Scopes};

    fn client(scopes: &str) -> Caller {
        Caller { scopes: Scopes::parse(scopes).unwrap(), ..Caller::of_client("app") }
    }

    #[test]
    fn who_is_bound() {
        let user = Caller { subject: Some("u".into()), ..client("user/*.cruds") };
        let emergency = Caller { purpose: Some(BREAK_GLASS.into()), ..user.clone() };
        let stating = Caller { purpose: Some(BREAK_GLASS.into()), ..client("system/*.rs") };
        for (caller, nobody, users, all) in [
            (client("system/*.cruds"), false, false, false),
            (client("system/*.rs"), false, false, true),
            (stating, false, false, true),
            (user, false, true, true),
            (emergency, false, false, false),
        ] {
            let bound = [Binding::Nobody, Binding::Users, Binding::All].map(|it| it.binds(&caller));
            assert_eq!(bound, [nobody, users, all], "{caller:?}");
        }
    }

    #[test]
    fn a_purpose_that_is_not_stated_is_that_of_the_roles() {
        for (roles, stated, expected) in [
            (&["clinician"][..], None, Some("TREAT")),
            (&["clinician", "billing"], None, Some("TREAT HPAYMT")),
            (&["clinician"], Some("HRESCH"), Some("HRESCH")),
            (&["integration"], None, None),
            (&["clinician", "integration"], None, None),
            (&[], None, None),
        ] {
            let roles = Roles::parse(roles.iter().copied()).unwrap();
            let caller = Caller { roles, purpose: stated.map(Into::into), ..client("user/*.rs") };
            let asker = Asker::new(&caller, Vec::new());
            let purposes = asker.purposes().map(|all| all.join(" "));
            assert_eq!(purposes.as_deref(), expected, "{roles:?} {stated:?}");
        }
    }

    #[test]
    fn patients_are_not_kept_from_their_own_record() {
        let fhir_user = Some(FhirUser::parse("Patient/p").unwrap());
        let caller = Caller {
            fhir_user,
            roles: Roles::parse(["patient"]).unwrap(),
            ..client("patient/*.rs")
        };
        let asker = Asker::new(&caller, Vec::new());
        assert_eq!(asker.own().map(ResourceId::as_str), Some("p"));
        let (kind, id) = asker.identities().next().unwrap();
        assert_eq!((kind.name(), id), ("Patient", "p"));
    }
}
