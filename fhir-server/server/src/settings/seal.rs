//! What is stored sealed, and the key: said before the start whether it will do, and never shown.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::Registry;
use store::{Keys, Sealer};

use crate::limits::SEAL_KEY_DIFFERENT_BYTES_MIN;

/// What is stored sealed.
#[derive(Clone, Debug, Default)]
pub struct SealSettings {
    /// FHIRPaths of elements, each beginning with its type.
    pub paths: Vec<String>,
    /// The key; it outranks the file.
    pub key: Option<SealKey>,
    /// A file that holds the key.
    pub key_file: Option<PathBuf>,
}

/// A key as it was given: the base64 of 32 bytes. It is not judged before it is used, for whoever
/// judged it would repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey(String);

impl FromStr for SealKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl SealKey {
    fn bytes(&self) -> Result<[u8; 32]> {
        let bytes = STANDARD.decode(self.0.trim()).ok();
        let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).context(
            "The sealing key must be the base64 of 32 bytes: `openssl rand -base64 32` makes one.",
        )?;
        let mut different = key.to_vec();
        different.sort_unstable();
        different.dedup();
        ensure!(
            different.len() >= SEAL_KEY_DIFFERENT_BYTES_MIN,
            "The sealing key is not random, so it can be guessed: `openssl rand -base64 32` makes a better one."
        );
        Ok(key)
    }
}

impl SealSettings {
    /// What seals and opens.
    ///
    /// # Errors
    /// In a sentence: there is no key, it will not do, or a path will not.
    pub fn sealer(&self) -> Result<Sealer> {
        Sealer::new(&self.paths, &self.keys()?, Registry::r4())
            .context("`paths` under `[seal]` cannot be used")
    }

    /// The keys of each purpose; none where none is set and nothing is to be sealed.
    ///
    /// # Errors
    /// In a sentence: it will not do.
    pub fn keys(&self) -> Result<Keys> {
        Ok(self.key()?.map_or_else(Keys::default, Keys::of_root))
    }

    fn key(&self) -> Result<Option<[u8; 32]>> {
        let key = match (&self.key, &self.key_file) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => SealKey(std::fs::read_to_string(path).with_context(|| {
                format!("The sealing key cannot be read from {}", path.display())
            })?),
            (None, None) => {
                ensure!(
                    self.paths.is_empty(),
                    "Elements are to be sealed and there is no key: set CAREBRIDGE_SEAL_KEY to the base64 of 32 random bytes, or `key_file` under `[seal]`."
                );
                return Ok(None);
            }
        };
        key.bytes().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

    #[test]
    fn unfit_keys_and_paths_are_refused_in_a_sentence_that_does_not_repeat_them() {
        let random = STANDARD.encode((0..32).map(|n| n * 7 + 3).collect::<Vec<u8>>());
        let ssn = "Patient.identifier.where(system='urn:ssn').value";
        for (key, path, expected) in [
            (None, ssn, Some("there is no key")),
            (Some("hunter2"), ssn, Some("must be the base64 of 32 bytes")),
            (Some("aHVudGVyMg=="), ssn, Some("must be the base64 of 32 bytes")),
            (Some(GOOD), ssn, Some("is not random")),
            (Some(random.as_str()), ssn, None),
            (Some(random.as_str()), "Patient.birthDate", None),
            (Some(random.as_str()), "Patient.name", Some("`paths` under `[seal]`")),
            (Some(random.as_str()), "Patient.active", Some("`paths` under `[seal]`")),
            (Some(random.as_str()), "Patient.id", Some("`paths` under `[seal]`")),
            (Some(random.as_str()), "Patient.nonsense", Some("`paths` under `[seal]`")),
            (Some(random.as_str()), "Pacient.name", Some("`paths` under `[seal]`")),
        ] {
            let key = key.map(|key| key.parse().unwrap());
            let settings = SealSettings { paths: vec![path.to_owned()], key, key_file: None };
            assert!(!format!("{settings:?}").contains(&random));
            let said = settings.sealer().err().map(|error| format!("{error:#}"));
            match (expected, &said) {
                (None, None) => {}
                (Some(part), Some(said)) if said.contains(part) => {
                    assert!(!said.contains("hunter2") && !said.contains(GOOD), "{said}");
                }
                _ => panic!("{path}: {said:?}"),
            }
        }
        assert!(SealSettings::default().sealer().is_ok());
    }
}
