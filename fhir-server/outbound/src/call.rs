//! One request to a URL out of data, and its answer.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::credential::Credential;

/// A request. There is no way to give it other headers: what could be smuggled in one has no place here.
#[derive(Clone)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) accept: &'static str,
    pub(crate) content: Option<(&'static str, Bytes)>,
    pub(crate) credential: Option<Credential>,
}

impl Call {
    /// Reads a URL.
    #[must_use]
    pub fn get(url: impl Into<String>, accept: &'static str) -> Self {
        Self { method: Method::GET, url: url.into(), accept, content: None, credential: None }
    }

    /// Sends content of a media type to a URL.
    #[must_use]
    pub fn post(
        url: impl Into<String>,
        accept: &'static str,
        media_type: &'static str,
        content: impl Into<Bytes>,
    ) -> Self {
        let content = Some((media_type, content.into()));
        Self { method: Method::POST, content, ..Self::get(url, accept) }
    }

    /// With a credential; to another host than its own the call is refused.
    #[must_use]
    pub fn with(self, credential: Credential) -> Self {
        Self { credential: Some(credential), ..self }
    }
}

/// The URL may hold a secret, and the content a patient.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} …)", self.method)
    }
}

/// An answer, read to its end. Any status but a redirect's is one.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}
