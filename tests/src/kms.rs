//! A double of AWS Key Management Service: `Encrypt` and `Decrypt` of symmetric keys over its wire protocol (JSON 1.1).
//!
//! It judges signatures by its own reading of Signature Version 4, keeps its keys, rotates them as the service does
//! (a new backing key encrypts, the ones before still decrypt), binds the encryption context, and has its faults: keys
//! disabled or gone, throttling, inner faults, no answer at all. What it refuses has the names of the service's errors.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::NaiveDateTime;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use telemetry::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How far the date of a request may be from now, in seconds.
const SKEW_S: i64 = 300;

/// What the service does in the place of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsFault {
    /// `ThrottlingException`.
    Throttle,
    /// `KMSInternalException`, 500.
    Internal,
    /// Takes the request and says nothing.
    Silence,
}

/// The double. Dropping it ends it.
#[derive(Debug)]
pub struct Kms {
    /// Where it listens: an origin.
    pub endpoint: String,
    /// The id of the access key that it knows.
    pub access_key: String,
    /// That key's secret.
    pub secret: String,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Key>,
    fault: Option<KmsFault>,
    /// Operations carried out.
    calls: usize,
    /// Requests that were refused for their signature.
    forged: usize,
}

#[derive(Debug)]
struct Key {
    /// The newest encrypts.
    backing: Vec<[u8; 32]>,
    enabled: bool,
}

/// A refusal: HTTP status, the name of the error.
type Refusal = (u16, &'static str);

impl Kms {
    /// Starts it on a free port of loopback, with these keys.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(keys: &[&str]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: SocketAddr = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let (access_key, secret) = ("AKIDOUBLE".to_owned(), "a secret of the double".to_owned());
        let known = (access_key.clone(), secret.clone());
        let serving = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, known) = (Arc::clone(&serving), known.clone());
                tokio::spawn(async move {
                    let answering =
                        service_fn(|request| answer(Arc::clone(&state), known.clone(), request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answering);
                    drop(connection.await);
                });
            }
        });
        let kms =
            Self { endpoint: format!("http://{address}"), access_key, secret, state, listening };
        for key in keys {
            kms.rotate(key)?;
        }
        Ok(kms)
    }

    /// Gives a key another backing key, which encrypts from now on; makes the key where there is none.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn rotate(&self, key: &str) -> Result<()> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes)?;
        let mut state = self.state();
        let key = state.keys.entry(key.to_owned());
        let key = key.or_insert_with(|| Key { backing: Vec::new(), enabled: true });
        key.backing.push(bytes);
        Ok(())
    }

    /// Says whether a key may be used.
    pub fn enable(&self, key: &str, enabled: bool) {
        if let Some(key) = self.state().keys.get_mut(key) {
            key.enabled = enabled;
        }
    }

    /// Has a fault from now on, or none.
    pub fn fault(&self, fault: Option<KmsFault>) {
        self.state().fault = fault;
    }

    /// How many operations were carried out, and how many requests refused for their signature.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.calls, state.forged)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    (access_key, secret): (String, String),
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let fault = state.lock().unwrap_or_else(PoisonError::into_inner).fault;
    if fault == Some(KmsFault::Silence) {
        std::future::pending::<()>().await;
    }
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let outcome = match fault {
        Some(KmsFault::Throttle) => Err((400, "ThrottlingException")),
        Some(KmsFault::Internal) => Err((500, "KMSInternalException")),
        _ => expect_signed(&head.headers, &body, &access_key, &secret)
            .inspect_err(|_| state.forged += 1)
            .and_then(|()| state.perform(&head.headers, &body)),
    };
    let (status, body) = match outcome {
        Ok(value) => (200, value),
        Err((status, name)) => (status, json!({ "__type": name, "message": "said by the double" })),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::new(Bytes::from(body.to_string())));
    Ok(response.unwrap_or_default())
}

