//! A page that needs somebody to be signed in: how it is entered, and what its forms and its foot say of who that is.

use axum::http::HeaderMap;
use store::{Account, SignedIn};

use crate::authorize::Asked;
use crate::cookie::Browser;
use crate::page::{Posted, Stop, To, go};
use crate::state::Parts;

/// What pages say of whoever is signed in.
#[derive(Debug, Default)]
pub(crate) struct Session<'a> {
    /// What a form is known by as one of this browser's.
    pub(crate) token: String,
    /// The page of ours that it goes on at; empty where an app waits.
    pub(crate) to: &'a str,
    /// What the app asks for that waits.
    pub(crate) request: &'a str,
    /// As whom one is signed in.
    pub(crate) login: &'a str,
}

impl<'a> Session<'a> {
    /// On a page of our own.
    pub(crate) fn on(page: &'static str, browser: &Browser, account: &'a Account) -> Self {
        Self { token: browser.token(), to: page, request: "", login: &account.login }
    }

    /// On the way to an app.
    pub(crate) fn asked(asked: &'a Asked, browser: &Browser, account: &'a Account) -> Self {
        Self { token: browser.token(), to: "", request: &asked.query, login: &account.login }
    }
}

/// Opens a page of our own, by its name: the browser, and who is signed in, with all that the account asks for.
///
/// # Errors
/// The page that comes first; or what is wrong.
pub(crate) async fn enter(
    auth: &Parts,
    headers: &HeaderMap,
    name: &str,
) -> Result<(Browser, SignedIn), Stop> {
    let browser = Browser::of(headers, auth.endpoints.is_https())?;
    let to = To::own(name).ok_or(Stop::Closed)?;
    match to.enter(auth, &browser).await? {
        Ok(signed) => Ok((browser, signed)),
        Err(page) => Err(Stop::Page(Box::new(page))),
    }
}

impl Posted {
    /// Who sent the form of a page, which is at this address.
    ///
    /// # Errors
    /// The way there, where nobody is signed in any more.
    pub(crate) async fn by(&self, auth: &Parts, here: &str) -> Result<SignedIn, Stop> {
        match self.signed_in(&auth.people()?.store).await? {
            Some(signed) => Ok(signed),
            None => Err(Stop::Page(Box::new(go(here, None)?))),
        }
    }
}
