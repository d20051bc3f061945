//! One connection for one request: made to an address that was judged, and closed after the answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use crate::call::Answer;
use crate::fault::Fault;
use crate::host::Host;
use crate::limits::{ANSWER_BYTES_MAX, CONNECT_MAX, HEAD_BYTES_MAX, HEADERS_MAX};

/// Connects to the first address that takes it.
pub(crate) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
    let mut fault = Fault::Resolve(None);
    for address in addresses {
        fault = match timeout(CONNECT_MAX, TcpStream::connect(*address)).await {
            Ok(Ok(stream)) => {
                // One request, one answer: there is nothing to collect.
                drop(stream.set_nodelay(true));
                return Ok(stream);
            }
            Ok(Err(error)) => Fault::Connect(error),
            Err(_) => Fault::Connect(io::ErrorKind::TimedOut.into()),
        };
    }
    Err(fault)
}

/// Has the host show that it is the one that the URL names, whatever address it has.
pub(crate) async fn shake_hands(
    config: Arc<ClientConfig>,
    host: &Host,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = match host {
        Host::Address(address) => ServerName::from(IpAddr::clone(address)),
        Host::Name(name) => ServerName::try_from(name.to_string())
            .map_err(|_| Fault::Url("its host is no name that a certificate can have"))?,
    };
    TlsConnector::from(config).connect(name, stream).await.map_err(Fault::Tls)
}

/// Sends the request and reads the answer.
pub(crate) async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut client = http1::Builder::new();
    client.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) =
        client.handshake(TokioIo::new(stream)).await.map_err(Fault::Http)?;
    let _driving = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = sender.send_request(request).await.map_err(Fault::Http)?;
    let (parts, body) = answer.into_parts();
    if let 301 | 302 | 303 | 307 | 308 = parts.status.as_u16() {
        return Err(Fault::Redirect(parts.status.as_u16()));
    }
    if is_encoded(&parts.headers) {
        return Err(Fault::Encoded);
    }
    Ok(Answer { status: parts.status, headers: parts.headers, body: whole(body).await? })
}

/// Nothing is decompressed here: what was promised to be small could not be counted before.
fn is_encoded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    codings.into_iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Counted as it comes: what an answer says of its length is only believed where it says too much.
async fn whole(mut body: Incoming) -> Result<Bytes, Fault> {
    let said = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if said > ANSWER_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let mut all = BytesMut::with_capacity(said);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(Fault::Http)?.into_data() {
            if all.len().saturating_add(data.len()) > ANSWER_BYTES_MAX {
                return Err(Fault::TooLarge);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(all.freeze())
}
