//! Sealed elements: values that are stored encrypted, listed by path.
//!
//! A sealed string is a mark and base64 of nonce and ciphertext (AES-256-GCM), bound to its resource and
//! version: swapped into another it does not open. The mark names the data key: `sealed:1:` is number 0,
//! `sealed:2:7:` number 7. Search values are taken before
//! sealing: tokens as hashes under a key that is not in the database, so equality still finds what nobody can read
//! there; strings, dates and numbers not at all (`search::sealed`). Stored texts without the mark, nearly all,
//! are passed on unread.

use std::borrow::Cow;

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use canonical_model::fhirpath::{Location, Path, Place, Schema};
use canonical_model::{Error, Issue, IssueCode, Kind, Resource, ResourceType, Result, Value, json};
use search::Hasher;

use crate::aead;
use crate::keys::{Keys, Purpose};
use crate::sealed_content::ChunkKey;

/// Before what data key 0 sealed.
const FIRST_MARK: &str = "sealed:1:";
/// Before the number of the data key that sealed.
const MARK: &str = "sealed:2:";

/// What proves the key: sealed like a value, of no resource.
const PROOF: &str = "this is the key";

/// The path of content, which lies in chunks of its own.
const CONTENT: &str = "Binary.data";

/// Types of values that are text in JSON, and so can be replaced by a sealed text.
const NO_TEXT: [&str; 6] =
    ["boolean", "decimal", "integer", "integer64", "positiveInt", "unsignedInt"];

/// Seals and opens. Without paths it only opens; without a key it does neither.
#[derive(Debug, Default)]
pub struct Sealer {
    rules: Vec<Rule>,
    keys: Keys,
}

#[derive(Debug)]
struct Rule {
    kind: ResourceType,
    path: Path,
    text: String,
}

/// What a sealed value is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) kind: ResourceType,
    pub(crate) id: &'a str,
    pub(crate) version: i32,
}

impl Binding<'_> {
    fn name(&self) -> String {
        format!("{}|{}|{}", self.kind, self.id, self.version)
    }
}

impl Sealer {
    /// Seals the elements at these FHIRPaths, each beginning with its type, as
    /// `Patient.identifier.where(system='http://hl7.org/fhir/sid/us-ssn').value`.
    ///
    /// # Errors
    /// Invalid for a path that does not compile, or leads to what is not text; Unavailable where there
    /// is no key.
    pub fn new(paths: &[String], keys: &Keys, schema: &dyn Schema) -> Result<Self> {
        let rules = paths.iter().map(|path| Rule::read(path, schema)).collect::<Result<_>>()?;
        if !paths.is_empty() {
            keys.sealing()?;
        }
        Ok(Self { rules, keys: keys.clone() })
    }

    /// The hash of a database whose values it seals: blind for the types that it seals elements of.
    pub(crate) fn blind(&self, hasher: Hasher) -> Result<Hasher> {
        if self.rules.is_empty() {
            return Ok(hasher);
        }
        let mut kinds: Vec<ResourceType> = self.rules.iter().map(|rule| rule.kind).collect();
        kinds.dedup();
        Ok(hasher.blinded(&self.keys.get(Purpose::Blind)?, kinds))
    }

    /// What seals the chunks of content now; `None` where content is not to be sealed.
    pub(crate) fn chunk_key(&self) -> Result<Option<ChunkKey>> {
        if !self.rules.iter().any(|rule| rule.text == CONTENT) {
            return Ok(None);
        }
        let (number, key) = self.keys.sealing()?;
        Ok(Some(ChunkKey::new(number, key)))
    }

    /// What opens chunks that the data key of this number sealed.
    pub(crate) fn chunk_key_of(&self, number: i32) -> Result<ChunkKey> {
        Ok(ChunkKey::new(number, self.keys.opening(number)?))
    }