impl State {
    fn perform(&mut self, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
        let question: Value =
            serde_json::from_slice(body).map_err(|_| (400, "SerializationException"))?;
        let text = |name: &str| question.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            let bytes = text(name).and_then(|text| BASE64_STANDARD.decode(text).ok());
            bytes.ok_or((400, "ValidationException"))
        };
        // As a map that is in order, so that the order in which it was written does not matter.
        let context: BTreeMap<String, String> = match question.get("EncryptionContext") {
            None => BTreeMap::new(),
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|_| (400, "SerializationException"))?,
        };
        let context = serde_json::to_vec(&context).map_err(|_| (400, "ValidationException"))?;
        let answer = match header(headers, "x-amz-target") {
            "TrentService.Encrypt" => {
                let id = text("KeyId").ok_or((400, "ValidationException"))?;
                let blob = self.encrypt(id, &bytes("Plaintext")?, &context)?;
                json!({ "KeyId": id, "CiphertextBlob": BASE64_STANDARD.encode(blob), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" })
            }
            "TrentService.Decrypt" => {
                let (id, plain) = self.decrypt(&bytes("CiphertextBlob")?, &context)?;
                if text("KeyId").is_some_and(|named| named != id) {
                    return Err((400, "IncorrectKeyException"));
                }
                json!({ "KeyId": id, "Plaintext": BASE64_STANDARD.encode(plain), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" })
            }
            _ => return Err((400, "UnknownOperationException")),
        };
        self.calls += 1;
        Ok(answer)
    }

    fn key(&self, id: &str) -> Result<&Key, Refusal> {
        let key = self.keys.get(id).ok_or((400, "NotFoundException"))?;
        if key.enabled { Ok(key) } else { Err((400, "DisabledException")) }
    }

    fn encrypt(&self, id: &str, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, Refusal> {
        let broken = |_| (500, "KMSInternalException");
        if plain.is_empty() || plain.len() > 4096 {
            return Err((400, "ValidationException"));
        }
        let key = self.key(id)?;
        let newest = key.backing.len() - 1;
        let (mut nonce, mut sealed) = ([0; NONCE_LEN], plain.to_vec());
        rand::fill(&mut nonce).map_err(broken)?;
        cipher(key, newest)?
            .seal_in_place_append_tag(Nonce::from(&nonce), Aad::from(context), &mut sealed)
            .map_err(broken)?;
        let blob = json!({ "k": id, "b": newest, "n": nonce, "c": sealed });
        Ok(blob.to_string().into_bytes())
    }

    fn decrypt(&self, blob: &[u8], context: &[u8]) -> Result<(String, Vec<u8>), Refusal> {
        let torn = (400, "InvalidCiphertextException");
        let blob: Value = serde_json::from_slice(blob).map_err(|_| torn)?;
        let part = |name: &str| blob.get(name).cloned().ok_or(torn);
        let id: String = serde_json::from_value(part("k")?).map_err(|_| torn)?;
        let newest: usize = serde_json::from_value(part("b")?).map_err(|_| torn)?;
        let nonce: [u8; NONCE_LEN] = serde_json::from_value(part("n")?).map_err(|_| torn)?;
        let mut sealed: Vec<u8> = serde_json::from_value(part("c")?).map_err(|_| torn)?;
        let plain = cipher(self.key(&id)?, newest)?
            .open_in_place(Nonce::from(&nonce), Aad::from(context), &mut sealed)
            .map_err(|_| torn)?;
        Ok((id, plain.to_vec()))
    }
}

fn cipher(key: &Key, number: usize) -> Result<LessSafeKey, Refusal> {
    let bytes = key.backing.get(number).ok_or((400, "InvalidCiphertextException"))?;
    let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| (500, "KMSInternalException"))?;
    Ok(LessSafeKey::new(key))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Signature Version 4, of a POST to `/` without a query.
fn expect_signed(
    headers: &HeaderMap,
    body: &[u8],
    access_key: &str,
    secret: &str,
) -> Result<(), Refusal> {
    let incomplete = (400, "IncompleteSignatureException");
    let authorization = header(headers, "authorization");
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or(incomplete)?;
    let part = |name: &str| {
        let found = parts.split(", ").find_map(|part| part.strip_prefix(name));
        found.ok_or(incomplete)
    };
    let credential: Vec<&str> = part("Credential=")?.split('/').collect();
    let [id, day, region, service, end] = credential[..] else { return Err(incomplete) };
    if id != access_key {
        return Err((400, "UnrecognizedClientException"));
    }
    let wrong = (400, "InvalidSignatureException");
    let date = header(headers, "x-amz-date");
    let at = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").map_err(|_| wrong)?;
    let now = Clock::system().now().timestamp();
    let near = (at.and_utc().timestamp() - now).abs() <= SKEW_S;
    if !near || !date.starts_with(day) || service != "kms" || end != "aws4_request" {
        return Err(wrong);
    }
    let names = part("SignedHeaders=")?;
    for needed in ["host", "x-amz-date", "x-amz-target"] {
        if !names.split(';').any(|name| name == needed) {
            return Err(wrong);
        }
    }
    let mut canonical = "POST\n/\n\n".to_owned();
    for name in names.split(';') {
        canonical += &format!("{name}:{}\n", header(headers, name).trim());
    }
    canonical += &format!("\n{names}\n{}", hex(digest(&SHA256, body).as_ref()));
    let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{day}/{region}/{service}/{end}\n{hashed}");
    let step = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let key = step(format!("AWS4{secret}").as_bytes(), day);
    let key = step(&step(&step(&key, region), service), end);
    if hex(&step(&key, &text)) == part("Signature=")? { Ok(()) } else { Err(wrong) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
