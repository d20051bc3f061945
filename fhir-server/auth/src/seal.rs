//! What this crate keeps in the database and nobody may read there: sealed by AES-256-GCM, each bound to what it is of.

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use canonical_model::{Error, Result};
use store::aead;

/// Seals bytes; what they are of is needed to open them.
pub(crate) fn seal(secret: &[u8; 32], of: &str, bytes: &[u8]) -> Result<String> {
    Ok(BASE64_STANDARD_NO_PAD.encode(aead::seal(&key(secret)?, of, bytes)?))
}

/// Opens what was sealed; `None` where it was changed, or is of something else, or of another secret.
pub(crate) fn open(secret: &[u8; 32], of: &str, text: &str) -> Option<Vec<u8>> {
    let whole = BASE64_STANDARD_NO_PAD.decode(text).ok()?;
    aead::open(&key(secret).ok()?, of, &whole)
}

fn key(secret: &[u8; 32]) -> Result<LessSafeKey> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).map_err(Error::internal)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_what_it_is_of() {
        let sealed = seal(&[1; 32], "a", b"bytes").unwrap();
        assert_eq!(open(&[1; 32], "a", &sealed).as_deref(), Some(&b"bytes"[..]));
        assert_ne!(seal(&[1; 32], "a", b"bytes").unwrap(), sealed);
        for (secret, of, text) in [
            ([2; 32], "a", sealed.as_str()),
            ([1; 32], "b", &sealed),
            ([1; 32], "a", "AAAA"),
            ([1; 32], "a", "!"),
            ([1; 32], "a", ""),
        ] {
            assert_eq!(open(&secret, of, text), None, "{of} {text}");
        }
    }
}
