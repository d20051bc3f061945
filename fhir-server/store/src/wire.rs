//! The stored form of the text that clients get. The first byte names the format, so that a
//! better one can be added while old rows stay readable for ever.

use bytes::{Buf, Bytes};
use canonical_model::{Blob, Error, Result};

/// The text as it is.
const PLAIN: u8 = 0;
/// A blob, then the text without it: the blob's number, size and SHA-256, big-endian. The element that
/// it holds, `Binary.data`, goes behind all others.
const WITH_BLOB: u8 = 1;

/// Bytes before the text of one with a blob.
const HEAD_BYTES: usize = 1 + 8 + 8 + 32;

/// The stored form of a text, and of the blob it goes with.
pub(crate) fn encode(text: &str, blob: Option<&Blob>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + blob.map_or(1, |_| HEAD_BYTES));
    match blob {
        None => out.push(PLAIN),
        Some(blob) => {
            out.push(WITH_BLOB);
            out.extend_from_slice(&blob.id.to_be_bytes());
            out.extend_from_slice(&blob.size.to_be_bytes());
            out.extend_from_slice(&blob.sha256);
        }
    }
    out.extend_from_slice(text.as_bytes());
    out
}

/// The text of a stored form, and its blob.
pub(crate) fn decode(stored: Vec<u8>) -> Result<(Bytes, Option<Blob>)> {
    let mut stored = Bytes::from(stored);
    match (stored.first(), stored.len()) {
        (Some(&PLAIN), _) => Ok((stored.slice(1..), None)),
        (Some(&WITH_BLOB), HEAD_BYTES..) => {
            stored.advance(1);
            let (id, size) = (stored.get_i64(), stored.get_u64());
            let mut sha256 = [0; 32];
            stored.copy_to_slice(&mut sha256);
            Ok((stored, Some(Blob { id, size, sha256 })))
        }
        _ => Err(Error::internal("a stored resource has an unknown format")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_refuses_unknown_formats() {
        let blob = Blob { id: 7, size: 1 << 40, sha256: [9; 32] };
        for blob in [None, Some(blob)] {
            let (text, found) = decode(encode("{\"a\":1.50}", blob.as_ref())).expect("known");
            assert_eq!((&text[..], found), (&b"{\"a\":1.50}"[..], blob));
        }
        for unknown in [vec![], vec![9, 1], vec![1; 48]] {
            assert!(decode(unknown).is_err());
        }
    }
}
