//! AWS Signature Version 4, for the one kind of request that is sent: POST to `/`, a body of JSON.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use chrono::{DateTime, Utc};

/// Who asks. Prints the id only.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Of credentials that end: the token that goes with them.
    pub session: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.id)
    }
}

/// A request to be signed.
pub(crate) struct Request<'a> {
    pub(crate) host: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// Headers that are signed beside `host`, `x-amz-date` and the session's token: in lower case.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// The headers that a request needs besides its own: date, authorization, token.
pub(crate) fn headers(
    request: &Request<'_>,
    credentials: &Credentials,
    now: DateTime<Utc>,
) -> Vec<(&'static str, String)> {
    let at = now.format("%Y%m%dT%H%M%SZ").to_string();
    let day = now.format("%Y%m%d").to_string();
    let mut signed: Vec<(&str, &str)> = vec![("host", request.host), ("x-amz-date", &at)];
    signed.extend(request.headers);
    signed.extend(credentials.session.iter().map(|it| ("x-amz-security-token", it.as_str())));
    signed.sort_unstable();
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String =
        signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", sha256(request.body));
    let scope = format!("{day}/{}/{}/aws4_request", request.region, request.service);
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let first = format!("AWS4{}", credentials.secret).into_bytes();
    let key = [day.as_str(), request.region, request.service, "aws4_request"]
        .iter()
        .fold(first, |key, part| mac(&key, part));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        credentials.id,
        hex(&mac(&key, &text)),
    );
    let mut made = vec![("x-amz-date", at), ("authorization", authorization)];
    made.extend(credentials.session.iter().map(|it| ("x-amz-security-token", it.clone())));
    made
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `post-vanilla` of AWS's published test suite.
    #[test]
    fn signs_as_the_published_example() {
        let credentials = Credentials {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session: None,
        };
        let request = Request {
            host: "example.amazonaws.com",
            region: "us-east-1",
            service: "service",
            headers: &[],
            body: b"",
        };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let made = headers(&request, &credentials, now);
        assert_eq!(
            made,
            [
                ("x-amz-date", "20150830T123600Z".to_owned()),
                (
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders=host;x-amz-date, \
                     Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
                        .to_owned()
                ),
            ]
        );
        assert_eq!(format!("{credentials:?}"), "Credentials(AKIDEXAMPLE)");
    }

    #[test]
    fn what_is_signed_changes_the_signature() {
        let credentials = |session: Option<&str>| Credentials {
            id: "A".to_owned(),
            secret: "B".to_owned(),
            session: session.map(str::to_owned),
        };
        let signature = |body: &[u8], target: &str, session: Option<&str>| {
            let headers_of = [("x-amz-target", target)];
            let request =
                Request { host: "h", region: "r", service: "kms", headers: &headers_of, body };
            headers(&request, &credentials(session), DateTime::UNIX_EPOCH)
        };
        let first = signature(b"{}", "a", None);
        assert_eq!(first, signature(b"{}", "a", None));
        assert_ne!(first, signature(b"{ }", "a", None));
        assert_ne!(first, signature(b"{}", "b", None));
        let with_token = signature(b"{}", "a", Some("t"));
        assert_eq!(with_token.last(), Some(&("x-amz-security-token", "t".to_owned())));
        assert!(
            with_token
                .iter()
                .any(|(_, value)| value.contains("x-amz-date;x-amz-security-token;x-amz-target"))
        );
    }
}
