//! The limit: the least that axum, sqlx and PostgreSQL can do and still keep what they answered.
//! A read selects the content by its key; a write puts the head and the version row in one durable
//! statement. No index rows, rights, audit, validation or outbox. What CareBridge adds to this is
//! its price, and `store` measures it.

mod handlers;
pub(crate) mod search;
mod tables;

use crate::{limits::POOL_MAX, load::loopback};
use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
    serve::ListenerExt as _,
};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU64},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Options of `bench limit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen, on this machine.
    #[arg(long)]
    listen: SocketAddr,
    /// An empty database for it alone.
    #[arg(long, env = "BENCH_LIMIT_DATABASE", hide_env_values = true)]
    database: String,
    /// Connections to the database.
    #[arg(long, default_value_t = 8)]
    pool: u32,
    /// End with standard input, so that no starter leaves it behind.
    #[arg(long)]
    with_input: bool,
}

/// What the handlers share.
#[derive(Clone)]
struct App {
    database: PgPool,
    /// Ids in order of time keep the key's index compact, as fast as it can be.
    next_id: Arc<AtomicU64>,
}

/// Serves until SIGTERM, or until standard input ends where that was asked for.
pub(crate) async fn serve(options: Options) -> Result<()> {
    let Options { listen, database, pool, with_input } = options;
    ensure!(listen.ip().is_loopback(), "{listen} is not a loopback address");
    ensure!((1..=POOL_MAX).contains(&pool), "1 to {POOL_MAX} connections");
    let connect: PgConnectOptions = database.parse().context("--database")?;
    loopback(connect.get_host(), connect.get_port())?;
    let database = PgPoolOptions::new()
        .max_connections(pool)
        .min_connections(pool)
        .test_before_acquire(false)
        .connect_with(connect)
        .await?;
    tables::create(&database).await?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let next_id = Arc::new(AtomicU64::new(u64::try_from(started)?));
    self::listen(listen, router(App { database, next_id }), with_input).await
}

/// Serves until SIGTERM, or until standard input ends where that was asked for.
async fn listen(at: SocketAddr, app: Router, with_input: bool) -> Result<()> {
    let listener = TcpListener::bind(at).await?.tap_io(|stream| {
        // Without it an answer in two packets could wait; with an error there is no connection.
        stream.set_nodelay(true).ok();
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            () = input_ended(), if with_input => {}
        }
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(end).await?)
}

/// Waits until no one holds the other end of standard input.
async fn input_ended() {
    let mut byte = [0];
    let mut input = tokio::io::stdin();
    while input.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

fn router(app: App) -> Router {
    Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/fhir", post(handlers::transaction))
        .route("/fhir/{type}", post(handlers::create))
        .route("/fhir/{type}/{id}", get(handlers::read).put(handlers::update))
        .layer(DefaultBodyLimit::max(crate::limits::BODY_BYTES_MAX))
        .with_state(app)
}
