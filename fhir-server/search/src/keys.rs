//! The keyed hash of the index. Every token, reference and uri is one 64-bit key made of its
//! parameter and value, so the index needs one narrow table for all parameters of all types.
//!
//! The key of the hash is drawn per database and lives in it: nobody outside can aim for a
//! collision, and a chance one (about 1 in 10⁹ at ten million distinct values) adds a wrong
//! candidate to one value's matches, never hides a right one.

use canonical_model::ResourceType;
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// A key of `token_index`.
pub type Key = i64;

/// A key that only filters what another key found. Half as wide: a chance match needs a candidate
/// that fits everything else too, and then one of four thousand million.
pub type Facet = i32;

/// A search parameter of a type, hashed: the prefix of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Param(pub i64);

/// The database's hash.
#[derive(Clone)]
pub struct Hasher(SipHasher13);

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// The hash with the database's own key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(key))
    }

    fn hash(&self, parts: &[&[u8]]) -> i64 {
        let mut state = self.0;
        for part in parts {
            state.write(part);
            state.write_u8(0xff); // no part's UTF-8 holds it: ("a","bc") is not ("ab","c")
        }
        state.finish().cast_signed()
    }

    /// A parameter of a type, as `Patient` and `birthdate`.
    #[must_use]
    pub fn param(&self, kind: ResourceType, code: &str) -> Param {
        Param(self.hash(&[b"param", kind.name().as_bytes(), code.as_bytes()]))
    }

    /// A resource's identity: what a reference to it hashes to, whether it exists or not.
    #[must_use]
    pub fn identity(&self, kind: ResourceType, id: &str) -> i64 {
        self.hash(&[b"id", kind.name().as_bytes(), id.as_bytes()])
    }

    /// A code, whatever its system.
    #[must_use]
    pub fn code(&self, param: Param, code: &str) -> Key {
        self.hash(&[b"code", &param.0.to_le_bytes(), code.as_bytes()])
    }

    /// A code of one system; the empty system means "without system".
    #[must_use]
    pub fn system_code(&self, param: Param, system: &str, code: &str) -> Facet {
        narrow(self.hash(&[
            b"system-code",
            &param.0.to_le_bytes(),
            system.as_bytes(),
            code.as_bytes(),
        ]))
    }

    /// Any code of one system.
    #[must_use]
    pub fn system(&self, param: Param, system: &str) -> Facet {
        narrow(self.hash(&[b"system", &param.0.to_le_bytes(), system.as_bytes()]))
    }

    /// That the parameter has a value at all.
    #[must_use]
    pub fn present(&self, param: Param) -> Facet {
        narrow(self.hash(&[b"present", &param.0.to_le_bytes()]))
    }

    /// A code as a facet, as units of quantities are.
    #[must_use]
    pub fn code_facet(&self, param: Param, code: &str) -> Facet {
        narrow(self.code(param, code))
    }

    /// A reference to a resource here. An exclusive or, so that a chain can be joined in SQL.
    #[must_use]
    pub fn reference(&self, param: Param, identity: i64) -> Key {
        param.0 ^ identity
    }

    /// A uri, or a reference that points elsewhere.
    #[must_use]
    pub fn uri(&self, param: Param, uri: &str) -> Key {
        self.hash(&[b"uri", &param.0.to_le_bytes(), uri.as_bytes()])
    }

    /// A digest of content, to find updates that change nothing.
    #[must_use]
    pub fn digest(&self, content: &[u8]) -> i64 {
        self.hash(&[b"content", content])
    }

    /// The criteria of a conditional create.
    #[must_use]
    pub fn criteria(&self, kind: ResourceType, query: &str) -> i64 {
        self.hash(&[b"criteria", kind.name().as_bytes(), query.as_bytes()])
    }
}

/// The upper half of a hash.
fn narrow(hash: i64) -> Facet {
    i32::try_from(hash >> 32).unwrap_or_default()
}
