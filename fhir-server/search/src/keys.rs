//! The keyed hash of the index. Every token, reference and uri is one 64-bit key made of its
//! parameter and value, so the index needs one narrow table for all parameters of all types.
//!
//! The key of the hash is drawn per database and lives in it: nobody outside can aim for a
//! collision, and a chance one (about 1 in 10⁹ at ten million distinct values) adds a wrong
//! candidate to one value's matches, never hides a right one.
//!
//! Whoever has the database could try all values of nine digits under that key. So values of types with sealed
//! elements go through an HMAC first, whose key is not in the database: a blind index.

use aws_lc_rs::hmac;
use canonical_model::ResourceType;
use siphasher::sip::SipHasher13;
use std::borrow::Cow;
use std::hash::Hasher as _;
use std::sync::Arc;

/// A key of `token_index`.
pub type Key = i64;

/// A key that only filters what another key found. Half as wide: a chance match needs a candidate that fits
/// everything else too, and then one of four thousand million.
pub type Facet = i32;

/// What decides alone, or of whom an identifier is: both halves of a hash, each a facet. Chance would have to
/// find both among those of one resource: one time in 10¹⁶.
pub type Mark = [Facet; 2];

/// A search parameter of a type, hashed: the prefix of its values. Where the database has a blind index, its lowest
/// bit says whether the values are in it.
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
pub struct Hasher {
    sip: SipHasher13,
    blind: Option<Arc<Blind>>,
}

