//! A form that was sent to us: read, and known as one of our own.
//!
//! It is one where it carries the token of this browser's cookie, and where the browser says that it was sent from our
//! pages. Either would do against another site; both do against a mistake in one.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use store::{AuthStore, SignedIn};

use crate::authorize::Asked;
use crate::cookie::Browser;
use crate::limits::PAGE_FIELDS_MAX;
use crate::page::Stop;
use crate::signed::Factors;
use crate::state::Parts;

/// A form of ours.
pub(crate) struct Posted {
    pub(crate) browser: Browser,
    fields: Vec<(String, String)>,
}

impl Posted {
    pub(crate) fn read(auth: &Parts, headers: &HeaderMap, body: &Bytes) -> Result<Self, Stop> {
        let browser = Browser::of(headers, auth.endpoints.is_https())?;
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Stop::Unreadable);
        }
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.len() == PAGE_FIELDS_MAX {
                return Err(Stop::Unreadable);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        let posted = Self { browser, fields };
        let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
        // A browser that says nothing is an old one; the token still tells.
        let ours = origin.is_none_or(|origin| origin == auth.endpoints.origin());
        if !ours || !posted.browser.sent(posted.get("token")) {
            return Err(Stop::Stranger);
        }
        Ok(posted)
    }

    /// The first of this name; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// All of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let named = self.fields.iter().filter(|(have, _)| have == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    /// The app's request that the form goes on with. It was checked when the page was made, and the form may say
    /// another since: so it is judged anew.
    pub(crate) async fn asked(&self, auth: &Parts) -> Result<Asked, Stop> {
        Asked::read(auth, self.get("request")).await
    }

    /// Who is signed in, with a second factor where there is one.
    pub(crate) async fn signed_in(&self, store: &AuthStore) -> Result<Option<SignedIn>, Stop> {
        Ok(self.begun(store).await?.filter(is_whole))
    }

    /// Who has shown a password at least.
    pub(crate) async fn begun(&self, store: &AuthStore) -> Result<Option<SignedIn>, Stop> {
        Ok(store.session(&self.browser.digest()).await?)
    }
}

/// Whether all was proved that the account asks for.
pub(crate) fn is_whole(signed: &SignedIn) -> bool {
    !signed.has_device || Factors(signed.factors).are_two()
}
