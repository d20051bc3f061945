//! `/healthz`: the process lives. `/readyz`: it can serve. `/metrics`: what it has counted.

use std::net::SocketAddr;
use std::sync::Arc;

use auth::{Listed, Route, Rule, listed, routed};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Json, Router};
use domain::{Domain, Standing};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::limits::{PING_MAX, READY_FOR};
use crate::metrics;
use crate::settings::MetricsSettings;

/// What the probes look at. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Health(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    domain: Domain,
    stop: CancellationToken,
    /// Who sees the metrics.
    monitors: MetricsSettings,
    /// When the database was asked last, and whether it answered. Those who come while it is asked
    /// wait for that answer.
    database: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    pub(crate) fn new(domain: Domain, monitors: MetricsSettings, stop: CancellationToken) -> Self {
        Self(Arc::new(Parts { domain, stop, monitors, database: Mutex::new(None) }))
    }

    async fn database(&self) -> bool {
        let mut known = self.0.database.lock().await;
        if let Some((asked, answered)) = *known
            && asked.elapsed() < READY_FOR
        {
            return answered;
        }
        let answered = timeout(PING_MAX, self.ping()).await.unwrap_or(false);
        *known = Some((Instant::now(), answered));
        answered
    }

    /// After a restart of the database the first try meets a dead session, and the store forgets the
    /// others: better that a probe finds out than a caller.
    async fn ping(&self) -> bool {
        self.0.domain.store().ping().await.is_ok() || self.0.domain.store().ping().await.is_ok()
    }
}

/// The probes are open, for they tell nothing about anybody. What was counted tells how a server is doing.
const ROUTES: [Route<Health>; 3] = [
    Route {
        method: MethodFilter::GET,
        path: "/healthz",
        rule: Rule::Open,
        serve: |method| on(method, async || ([(CACHE_CONTROL, "no-store")], "ok\n")),
    },
    Route {
        method: MethodFilter::GET,
        path: "/readyz",
        rule: Rule::Open,
        serve: |method| on(method, readyz),
    },
    Route {
        method: MethodFilter::GET,
        path: "/metrics",
        rule: Rule::Monitor,
        serve: |method| on(method, exposition),
    },
];

pub(crate) fn router(health: Health) -> Router {
    routed(&ROUTES).with_state(health)
}

pub(crate) fn routes() -> Vec<Listed> {
    listed(&ROUTES)
}

async fn readyz(State(health): State<Health>) -> Response {
    let draining = health.0.stop.is_cancelled();
    let database = !draining && health.database().await;
    let word = |good: bool| if good { "ok" } else { "away" };
    let state = match draining {
        true => json!({ "ready": false, "draining": true }),
        // Nothing is served before the migrations have been checked.
        false => json!({
            "ready": database,
            "database": word(database),
            "migrations": "ok",
            "search_parameters": parameters(&health.0.domain),
        }),
    };
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], Json(state)).into_response()
}

/// A server serves without those that it cannot use.
fn parameters(domain: &Domain) -> Value {
    let Standing { used, unused, readings } = domain.search_parameters();
    json!({ "used": used, "unused": unused, "readings": readings })
}

async fn exposition(State(health): State<Health>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| peer.ip());
    if !health.0.monitors.admits(peer, request.headers()) {
        let text = "Metrics are for those whom `[metrics]` in the settings names: by address, or by a token sent as Authorization: Bearer.\n";
        return (StatusCode::FORBIDDEN, [(CACHE_CONTROL, "no-store")], text).into_response();
    }
    let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, metrics::recorder().render()).into_response()
}
