//! The PostgreSQL under both programs: a private cluster made for the run, or one that is given.

use crate::{
    limits::{LOG_MIB, LOG_RECORD_MIB, RUN_MAX},
    load::loopback,
    machine,
};
use anyhow::{Context as _, Result, bail, ensure};
use cluster::{Cluster, Options};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _,
    postgres::PgConnectOptions,
};
use std::path::Path;

/// A server, its superuser's address, and the process that all its others come from.
pub(crate) struct Postgres {
    /// Held: its drop stops and removes the cluster.
    _cluster: Option<Cluster>,
    /// Of the maintenance database.
    admin: PgConnectOptions,
    admin_url: String,
    /// The postmaster.
    pub(crate) pid: u32,
}

impl Postgres {
    /// Makes a durable cluster below `folder`, removed at the end. Not in a temporary directory,
    /// which may be memory and would make commits free.
    pub(crate) async fn private(folder: &Path) -> Result<Self> {
        let dir = folder.join(format!("cluster-{}", std::process::id()));
        // A run must not be cut by a checkpoint that the run before it made due.
        let settings = vec![
            ("min_wal_size".into(), format!("{LOG_MIB}MB")),
            ("max_wal_size".into(), "8GB".into()),
            ("checkpoint_timeout".into(), "30min".into()),
            ("jit".into(), "off".into()),
        ];
        let options = Options { remove: true, settings, ..Options::at(dir) };
        let cluster = tokio::task::spawn_blocking(move || Cluster::open(options)).await??;
        let url = cluster.url("postgres");
        Self::checked(Some(cluster), &url).await
    }

    /// Uses a running server of this machine through its superuser's address.
    pub(crate) async fn given(url: &str) -> Result<Self> {
        let admin: PgConnectOptions = url.parse().context("--database-url")?;
        loopback(admin.get_host(), admin.get_port())?;
        Self::checked(None, url).await
    }

    async fn checked(cluster: Option<Cluster>, admin_url: &str) -> Result<Self> {
        let admin: PgConnectOptions = admin_url.parse()?;
        let mut connection = admin.connect().await.context("PostgreSQL")?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value: String = sqlx::query_scalar("select current_setting($1)")
                .bind(setting)
                .fetch_one(&mut connection)
                .await?;
            ensure!(value == "on", "{setting} is {value}: only durable commits are measured");
        }
        let backend: i32 =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await?;
        // While it lives: a backend that is told to go may be gone at once.
        let pid = machine::parent(u32::try_from(backend)?);
        let pid = pid.context("PostgreSQL is not on this machine")?;
        connection.close().await?;
        let command = machine::command(pid).unwrap_or_default();
        ensure!(command.starts_with("postgres"), "the parent of a backend is `{command}`");
        Ok(Self { _cluster: cluster, admin, admin_url: admin_url.into(), pid })
    }

    /// The superuser's address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        with_database(&self.admin_url, database)
    }

    /// A connection to a database.
    pub(crate) async fn connect(&self, database: &str) -> Result<PgConnection> {
        Ok(self.admin.clone().database(database).connect().await?)
    }

    /// Makes an empty database, in place of one that an earlier run left.
    pub(crate) async fn create(&self, database: &str) -> Result<()> {
        if !database.starts_with("bench_")
            || !database.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        {
            bail!("`{database}` is not a name of this program's databases");
        }
        let mut connection = self.admin.connect().await?;
        for sql in [
            format!("drop database if exists {database} with (force)"),
            format!("create database {database}"),
        ] {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }

    /// Fills as much of the log as is kept, so that runs use its files again, as those of a server that
    /// has run for a day. A new one makes each file first, and whoever writes more would pay for more.
    pub(crate) async fn fill_log(&self) -> Result<()> {
        let record =
            "select pg_logical_emit_message(false, 'bench', convert_to(repeat('-', $1), 'UTF8'))";
        let mut connection = self.admin.connect().await?;
        for _ in 0..LOG_MIB / LOG_RECORD_MIB {
            sqlx::query(record).bind(LOG_RECORD_MIB << 20).execute(&mut connection).await?;
        }
        connection.close().await?;
        self.checkpoint().await
    }

    /// Writes all dirty pages, so that the next run pays for its own only.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        self.maintain("postgres", "checkpoint").await
    }

    /// Brings statistics and visibility up to date after a load.
    pub(crate) async fn analyze(&self, database: &str) -> Result<()> {
        self.maintain(database, "vacuum (analyze)").await
    }

    async fn maintain(&self, database: &str, sql: &'static str) -> Result<()> {
        let mut connection = self.connect(database).await?;
        let done = sqlx::query(sql).execute(&mut connection);
        tokio::time::timeout(RUN_MAX, done).await.context(sql)??;
        Ok(connection.close().await?)
    }

    /// Version and the settings that decide the figures, for the report.
    pub(crate) async fn description(&self) -> Result<String> {
        let mut connection = self.admin.connect().await?;
        let row = sqlx::query(
            "select current_setting('server_version'), current_setting('shared_buffers')",
        )
        .fetch_one(&mut connection)
        .await?;
        let (version, buffers): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        connection.close().await?;
        Ok(format!("PostgreSQL {version} with {buffers} shared_buffers"))
    }
}

/// The same address with another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let server = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{server}/{database}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_changes() {
        for (url, changed) in [
            ("postgres://a:b@127.0.0.1:5432/postgres", "postgres://a:b@127.0.0.1:5432/x"),
            ("postgresql://localhost", "postgresql://localhost/x"),
            ("postgres://h/a?sslmode=disable", "postgres://h/x?sslmode=disable"),
        ] {
            assert_eq!(with_database(url, "x"), changed);
        }
    }
}
