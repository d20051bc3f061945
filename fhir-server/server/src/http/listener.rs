//! Connections: accepted up to a limit, held to a time for each head, drained at the end.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, DRAIN_MAX, HEAD_BYTES_MAX, HEAD_MAX};
use crate::start::Drain;

/// Serves until `stop`, then lets what is in flight finish, within a limit.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> Drain {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (graceful, cut) = (GracefulShutdown::new(), CancellationToken::new());
    let server = server();
    loop {
        let (stream, peer, place) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let cut = cut.clone();
        tokio::spawn(async move {
            tokio::select! {
                // Clients that leave early are no fault of ours and many.
                served = connection => drop(served),
                () = cut.cancelled() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    match timeout(DRAIN_MAX, graceful.shutdown()).await {
        Ok(()) => Drain::Complete,
        Err(_) => {
            cut.cancel();
            Drain::Cut
        }
    }
}

fn server() -> http1::Builder {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_header_size(HEAD_BYTES_MAX);
    server.keep_alive(true).half_close(false);
    server
}

/// The next connection that there is a place for.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole: waiting for more only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused.");
                }
                return (stream, peer, place);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "A connection could not be accepted.");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The client left before it was accepted.
fn is_the_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
