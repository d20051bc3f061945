//! The cookie of our own pages, and what is tied to it: the session, and what a form is known by.
//!
//! The cookie is 256 random bits. The database has its SHA-256, a form another digest of it: neither leads back. Before
//! anybody has signed in there is a cookie too, so that nobody can have a stranger's browser sign in as himself.

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::{constant_time, rand};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::{Error, Result};

/// Name of the cookie, by https and else. With the prefix a browser takes it from this host alone, by TLS.
const NAMES: [&str; 2] = ["__Host-carebridge", "carebridge"];

/// The cookie of one browser.
#[derive(Clone)]
pub(crate) struct Browser {
    secret: [u8; 32],
    https: bool,
    /// Whether the browser has it already.
    known: bool,
}

impl Browser {
    /// That of a request; a new one where it has none.
    pub(crate) fn of(headers: &HeaderMap, https: bool) -> Result<Self> {
        let name = name(https);
        let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = pairs.flat_map(|text| text.split(';')).filter_map(|pair| {
            pair.trim().split_once('=').filter(|(have, _)| *have == name).map(|(_, value)| value)
        });
        let known = cookies.next().and_then(|value| {
            BASE64_URL_SAFE_NO_PAD.decode(value).ok().and_then(|bytes| bytes.try_into().ok())
        });
        match known {
            Some(secret) => Ok(Self { secret, https, known: true }),
            None => Self::new(https),
        }
    }

    /// One that nobody has yet: for whoever has just signed in.
    pub(crate) fn new(https: bool) -> Result<Self> {
        Ok(Self { secret: random()?, https, known: false })
    }

    /// What the session is found by.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(b"session", &self.secret)
    }

    /// What our own forms carry.
    pub(crate) fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest(b"form", &self.secret))
    }

    /// Whether a form is one that this browser got from us.
    pub(crate) fn sent(&self, token: &str) -> bool {
        let own = self.token();
        self.known
            && constant_time::verify_slices_are_equal(own.as_bytes(), token.as_bytes()).is_ok()
    }

    /// The header that gives it, where the browser has it not.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        (!self.known).then(|| {
            let value = BASE64_URL_SAFE_NO_PAD.encode(self.secret);
            let secure = if self.https { "; Secure" } else { "" };
            let text =
                format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", name(self.https));
            // The alphabet is that of headers.
            let value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
            (SET_COOKIE, value)
        })
    }
}

fn name(https: bool) -> &'static str {
    let [secure, plain] = NAMES;
    if https { secure } else { plain }
}

/// 256 random bits.
pub(crate) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    // It always gives 32 bytes.
    aws_lc_rs::digest::digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

/// SHA-256 of what something is for, and itself.
pub(crate) fn digest(purpose: &[u8], secret: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(purpose);
    context.update(b"\0");
    context.update(secret);
    // SHA-256 always gives 32 bytes.
    context.finish().as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        [(COOKIE, HeaderValue::from_str(cookie).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_cookie_comes_back_and_knows_its_forms() {
        for https in [false, true] {
            let first = Browser::new(https).unwrap();
            let (_, set) = first.header().unwrap();
            let set = set.to_str().unwrap();
            assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
            assert_eq!(set.starts_with("__Host-") && set.ends_with("; Secure"), https, "{set}");
            let pair = set.split(';').next().unwrap();
            let again = Browser::of(&headers(&format!("a=b; {pair}; c")), https).unwrap();
            assert_eq!(again.digest(), first.digest());
            assert!(again.header().is_none());
            assert!(again.sent(&first.token()));
            assert!(!first.sent(&first.token()), "a form without a cookie is of nobody");
            let other = Browser::new(https).unwrap();
            assert!(!again.sent(&other.token()) && !again.sent(""));
            assert!(!set.contains(&first.token()));
            // By http a cookie of https is not taken, nor the other way round.
            assert!(Browser::of(&headers(pair), !https).unwrap().header().is_some());
        }
        for wild in ["carebridge=x", "carebridge=", "carebridge", "xcarebridge=AAAA"] {
            assert!(Browser::of(&headers(wild), false).unwrap().header().is_some(), "{wild}");
        }
    }
}
