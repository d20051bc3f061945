//! Who a provider says that somebody is, judged (OpenID Connect Core, section 3.1.3.7).

use canonical_model::{Error, Kind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tracing::warn;

use super::ProviderConfig;
use super::found::Found;
use crate::client_keys::{ClientKeys, Keys};
use crate::limits::{LEEWAY_S, NAME_CHARS_MAX, SUBJECT_BYTES_MAX};

/// Algorithms of keys that only the provider has.
const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Who somebody is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The provider's name for the person: the only thing that a link goes by.
    pub(crate) subject: String,
    /// What the person knows it by.
    pub(crate) shown: String,
    /// How long ago the person proved there who he is, in seconds; now, where the provider does not say.
    pub(crate) proved_ago_s: i64,
}

/// What a token is judged by.
pub(super) struct Judging<'a> {
    pub(super) keys: &'a ClientKeys,
    pub(super) provider: &'a ProviderConfig,
    pub(super) found: &'a Found,
    pub(super) now_s: i64,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    auth_time: Option<i64>,
    preferred_username: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Judging<'_> {
    /// # Errors
    /// Forbidden where it is not to be believed; Unavailable where the provider's keys cannot be fetched.
    pub(super) async fn judge(&self, token: Option<&str>, nonce: &str) -> Result<Identity> {
        let token = token.ok_or_else(|| self.refused("there is no id_token"))?;
        let header = decode_header(token).map_err(|_| self.refused("it is no JWT"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(self.refused("its algorithm is none that a provider alone can sign by"));
        }
        let kid = header.kid.ok_or_else(|| self.refused("its header has no kid"))?;
        let there = Keys::Url(self.found.keys.clone());
        let key = self.keys.find(&self.provider.name, &there, &kid).await?;
        let key = key.as_ref().and_then(|key| DecodingKey::from_jwk(key).ok());
        let key = key.ok_or_else(|| self.refused("the provider has no such key"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
        // Judged below, by the injected clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = decode::<Claims>(token, &key, &validation);
        let claims = claims.map_err(|_| self.refused("its signature, or a claim, is wrong"))?;
        self.judge_claims(claims.claims, nonce)
    }

    fn judge_claims(&self, claims: Claims, nonce: &str) -> Result<Identity> {
        let own = &self.provider.client_id;
        let meant = match (&claims.aud, &claims.azp) {
            (Audience::One(aud), None) => aud == own,
            (Audience::One(aud), Some(azp)) => aud == own && azp == own,
            (Audience::Many(all), azp) => {
                all.contains(own) && (all.len() == 1 || azp.as_ref() == Some(own))
            }
        };
        let why = match &claims {
            _ if claims.iss != self.provider.issuer => "it is of another issuer",
            _ if !meant => "it is for another client",
            _ if claims.exp.saturating_add(LEEWAY_S) <= self.now_s => "it has expired",
            _ if claims.iat > self.now_s + LEEWAY_S => "it begins in the future",
            _ if claims.nonce.as_deref() != Some(nonce) => "its nonce is not ours",
            _ if claims.sub.is_empty() || claims.sub.len() > SUBJECT_BYTES_MAX => {
                "its sub is empty, or longer than 255 bytes"
            }
            _ => return Ok(shown(claims, self.now_s)),
        };
        Err(self.refused(why))
    }

    /// The log has the reason; whoever tries learns no more.
    fn refused(&self, why: &str) -> Error {
        warn!(provider = self.provider.issuer, why, "An identity token was refused.");
        let text = format!("What {} says of you cannot be believed.", self.provider.name);
        Error::new(Kind::Forbidden, text)
    }
}

fn shown(claims: Claims, now_s: i64) -> Identity {
    let known = claims.preferred_username.or(claims.email).or(claims.name);
    let shown = known.unwrap_or_else(|| claims.sub.clone());
    let shown = shown.chars().take(NAME_CHARS_MAX).collect();
    let proved_ago_s = claims.auth_time.map_or(0, |at| now_s.saturating_sub(at).max(0));
    Identity { subject: claims.sub, shown, proved_ago_s }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use telemetry::Ticks;

    use super::*;

    #[test]
    fn claims_are_believed_where_all_of_them_fit() {
        let provider: ProviderConfig = serde_json::from_value(json!({
            "name": "P", "issuer": "https://id.example.org", "client_id": "us", "secret": "s",
        }))
        .unwrap();
        let [authorization, token, there] = [const { String::new() }; 3];
        let found = Found { authorization, token, keys: there, basic: true };
        let keys = ClientKeys::new(None, Ticks::manual());
        let judging = Judging { keys: &keys, provider: &provider, found: &found, now_s: 1_000 };
        let good = json!({
            "iss": "https://id.example.org", "sub": "77", "aud": "us", "exp": 1_300, "iat": 1_000,
            "nonce": "n", "name": "Jane", "auth_time": 960,
        });
        for (name, value, believed) in [
            ("name", json!("Jane"), true),
            ("iss", json!("https://id.example.org/"), false),
            ("sub", json!(""), false),
            ("sub", json!("a".repeat(256)), false),
            ("aud", json!("them"), false),
            ("aud", json!(["us"]), true),
            ("aud", json!(["us", "them"]), false),
            ("azp", json!("them"), false),
            ("azp", json!("us"), true),
            ("exp", json!(990), false),
            ("exp", json!(991), true),
            ("exp", json!(i64::MAX), true),
            ("exp", json!(i64::MIN), false),
            ("iat", json!(i64::MAX), false),
            ("iat", json!(1_011), false),
            ("nonce", json!("m"), false),
            ("nonce", Value::Null, false),
        ] {
            let mut claims = good.clone();
            claims[name] = value.clone();
            let claims: Claims = serde_json::from_value(claims).unwrap();
            let judged = judging.judge_claims(claims, "n");
            assert_eq!(judged.is_ok(), believed, "{name} {value}");
            if let Ok(identity) = judged {
                assert_eq!((identity.shown.as_str(), identity.proved_ago_s), ("Jane", 40));
            }
        }
    }
}
