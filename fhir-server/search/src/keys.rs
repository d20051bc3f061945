//! The keyed hash of the index. Every token, reference and uri is one 64-bit key made of its
//! parameter and value, so the index needs one narrow table for all parameters of all types.
//!
//! The key of the hash is drawn per database and lives in it: nobody outside can aim for a
//! collision, and a chance one (about 1 in 10⁹ at ten million distinct values) adds a wrong
//! candidate to one value's matches, never hides a right one.

use canonical_model::ResourceType;
use siphasher::sip::SipHasher13;
use std::borrow::Cow;
use std::hash::Hasher as _;

/// A key of `token_index`.
pub type Key = i64;

/// A key that only filters what another key found. Half as wide: a chance match needs a candidate that fits
/// everything else too, and then one of four thousand million.
pub type Facet = i32;

/// What decides alone, or of whom an identifier is: both halves of a hash, each a facet. Chance would have to
/// find both among those of one resource: one time in 10¹⁶.
pub type Mark = [Facet; 2];

/// A search parameter of a type, hashed: the prefix of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Param(pub i64);

/// What of a parameter's values is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect<'a> {
    /// A string as it is written: `:exact`.
    Exact,
    /// The texts beside codes: `:text`.
    Text,
    /// The identifier beside a reference: `:identifier`.
    Identifier,
    /// Identifiers of a type: `:of-type`.
    OfType(&'a str, &'a str),
    /// A reference or canonical with its version.
    Version,
    /// A canonical with the beginnings of its version, part by part: `:below`.
    VersionBelow,
    /// Everything above a uri: `:below`.
    Below,
    /// A position's second number.
    Longitude,
    /// Quantities of a unit, by system and code.
    Unit(&'a str, &'a str),
    /// Quantities of a unit, by code or human name.
    UnitName(&'a str),
    /// Quantities of a dimension, in UCUM's base units.
    Dimension([u8; 7]),
}

/// One value of a composite's part that is either equal or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Discrete<'a> {
    /// A code, whatever its system.
    Code(Cow<'a, str>),
    /// A code of a system.
    SystemCode(Cow<'a, str>, Cow<'a, str>),
    /// Any code of a system.
    System(Cow<'a, str>),
    /// A resource here.
    Reference(ResourceType, Cow<'a, str>),
    /// A uri, or a reference elsewhere.
    Uri(Cow<'a, str>),
    /// Which ordered part of which of the resource's instances: ties ordered parts together.
    Nth(u8),
}

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
    /// Its first half is enough for codes that many resources share.
    #[must_use]
    pub fn system_code(&self, param: Param, system: &str, code: &str) -> Mark {
        halves(self.hash(&[
            b"system-code",
            &param.0.to_le_bytes(),
            system.as_bytes(),
            code.as_bytes(),
        ]))
    }

    /// Any code of one system.
    #[must_use]
    pub fn system(&self, param: Param, system: &str) -> Mark {
        halves(self.system_key(param, system))
    }

    /// The same, where it is looked up: of identifiers.
    #[must_use]
    pub fn system_key(&self, param: Param, system: &str) -> Key {
        self.hash(&[b"system", &param.0.to_le_bytes(), system.as_bytes()])
    }

    /// That the parameter has a value at all.
    #[must_use]
    pub fn present(&self, param: Param) -> Mark {
        halves(self.hash(&[b"present", &param.0.to_le_bytes()]))
    }

    /// Another aspect of a parameter's values: their texts, their exact writing, their unit. It has
    /// values of its own, as if it were a parameter.
    #[must_use]
    pub fn aspect(&self, param: Param, aspect: &Aspect<'_>) -> Param {
        let (name, a, b): (&[u8], &[u8], &[u8]) = match aspect {
            Aspect::Exact => (b"exact", b"", b""),
            Aspect::Text => (b"text", b"", b""),
            Aspect::Identifier => (b"identifier", b"", b""),
            Aspect::OfType(system, code) => (b"of-type", system.as_bytes(), code.as_bytes()),
            Aspect::Version => (b"version", b"", b""),
            Aspect::VersionBelow => (b"version-below", b"", b""),
            Aspect::Below => (b"below", b"", b""),
            Aspect::Longitude => (b"longitude", b"", b""),
            Aspect::Unit(system, code) => (b"unit", system.as_bytes(), code.as_bytes()),
            Aspect::UnitName(name) => (b"unit-name", name.as_bytes(), b""),
            Aspect::Dimension(exponents) => (b"dimension", exponents, b""),
        };
        Param(self.hash(&[name, &param.0.to_le_bytes(), a, b]))
    }

    /// A value as a facet, of any kind.
    #[must_use]
    pub fn facet(&self, param: Param, value: &str) -> Facet {
        let [facet, _] = self.mark(param, value);
        facet
    }

    /// A value that decides alone.
    #[must_use]
    pub fn mark(&self, param: Param, value: &str) -> Mark {
        halves(self.hash(&[b"facet", &param.0.to_le_bytes(), value.as_bytes()]))
    }

    /// A composite's parameter, narrowed by the value of one more part.
    #[must_use]
    pub fn part(&self, param: Param, part: &Discrete<'_>) -> Param {
        let (form, a, b): (&[u8], &[u8], &[u8]) = match part {
            Discrete::Code(code) => (b"code", code.as_bytes(), b""),
            Discrete::SystemCode(system, code) => {
                (b"system-code", system.as_bytes(), code.as_bytes())
            }
            Discrete::System(system) => (b"system", system.as_bytes(), b""),
            Discrete::Reference(kind, id) => (b"id", kind.name().as_bytes(), id.as_bytes()),
            Discrete::Uri(uri) => (b"uri", uri.as_bytes(), b""),
            Discrete::Nth(number) => (b"nth", std::slice::from_ref(number), b""),
        };
        Param(self.hash(&[b"part", &param.0.to_le_bytes(), form, a, b]))
    }

    /// A composite whose parts all are discrete.
    #[must_use]
    pub fn whole(&self, param: Param) -> Mark {
        halves(self.hash(&[b"whole", &param.0.to_le_bytes()]))
    }

    /// A reference to a resource here. An exclusive or, so that a chain can be joined in SQL.
    #[must_use]
    pub fn reference(&self, param: Param, identity: i64) -> Key {
        param.0 ^ identity
    }

    /// That the resource is not indexed by the parameter, because that would take too much.
    #[must_use]
    pub fn left_out(&self, param: Param) -> Key {
        self.hash(&[b"left out", &param.0.to_le_bytes()])
    }

    /// That the resource, of this type, has the index of an earlier form, because it could not be indexed anew.
    #[must_use]
    pub fn unindexed(&self, kind: ResourceType) -> Key {
        self.hash(&[b"unindexed", kind.name().as_bytes()])
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

    /// A secret of this database, for one purpose: as strong as the hash's own key.
    #[must_use]
    pub fn secret(&self, purpose: &str) -> [u8; 32] {
        let mut secret = [0; 32];
        for (n, part) in (0u8..).zip(secret.chunks_exact_mut(8)) {
            let word = self.hash(&[b"secret", purpose.as_bytes(), &[n]]);
            part.copy_from_slice(&word.to_le_bytes());
        }
        secret
    }

    /// The criteria of a conditional create.
    #[must_use]
    pub fn criteria(&self, kind: ResourceType, query: &str) -> i64 {
        self.hash(&[b"criteria", kind.name().as_bytes(), query.as_bytes()])
    }
}

/// The upper half of a hash, and the lower.
fn halves(hash: i64) -> Mark {
    let [a, b, c, d, e, f, g, h] = hash.to_be_bytes();
    [i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h])]
}