    /// A digest of content, as it may stand in the database.
    pub(crate) fn keyed(&self, sha256: &[u8; 32]) -> Result<[u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.keys.get(Purpose::Blind)?);
        <[u8; 32]>::try_from(hmac::sign(&key, sha256).as_ref()).map_err(Error::internal)
    }

    /// The paths whose elements are sealed.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.text.clone()).collect()
    }

    /// What will prove the key, to be kept beside what is sealed; `None` where nothing is.
    pub(crate) fn proof(&self) -> Result<Option<Vec<u8>>> {
        if self.rules.is_empty() {
            return Ok(None);
        }
        // By the key that all others of the database come from.
        let sealed = close(&*self.keys.opening(0)?, PROOF, PROOF)?;
        Ok(Some(format!("{FIRST_MARK}{sealed}").into()))
    }

    /// Compares the key with what proves that of a database.
    ///
    /// # Errors
    /// As [`prove`].
    pub(crate) fn prove(&self, kept: &[u8]) -> Result<()> {
        prove(&self.keys, kept)
    }

    /// Seals what is listed, in a resource that has its id and version. `None` where nothing is.
    ///
    /// # Errors
    /// Unprocessable where a value looks sealed already: nobody may forge one. Unavailable where the keys were
    /// forgotten.
    pub fn seal(&self, resource: &Resource, version: i32) -> Result<Option<Resource>> {
        if self.keys.are_none() {
            return Ok(None);
        }
        refuse_forged(resource.body())?;
        let mut places: Vec<Location> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.kind == resource.kind()) {
            places.extend(rule.path.locations(resource.body())?);
        }
        if places.is_empty() {
            return Ok(None);
        }
        let (number, key) = self.keys.sealing()?;
        let mark = mark(number);
        let id = resource.id().unwrap_or_default();
        let binding = Binding { kind: resource.kind(), id, version };
        let mut body = resource.body().clone();
        for place in &places {
            if let Some(Value::String(text)) = find(&mut body, place) {
                *text = format!("{mark}{}", close(&key, &binding.name(), text)?).into();
            }
        }
        Resource::from_value(body).map(Some)
    }

    /// Opens a stored text.
    ///
    /// # Errors
    /// Internal where a sealed value does not open: it was changed, or moved from elsewhere. Unavailable where its
    /// key is not here, or was forgotten.
    pub(crate) fn open(&self, binding: Binding<'_>, text: Bytes) -> Result<Bytes> {
        if self.keys.are_none() || !has_mark(&text) {
            return Ok(text);
        }
        let mut body = json::parse(&text)?;
        open_all(&self.keys, binding, &mut body)?;
        Ok(Bytes::from(body.to_text()))
    }
}

/// Compares keys with what proves those of a database.
///
/// # Errors
/// Unavailable with what to set, where they are others or there are none.
pub(crate) fn prove(keys: &Keys, kept: &[u8]) -> Result<()> {
    if keys.are_none() {
        let text = "This database holds sealed values and no key opens them: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`.";
        return Err(Error::new(Kind::Unavailable, text));
    }
    let key = keys.opening(0)?;
    let sealed = std::str::from_utf8(kept).ok().and_then(|text| text.strip_prefix(FIRST_MARK));
    match sealed.map(|sealed| open_one(&key, PROOF, sealed)) {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) | None => Err(another_key()),
    }
}

/// What a wrong key is told.
pub(crate) fn another_key() -> Error {
    let text = "The sealing key is not the one that this database's values are sealed with: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`, to that one.";
    Error::new(Kind::Unavailable, text)
}

impl Rule {
    fn read(text: &str, schema: &dyn Schema) -> Result<Self> {
        let mut names = text.split('.');
        let name = names.next().unwrap_or_default();
        let kind = ResourceType::parse(name)?;
        let path = Path::compile(text, name, schema)?;
        let is_text = |name: &str| {
            !NO_TEXT.contains(&name) && !name.starts_with(|c: char| c.is_ascii_uppercase())
        };
        let own = matches!(names.next(), None | Some("id" | "meta" | "resourceType"));
        if text.ends_with(".reference") {
            let fault = "a reference cannot be sealed, for searches follow it in the index";
            return Err(Error::invalid(format!("{text}: {fault}")));
        }
        if own || path.types().is_empty() || !path.types().iter().all(|name| is_text(name)) {
            let fault = "only elements that are text can be sealed, and not id or meta";
            return Err(Error::invalid(format!("{text}: {fault}")));
        }
        Ok(Self { kind, path, text: text.to_owned() })
    }
}

/// What stands before a value that the data key of this number sealed.
fn mark(number: i32) -> String {
    if number == 0 { FIRST_MARK.to_owned() } else { format!("{MARK}{number}:") }
}

/// The number of the data key that sealed a value, and what it sealed; `None` for one in the clear.
fn marked(text: &str) -> Option<(i32, &str)> {
    if let Some(sealed) = text.strip_prefix(FIRST_MARK) {
        return Some((0, sealed));
    }
    let (number, sealed) = text.strip_prefix(MARK)?.split_once(':')?;
    Some((number.parse().ok()?, sealed))
}

/// Whether a value may be sealed, by how it begins.
fn is_marked(text: &str) -> bool {
    text.starts_with(FIRST_MARK) || text.starts_with(MARK)
}

/// Whether a stored text may hold sealed values: looks for what both marks have in common.
fn has_mark(text: &[u8]) -> bool {
    text.windows(8).any(|window| window == b"\"sealed:")
}

fn find<'a>(root: &'a mut Value, location: &Location) -> Option<&'a mut Value> {
    location.iter().try_fold(root, |value, place| match place {
        Place::Key(key) => value.as_object_mut()?.get_mut(key),
        Place::Index(index) => value.as_array_mut()?.get_mut(*index),
    })
}

fn close(key: &LessSafeKey, of: &str, text: &str) -> Result<String> {
    Ok(STANDARD_NO_PAD.encode(aead::seal(key, of, text.as_bytes())?))
}