/// What values of some types go through before they are hashed.
struct Blind {
    key: hmac::Key,
    kinds: Vec<ResourceType>,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// The hash with the database's own key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { sip: SipHasher13::new_with_key(key), blind: None }
    }

    /// The same, blind for the values of these types under a key that is not in the database.
    #[must_use]
    pub fn blinded(self, key: &[u8; 32], kinds: Vec<ResourceType>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self { blind: Some(Arc::new(Blind { key, kinds })), ..self }
    }

    /// Names the key of the blind index; `None` where there is none.
    pub(crate) fn blind_name(&self) -> Option<i64> {
        let name = self.blind.as_ref()?.hmac(b"names the blind index");
        Some(self.hash(&[b"blind", &name]))
    }

    fn hash(&self, parts: &[&[u8]]) -> i64 {
        let mut state = self.sip;
        for part in parts {
            state.write(part);
            state.write_u8(0xff); // no part's UTF-8 holds it: ("a","bc") is not ("ab","c")
        }
        state.finish().cast_signed()
    }

    /// A parameter of a type, as `Patient` and `birthdate`.
    #[must_use]
    pub fn param(&self, kind: ResourceType, code: &str) -> Param {
        let hash = self.hash(&[b"param", kind.name().as_bytes(), code.as_bytes()]);
        Param(match &self.blind {
            None => hash,
            Some(blind) => (hash & !1) | i64::from(blind.kinds.contains(&kind)),
        })
    }

    /// A parameter that has the values of another: as blind as that is.
    fn under(&self, param: Param, parts: &[&[u8]]) -> Param {
        let hash = self.hash(parts);
        Param(if self.blind.is_some() { (hash & !1) | (param.0 & 1) } else { hash })
    }

    /// A parameter's value as it is hashed: itself, or what the blind index has in its place.
    fn value<'a>(&self, param: Param, text: &'a str) -> Cow<'a, [u8]> {
        match &self.blind {
            Some(blind) if param.0 & 1 == 1 => Cow::Owned(blind.hmac(text.as_bytes())),
            _ => Cow::Borrowed(text.as_bytes()),
        }
    }

    /// A resource's identity: what a reference to it hashes to, whether it exists or not.
    #[must_use]
    pub fn identity(&self, kind: ResourceType, id: &str) -> i64 {
        self.hash(&[b"id", kind.name().as_bytes(), id.as_bytes()])
    }

    /// A code, whatever its system.
    #[must_use]
    pub fn code(&self, param: Param, code: &str) -> Key {
        self.hash(&[b"code", &param.0.to_le_bytes(), &self.value(param, code)])
    }

    /// A code of one system; the empty system means "without system".
    /// Its first half is enough for codes that many resources share.
    #[must_use]
    pub fn system_code(&self, param: Param, system: &str, code: &str) -> Mark {
        halves(self.hash(&[
            b"system-code",
            &param.0.to_le_bytes(),
            system.as_bytes(),
            &self.value(param, code),
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
        self.under(param, &[name, &param.0.to_le_bytes(), a, b])
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
        halves(self.hash(&[b"facet", &param.0.to_le_bytes(), &self.value(param, value)]))
    }

    /// A composite's parameter, narrowed by the value of one more part.
    #[must_use]
    pub fn part(&self, param: Param, part: &Discrete<'_>) -> Param {
        let empty = || Cow::Borrowed(&b""[..]);
        let (form, a, b): (&[u8], Cow<'_, [u8]>, Cow<'_, [u8]>) = match part {
            Discrete::Code(code) => (b"code", self.value(param, code), empty()),
            Discrete::SystemCode(system, code) => {
                (b"system-code", system.as_bytes().into(), self.value(param, code))
            }
            Discrete::System(system) => (b"system", system.as_bytes().into(), empty()),
            Discrete::Reference(kind, id) => {
                (b"id", kind.name().as_bytes().into(), id.as_bytes().into())
            }
            Discrete::Uri(uri) => (b"uri", self.value(param, uri), empty()),
            Discrete::Nth(number) => (b"nth", std::slice::from_ref(number).into(), empty()),
        };
        self.under(param, &[b"part", &param.0.to_le_bytes(), form, &a, &b])
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
        self.hash(&[b"uri", &param.0.to_le_bytes(), &self.value(param, uri)])
    }

    /// A digest of a resource's content, to find updates that change nothing.
    #[must_use]
    pub fn content(&self, kind: ResourceType, content: &[u8]) -> i64 {
        match &self.blind {
            Some(blind) if blind.kinds.contains(&kind) => self.digest(&blind.hmac(content)),
            _ => self.digest(content),
        }
    }

    /// A digest of what is no secret.
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

impl Blind {
    /// Half of the digest is more than what is made of it.
    fn hmac(&self, text: &[u8]) -> Vec<u8> {
        let tag = hmac::sign(&self.key, text);
        tag.as_ref().iter().take(16).copied().collect()
    }
}

/// The upper half of a hash, and the lower.
fn halves(hash: i64) -> Mark {
    let [a, b, c, d, e, f, g, h] = hash.to_be_bytes();
    [i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h])]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that a value of a parameter is hashed to.
    fn hashes(hasher: &Hasher, kind: ResourceType, value: &str) -> Vec<i64> {
        let param = hasher.param(kind, "identifier");
        let of_type = hasher.aspect(param, &Aspect::OfType("urn:types", "SS"));
        let joined = |[a, b]: Mark| (i64::from(a) << 32) | i64::from(b);
        vec![
            hasher.code(param, value),
            joined(hasher.system_code(param, "urn:ssn", value)),
            joined(hasher.mark(of_type, value)),
            i64::from(hasher.facet(param, value)),
            hasher.uri(param, value),
            hasher.part(param, &Discrete::Code(value.into())).0,
            hasher.part(param, &Discrete::SystemCode("s".into(), value.into())).0,
            hasher.part(param, &Discrete::Uri(value.into())).0,
            hasher.content(kind, value.as_bytes()),
        ]
    }

    #[test]
    fn no_hash_of_a_blind_value_follows_from_the_databases_own_key() {
        let plain = Hasher::new(&[1; 16]);
        let blind = |byte| plain.clone().blinded(&[byte; 32], vec![ResourceType::PATIENT]);
        let (one, other) = (blind(7), blind(8));
        let param = one.param(ResourceType::PATIENT, "identifier");
        assert_eq!(param, other.param(ResourceType::PATIENT, "identifier"), "a name is no secret");
        let other_kind = ResourceType::find("Observation").expect("a type");
        for (kind, differ) in [(ResourceType::PATIENT, true), (other_kind, false)] {
            let pairs =
                hashes(&one, kind, "123-45").into_iter().zip(hashes(&other, kind, "123-45"));
            for (n, (a, b)) in pairs.enumerate() {
                assert_eq!(a != b, differ, "{kind} {n}");
            }
            assert_eq!(hashes(&one, kind, "123-45"), hashes(&one.clone(), kind, "123-45"));
            for (a, b) in hashes(&one, kind, "123-45").into_iter().zip(hashes(&one, kind, "123-46"))
            {
                assert_ne!(a, b);
            }
        }
        assert_ne!(one.blind_name(), other.blind_name());
        assert_eq!(plain.blind_name(), None);
        let identity = |hasher: &Hasher| hasher.identity(ResourceType::PATIENT, "p");
        assert_eq!(identity(&one), identity(&plain), "who is meant is the same for all");
    }
}
