//! Requests to a FHIR server that survive its bad moments: paused and repeated on 429, 502, 503,
//! 504 and lost connections, with a new token on 401.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};

use crate::auth::Tokens;
use crate::connection::{Connection, Retry};
use crate::limits::{ANSWER_BYTES_MAX, CONNECT_TIMEOUT, PROBE_TIMEOUT, REQUEST_TIMEOUT};
use crate::outcome;

/// Why nothing more can be had from a server: what every further request would meet as well.
#[derive(Debug)]
pub(crate) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// The end of all requests, and why.
pub(crate) fn refusal(sentence: String) -> anyhow::Error {
    Refusal(sentence).into()
}

/// A server, shared by all that send to it.
#[derive(Debug)]
pub(crate) struct Server {
    http: reqwest::Client,
    base: Url,
    tokens: Tokens,
    retry: Retry,
    retried: AtomicU64,
    trouble: Arc<Trouble>,
}

/// Why requests wait to be repeated, for whoever watches; empty while all is well.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<String>);

impl Trouble {
    fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// It is the answer of an earlier request with the same key.
    pub(crate) repeated: bool,
}

impl Server {
    pub(crate) fn new(connection: &Connection) -> Result<Arc<Self>> {
        let text = connection.url.trim_end_matches('/');
        let base = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .with_context(|| format!("--url: {text:?} is not an http or https URL."))?;
        // Another part of the program may have chosen a provider already: then that one is used.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .user_agent(concat!("carebridge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .context("The HTTP client cannot be set up.")?;
        let tokens = Tokens::new(connection.auth.clone());
        let (retry, trouble) = (connection.retry, Arc::default());
        Ok(Arc::new(Self { http, base, tokens, retry, retried: 0.into(), trouble }))
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Requests that had to be repeated so far.
    pub(crate) fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// What requests wait for now.
    pub(crate) fn trouble(&self) -> Arc<Trouble> {
        Arc::clone(&self.trouble)
    }

    /// The base, or a path below it.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if !path.is_empty() {
            url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        }
        url
    }

    /// A path of the server's origin.
    pub(crate) fn at_origin(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(None);
        url
    }

    /// A link that the server gave, at the address under which we know it: a server behind a
    /// tunnel names another host, and a token must never follow a link elsewhere.
    pub(crate) fn follow(&self, link: &str) -> Result<Url> {
        let target = self.base.join(link).with_context(|| format!("{link:?} is no link."))?;
        if !target.path().starts_with(self.base.path()) {
            bail!("The server's link {target} leads out of {}.", self.base);
        }
        let mut url = self.at_origin(target.path());
        url.set_query(target.query());
        Ok(url)
    }

    /// Learns in a few seconds whether somebody answers, before anything else is asked, and who: what the
    /// server names its instance by, if it does.
    ///
    /// # Errors
    /// Nobody does, or there is no FHIR: a sentence that says what to do.
    pub(crate) async fn probe(&self) -> Result<Option<String>> {
        let (url, began) = (self.url("metadata"), Instant::now());
        let mut n = 0;
        loop {
            n += 1;
            let error = match self.http.get(url.clone()).timeout(PROBE_TIMEOUT).send().await {
                Ok(answer) if answer.status() == StatusCode::NOT_FOUND => bail!(
                    "{url} is not there (404): --url must name the base of a FHIR server, as \
                     http://127.0.0.1:8080/fhir."
                ),
                Ok(answer) => return Ok(instance(answer).await),
                // It is there, and busy: requests have more time.
                Err(error) if error.is_timeout() && !error.is_connect() => return Ok(None),
                Err(error) => error.into(),
            };
            if is_untrusted(&error) {
                bail!(
                    "{} shows a certificate that is not trusted here ({}): use the name that it is for, or \
                     have SSL_CERT_FILE name a file with the certificate of who issued it.",
                    self.base,
                    plainly(&error)
                );
            }
            let pause = self.retry.pause(n, None);
            if began.elapsed() + pause >= self.retry.patience {
                bail!(
                    "Nobody answers at {} ({}): start the server, or name another with --url.",
                    self.base,
                    plainly(&error)
                );
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends a request with a token; any status that trying again would not change is an answer.
    ///
    /// # Errors
    /// The server could not be reached, stayed busy, or refuses the credentials.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let request = request.header(ACCEPT, "application/fhir+json");
        let token = self.tokens.bearer(self).await?;
        let mut answer = self.retrying(&authorised(&request, token.as_deref())?).await?;
        if answer.status == 401 && self.tokens.refused(token.as_deref()).await {
            let token = self.tokens.bearer(self).await?;
            answer = self.retrying(&authorised(&request, token.as_deref())?).await?;
        }
        if answer.status == 401 {
            let said = outcome::read(&answer.body).text;
            let whose = if token.is_some() { "the token" } else { "a request without a token" };
            return Err(refusal(format!("{} refuses {whose} (401): {said}", self.base)));
        }
        Ok(answer)
    }

    /// Sends a request as it is, again and again while the server is busy or away.
    pub(crate) async fn retrying(&self, request: &RequestBuilder) -> Result<Answer> {
        let mut n = 0;
        loop {
            n += 1;
            let (trouble, wish) = match self.once(copied(request)?).await {
                Ok((answer, _)) if !matches!(answer.status, 429 | 502 | 503 | 504) => {
                    if n > 1 {
                        self.trouble.set(String::new());
                    }
                    return Ok(answer);
                }
                Ok((answer, wish)) => (format!("answers {}", answer.status), wish),
                Err(error) => (format!("cannot be reached: {}", plainly(&error)), None),
            };
            if n >= self.retry.tries {
                return Err(refusal(format!("{} {trouble}, even after {n} tries.", self.base)));
            }
            self.retried.fetch_add(1, Ordering::Relaxed);
            self.trouble.set(format!("{} {trouble}; trying again", self.base));
            tokio::time::sleep(self.retry.pause(n, wish)).await;
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<(Answer, Option<Duration>)> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let wish = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wish = wish.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let repeated = response.headers().contains_key("idempotency-replayed");
        let body = body(response).await?;
        Ok((Answer { status, body, repeated }, wish))
    }
}

/// The id of a CapabilityStatement.
async fn instance(answer: reqwest::Response) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Statement {
        id: Option<String>,
    }
    serde_json::from_slice::<Statement>(&body(answer).await.ok()?).ok()?.id
}

fn copied(request: &RequestBuilder) -> Result<RequestBuilder> {
    request.try_clone().ok_or_else(|| anyhow!("A request with a streamed body cannot be repeated."))
}

fn authorised(request: &RequestBuilder, token: Option<&str>) -> Result<RequestBuilder> {
    let copy = copied(request)?;
    Ok(match token {
        Some(token) => copy.bearer_auth(token),
        None => copy,
    })
}

async fn body(mut response: Response) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            bail!("an answer is longer than {ANSWER_BYTES_MAX} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// An error's innermost cause: `connection refused` says more than `error sending request`.
fn plainly(error: &anyhow::Error) -> String {
    error.root_cause().to_string()
}

/// Whether somebody answered whose certificate does not show who it is: trying again changes nothing.
fn is_untrusted(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let mut within = Some(cause);
        // An error of a stream may hold another; its source is that of what it holds.
        while let Some(io) = within.and_then(|held| held.downcast_ref::<std::io::Error>()) {
            within = io.get_ref().map(|held| held as &(dyn std::error::Error + 'static));
        }
        let tls = within.and_then(|held| held.downcast_ref());
        matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Auth;

    fn server(url: &str) -> Arc<Server> {
        let auth = Auth::None;
        Server::new(&Connection { url: url.into(), auth, retry: Retry::default() }).unwrap()
    }

    #[test]
    fn links_are_followed_only_below_the_base() {
        let server = server("http://127.0.0.1:8080/fhir/");
        for (link, url) in [
            (
                "http://127.0.0.1:8080/fhir/Patient?p=2",
                Some("http://127.0.0.1:8080/fhir/Patient?p=2"),
            ),
            ("https://public.example/fhir?x=1", Some("http://127.0.0.1:8080/fhir?x=1")),
            ("/fhir/Patient?p=3", Some("http://127.0.0.1:8080/fhir/Patient?p=3")),
            ("http://evil.example/other", None),
        ] {
            assert_eq!(server.follow(link).ok().map(String::from), url.map(str::to_owned));
        }
        assert_eq!(server.url("Patient/1").as_str(), "http://127.0.0.1:8080/fhir/Patient/1");
        assert_eq!(server.url("").as_str(), "http://127.0.0.1:8080/fhir");
        assert_eq!(server.at_origin("/auth/token").as_str(), "http://127.0.0.1:8080/auth/token");
    }

    #[test]
    fn urls_are_checked() {
        for bad in ["", "localhost:8080", "ftp://x/fhir", "http://"] {
            let connection = Connection { url: bad.into(), ..Connection::default() };
            let error = Server::new(&connection).unwrap_err().to_string();
            assert!(error.ends_with("is not an http or https URL."), "{error}");
        }
    }
}
