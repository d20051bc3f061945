//! Sealed elements: values that are stored encrypted, listed by path.
//!
//! A sealed string is `sealed:1:` and base64 of nonce and ciphertext (AES-256-GCM), bound to its
//! resource and version: swapped into another it does not open. Search values are taken before
//! sealing: tokens as keyed hashes, so equality still finds what nobody can read in the database;
//! strings, dates and numbers not at all (`search::sealed`). Stored texts without the mark, nearly all,
//! are passed on unread.

use std::borrow::Cow;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use canonical_model::fhirpath::{Location, Path, Place, Schema};
use canonical_model::{Error, Issue, IssueCode, Kind, Resource, ResourceType, Result, Value, json};

use crate::keys::{Keys, Purpose};

const MARK: &str = "sealed:1:";

/// What proves the key: sealed like a value, of no resource.
const PROOF: &str = "this is the key";

/// Types of values that are text in JSON, and so can be replaced by a sealed text.
const NO_TEXT: [&str; 6] =
    ["boolean", "decimal", "integer", "integer64", "positiveInt", "unsignedInt"];

/// Seals and opens. Without paths it only opens; without a key it does neither.
#[derive(Debug, Default)]
pub struct Sealer {
    rules: Vec<Rule>,
    key: Option<LessSafeKey>,
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
    fn aad(&self) -> Aad<String> {
        Aad::from(format!("{}|{}|{}", self.kind, self.id, self.version))
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
        if keys.are_none() && paths.is_empty() {
            return Ok(Self::default());
        }
        let key =
            UnboundKey::new(&AES_256_GCM, &keys.get(Purpose::Seal)?).map_err(Error::internal)?;
        Ok(Self { rules, key: Some(LessSafeKey::new(key)) })
    }

    /// The paths whose elements are sealed.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.text.clone()).collect()
    }

    /// What will prove the key, to be kept beside what is sealed; `None` where nothing is.
    pub(crate) fn proof(&self) -> Result<Option<Vec<u8>>> {
        match &self.key {
            Some(key) if !self.rules.is_empty() => {
                close(key, Aad::from(PROOF.to_owned()), PROOF).map(|proof| Some(proof.into()))
            }
            _ => Ok(None),
        }
    }

    /// Compares the key with what proves that of a database.
    ///
    /// # Errors
    /// Unavailable with what to set, where it is another or there is none.
    pub(crate) fn prove(&self, kept: &[u8]) -> Result<()> {
        let Some(key) = &self.key else {
            return Err(Error::new(
                Kind::Unavailable,
                "This database holds sealed values and no key opens them: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`.",
            ));
        };
        let sealed = std::str::from_utf8(kept).ok().and_then(|text| text.strip_prefix(MARK));
        let opened = sealed.map(|sealed| open_one(key, Aad::from(PROOF.to_owned()), sealed));
        match opened {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(Error::new(
                Kind::Unavailable,
                "The sealing key is not the one that this database's values are sealed with: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`, to that one.",
            )),
        }
    }

    /// Seals what is listed, in a resource that has its id and version. `None` where nothing is.
    ///
    /// # Errors
    /// Unprocessable where a value looks sealed already: nobody may forge one.
    pub fn seal(&self, resource: &Resource, version: i32) -> Result<Option<Resource>> {
        let Some(key) = &self.key else { return Ok(None) };
        refuse_forged(resource.body())?;
        let mut places: Vec<Location> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.kind == resource.kind()) {
            places.extend(rule.path.locations(resource.body())?);
        }
        if places.is_empty() {
            return Ok(None);
        }
        let id = resource.id().unwrap_or_default();
        let binding = Binding { kind: resource.kind(), id, version };
        let mut body = resource.body().clone();
        for place in &places {
            if let Some(Value::String(text)) = find(&mut body, place) {
                *text = close(key, binding.aad(), text)?.into();
            }
        }
        Resource::from_value(body).map(Some)
    }

    /// Opens a stored text.
    ///
    /// # Errors
    /// Internal where a sealed value does not open: it was changed, or moved from elsewhere.
    pub(crate) fn open(&self, binding: Binding<'_>, text: Bytes) -> Result<Bytes> {
        let Some(key) = &self.key else { return Ok(text) };
        if !has_mark(&text) {
            return Ok(text);
        }
        let mut body = json::parse(&text)?;
        open_all(key, binding, &mut body)?;
        Ok(Bytes::from(body.to_text()))
    }
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
        if own || path.types().is_empty() || !path.types().iter().all(|name| is_text(name)) {
            let fault = "only elements that are text can be sealed, and not id or meta";
            return Err(Error::invalid(format!("{text}: {fault}")));
        }
        Ok(Self { kind, path, text: text.to_owned() })
    }
}

