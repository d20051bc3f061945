//! Chunks of content, sealed: each bound to its place, so that none opens in another, or in another blob.

use std::sync::Arc;

use aws_lc_rs::aead::LessSafeKey;
use bytes::Bytes;
use canonical_model::{Error, Result};

use crate::aead;

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
        aead::seal(&self.key, &of(blob, place), bytes)
    }

    /// # Errors
    /// Internal where it was changed, or moved from elsewhere.
    pub(crate) fn open(&self, blob: i64, place: i32, sealed: &[u8]) -> Result<Bytes> {
        let opened = aead::open(&self.key, &of(blob, place), sealed);
        opened.map(Bytes::from).ok_or_else(|| Error::internal("a sealed chunk does not open"))
    }
}

impl std::fmt::Debug for ChunkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkKey({})", self.number)
    }
}

fn of(blob: i64, place: i32) -> String {
    format!("blob|{blob}|{place}")
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
        assert_eq!(key(1).open(7, 0, &sealed).expect("opens"), &b"content"[..]);
        assert!(key(2).open(7, 0, &sealed).is_err());
        assert!(key(1).open(7, 1, &sealed).is_err());
        assert!(key(1).open(8, 0, &sealed).is_err());
        assert!(key(1).open(7, 0, &sealed[..20]).is_err());
        assert!(key(1).open(7, 0, &[]).is_err());
        assert_eq!(format!("{:?}", key(1)), "ChunkKey(4)");
    }
}
