//! Requests to a FHIR server that survive its bad moments: paused and repeated on 429, 502, 503,
//! 504 and lost connections, with a new token on 401.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, Url};

use crate::auth::{Auth, Tokens};
use crate::limits::{
    ANSWER_BYTES_MAX, CONNECT_TIMEOUT, PAUSE_FIRST, PAUSE_MAX, REQUEST_TIMEOUT, TRIES_MAX,
};

/// Where the server is and how to speak to it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// FHIR base, as `http://127.0.0.1:8080/fhir`.
    pub url: String,
    /// How requests are authorised.
    pub auth: Auth,
    /// When to try again.
    pub retry: Retry,
}

impl Default for Connection {
    fn default() -> Self {
        let url = "http://127.0.0.1:8080/fhir".to_owned();
        Self { url, auth: Auth::default(), retry: Retry::default() }
    }
}

/// When to try a request again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Tries in all.
    pub tries: u32,
    /// The first pause; it doubles each time.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: TRIES_MAX, first: PAUSE_FIRST, longest: PAUSE_MAX }
    }
}

impl Retry {
    /// The pause before try `n` (from 1), between half and all of what doubling gives, so that
    /// many clients do not come back at once; the server's own wish if it has one.
    fn pause(&self, n: u32, wish: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << n.saturating_sub(1).min(16));
        let jittered = doubled.mul_f64(0.5 + 0.5 * fastrand::f64());
        wish.map_or(jittered, |wish| wish.max(jittered)).min(self.longest)
    }
}

/// A server, shared by all that send to it.
#[derive(Debug)]
pub(crate) struct Server {
    http: reqwest::Client,
    base: Url,
    tokens: Tokens,
    retry: Retry,
    retried: AtomicU64,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Server {
    pub(crate) fn new(connection: &Connection) -> Result<Arc<Self>> {
        let text = connection.url.trim_end_matches('/');
        let base = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .with_context(|| format!("{text:?} is not an http or https URL."))?;
        // Another part of the program may have chosen a provider already: then that one is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .user_agent(concat!("carebridge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .context("The HTTP client cannot be set up.")?;
        let tokens = Tokens::new(connection.auth.clone());
        Ok(Arc::new(Self { http, base, tokens, retry: connection.retry, retried: 0.into() }))
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Requests that had to be repeated so far.
    pub(crate) fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
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

    /// Sends a request with a token; any status that trying again would not change is an answer.
    ///
    /// # Errors
    /// The server could not be reached, stayed busy, or gives no token.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let request = request.header(ACCEPT, "application/fhir+json");
        let token = self.tokens.bearer(self).await?;
        let answer = self.retrying(&authorised(&request, token.as_deref())?).await?;
        if answer.status != 401 || !self.tokens.refused(token.as_deref()).await {
            return Ok(answer);
        }
        let token = self.tokens.bearer(self).await?;
        self.retrying(&authorised(&request, token.as_deref())?).await
    }

    /// Sends a request as it is, again and again while the server is busy or away.
    pub(crate) async fn retrying(&self, request: &RequestBuilder) -> Result<Answer> {
        let mut n = 0;
        loop {
            n += 1;
            let (trouble, wish) = match self.once(copied(request)?).await {
                Ok((answer, _)) if !matches!(answer.status, 429 | 502 | 503 | 504) => {
                    return Ok(answer);
                }
                Ok((answer, wish)) => (format!("answers {}", answer.status), wish),
                Err(error) => (format!("cannot be reached: {}", plainly(&error)), None),
            };
            if n >= self.retry.tries {
                bail!("{} {trouble}, even after {n} tries.", self.base);
            }
            self.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(self.retry.pause(n, wish)).await;
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<(Answer, Option<Duration>)> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let wish = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wish = wish.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let body = body(response).await?;
        Ok((Answer { status, body }, wish))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Arc<Server> {
        let auth = Auth::None;
        Server::new(&Connection { url: url.into(), auth, retry: Retry::default() }).unwrap()
    }

    #[test]
    fn pauses_double_and_stay_bounded() {
        let retry = Retry::default();
        for (n, wish_s, low_ms, high_ms) in [
            (1, None, 125, 250),
            (3, None, 500, 1_000),
            (30, None, 15_000, 30_000),
            (1, Some(7), 7_000, 7_000),
            (1, Some(9_999), 30_000, 30_000),
            (4, Some(0), 1_000, 2_000),
        ] {
            let pause = retry.pause(n, wish_s.map(Duration::from_secs)).as_millis();
            assert!((low_ms..=high_ms).contains(&pause), "{n} {wish_s:?}: {pause}");
        }
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
