//! A database for one test: copied from a migrated template in tens of milliseconds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use cluster::{Cluster, Options};
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

/// The URL of the maintenance database that `make test` provides.
const PROVIDED: &str = "CAREBRIDGE_TEST_DATABASE_URL";
const TEMPLATE: &str = "carebridge_template";

/// A database of its own.
#[derive(Clone, Debug)]
pub struct Database {
    /// `postgres://…`, as the owner.
    pub url: String,
}

static SERVER: OnceCell<String> = OnceCell::const_new();
static OWN_CLUSTER: Mutex<Option<Cluster>> = Mutex::new(None);
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// Creates one.
    ///
    /// # Errors
    /// No PostgreSQL can be had, or it refuses.
    pub async fn create() -> Result<Self> {
        let server = SERVER.get_or_try_init(prepare).await?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{}_{number}", std::process::id());
        let mut owner = PgConnection::connect(server).await?;
        run(&mut owner, &format!("create database {name} template {TEMPLATE}")).await?;
        owner.close().await?;
        Ok(Self { url: named(server, &name)? })
    }

    /// A connection as the owner, for looking at what the server wrote.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }
}

/// Finds or starts a server and makes the template once, whichever process comes first.
async fn prepare() -> Result<String> {
    let server = match std::env::var(PROVIDED) {
        Ok(url) => url,
        Err(_) => start_own()?,
    };
    let mut owner = PgConnection::connect(&server).await?;
    run(&mut owner, "select pg_advisory_lock(7301)").await?;
    let known: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(TEMPLATE)
            .fetch_one(&mut owner)
            .await?;
    if !known {
        let draft = format!("{TEMPLATE}_draft");
        run(&mut owner, &format!("drop database if exists {draft}")).await?;
        run(&mut owner, &format!("create database {draft}")).await?;
        store::migrate(&named(&server, &draft)?).await?;
        run(&mut owner, &format!("alter database {draft} rename to {TEMPLATE}")).await?;
    }
    owner.close().await?; // Gives the lock back.
    Ok(server)
}

fn start_own() -> Result<String> {
    let cluster = Cluster::open(Options::temporary())?;
    let url = cluster.url("postgres");
    if let Ok(mut slot) = OWN_CLUSTER.lock() {
        *slot = Some(cluster);
    }
    Ok(url)
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<()> {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(statement).execute(connection).await?;
    Ok(())
}

/// The same server's URL for another database.
fn named(url: &str, name: &str) -> Result<String> {
    let (before, _) = url.rsplit_once('/').context("a database URL has a path")?;
    Ok(format!("{before}/{name}"))
}
