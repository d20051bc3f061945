//! Who keeps the key that the database's own keys are wrapped under: a file, or a key management service.

use std::fmt::Debug;

use canonical_model::Result;
use futures::future::BoxFuture;

use crate::keys::Purpose;

/// A key-encryption key, wherever it is kept: what it wraps can be stored, and opens only by it.
pub trait Kms: Send + Sync + Debug {
    /// Names the key, as it stands beside what is wrapped under it: `file:…`, `aws:…`.
    fn kek(&self) -> &str;

    /// Wraps a data key, bound to its purpose.
    ///
    /// # Errors
    /// Unavailable where whoever keeps the key cannot be asked, or refuses.
    fn wrap<'a>(&'a self, purpose: Purpose, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Vec<u8>>>;

    /// Takes a data key out.
    ///
    /// # Errors
    /// As [`Kms::wrap`]; it was changed, is of another purpose, or was wrapped under another key.
    fn unwrap<'a>(&'a self, purpose: Purpose, wrapped: &'a [u8])
    -> BoxFuture<'a, Result<[u8; 32]>>;
}