fn has_mark(text: &[u8]) -> bool {
    text.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}

fn find<'a>(root: &'a mut Value, location: &Location) -> Option<&'a mut Value> {
    location.iter().try_fold(root, |value, place| match place {
        Place::Key(key) => value.as_object_mut()?.get_mut(key),
        Place::Index(index) => value.as_array_mut()?.get_mut(*index),
    })
}

fn close(key: &LessSafeKey, bound: Aad<String>, text: &str) -> Result<String> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(Error::internal)?;
    let mut sealed = text.as_bytes().to_vec();
    key.seal_in_place_append_tag(Nonce::from(&nonce), bound, &mut sealed)
        .map_err(Error::internal)?;
    let mut whole = nonce.to_vec();
    whole.append(&mut sealed);
    Ok(format!("{MARK}{}", STANDARD_NO_PAD.encode(whole)))
}

fn open_all(key: &LessSafeKey, binding: Binding<'_>, value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some(sealed) = text.strip_prefix(MARK) {
                *text = open_one(key, binding.aad(), sealed)?.into();
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| open_all(key, binding, item)),
        Value::Object(object) => {
            object.iter_mut().try_for_each(|(_, member)| open_all(key, binding, member))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn open_one(key: &LessSafeKey, bound: Aad<String>, sealed: &str) -> Result<String> {
    let broken = || Error::internal("a sealed value does not open");
    let whole = STANDARD_NO_PAD.decode(sealed).map_err(|_| broken())?;
    let (nonce, rest) = whole.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut rest = rest.to_vec();
    let plain = key.open_in_place(nonce, bound, &mut rest).map_err(|_| broken())?;
    String::from_utf8(plain.to_vec()).map_err(|_| broken())
}

fn refuse_forged(value: &Value) -> Result<()> {
    let forged = match value {
        Value::String(text) => text.starts_with(MARK),
        Value::Array(items) => return items.iter().try_for_each(refuse_forged),
        Value::Object(object) => return object.iter().try_for_each(|(_, v)| refuse_forged(v)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    if forged {
        let text: Cow<'_, str> =
            "A value begins with `sealed:1:`, which this server keeps for itself.".into();
        return Err(Error::from_issues(
            Kind::Unprocessable,
            vec![Issue::error(IssueCode::BusinessRule, text)],
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use canonical_model::fhirpath::Element;

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

    fn sealer() -> Sealer {
        let path = "Patient.identifier.where(system='urn:ssn').value".to_owned();
        Sealer::new(&[path], &Keys::of_root([7; 32]), &Identifiers).expect("a sealer")
    }

    const TEXT: &str = r#"{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:ssn","value":"123-45"},{"system":"urn:mrn","value":"9"}]}"#;

    #[test]
    fn seals_what_is_listed_and_opens_it_only_in_its_place() {
        let sealer = sealer();
        let resource = Resource::parse(TEXT.as_bytes()).expect("a patient");
        let sealed = sealer.seal(&resource, 3).expect("sealed").expect("something is listed");
        let text = sealed.to_text();
        assert!(!text.contains("123-45") && text.contains("\"9\""), "{text}");
        let place = Binding { kind: ResourceType::PATIENT, id: "p", version: 3 };
        let stored = Bytes::from(text);
        assert_eq!(sealer.open(place, stored.clone()).expect("opens"), TEXT);
        for elsewhere in [Binding { id: "q", ..place }, Binding { version: 4, ..place }] {
            assert!(sealer.open(elsewhere, stored.clone()).is_err());
        }
    }

    #[test]
    fn passes_on_what_is_not_sealed_and_refuses_forgeries() {
        let sealer = sealer();
        let place = Binding { kind: ResourceType::PATIENT, id: "p", version: 1 };
        let plain = Bytes::from_static(b"{\"a\":1}");
        assert_eq!(sealer.open(place, plain.clone()).expect("plain"), plain);
        let forged = r#"{"resourceType":"Patient","id":"p","name":[{"text":"sealed:1:AAAA"}]}"#;
        let forged = Resource::parse(forged.as_bytes()).expect("a patient");
        assert!(sealer.seal(&forged, 1).is_err());
        assert!(Sealer::default().seal(&forged, 1).expect("off").is_none());
    }
}
