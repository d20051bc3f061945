//! Connections: accepted up to a limit, held to a time for each head, drained at the end.

use std::net::SocketAddr;
use std::sync::Arc;

use auth::Throttles;
use axum::Router;
use telemetry::Emit;
use telemetry::event::Throttled;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Answers, Phase, Serving};
use super::peer::Proxies;
use crate::limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, DRAIN_MAX, HEAD_MAX};
use crate::places::Shares;
use crate::start::Drain;
use crate::tls::Tls;

/// What stands between the network and the router.
pub(crate) struct Edge {
    pub(crate) proxies: Proxies,
    pub(crate) throttles: Throttles,
    /// Whether clients reach it by https, here or at a proxy.
    pub(crate) https: bool,
    pub(crate) tls: Option<Tls>,
}

/// Serves until `stop`, then lets what is in flight finish, within a limit.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    edge: Edge,
    stop: CancellationToken,
) -> Drain {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (connections, (phases, phase)) = (TaskTracker::new(), watch::channel(Phase::Run));
    let Edge { proxies, throttles, https, tls } = edge;
    let answers = Answers { router, proxies, throttles, https };
    let share = |rates: u32| usize::try_from(rates).unwrap_or(usize::MAX);
    let shares = Shares::new(share(answers.throttles.rates().connections));
    let serving = Serving { answers, tls, phase, idle_max: HEAD_MAX };
    loop {
        let (stream, peer, place) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let serving = serving.clone();
        let share = match serving.answers.share_of(peer).map(|address| shares.take(address)) {
            // Nothing can be said yet but by closing.
            Some(None) => {
                Throttled { class: "connections" }.emit();
                continue;
            }
            Some(share) => share,
            None => None,
        };
        connections.spawn(async move {
            serving.serve(stream, peer).await;
            drop((place, share));
        });
    }
    drop(listener);
    phases.send_replace(Phase::Drain);
    connections.close();
    let drained = timeout(DRAIN_MAX, connections.wait()).await;
    // Cuts what is left.
    drop(phases);
    if drained.is_ok() { Drain::Complete } else { Drain::Cut }
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
