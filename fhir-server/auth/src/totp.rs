//! Codes of a device: HMAC over steps of 30 seconds (RFC 6238), as every such app makes them. And codes on paper.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use aws_lc_rs::rand;
use canonical_model::{Error, Result};

use crate::cookie::digest;
use crate::limits::{CODE_DIGITS, RECOVERY_CODES, STEP_S};

/// Letters of base32 (RFC 4648).
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The secret of a device: 160 bits, as long as the hash.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceSecret([u8; 20]);

impl DeviceSecret {
    pub(crate) fn new() -> Result<Self> {
        let mut bytes = [0; 20];
        rand::fill(&mut bytes).map_err(Error::internal)?;
        Ok(Self(bytes))
    }

    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a person types it where no camera is at hand.
    pub(crate) fn text(&self) -> String {
        let (blocks, _) = self.0.as_chunks::<5>();
        let letters = blocks.iter().flat_map(|block| {
            let bits = block.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            (0..8).rev().map(move |n| (bits >> (5 * n) & 31) as usize)
        });
        letters.filter_map(|at| LETTERS.get(at)).map(|letter| char::from(*letter)).collect()
    }

    /// What a device's camera reads.
    pub(crate) fn uri(&self, login: &str) -> String {
        format!("otpauth://totp/CareBridge:{login}?secret={}&issuer=CareBridge", self.text())
    }

    /// The step that a code is of: the present one, or one beside it, for clocks differ.
    pub(crate) fn step(&self, code: &str, now_s: i64) -> Option<i64> {
        let now = now_s.div_euclid(STEP_S);
        let code = code.trim();
        // The code is short-lived and tried a few times: its comparison tells nothing.
        (now - 1..=now + 1).find(|step| self.code(*step) == code)
    }

    /// The code of a step.
    pub(crate) fn code(&self, step: i64) -> String {
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag.last().copied().unwrap_or_default() & 15);
        let four = tag.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
        let number = u32::from_be_bytes(four.unwrap_or_default()) & 0x7fff_ffff;
        format!("{:0width$}", number % 10_u32.pow(CODE_DIGITS), width = CODE_DIGITS as usize)
    }
}

/// Codes on paper: 80 bits each, so that nobody guesses one of them either.
pub(crate) fn recovery_codes() -> Result<Vec<String>> {
    let one = |_| {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).map_err(Error::internal)?;
        let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte & 31)));
        let letters: Vec<char> = letters.map(|it| char::from(*it).to_ascii_lowercase()).collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        Ok(groups.join("-"))
    };
    (0..RECOVERY_CODES).map(one).collect()
}

/// What is kept of a code on paper, however it was typed.
pub(crate) fn recovery_digest(typed: &str) -> [u8; 32] {
    let letters: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    digest(b"recovery", letters.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, for SHA-1; its codes have eight digits, of which ours are the last six.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = DeviceSecret::of(b"12345678901234567890").unwrap();
        for (time_s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code(time_s / 30), code, "{time_s}");
            for (off_s, known) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
                let step = secret.step(&format!(" {code} "), time_s + off_s);
                assert_eq!(step, known.then_some(time_s / 30), "{time_s} {off_s}");
            }
        }
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn codes_on_paper_are_known_however_they_are_typed() {
        let codes = recovery_codes().unwrap();
        assert_eq!(codes.len(), 10);
        let code = &codes[0];
        assert_eq!(code.len(), 19);
        let typed = code.to_uppercase().replace('-', " ");
        assert_eq!(recovery_digest(&typed), recovery_digest(code));
        assert_ne!(recovery_digest(&codes[1]), recovery_digest(code));
    }
}
