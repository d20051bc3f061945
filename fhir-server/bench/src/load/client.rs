//! One HTTP/1.1 connection, kept alive and opened anew when the server closed it.

use super::endpoint::Endpoint;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_MAX};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header::{self, HeaderMap, HeaderName},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle};

/// A request, ready to be sent to any endpoint.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// What follows the base.
    pub(crate) path: String,
    pub(crate) header: Option<(HeaderName, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Call {
    /// A GET of `path`.
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, header: None, content_type: "", body: Bytes::new() }
    }

    /// A request with a FHIR body.
    pub(crate) fn with_resource(method: Method, path: String, body: String) -> Self {
        let content_type = "application/fhir+json";
        Self { method, path, header: None, content_type, body: body.into() }
    }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header as text; empty when absent or not text.
    pub(crate) fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// A client with one request under way at a time.
pub(crate) struct Client {
    endpoint: Endpoint,
    open: Option<(SendRequest<Full<Bytes>>, JoinHandle<()>)>,
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, open: None }
    }

    /// Sends a request and reads the answer, within [`ANSWER_MAX`].
    pub(crate) async fn send(&mut self, call: Call) -> Result<Answer> {
        let what = format!("{} {}{}", call.method, self.endpoint.base, call.path);
        let request = self.request(call)?;
        let exchange = async {
            let sender = self.sender().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = tokio::time::timeout(ANSWER_MAX, exchange).await;
        let answer = answer.map_err(anyhow::Error::from).and_then(|answer| answer);
        if answer.is_err() {
            self.open = None;
        }
        answer.context(what)
    }

    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>> {
        let Endpoint { authority, base, authorization, .. } = &self.endpoint;
        let path = match format!("{base}{}", call.path) {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        };
        let mut request = Request::builder()
            .method(call.method)
            .uri(path)
            .header(header::HOST, authority)
            .header(header::ACCEPT, "application/fhir+json");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some((name, value)) = call.header {
            request = request.header(name, value);
        }
        if !call.content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, call.content_type);
        }
        Ok(request.body(Full::new(call.body))?)
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        let usable = match &mut self.open {
            Some((sender, _)) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = TcpStream::connect(self.endpoint.address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            let task = tokio::spawn(async move {
                // Its error is the request's error too, and is reported there.
                drop(connection.await);
            });
            self.open = Some((sender, task));
        }
        let (sender, _) = self.open.as_mut().context("the connection was just opened")?;
        Ok(sender)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.open {
            task.abort();
        }
    }
}
