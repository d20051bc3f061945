//! The stored form of the text that clients get. The first byte names the format, so that a
//! better one can be added while old rows stay readable for ever.

use bytes::Bytes;
use canonical_model::{Error, Result};

/// The text as it is.
const PLAIN: u8 = 0;

/// The stored form of a text.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    out.push(PLAIN);
    out.extend_from_slice(text.as_bytes());
    out
}

/// The text of a stored form.
pub(crate) fn decode(stored: Vec<u8>) -> Result<Bytes> {
    let stored = Bytes::from(stored);
    match stored.first() {
        Some(&PLAIN) => Ok(stored.slice(1..)),
        _ => Err(Error::internal("a stored resource has an unknown format")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_refuses_unknown_formats() {
        assert_eq!(decode(encode("{\"a\":1.50}")).expect("plain"), "{\"a\":1.50}");
        assert!(decode(vec![]).is_err());
        assert!(decode(vec![9, 1]).is_err());
    }
}
