//! Chunks of content, sealed: each bound to its place, so that none opens in another, or in another blob.

use std::sync::Arc;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use aws_lc_rs::rand;
use bytes::Bytes;
use canonical_model::{Error, Result};

/// The data key that seals the chunks of a blob. Prints its number only.
pub(crate) struct ChunkKey {
    number: i32,
    key: Arc<LessSafeKey>,
}

impl ChunkKey {
    pub(crate) fn new(number: i32, key: Arc<LessSafeKey>) -> Self {
        Self { number, key }
    }

    /// Its number, which the blob keeps.
    pub(crate) fn number(&self) -> i32 {
        self.number
    }

    /// Nonce, ciphertext, tag: 28 bytes longer than the chunk.
    pub(crate) fn seal(&self, blob: i64, place: i32, bytes: &[u8]) -> Result<Vec<u8>> {
        let (mut nonce, mut sealed) = ([0; NONCE_LEN], bytes.to_vec());
        rand::fill(&mut nonce).map_err(Error::internal)?;
        self.key
            .seal_in_place_append_tag(Nonce::from(&nonce), bound(blob, place), &mut sealed)
            .map_err(Error::internal)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// # Errors
    /// Internal where it was changed, or moved from elsewhere.
    pub(crate) fn open(&self, blob: i64, place: i32, sealed: Vec<u8>) -> Result<Bytes> {
        let broken = || Error::internal("a sealed chunk does not open");
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let mut rest = rest.to_vec();
        let opened = self.key.open_in_place(Nonce::from(nonce), bound(blob, place), &mut rest);
        let length = opened.map_err(|_| broken())?.len();
        rest.truncate(length);
        Ok(rest.into())
    }
}

impl std::fmt::Debug for ChunkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkKey({})", self.number)
    }
}

fn bound(blob: i64, place: i32) -> Aad<String> {
    Aad::from(format!("blob|{blob}|{place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Opened;

    #[test]
    fn a_chunk_opens_in_its_place_alone() {
        let key = |byte| {
            let opened = Opened::new(4, [byte; 32]).expect("a key");
            ChunkKey::new(4, opened.cipher())
        };
        let sealed = key(1).seal(7, 0, b"content").expect("sealed");
        assert_eq!(sealed.len(), 7 + 28);
        assert_eq!(key(1).open(7, 0, sealed.clone()).expect("opens"), &b"content"[..]);
        assert!(key(2).open(7, 0, sealed.clone()).is_err());
        assert!(key(1).open(7, 1, sealed.clone()).is_err());
        assert!(key(1).open(8, 0, sealed.clone()).is_err());
        assert!(key(1).open(7, 0, sealed[..20].to_vec()).is_err());
        assert!(key(1).open(7, 0, Vec::new()).is_err());
        assert_eq!(format!("{:?}", key(1)), "ChunkKey(4)");
    }
}
