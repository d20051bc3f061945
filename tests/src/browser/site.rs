//! An app of others: a site that serves two pages of ours and the published SMART client, on a loopback port of its own.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::look::library;

/// Where the client begins: `iss` of the query says at which server, `launch` by what it was started.
const BEGIN: &str = r#"<!DOCTYPE html><html lang="en"><title>An app begins</title>
<link rel="icon" href="data:,"><script src="/client.js"></script>
<p>One moment …</p><script>FHIR.oauth2.authorize(SETTINGS)</script></html>"#;

/// Where people come back to: the client exchanges the code, and stands ready as `client`.
const BACK: &str = r#"<!DOCTYPE html><html lang="en"><title>An app</title>
<link rel="icon" href="data:,"><script src="/client.js"></script>
<h1>The app</h1><p id="said">…</p><script>
const say = (words) => { document.getElementById("said").textContent = words };
FHIR.oauth2.ready().then(
  (ready) => { window.client = ready; say("ready for " + ready.patient.id) },
  (fault) => say("refused: " + fault.message));
</script></html>"#;

/// The site. Dropping it ends it.
#[derive(Debug)]
pub struct Site {
    /// `http://127.0.0.1:…`.
    pub origin: String,
    settings: Arc<OnceLock<Value>>,
    serving: JoinHandle<()>,
}

impl Site {
    /// Serves it.
    ///
    /// # Errors
    /// The client is not installed.
    pub async fn start() -> Result<Self> {
        let client = Bytes::from(library("fhir-client.pure.min.js")?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let settings = Arc::<OnceLock<Value>>::default();
        let known = Arc::clone(&settings);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (known, client) = (Arc::clone(&known), client.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = answer(request.uri().path(), known.get(), &client);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { origin, settings, serving })
    }

    /// Says as whom it asks, and what for.
    ///
    /// # Errors
    /// It was said before.
    pub fn asks(&self, client_id: &str, scope: &str) -> Result<()> {
        let settings = json!({ "clientId": client_id, "scope": scope, "redirectUri": self.redirect(),
            "pkceMode": "required" });
        self.settings.set(settings).ok().context("it was said before")
    }

    /// Where an app is started.
    #[must_use]
    pub fn launch_url(&self) -> String {
        format!("{}/launch", self.origin)
    }

    /// Where people come back to.
    #[must_use]
    pub fn redirect(&self) -> String {
        format!("{}/back", self.origin)
    }
}

fn answer(
    path: &str,
    settings: Option<&Value>,
    client: &Bytes,
) -> Response<http_body_util::Full<Bytes>> {
    let html = "text/html; charset=utf-8";
    let (kind, body) = match (path, settings) {
        ("/client.js", _) => ("text/javascript", client.clone()),
        ("/launch", Some(settings)) => {
            (html, BEGIN.replace("SETTINGS", &settings.to_string()).into())
        }
        ("/back", _) => (html, Bytes::from(BACK)),
        _ => ("text/plain", Bytes::new()),
    };
    let status = if body.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let mut response = Response::new(http_body_util::Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
