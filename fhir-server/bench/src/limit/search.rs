//! `bench search-limit`: the bare program that searches. It reads the statements and their values once, runs
//! the one that the path names and writes the rows into a Bundle. No rights, no audit, no reading of a query.

use crate::{limits::POOL_MAX, load::loopback};
use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, Column as _, Postgres, Row as _, TypeInfo as _,
    postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow},
    query::Query,
    types::chrono::DateTime,
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// Options of `bench search-limit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where to listen, on this machine.
    #[arg(long)]
    listen: SocketAddr,
    /// The database that the server filled.
    #[arg(long, env = "BENCH_LIMIT_DATABASE", hide_env_values = true)]
    database: String,
    /// Connections to the database.
    #[arg(long, default_value_t = 8)]
    pool: u32,
    /// The statements and their values.
    #[arg(long)]
    plan: PathBuf,
}

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Bind {
    Int(i64),
    Ints(Vec<i64>),
    Short(i32),
    Shorts(Vec<i32>),
    Small(i16),
    Float(f64),
    Text(String),
    /// Microseconds since 1970.
    Time(i64),
}

/// A statement and its values, one list for each different request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) variants: Vec<Vec<Bind>>,
}

#[derive(Clone)]
struct App {
    database: PgPool,
    statements: Arc<Vec<Statement>>,
}

/// As the server's sessions: the plan follows from the statement, before statistics too.
pub(crate) const SESSION: [(&str, &str); 5] = [
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// Serves until standard input ends.
pub(crate) async fn serve(options: Options) -> Result<()> {
    let Options { listen, database, pool, plan } = options;
    ensure!(listen.ip().is_loopback(), "{listen} is not a loopback address");
    ensure!((1..=POOL_MAX).contains(&pool), "1 to {POOL_MAX} connections");
    let connect: PgConnectOptions = database.parse().context("--database")?;
    loopback(connect.get_host(), connect.get_port())?;
    let text = std::fs::read(&plan).with_context(|| plan.display().to_string())?;
    let statements: Vec<Statement> = serde_json::from_slice(&text).context("--plan")?;
    let database = PgPoolOptions::new()
        .max_connections(pool)
        .min_connections(pool)
        .test_before_acquire(false)
        .connect_with(connect.options(SESSION))
        .await?;
    let router = Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/fhir/{statement}/{variant}", get(answer))
        .with_state(App { database, statements: Arc::new(statements) });
    super::listen(listen, router, true).await
}

/// A statement with its values bound.
pub(crate) fn bound<'q>(sql: String, binds: &'q [Bind]) -> Query<'q, Postgres, PgArguments> {
    binds.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, bind| match bind {
        Bind::Int(value) => query.bind(*value),
        Bind::Ints(values) => query.bind(values),
        Bind::Short(value) => query.bind(*value),
        Bind::Shorts(values) => query.bind(values),
        Bind::Small(value) => query.bind(*value),
        Bind::Float(value) => query.bind(*value),
        Bind::Text(value) => query.bind(value),
        Bind::Time(micros) => query.bind(DateTime::from_timestamp_micros(*micros)),
    })
}

async fn answer(
    State(app): State<App>,
    Path((statement, variant)): Path<(usize, usize)>,
) -> Response {
    let Some(statement) = app.statements.get(statement) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(binds) = statement.variants.get(variant) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let rows = bound(statement.sql.clone(), binds).fetch_all(&app.database).await;
    match rows.and_then(|rows| bundle(&rows)) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/fhir+json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Rows of resources, or one total. The first byte of a stored resource names its form.
fn bundle(rows: &[PgRow]) -> sqlx::Result<Vec<u8>> {
    let mut out = br#"{"resourceType":"Bundle","type":"searchset""#.to_vec();
    let is_total =
        |row: &&PgRow| row.columns().first().is_some_and(|c| c.type_info().name() == "INT8");
    if let Some(row) = rows.first().filter(is_total) {
        let total: i64 = row.try_get(0)?;
        out.extend_from_slice(format!(r#","total":{total}}}"#).as_bytes());
        return Ok(out);
    }
    out.extend_from_slice(br#","entry":["#);
    for (n, row) in rows.iter().enumerate() {
        let wire: &[u8] = row.try_get(0)?;
        out.extend_from_slice(if n > 0 { br#",{"resource":"# } else { br#"{"resource":"# });
        out.extend_from_slice(wire.get(1..).unwrap_or_default());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}
