//! A FHIR server small enough to read: keeps resources in memory, honours Idempotency-Key, records
//! every request, and fails on command.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use client::{Auth, Connection, Retry};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

const POISONED: &str = "this one is poisoned";

/// What to do instead of answering as asked.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answer this and do nothing.
    Status(u16),
    /// Ask to come back after so many seconds.
    Busy(u64),
    /// Do what is asked, and answer only once [`Fake::release`] is called.
    Hold,
    /// Do what is asked, then lose the connection in the middle of the answer.
    Drop,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) seen: Vec<Seen>,
    pub(crate) faults: VecDeque<Fault>,
    /// Text by `Type/id`, exactly as it came where it came singly.
    pub(crate) stored: BTreeMap<String, Value>,
    pub(crate) tokens_given: u32,
    /// Tokens up to this one are refused.
    pub(crate) tokens_expired: u32,
    /// Refuses resources whose JSON holds this word.
    pub(crate) poison: Option<String>,
    /// Refuses bundles of more entries: 413.
    pub(crate) entries_max: Option<usize>,
    answers: HashMap<String, (u16, String)>,
    created: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Fake {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
    held: Arc<Semaphore>,
    released: Arc<Semaphore>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/fhir", listener.local_addr().unwrap());
        let none = || Arc::new(Semaphore::new(0));
        let fake = Self { url, inner: Arc::default(), held: none(), released: none() };
        let router = Router::new()
            .route("/auth/token", post(token))
            .route("/fhir", any(fhir))
            .route("/fhir/{*path}", any(fhir))
            .layer(DefaultBodyLimit::disable())
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Waits until an answer is held back.
    pub(crate) async fn holds(&self) {
        self.held.acquire().await.unwrap().forget();
    }

    /// Gives one of them out.
    pub(crate) fn release(&self) {
        self.released.add_permits(1);
    }

    /// Requests to FHIR, of a method.
    pub(crate) fn seen(&self, method: &str) -> Vec<Seen> {
        self.lock().seen.iter().filter(|seen| seen.method == method).cloned().collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        let prefix = format!("{kind}/");
        self.lock().stored.keys().filter(|key| key.starts_with(&prefix)).count()
    }

    /// A connection that does not dawdle.
    pub(crate) fn connection(&self) -> Connection {
        let quick = Duration::from_millis(1);
        let retry = Retry { tries: 4, first: quick, longest: quick, patience: quick * 50 };
        Connection { url: self.url.clone(), auth: Auth::default(), retry }
    }
}

async fn token(State(fake): State<Fake>, headers: HeaderMap, body: String) -> Response {
    // dev-backend:dev-secret
    let expected = "Basic ZGV2LWJhY2tlbmQ6ZGV2LXNlY3JldA==";
    let authorised = headers.get("authorization").is_some_and(|value| value == expected);
    if !authorised || !body.contains("grant_type=client_credentials") {
        return (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#).into_response();
    }
    let mut inner = fake.lock();
    inner.tokens_given += 1;
    let token = json!({"access_token": format!("t{}", inner.tokens_given), "expires_in": 3600});
    token.to_string().into_response()
}

async fn fhir(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (fault, answer) = respond(&fake, &method, &uri, &headers, &body);
    if matches!(fault, Some(Fault::Hold)) {
        fake.held.add_permits(1);
        fake.released.acquire().await.unwrap().forget();
    }
    answer
}

fn respond(
    fake: &Fake,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> (Option<Fault>, Response) {
    let mut inner = fake.lock();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let token = text("authorization").unwrap_or_default();
    let number = token.strip_prefix("Bearer t").and_then(|number| number.parse().ok());
    if number.is_none_or(|number: u32| number <= inner.tokens_expired) {
        return (None, (StatusCode::UNAUTHORIZED, outcome("login")).into_response());
    }
    let path = uri.path_and_query().unwrap().as_str().to_owned();
    let key = text("idempotency-key");
    let body = String::from_utf8(body.to_vec()).unwrap();
    let seen = Seen { method: method.to_string(), path: path.clone(), key: key.clone(), body };
    inner.seen.push(seen.clone());
    let fault = inner.faults.pop_front();
    match fault {
        Some(Fault::Status(status)) => {
            let answer = (StatusCode::from_u16(status).unwrap(), outcome("fault"));
            return (None, answer.into_response());
        }
        Some(Fault::Busy(seconds)) => {
            let wish = [("retry-after", seconds.to_string())];
            let answer = (StatusCode::SERVICE_UNAVAILABLE, wish, outcome("busy"));
            return (None, answer.into_response());
        }
        Some(Fault::Drop | Fault::Hold) | None => {}
    }
    let known = key.as_ref().and_then(|key| inner.answers.get(key).cloned());
    let (status, text) = known.unwrap_or_else(|| inner.answer(&fake.url, &seen));
    if let Some(key) = key {
        inner.answers.insert(key, (status, text.clone()));
    }
    let status = StatusCode::from_u16(status).unwrap();
    if matches!(fault, Some(Fault::Drop)) {
        let lost =
            futures::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("lost"))]);
        return (None, (status, Body::from_stream(lost)).into_response());
    }
    (fault, (status, text).into_response())
}

