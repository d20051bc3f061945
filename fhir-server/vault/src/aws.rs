//! AWS Key Management Service, by its wire protocol: `Encrypt` and `Decrypt`, JSON 1.1, signed by SigV4.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::{Error, Kind, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use store::{Kms, Purpose};
use telemetry::Clock;

use crate::limits::{KMS_ANSWER_BYTES_MAX, KMS_CALL_MAX};
use crate::sigv4::{Credentials, Request, headers};

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// Which key, and where.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// A key's id, ARN or alias.
    pub key_id: String,
    /// As `eu-central-1`.
    pub region: String,
    /// Another address than the region's own; the origin alone.
    pub endpoint: Option<String>,
    /// Who asks.
    pub credentials: Credentials,
}

/// A key in AWS KMS. It never leaves there: keys are sent to be wrapped and unwrapped.
pub struct AwsKms {
    name: String,
    settings: AwsSettings,
    endpoint: String,
    host: String,
    http: reqwest::Client,
    clock: Clock,
}

impl AwsKms {
    /// Prepares to ask; nothing is sent before a key is wrapped.
    ///
    /// # Errors
    /// Invalid for an endpoint that is no origin.
    pub fn new(settings: AwsSettings, clock: Clock) -> Result<Self> {
        let own = || format!("https://kms.{}.amazonaws.com", settings.region);
        let endpoint = settings.endpoint.clone().unwrap_or_else(own);
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let host = authority(&endpoint).ok_or_else(|| {
            Error::invalid("`endpoint` under `[seal.kms]` must be an origin such as https://kms.eu-central-1.amazonaws.com.")
        })?;
        // Another process of this program may have chosen already; both choose the same.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(KMS_CALL_MAX)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(Error::internal)?;
        Ok(Self { name: format!("aws:{}", settings.key_id), settings, endpoint, host, http, clock })
    }

    async fn ask(&self, operation: &str, question: Value) -> Result<Value> {
        let body = question.to_string();
        let target = format!("TrentService.{operation}");
        let own = [("content-type", MEDIA_TYPE), ("x-amz-target", target.as_str())];
        let request = Request {
            host: &self.host,
            region: &self.settings.region,
            service: "kms",
            headers: &own,
            body: body.as_bytes(),
        };
        let signed = headers(&request, &self.settings.credentials, self.clock.now());
        let mut call = self.http.post(format!("{}/", self.endpoint));
        for (name, value) in own {
            call = call.header(name, value);
        }
        for (name, value) in signed {
            call = call.header(name, value);
        }
        let answer = call.body(body).send().await.map_err(unreachable)?;
        let status = answer.status();
        let text = bounded(answer).await?;
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        // `com.amazonaws.kms#DisabledException` or the name alone. What it says besides may hold ids: not repeated.
        let kind = value.get("__type").and_then(Value::as_str).unwrap_or_default();
        let kind = kind.rsplit('#').next().unwrap_or_default();
        let text = format!(
            "The key management service refused to {} a data key ({status} {kind}): look at the key's state, its policy, and the credentials.",
            operation.to_lowercase()
        );
        Err(Error::new(Kind::Unavailable, text))
    }
}

impl Kms for AwsKms {
    fn kek(&self) -> &str {
        &self.name
    }

    fn wrap<'a>(&'a self, purpose: Purpose, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Vec<u8>>> {
        let question = json!({
            "KeyId": self.settings.key_id,
            "Plaintext": STANDARD.encode(key),
            "EncryptionContext": context(purpose),
        });
        async move {
            let answer = self.ask("Encrypt", question).await?;
            bytes(&answer, "CiphertextBlob").ok_or_else(odd)
        }
        .boxed()
    }

    fn unwrap<'a>(
        &'a self,
        purpose: Purpose,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<[u8; 32]>> {
        let question = json!({
            "KeyId": self.settings.key_id,
            "CiphertextBlob": STANDARD.encode(wrapped),
            "EncryptionContext": context(purpose),
        });
        async move {
            let answer = self.ask("Decrypt", question).await?;
            let key = bytes(&answer, "Plaintext").ok_or_else(odd)?;
            <[u8; 32]>::try_from(key.as_slice()).map_err(|_| odd())
        }
        .boxed()
    }
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsKms({} at {})", self.name, self.host)
    }
}

/// What a wrapped key is bound to: it opens for nothing else, and the service's own log tells what for.
fn context(purpose: Purpose) -> Value {
    json!({ "carebridge": "data key", "purpose": purpose.as_str() })
}

async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if text.len() + chunk.len() > KMS_ANSWER_BYTES_MAX {
            return Err(odd());
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn bytes(answer: &Value, name: &str) -> Option<Vec<u8>> {
    STANDARD.decode(answer.get(name)?.as_str()?).ok()
}

/// Host and port of an origin, as the header `Host` has them.
fn authority(origin: &str) -> Option<String> {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    (!rest.is_empty() && rest.chars().all(plain)).then(|| rest.to_owned())
}

fn unreachable(fault: reqwest::Error) -> Error {
    let text = "The key management service does not answer. Look at `[seal.kms]` and the network.";
    Error::new(Kind::Unavailable, text).caused_by(fault)
}

fn odd() -> Error {
    let text = "What answers as the key management service is none: look at `endpoint` under `[seal.kms]`.";
    Error::new(Kind::Unavailable, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_origin() {
        for (endpoint, host) in [
            (None, Some("kms.eu-central-1.amazonaws.com")),
            (
                Some("https://vpce-1.kms.eu-central-1.vpce.amazonaws.com/"),
                Some("vpce-1.kms.eu-central-1.vpce.amazonaws.com"),
            ),
            (Some("http://127.0.0.1:4566"), Some("127.0.0.1:4566")),
            (Some("https://a/b"), None),
            (Some("https://u@a"), None),
            (Some("a"), None),
            (Some("https://"), None),
        ] {
            let settings = AwsSettings {
                key_id: "alias/a".to_owned(),
                region: "eu-central-1".to_owned(),
                endpoint: endpoint.map(str::to_owned),
                credentials: Credentials {
                    id: "i".to_owned(),
                    secret: "s".to_owned(),
                    session: None,
                },
            };
            let kms = AwsKms::new(settings, Clock::system());
            assert_eq!(kms.as_ref().ok().map(|kms| kms.host.as_str()), host, "{endpoint:?}");
            assert!(kms.ok().is_none_or(|kms| kms.kek() == "aws:alias/a"));
        }
    }
}
