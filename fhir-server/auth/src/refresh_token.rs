//! A refresh token as an app holds it: `approval.seq.salt.MAC`. None is kept; one that was made up costs no query.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::{Error, Result};
use store::Approval;

/// What refresh tokens are made and known by.
pub(crate) struct RefreshKey(Key);

/// One, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) approval: i64,
    pub(crate) seq: i32,
    pub(crate) salt: [u8; 32],
}

impl RefreshToken {
    /// That of an authorization, at this place of its row.
    pub(crate) fn of(approval: &Approval, seq: i32) -> Result<Self> {
        let salt = approval.salt.as_slice().try_into().map_err(Error::internal)?;
        Ok(Self { approval: approval.approval, seq, salt })
    }
}

impl RefreshKey {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The text of a token.
    pub(crate) fn write(&self, token: &RefreshToken) -> String {
        let salt = BASE64_URL_SAFE_NO_PAD.encode(token.salt);
        let named = format!("{}.{}.{salt}", token.approval, token.seq);
        let mac =
            BASE64_URL_SAFE_NO_PAD.encode(sign(&self.0, format!("refresh {named}").as_bytes()));
        format!("{named}.{mac}")
    }

    /// Reads one that was made here; `None` for any other text.
    pub(crate) fn read(&self, text: &str) -> Option<RefreshToken> {
        let (named, mac) = text.rsplit_once('.')?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        verify(&self.0, format!("refresh {named}").as_bytes(), &mac).ok()?;
        let mut parts = named.split('.');
        let (approval, seq, salt) = (parts.next()?, parts.next()?, parts.next()?);
        let salt = BASE64_URL_SAFE_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        Some(RefreshToken { approval: approval.parse().ok()?, seq: seq.parse().ok()?, salt })
    }

    /// The `jti` of the access token that goes with one: the same however often it is asked for.
    pub(crate) fn jti(&self, token: &RefreshToken) -> String {
        let text = format!("jti {}.{}", token.approval, token.seq);
        let mut context = aws_lc_rs::hmac::Context::with_key(&self.0);
        context.update(text.as_bytes());
        context.update(&token.salt);
        let tag = context.sign();
        BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref().get(..16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_who_made_it_alone() {
        let key = RefreshKey::new(&[1; 32]);
        let token = RefreshToken { approval: 12, seq: 3, salt: [9; 32] };
        let text = key.write(&token);
        assert_eq!(key.read(&text).as_ref(), Some(&token));
        let (named, mac) = text.rsplit_once('.').unwrap();
        for wrong in [
            String::new(),
            "...".into(),
            named.into(),
            format!("{named}."),
            text.replacen("12.", "13.", 1),
            text.replacen(".3.", ".4.", 1),
            format!("{text}A"),
            format!("{named}.{}", mac.chars().rev().collect::<String>()),
        ] {
            assert_eq!(key.read(&wrong), None, "{wrong}");
        }
        assert_eq!(RefreshKey::new(&[2; 32]).read(&text), None);
        assert_eq!(key.jti(&token), key.jti(&token));
        let next = RefreshToken { seq: 4, ..token };
        assert_ne!(key.jti(&next), key.jti(&key.read(&text).unwrap()));
    }
}
