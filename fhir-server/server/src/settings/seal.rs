//! What is stored sealed, and the keys: said before the start whether they will do, and never shown.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use conformance::Registry;
use store::{DataKeys, Keks, KeyTimes, Keys, Kms, Sealer};
use telemetry::Clock;
use vault::{AwsKms, AwsSettings, Credentials, FileKek};

use crate::limits::{KEY_TIMES, SEAL_KEY_DIFFERENT_BYTES_MIN};

/// What is stored sealed.
#[derive(Clone, Debug)]
pub struct SealSettings {
    /// FHIRPaths of elements, each beginning with its type.
    pub paths: Vec<String>,
    /// Whether nothing is to be sealed, and the record of accesses neither, in as many words.
    pub none: bool,
    /// The key; it outranks the file.
    pub key: Option<SealKey>,
    /// A file that holds the key.
    pub key_file: Option<PathBuf>,
    /// Files of keys before it, which still open.
    pub older_key_files: Vec<PathBuf>,
    /// The key management service that wraps in its place.
    pub kms: Option<KmsSettings>,
    /// Who asks there.
    pub aws: AwsFlags,
    /// How long keys are held; only tests choose others.
    pub times: KeyTimes,
}

/// A key in AWS Key Management Service.
#[derive(Clone, Debug, Default)]
pub struct KmsSettings {
    /// Its id, ARN or alias.
    pub key_id: String,
    /// As `eu-central-1`.
    pub region: String,
    /// Another address than the region's own.
    pub endpoint: Option<String>,
}

/// Who asks the key management service; variables only, for others can see flags.
#[derive(Args, Clone, Default)]
pub struct AwsFlags {
    /// The id of an access key
    #[arg(long, hide = true, env = "AWS_ACCESS_KEY_ID", hide_env_values = true)]
    pub aws_access_key_id: Option<String>,
    /// Its secret
    #[arg(long, hide = true, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true)]
    pub aws_secret_access_key: Option<String>,
    /// The token of credentials that end
    #[arg(long, hide = true, env = "AWS_SESSION_TOKEN", hide_env_values = true)]
    pub aws_session_token: Option<String>,
}

/// A key as it was given: the base64 of 32 bytes. It is not judged before it is used, for whoever
/// judged it would repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey(String);

impl Default for SealSettings {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            none: false,
            key: None,
            key_file: None,
            older_key_files: Vec::new(),
            kms: None,
            aws: AwsFlags::default(),
            times: KEY_TIMES,
        }
    }
}

impl fmt::Debug for AwsFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsFlags(…)")
    }
}

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
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        let text = text
            .with_context(|| format!("The sealing key cannot be read from {}", path.display()))?;
        Ok(Self(text))
    }

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
    /// Judges them without asking anybody.
    ///
    /// # Errors
    /// In a sentence: there is no key, it will not do, or a path will not.
    pub fn check(&self) -> Result<()> {
        let there = self.keks(&Clock::system())?.is_some();
        ensure!(
            there || self.paths.is_empty(),
            "Elements are to be sealed and there is no key: set CAREBRIDGE_SEAL_KEY to the base64 of 32 random bytes, or `key_file` or `[seal.kms]` under `[seal]`."
        );
        // Any key will do to judge the paths.
        self.sealer(&Keys::of_root([0; 32])?).map(drop)
    }

    /// Whether there is anything to seal with.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some() || self.key_file.is_some() || self.kms.is_some()
    }

    /// What seals and opens with these keys.
    ///
    /// # Errors
    /// In a sentence: a path will not do, or there is no key.
    pub fn sealer(&self, keys: &Keys) -> Result<Sealer> {
        Sealer::new(&self.paths, keys, Registry::r4())
            .context("`paths` under `[seal]` cannot be used")
    }

    /// The data keys of a database; none where no key is set and nothing is to be sealed.
    ///
    /// # Errors
    /// In a sentence: the settings will not do.
    pub fn data_keys(&self, url: &str, clock: &Clock) -> Result<Option<DataKeys>> {
        self.check()?;
        let Some(keks) = self.keks(clock)? else { return Ok(None) };
        Ok(Some(DataKeys::new(url, keks, self.times)?))
    }

    fn keks(&self, clock: &Clock) -> Result<Option<Keks>> {
        let root = self.root()?;
        let file = root.map(|root| FileKek::new(&root)).transpose()?;
        let file = file.map(|kek| Arc::new(kek) as Arc<dyn Kms>);
        let mut older = Vec::new();
        for path in &self.older_key_files {
            older.push(Arc::new(FileKek::new(&SealKey::read(path)?.bytes()?)?) as Arc<dyn Kms>);
        }
        let first = match &self.kms {
            None => file,
            Some(kms) => {
                older.extend(file);
                Some(Arc::new(AwsKms::new(kms.aws(&self.aws)?, clock.clone())?) as Arc<dyn Kms>)
            }
        };
        Ok(first.map(|first| Keks { first, older, root }))
    }

    fn root(&self) -> Result<Option<[u8; 32]>> {
        let key = match (&self.key, &self.key_file) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(path)) => Some(SealKey::read(path)?),
            (None, None) => None,
        };
        key.map(|key| key.bytes()).transpose()
    }
}