fn outcome(text: &str) -> String {
    json!({"resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": text}]})
    .to_string()
}

impl Inner {
    fn answer(&mut self, base: &str, seen: &Seen) -> (u16, String) {
        let path = seen.path.trim_start_matches("/fhir").trim_start_matches('/');
        match (seen.method.as_str(), path) {
            ("GET", "metadata") => (200, capabilities()),
            ("GET", path) => self.page(base, path),
            ("POST", "") => self.bundle(&seen.body),
            ("PUT" | "POST", path) => {
                let resource = serde_json::from_str(&seen.body).unwrap();
                match self.store(&seen.method, path, resource) {
                    201 => (201, String::new()),
                    status => (status, outcome(POISONED)),
                }
            }
            _ => (405, outcome("method")),
        }
    }

    fn poisoned(&self, resource: &Value) -> bool {
        self.poison.as_ref().is_some_and(|word| resource.to_string().contains(word))
    }

    fn store(&mut self, method: &str, path: &str, resource: Value) -> u16 {
        if self.poisoned(&resource) {
            return 422;
        }
        self.created += 1;
        let key = match method {
            "PUT" => path.to_owned(),
            _ => format!("{path}/s{}", self.created),
        };
        self.stored.insert(key, resource);
        201
    }

    fn bundle(&mut self, body: &str) -> (u16, String) {
        let bundle: Value = serde_json::from_str(body).unwrap();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        if self.entries_max.is_some_and(|max| entries.len() > max) {
            return (413, outcome("too many"));
        }
        let bad = entries.iter().position(|entry| self.poisoned(&entry["resource"]));
        if let Some(n) = bad.filter(|_| bundle["type"] == "transaction") {
            let mut said: Value = serde_json::from_str(&outcome(POISONED)).unwrap();
            said["issue"][0]["expression"] = json!([format!("Bundle.entry[{n}]")]);
            return (422, said.to_string());
        }
        let mut answers = Vec::new();
        for entry in entries {
            let request = &entry["request"];
            let (method, url) = (request["method"].as_str(), request["url"].as_str());
            let response =
                match self.store(method.unwrap(), url.unwrap(), entry["resource"].clone()) {
                    201 => json!({"status": "201 Created"}),
                    status => {
                        let said: Value = serde_json::from_str(&outcome(POISONED)).unwrap();
                        json!({"status": format!("{status} Unprocessable"), "outcome": said})
                    }
                };
            answers.push(json!({"response": response}));
        }
        (200, json!({"resourceType": "Bundle", "entry": answers}).to_string())
    }

    /// Pages of two.
    fn page(&self, base: &str, path: &str) -> (u16, String) {
        let (kind, query) = path.split_once('?').unwrap_or((path, ""));
        let skip: usize = query.rsplit_once("skip=").map_or(0, |(_, n)| n.parse().unwrap());
        let prefix = format!("{kind}/");
        let all: Vec<_> = self.stored.iter().filter(|(key, _)| key.starts_with(&prefix)).collect();
        let mut link = Vec::new();
        if all.len() > skip + 2 {
            // As a server behind a tunnel would: under its public name.
            let public = base.replace("127.0.0.1", "fhir.example");
            link.push(
                json!({"relation": "next", "url": format!("{public}/{kind}?skip={}", skip + 2)}),
            );
        }
        let entries = all
            .iter()
            .skip(skip)
            .take(2)
            .map(|(_, resource)| json!({"resource": resource, "search": {"mode": "match"}}));
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": link,
            "entry": entries.collect::<Vec<_>>()});
        (200, serde_json::to_string_pretty(&bundle).unwrap())
    }
}

fn capabilities() -> String {
    json!({"resourceType": "CapabilityStatement", "rest": [{"resource": [
        {"type": "Patient", "interaction": [{"code": "read"}, {"code": "search-type"}]},
        {"type": "Observation", "interaction": [{"code": "search-type"}]},
        {"type": "Device", "interaction": [{"code": "search-type"}]},
        {"type": "Binary", "interaction": [{"code": "read"}]},
    ]}]})
    .to_string()
}

/// A folder of its own, removed at the end.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("client-test-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Names of all files below, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => walk(root, &path, found),
                    false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &self.0, &mut found);
        found.sort();
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
