//! What a provider says of itself.
//! <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>

use anyhow::{Context, Result, ensure};
use outbound::{Call, Outbound};
use serde::Deserialize;

/// Where its endpoints are.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) authorization: String,
    pub(super) token: String,
    pub(super) keys: String,
    /// Whether a secret is sent by HTTP Basic, else in the form.
    pub(super) basic: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Found {
    /// Reads the document below an issuer, which must be of that issuer.
    pub(super) async fn fetch(door: &Outbound, issuer: &str) -> Result<Self> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let answer = door.call(Call::get(url, "application/json")).await?;
        ensure!(answer.status.is_success(), "the document is answered {}", answer.status);
        Self::read(&answer.body, issuer)
    }

    fn read(text: &[u8], issuer: &str) -> Result<Self> {
        let document: Document = serde_json::from_slice(text).context("the document")?;
        ensure!(document.issuer == issuer, "the document is of another issuer");
        let methods = document.token_endpoint_auth_methods_supported;
        // Where nothing is said, Basic is the usual.
        let basic = methods.is_none_or(|all| all.iter().any(|it| it == "client_secret_basic"));
        let [authorization, token, keys] =
            [document.authorization_endpoint, document.token_endpoint, document.jwks_uri];
        // People are sent there: never to what is no address of the web.
        ensure!(authorization.starts_with("http"), "the authorization endpoint is no URL");
        Ok(Self { authorization, token, keys, basic })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_of_its_issuer() {
        let whole = json!({
            "issuer": "https://id.example.org", "authorization_endpoint": "https://id.example.org/a",
            "token_endpoint": "https://id.example.org/t", "jwks_uri": "https://id.example.org/k",
        });
        let with = |name: &str, value: serde_json::Value| {
            let mut document = whole.clone();
            document[name] = value;
            document.to_string()
        };
        let post = json!(["client_secret_post", "private_key_jwt"]);
        for (text, basic) in [
            (whole.to_string(), Some(true)),
            (with("token_endpoint_auth_methods_supported", post), Some(false)),
            (with("issuer", json!("https://id.example.org/")), None),
            (with("issuer", json!("https://evil.example.org")), None),
            (with("authorization_endpoint", json!("javascript:alert(1)")), None),
            (with("jwks_uri", json!(null)), None),
            ("x".to_owned(), None),
        ] {
            let found = Found::read(text.as_bytes(), "https://id.example.org");
            assert_eq!(found.ok().map(|found| found.basic), basic, "{text}");
        }
    }
}
