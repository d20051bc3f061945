//! One connection: its protocol, its limits, its end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use auth::Throttles;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at};
use tower::Service;

use super::activity::Activity;
use super::peer::Proxies;
use super::stalled::Stalling;
use super::{headers, host, throttle};
use crate::limits::{
    HEAD_BYTES_MAX, HEAD_MAX, HEADERS_MAX, PING_EVERY, PONG_MAX, STREAMS_MAX, WAITING_BYTES_MAX,
};
use crate::tls::Tls;

/// What is offered by ALPN.
pub(crate) const PROTOCOLS: &[&[u8]] = &[H2, b"http/1.1"];
const H2: &[u8] = b"h2";

/// Answers requests.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) router: Router,
    pub(super) proxies: Proxies,
    pub(super) throttles: Throttles,
    /// Whether clients reach it by https, here or at a proxy.
    pub(super) https: bool,
}

/// Serves connections.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) answers: Answers,
    pub(super) tls: Option<Tls>,
    /// Its sender's end is the end of all connections.
    pub(super) phase: watch::Receiver<Phase>,
    /// How long a write may wait for the client, and a connection of HTTP/2 hold its place with nothing going on;
    /// of the latter up to twice as long passes.
    pub(super) idle_max: Duration,
}

/// What all connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// They take requests.
    Run,
    /// They answer what they have taken.
    Drain,
}

impl Answers {
    /// Whether an address has sent too much for a connection more. Those of a proxy are many people's.
    fn refuses(&self, peer: SocketAddr) -> bool {
        !self.proxies.trusts(peer.ip()) && self.throttles.by_address(peer.ip()).is_err()
    }

    /// Whose share of the places it takes; a trusted proxy's are many people's.
    pub(super) fn share_of(&self, peer: SocketAddr) -> Option<IpAddr> {
        (!self.proxies.trusts(peer.ip())).then_some(peer.ip())
    }

    /// Answers one request.
    async fn answer(
        mut self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Infallible> {
        let address = self.proxies.caller(peer, request.headers());
        request.extensions_mut().insert(ConnectInfo(address));
        let refusal = throttle::refusal(&self.throttles, address, &request);
        let mut response = match refusal.or_else(|| host::refusal(&request)) {
            Some(refusal) => refusal,
            None => self.router.call(request).await?,
        };
        headers::complete(response.headers_mut(), self.https);
        Ok(response)
    }
}

impl Serving {
    /// Serves a connection to its end.
    pub(super) async fn serve(mut self, stream: TcpStream, peer: SocketAddr) {
        let stream = Stalling::new(stream, self.idle_max);
        let Some(tls) = self.tls.clone() else { return self.http1(stream, peer).await };
        // A handshake costs more than most requests. Nothing can be said yet but by closing.
        if self.answers.refuses(peer) {
            return;
        }
        let shaken = tokio::select! {
            biased;
            _ = self.phase.wait_for(|phase| *phase != Phase::Run) => None,
            shaken = tls.shake_hands(stream, self.answers.share_of(peer)) => shaken,
        };
        let Some(stream) = shaken else { return };
        match stream.get_ref().1.alpn_protocol() {
            Some(H2) => self.http2(stream, peer).await,
            _ => self.http1(stream, peer).await,
        }
    }

    async fn http1<S>(self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
        server.max_header_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
        server.keep_alive(true).half_close(false);
        let answers = self.answers.clone();
        let service = service_fn(move |request| answers.clone().answer(request, peer));
        self.drive(server.serve_connection(TokioIo::new(stream), service), None).await;
    }

    /// HTTP/2, behind TLS only. <https://www.rfc-editor.org/rfc/rfc9113#section-10.5>
    async fn http2<S>(self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut server = http2::Builder::new(TokioExecutor::new());
        server.timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
        server.max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX));
        server.max_send_buf_size(WAITING_BYTES_MAX);
        server.keep_alive_interval(PING_EVERY).keep_alive_timeout(PONG_MAX);
        let (answers, activity) = (self.answers.clone(), Activity::default());
        let watched = activity.clone();
        let service = service_fn(move |request| {
            let (open, answering) = (activity.begin(), answers.clone().answer(request, peer));
            async move {
                let answer = answering.await?;
                Ok::<_, Infallible>(answer.map(|body| open.answering(body)))
            }
        });
        self.drive(server.serve_connection(TokioIo::new(stream), service), Some(watched)).await;
    }

    /// Lets a connection run until it ends, is told to end, or is cut.
    async fn drive<C: GracefulConnection>(mut self, connection: C, activity: Option<Activity>) {
        let mut connection = pin!(connection);
        let mut looks = interval_at(Instant::now() + self.idle_max, self.idle_max);
        let (mut told, mut idle) = (false, None);
        loop {
            tokio::select! {
                biased;
                // Clients that leave early are no fault of ours and many.
                served = connection.as_mut() => return drop(served),
                changed = self.phase.changed() => match changed {
                    Ok(()) => {
                        connection.as_mut().graceful_shutdown();
                        told = true;
                    }
                    Err(_) => return,
                },
                _ = looks.tick(), if activity.is_some() => {
                    let now = activity.as_ref().and_then(Activity::idle_at);
                    match now.is_some() && now == idle {
                        // Told at the look before, and still nothing goes on: it only holds a place.
                        true if told => return,
                        true => {
                            connection.as_mut().graceful_shutdown();
                            told = true;
                        }
                        false => idle = now,
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use auth::Rates;
    use axum::routing::get;
    use hyper::client::conn::http2::handshake;
    use telemetry::Ticks;
    use tokio::io::duplex;

    use super::*;

    const IDLE_MAX: Duration = Duration::from_millis(20);

    fn serving() -> (watch::Sender<Phase>, Serving) {
        let (sender, phase) = watch::channel(Phase::Run);
        let large = || async { "x".repeat(4 * WAITING_BYTES_MAX) };
        let answers = Answers {
            router: Router::new().route("/", get(async || "ok")).route("/large", get(large)),
            proxies: Proxies::new(&[]),
            throttles: Throttles::new(Rates::default(), Ticks::manual()),
            https: false,
        };
        (sender, Serving { answers, tls: None, phase, idle_max: IDLE_MAX })
    }

    #[tokio::test]
    async fn an_idle_connection_gives_its_place_back() {
        let (_sender, serving) = serving();
        let (ours, theirs) = duplex(64 * 1024);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let served = tokio::spawn(serving.http2(theirs, peer));
        let executor = TokioExecutor::new();
        let (mut sender, connection) = handshake(executor, TokioIo::new(ours)).await.unwrap();
        let driving = tokio::spawn(connection);
        let request = Request::get("http://x/").body(Body::empty()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
        // The client keeps its end open, and would do so for ever.
        served.await.unwrap();
        driving.await.unwrap().unwrap();
        assert!(sender.is_closed());
    }

    #[tokio::test]
    async fn a_connection_whose_answers_nobody_reads_gives_its_place_back() {
        let (_sender, serving) = serving();
        let (ours, theirs) = duplex(64 * 1024);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let served = tokio::spawn(serving.http2(theirs, peer));
        let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        // It lives and answers pings, but lets no answer come.
        client.initial_stream_window_size(1_024);
        let (mut sender, connection) = client.handshake(TokioIo::new(ours)).await.unwrap();
        let driving = tokio::spawn(connection);
        let request = Request::get("http://x/large").body(Body::empty()).unwrap();
        let unread = sender.send_request(request).await.unwrap();
        served.await.unwrap();
        // Cut, or told that it is over, as it came.
        drop(driving.await.unwrap());
        drop(unread);
    }
}
