//! A key-encryption key from a file or a variable, for one machine: whoever has it and the database reads all.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use canonical_model::{Error, Kind, Result};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use store::{Kms, Purpose, aead};

/// Wraps with what follows from 32 given bytes. Prints its name only.
pub struct FileKek {
    name: String,
    key: LessSafeKey,
}

impl FileKek {
    /// Takes the bytes: random, as `openssl rand` makes them.
    ///
    /// # Errors
    /// Internal.
    pub fn new(bytes: &[u8; 32]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, &derive::<32>(bytes, "wraps data keys")?);
        let name = derive::<8>(bytes, "names it")?;
        let name = name.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let key = LessSafeKey::new(key.map_err(Error::internal)?);
        Ok(Self { name: format!("file:{name}"), key })
    }

    fn seal(&self, purpose: Purpose, key: &[u8; 32]) -> Result<Vec<u8>> {
        aead::seal(&self.key, &of(purpose), key)
    }

    fn open(&self, purpose: Purpose, wrapped: &[u8]) -> Result<[u8; 32]> {
        let opened = aead::open(&self.key, &of(purpose), wrapped);
        let opened = opened.and_then(|key| <[u8; 32]>::try_from(key).ok());
        opened.ok_or_else(|| {
            let text = "A data key of this database does not open: it was changed, or is of another purpose.";
            Error::new(Kind::Unavailable, text)
        })
    }
}

impl Kms for FileKek {
    fn kek(&self) -> &str {
        &self.name
    }

    fn wrap<'a>(&'a self, purpose: Purpose, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Vec<u8>>> {
        ready(self.seal(purpose, key)).boxed()
    }

    fn unwrap<'a>(
        &'a self,
        purpose: Purpose,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<[u8; 32]>> {
        ready(self.open(purpose, wrapped)).boxed()
    }
}

impl fmt::Debug for FileKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKek({})", self.name)
    }
}

fn of(purpose: Purpose) -> String {
    format!("data_key|{}", purpose.as_str())
}

/// HKDF (RFC 5869): what each use gets tells nothing of the others.
fn derive<const N: usize>(bytes: &[u8; 32], use_of_it: &str) -> Result<[u8; N]> {
    struct Length(usize);
    impl aws_lc_rs::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut made = [0; N];
    Salt::new(HKDF_SHA256, b"carebridge key-encryption key")
        .extract(bytes)
        .expand(&[use_of_it.as_bytes()], Length(N))
        .and_then(|key| key.fill(&mut made))
        .map_err(Error::internal)?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_wraps_opens_by_it_alone_and_for_its_purpose() {
        let (kek, other) = (FileKek::new(&[1; 32]).unwrap(), FileKek::new(&[2; 32]).unwrap());
        assert_ne!(kek.kek(), other.kek());
        assert_eq!(kek.kek(), FileKek::new(&[1; 32]).unwrap().kek());
        let wrapped = kek.seal(Purpose::Seal, &[7; 32]).unwrap();
        assert!(!wrapped.windows(8).any(|window| window == [7; 8]));
        assert_eq!(kek.open(Purpose::Seal, &wrapped).unwrap(), [7; 32]);
        assert!(kek.open(Purpose::Blind, &wrapped).is_err());
        assert!(other.open(Purpose::Seal, &wrapped).is_err());
        for torn in [&[][..], &wrapped[..5], &wrapped[..wrapped.len() - 1]] {
            assert!(kek.open(Purpose::Seal, torn).is_err());
        }
        assert_eq!(format!("{kek:?}"), format!("FileKek({})", kek.kek()));
    }
}
