//! A server in this process, on a free port and a database of its own.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use auth::ClientConfig;
use server::{DatabaseSettings, Running, Settings};
use telemetry::Clock;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::database::Database;

/// A running server with a client that may do everything.
#[derive(Debug)]
pub struct Fixture {
    /// The client.
    pub client: Client,
    /// Its database.
    pub database: Database,
    running: Option<Running>,
}

impl Fixture {
    /// Starts a server.
    ///
    /// # Errors
    /// No database can be had, or the server does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| ()).await
    }

    /// Starts a server with other settings than the usual.
    ///
    /// # Errors
    /// As [`Fixture::start`].
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Result<Self> {
        Self::on(Database::create().await?, change).await
    }

    /// Starts one on this database.
    ///
    /// # Errors
    /// The server does not start.
    pub async fn on(database: Database, change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let mut settings = Settings {
            database: DatabaseSettings {
                url: Some(database.url.parse()?),
                connections: 8,
                reserve_mib: 0,
                ..DatabaseSettings::default()
            },
            clients: vec![ClientConfig::demo()?],
            clock: Clock::system(),
            ..Settings::default()
        };
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let running = server::start(settings, listener).await?;
        let client = Client::connect(&running.origin, "dev-backend", "dev-secret").await?;
        Ok(Self { client, database, running: Some(running) })
    }

    /// The server's public origin.
    ///
    /// # Errors
    /// It was stopped.
    pub fn origin(&self) -> Result<&str> {
        self.running
            .as_ref()
            .map(|running| running.origin.as_str())
            .context("the server is stopped")
    }

    /// Where it listens, whatever its public origin is.
    ///
    /// # Errors
    /// It was stopped.
    pub fn address(&self) -> Result<SocketAddr> {
        self.running.as_ref().map(|running| running.address).context("the server is stopped")
    }

    /// Stops the server as SIGTERM would.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}
