//! Ids: UUIDs of version 8 (RFC 9562, "custom"), derived and therefore stable.

use std::fmt;

use crate::dice::{Dice, Stream};

/// The id of a resource, also its `urn:uuid:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(u128);

impl Id {
    /// The id of resource `n` of owner `index`.
    pub(crate) fn derive(seed: u64, stream: Stream, index: u64, n: u64) -> Self {
        let mut dice = Dice::new(seed ^ n.wrapping_mul(0x9fb2_1c65_1e98_df25), stream, index);
        let bits = (u128::from(dice.next()) << 64) | u128::from(dice.next());
        let unversioned = bits & !(0xf_u128 << 76) & !(0x3_u128 << 62);
        Self(unversioned | (0x8_u128 << 76) | (0x2_u128 << 62))
    }

    /// Writes the 36 characters.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        for nibble in (0..32).rev() {
            let digit = ((self.0 >> (nibble * 4)) & 0xf) as u8;
            out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
            if matches!(nibble, 24 | 20 | 16 | 12) {
                out.push(b'-');
            }
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        let part = |shift: u32, digits: u32| (bits >> shift) & ((1_u128 << (digits * 4)) - 1);
        let (a, b, c, d, e) = (part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12));
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_writings_agree_and_are_version_8() {
        for n in 0..100 {
            let id = Id::derive(1, Stream::Identity, 5, n);
            let mut out = Vec::new();
            id.write(&mut out);
            let text = id.to_string();
            assert_eq!(out, text.as_bytes());
            assert_eq!(text.len(), 36);
            assert_eq!(out[14], b'8');
            assert!(matches!(out[19], b'8' | b'9' | b'a' | b'b'));
        }
    }
}