impl KmsSettings {
    fn aws(&self, flags: &AwsFlags) -> Result<AwsSettings> {
        let missing = "`[seal.kms]` is set and nobody to ask there: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN for credentials that end.";
        let credentials = Credentials {
            id: flags.aws_access_key_id.clone().context(missing)?,
            secret: flags.aws_secret_access_key.clone().context(missing)?,
            session: flags.aws_session_token.clone(),
        };
        let Self { key_id, region, endpoint } = self.clone();
        ensure!(
            !key_id.is_empty() && !region.is_empty(),
            "`[seal.kms]` needs `key_id` and `region`."
        );
        Ok(AwsSettings { key_id, region, endpoint, credentials })
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
            (Some(&random), "Patient.managingOrganization.reference", Some("cannot be sealed")),
            (Some(random.as_str()), "Patient.nonsense", Some("`paths` under `[seal]`")),
            (Some(random.as_str()), "Pacient.name", Some("`paths` under `[seal]`")),
        ] {
            let key = key.map(|key| key.parse().unwrap());
            let paths = vec![path.to_owned()];
            let settings = SealSettings { paths, key, ..SealSettings::default() };
            assert!(!format!("{settings:?}").contains(&random));
            let said = settings.check().err().map(|error| format!("{error:#}"));
            match (expected, &said) {
                (None, None) => {}
                (Some(part), Some(said)) if said.contains(part) => {
                    assert!(!said.contains("hunter2") && !said.contains(GOOD), "{said}");
                }
                _ => panic!("{path}: {said:?}"),
            }
        }
        assert!(SealSettings::default().check().is_ok());
    }

    #[test]
    fn a_key_management_service_needs_its_key_and_who_asks() {
        let kms = |key_id: &str| KmsSettings {
            key_id: key_id.to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: None,
        };
        let aws = AwsFlags {
            aws_access_key_id: Some("AKIA".to_owned()),
            aws_secret_access_key: Some("hunter2".to_owned()),
            aws_session_token: None,
        };
        for (kms, aws, expected) in [
            (kms("alias/a"), aws.clone(), None),
            (kms("alias/a"), AwsFlags::default(), Some("AWS_ACCESS_KEY_ID")),
            (kms(""), aws, Some("needs `key_id`")),
        ] {
            let settings = SealSettings { kms: Some(kms), aws, ..SealSettings::default() };
            assert!(!format!("{settings:?}").contains("hunter2"));
            let said = settings.check().err().map(|error| format!("{error:#}"));
            assert_eq!(said.is_some(), expected.is_some(), "{said:?}");
            assert!(expected.is_none_or(|part| said.is_some_and(|said| said.contains(part))));
        }
    }
}
