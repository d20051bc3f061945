//! A FHIR client that keeps the exact text of every answer.

use anyhow::{Context, Result};
use canonical_model::{Value, json};
use reqwest::{Method, RequestBuilder};

/// A client with a token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// The FHIR base URL.
    pub base: String,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as it came.
    pub text: String,
}

impl Client {
    /// Gets a token by client credentials.
    ///
    /// # Errors
    /// The server refuses or cannot be reached.
    pub async fn connect(origin: &str, id: &str, secret: &str) -> Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http
            .post(format!("{origin}/auth/token"))
            .basic_auth(id, Some(secret))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await?
            .error_for_status()?;
        let body = json::parse(&answer.bytes().await?)?;
        let token = body.get("access_token").and_then(Value::as_str).context("no token")?;
        Ok(Self { http, base: format!("{origin}/fhir"), token: token.to_owned() })
    }

    /// The same client without a token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { token: String::new(), ..self.clone() }
    }

    /// Sends FHIR JSON as XML, and asks for XML.
    ///
    /// # Errors
    /// The body is no resource, or the server cannot be reached.
    pub async fn send_xml(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let request = self.request(method, path).header("accept", "application/fhir+xml");
        if body.is_empty() {
            return Answer::of(request).await;
        }
        let request = request.header("content-type", "application/fhir+xml");
        Answer::of(request.body(as_xml(body)?)).await
    }

    /// The same client with another token.
    #[must_use]
    pub fn bearing(&self, token: String) -> Self {
        Self { token, ..self.clone() }
    }

    /// A request below the base; `path` begins with a slash, or is a whole URL of this server.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url);
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Sends a request without a body.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        Answer::of(self.request("GET", path).header("accept", "application/fhir+json")).await
    }

    /// Sends FHIR JSON.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn send(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let request = self
            .request(method, path)
            .header("content-type", "application/fhir+json")
            .body(body.to_owned());
        Answer::of(request).await
    }
}

/// A resource in JSON as XML.
///
/// # Errors
/// It is none.
pub fn as_xml(body: &str) -> Result<String> {
    let mut out = String::new();
    conformance::xml::write(&json::parse(body.as_bytes())?, json::Layout::Compact, &mut out)?;
    Ok(out)
}

impl Answer {
    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn of(request: RequestBuilder) -> Result<Self> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Self { status, headers, text: answer.text().await? })
    }

    /// A header's text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as exact JSON, though it came as XML.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> Result<Value> {
        if self.header("content-type").starts_with("application/fhir+xml") {
            let read = conformance::xml::read(self.text.as_bytes());
            return Ok(read.with_context(|| self.text.clone())?.into_body());
        }
        json::parse(self.text.as_bytes()).with_context(|| format!("{}: {}", self.status, self.text))
    }

    /// A member of the body, by a path such as `entry.0.resource.id`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<Value> {
        let mut value = self.json().ok()?;
        for step in path.split('.') {
            value = match step.parse::<usize>() {
                Ok(index) => value.as_array()?.get(index)?.clone(),
                Err(_) => value.get(step)?.clone(),
            };
        }
        Some(value)
    }

    /// A string member of the body.
    #[must_use]
    pub fn text_at(&self, path: &str) -> String {
        self.at(path).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The id of the resource in the body.
    #[must_use]
    pub fn id(&self) -> String {
        self.text_at("id")
    }

    /// The version of the ETag.
    #[must_use]
    pub fn version(&self) -> i64 {
        let tag = self.header("etag").trim_start_matches("W/").trim_matches('"');
        tag.parse().unwrap_or(0)
    }

    /// The entries of a bundle.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        match self.at("entry") {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        }
    }

    /// The URL of a bundle's link.
    #[must_use]
    pub fn link(&self, relation: &str) -> Option<String> {
        let links = self.at("link")?;
        let found = links
            .as_array()?
            .iter()
            .find(|link| link.get("relation").and_then(Value::as_str) == Some(relation))?;
        found.get("url").and_then(Value::as_str).map(str::to_owned)
    }
}
