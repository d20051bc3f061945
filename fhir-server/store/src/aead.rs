//! What is sealed: nonce, ciphertext and tag of AES-256-GCM, bound to what it is of. One form for all that seals.

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use aws_lc_rs::rand;
use canonical_model::{Error, Result};

/// Seals bytes under a key: 28 bytes longer than they. What they are `of` is needed to open them.
///
/// # Errors
/// Internal, where there is no randomness.
pub fn seal(key: &LessSafeKey, of: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    let (mut nonce, mut sealed) = ([0; NONCE_LEN], bytes.to_vec());
    rand::fill(&mut nonce).map_err(Error::internal)?;
    key.seal_in_place_append_tag(Nonce::from(&nonce), Aad::from(of), &mut sealed)
        .map_err(Error::internal)?;
    Ok([&nonce[..], &sealed].concat())
}

/// Opens what was sealed; `None` where it was changed, is of something else, or was sealed under another key.
#[must_use]
pub fn open(key: &LessSafeKey, of: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut rest = rest.to_vec();
    let length = key.open_in_place(Nonce::from(nonce), Aad::from(of), &mut rest).ok()?.len();
    rest.truncate(length);
    Some(rest)
}
