//! Where a person goes on after signing in: with what an app asked for, or on a page of our own.

use axum::response::Response;
use store::SignedIn;

use crate::authorize::Asked;
use crate::cookie::Browser;
use crate::page::factor::ask_for_code;
use crate::page::form::is_whole;
use crate::page::{Posted, Stop, ask_to_sign_in};
use crate::state::Parts;

/// Our own pages that need somebody to be signed in: as forms name them, their addresses, and what they are for.
const OWN: [(&str, &str, &str); 7] = [
    ("break-glass", "/auth/break-glass", "Access in an emergency"),
    ("device", "/auth/device", "Setting up a second factor"),
    ("launch", "/auth/launch", "Starting an app"),
    ("link", "/auth/link", "Linking your log-in at another provider"),
    ("manage", "/auth/manage", "Looking at the access that you gave"),
    ("record", "/auth/record", "Looking at who saw a record"),
    ("review", "/auth/review", "Reviewing access in emergencies"),
];

/// Where a person goes on.
pub(crate) enum To {
    /// An app waits.
    App(Box<Asked>),
    /// One of [`OWN`].
    Own(&'static (&'static str, &'static str, &'static str)),
}

impl To {
    /// As the form says.
    pub(crate) async fn of(auth: &Parts, posted: &Posted) -> Result<Self, Stop> {
        Self::named(auth, posted.get("to"), posted.get("request")).await
    }

    /// By the name of a page, or by the request of an app.
    pub(crate) async fn named(auth: &Parts, own: &str, request: &str) -> Result<Self, Stop> {
        match Self::own(own) {
            Some(own) => Ok(own),
            None => Ok(Self::App(Box::new(Asked::read(auth, request).await?))),
        }
    }

    /// Whoever is signed in, with a second factor where there is one; or the page that asks for what is missing.
    pub(crate) async fn enter(
        &self,
        auth: &Parts,
        browser: &Browser,
    ) -> Result<Result<SignedIn, Response>, Stop> {
        let signed = auth.people()?.store.session(&browser.digest()).await?;
        let signed = signed.filter(|signed| self.counts(signed));
        if let Self::App(asked) = self
            && asked.proof.silent
        {
            // A person is always asked what to give, so without a page there is nothing.
            let error = if signed.is_some() { "consent_required" } else { "login_required" };
            return Err(asked.told(error, "The user has to be asked").into());
        }
        Ok(match signed {
            Some(signed) if is_whole(&signed) => Ok(signed),
            Some(signed) => Err(ask_for_code(self, browser, &signed, "")?),
            None => Err(ask_to_sign_in(auth, self, browser)?),
        })
    }

    /// Whether what was proved counts for who asks.
    fn counts(&self, signed: &SignedIn) -> bool {
        let Self::App(asked) = self else { return true };
        let young = |max_age_s: i64| signed.proved_ago_s <= max_age_s;
        !asked.proof.anew && asked.proof.max_age_s.is_none_or(young)
    }

    /// A page of our own.
    pub(crate) fn own(name: &str) -> Option<Self> {
        OWN.iter().find(|(have, ..)| *have == name).map(Self::Own)
    }

    /// The address that it goes on at, once somebody has signed in or out.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::App(asked) => format!("/auth/authorize?{}", asked.proved()),
            Self::Own((_, path, _)) => (*path).to_owned(),
        }
    }

    /// What forms carry: the name of a page, and the request of an app; one of them empty.
    pub(crate) fn fields(&self) -> (&str, &str) {
        match self {
            Self::App(asked) => ("", &asked.query),
            Self::Own((name, ..)) => (name, ""),
        }
    }

    /// Who wants the person to sign in.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::App(asked) => format!("{} asks for access", asked.client.name),
            Self::Own((.., what)) => format!("{what} needs you to sign in"),
        }
    }

    /// The client in whose name it is recorded.
    pub(crate) fn client(&self) -> &str {
        match self {
            Self::App(asked) => &asked.client.id,
            Self::Own(_) => crate::people::PAGES,
        }
    }

    /// Where its pages may lead besides.
    pub(crate) fn origin(&self) -> Option<&str> {
        match self {
            Self::App(asked) => Some(asked.origin()),
            Self::Own(_) => None,
        }
    }
}
