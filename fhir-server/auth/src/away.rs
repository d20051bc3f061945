//! The cookie of a browser that is at another provider: what it went with, and what is believed of it when it is back. All
//! follows from 256 random bits, of which the database has a digest.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::Result;

use crate::cookie::{digest, random};
use crate::provider::Leaving;

/// Name of the cookie, by https and else.
const NAMES: [&str; 2] = ["__Host-carebridge-away", "carebridge-away"];
/// How long a browser keeps it, in seconds: as long as the database, there and back.
const KEPT_S: u32 = 1_200;

/// A browser that went.
pub(crate) struct Away {
    secret: [u8; 32],
    https: bool,
}

impl Away {
    pub(crate) fn new(https: bool) -> Result<Self> {
        Ok(Self { secret: random()?, https })
    }

    /// That of a request.
    pub(crate) fn of(headers: &HeaderMap, https: bool) -> Option<Self> {
        let name = name(https);
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            texts.flat_map(|text| text.split(';')).filter_map(|it| it.trim().split_once('='));
        let (_, value) = pairs.find(|(have, _)| *have == name)?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()?;
        Some(Self { secret, https })
    }

    /// What the database knows it by.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(b"away", &self.secret)
    }

    /// What the provider is told, and sends back.
    pub(crate) fn leaving(&self, redirect: String) -> Leaving {
        let of = |purpose: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(digest(purpose, &self.secret));
        Leaving {
            state: of(b"away state"),
            nonce: of(b"away nonce"),
            verifier: of(b"away verifier"),
            redirect,
            anew: false,
            max_age_s: None,
        }
    }

    /// The header that gives it.
    pub(crate) fn header(&self) -> (HeaderName, HeaderValue) {
        self.cookie(&BASE64_URL_SAFE_NO_PAD.encode(self.secret), KEPT_S)
    }

    /// The header that takes it back.
    pub(crate) fn gone(&self) -> (HeaderName, HeaderValue) {
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, kept_s: u32) -> (HeaderName, HeaderValue) {
        let secure = if self.https { "; Secure" } else { "" };
        // `Lax`: the provider sends the browser back from another site.
        let text = format!(
            "{}={value}; Path=/; Max-Age={kept_s}; HttpOnly; SameSite=Lax{secure}",
            name(self.https)
        );
        // The alphabet is that of headers.
        (SET_COOKIE, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")))
    }
}

fn name(https: bool) -> &'static str {
    let [secure, plain] = NAMES;
    if https { secure } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_went_with_is_known_when_it_is_back() {
        for https in [false, true] {
            let away = Away::new(https).unwrap();
            let (_, set) = away.header();
            let set = set.to_str().unwrap();
            assert_eq!(set.contains("; Secure"), https, "{set}");
            let pair = set.split(';').next().unwrap();
            let headers = [(COOKIE, HeaderValue::from_str(pair).unwrap())].into_iter().collect();
            let back = Away::of(&headers, https).unwrap();
            assert_eq!(back.digest(), away.digest());
            let (went, came) = (away.leaving(String::new()), back.leaving(String::new()));
            assert_eq!((&went.state, &went.nonce), (&came.state, &came.nonce));
            assert!((43..=128).contains(&went.verifier.len()));
            let all = [&went.state, &went.nonce, &went.verifier];
            assert!(all.iter().all(|it| !set.contains(it.as_str())));
            assert!(went.state != went.nonce && went.nonce != went.verifier);
            assert!(Away::of(&headers, !https).is_none());
        }
    }
}