fn open_all(keys: &Keys, binding: Binding<'_>, value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some((number, sealed)) = marked(text) {
                *text = open_one(&*keys.opening(number)?, &binding.name(), sealed)?.into();
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| open_all(keys, binding, item)),
        Value::Object(object) => {
            object.iter_mut().try_for_each(|(_, member)| open_all(keys, binding, member))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn open_one(key: &LessSafeKey, of: &str, sealed: &str) -> Result<String> {
    let whole = STANDARD_NO_PAD.decode(sealed).ok();
    let plain = whole.and_then(|whole| aead::open(key, of, &whole));
    let text = plain.and_then(|plain| String::from_utf8(plain).ok());
    text.ok_or_else(|| Error::internal("a sealed value does not open"))
}

fn refuse_forged(value: &Value) -> Result<()> {
    let forged = match value {
        Value::String(text) => is_marked(text),
        Value::Array(items) => return items.iter().try_for_each(refuse_forged),
        Value::Object(object) => return object.iter().try_for_each(|(_, v)| refuse_forged(v)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    if forged {
        let text: Cow<'_, str> =
            "A value begins with `sealed:1:` or `sealed:2:`, which this server keeps for itself."
                .into();
        return Err(Error::from_issues(
            Kind::Unprocessable,
            vec![Issue::error(IssueCode::BusinessRule, text)],
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use canonical_model::fhirpath::Element;
    use telemetry::Ticks;

    use super::*;
    use crate::keys::{Held, Opened};

    struct Identifiers;

    impl Schema for Identifiers {
        fn element(&self, parent: &str, name: &str) -> Option<Element> {
            let kind = match (parent, name) {
                ("Patient", "identifier") => "Identifier",
                ("Identifier", "system") => "uri",
                ("Identifier", "value") => "string",
                _ => return None,
            };
            Some(Element { types: vec![kind.into()], choice: false, many: name == "identifier" })
        }

        fn is_a(&self, kind: &str, base: &str) -> bool {
            kind == base
        }
    }

    fn sealer_of(keys: Keys) -> Sealer {
        let path = "Patient.identifier.where(system='urn:ssn').value".to_owned();
        Sealer::new(&[path], &keys, &Identifiers).expect("a sealer")
    }

    fn keys(seals: i32) -> Keys {
        let keys = [(0, 7), (4, 9)];
        let keys = keys.map(|(number, byte)| Opened::new(number, [byte; 32]).expect("a key"));
        Keys::of(Held { keys: keys.into(), seals, at: 0 }, Ticks::manual(), None)
    }

    const TEXT: &str = r#"{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:ssn","value":"123-45"},{"system":"urn:mrn","value":"9"}]}"#;

    #[test]
    fn seals_what_is_listed_and_opens_it_only_in_its_place() {
        let place = Binding { kind: ResourceType::PATIENT, id: "p", version: 3 };
        for (number, mark) in [(0, "\"sealed:1:"), (4, "\"sealed:2:4:")] {
            let sealer = sealer_of(keys(number));
            let resource = Resource::parse(TEXT.as_bytes()).expect("a patient");
            let sealed = sealer.seal(&resource, 3).expect("sealed").expect("something is listed");
            let text = sealed.to_text();
            assert!(!text.contains("123-45") && text.contains("\"9\""), "{text}");
            assert!(text.contains(mark), "{text}");
            let stored = Bytes::from(text);
            assert_eq!(sealer.open(place, stored.clone()).expect("opens"), TEXT);
            for elsewhere in [Binding { id: "q", ..place }, Binding { version: 4, ..place }] {
                assert!(sealer.open(elsewhere, stored.clone()).is_err());
            }
            let other = sealer_of(keys(4 - number));
            assert_eq!(other.open(place, stored).expect("opens, whichever seals"), TEXT);
        }
    }

    #[test]
    fn a_key_that_is_not_here_is_said() {
        let sealed = r#"{"resourceType":"Patient","identifier":[{"value":"sealed:2:5:AAAA"}]}"#;
        let place = Binding { kind: ResourceType::PATIENT, id: "p", version: 1 };
        let refused = sealer_of(keys(0)).open(place, Bytes::from(sealed));
        assert_eq!(refused.err().map(|error| error.kind), Some(Kind::Unavailable));
    }

    #[test]
    fn passes_on_what_is_not_sealed_and_refuses_forgeries() {
        let sealer = sealer_of(keys(0));
        let place = Binding { kind: ResourceType::PATIENT, id: "p", version: 1 };
        let plain = Bytes::from_static(b"{\"a\":1}");
        assert_eq!(sealer.open(place, plain.clone()).expect("plain"), plain);
        for mark in ["sealed:1:AAAA", "sealed:2:0:AAAA", "sealed:2:AAAA"] {
            let text =
                format!(r#"{{"resourceType":"Patient","id":"p","name":[{{"text":"{mark}"}}]}}"#);
            let forged = Resource::parse(text.as_bytes()).expect("a patient");
            assert!(sealer.seal(&forged, 1).is_err());
            assert!(Sealer::default().seal(&forged, 1).expect("off").is_none());
        }
    }
}
