//! `carebridge serve`: the production server.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use domain::{Faults, Validation};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::http::log_panics;
use crate::limits::{PORT_LOOK_EVERY, PORT_WAIT};
use crate::safety;
use crate::settings::{Role, Roles, ServerFlags};
use crate::start::{Drain, Running, start};
use crate::stop::Signals;

/// Serve a database in production
///
/// Refuses demo credentials and weak settings. SIGTERM drains: what is in flight is answered first.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  CAREBRIDGE_DATABASE_URL=postgres://carebridge:secret@db/tenant \\\n  CAREBRIDGE_BASE_URL=https://fhir.example.org carebridge serve --listen 0.0.0.0:8443\n\nIt needs a settings file, `carebridge.toml` or the one that --config names, with at least:\n  [http.tls]                        # or, behind a proxy, [http] trusted_proxies\n  certificate = \"server.pem\"\n  key = \"server-key.pem\"\n  [auth]\n  signing_key = \"signing-key.pem\"   # made at the first start\n  [seal]\n  key_file = \"seal-key\"             # openssl rand -base64 32 > seal-key && chmod 600 seal-key\n  [[client]]\n  id = \"ward-system\"\n  secret = \"sha256$SALT$HEX\"\n  scope = \"system/Patient.rs\"\n  site = \"local\"\nEvery key is described in fhir-server/server/config.default.toml."
)]
pub(crate) struct Serve {
    #[command(flatten)]
    server: ServerFlags,
    /// What this process does, to split the work over several
    #[arg(long, value_enum, value_delimiter = ',', default_value = "api,worker")]
    roles: Vec<Role>,
    /// Store without indexing, to measure what the index costs
    #[arg(long, hide = true)]
    unindexed: bool,
    /// Record no reads, to measure what the record costs
    #[arg(long, hide = true)]
    unaudited: bool,
    /// Ask for no rights, to measure what they cost
    #[arg(long, hide = true)]
    unauthorized: bool,
    /// Judge nothing by R4's rules and by profiles, to measure what that costs
    #[arg(long, hide = true)]
    unvalidated: bool,
}

pub(crate) async fn run(command: Serve) -> Result<ExitCode> {
    let mut signals = Signals::listen().context("Signals cannot be received")?;
    let mut settings = command.server.settings()?;
    settings.roles = Roles::of(&command.roles);
    safety::check(&settings)?;
    let (unindexed, unaudited, unauthorized) =
        (command.unindexed, command.unaudited, command.unauthorized);
    if unindexed || unaudited || unauthorized || command.unvalidated {
        safety::check_bench(&settings)?;
    }
    settings.policy.index = !unindexed;
    settings.policy.record = !unaudited;
    settings.policy.authorize = !unauthorized;
    if command.unvalidated {
        settings.policy.validation = Validation { faults: Faults::Ignore, rules: Vec::new() };
    }
    let format = settings.log.format.unwrap_or(telemetry::Format::Json);
    telemetry::init(format, &settings.log.filter)?;
    log_panics();
    safety::check_accounts(&settings).await?;
    if settings.clients.is_empty() {
        tracing::warn!("No client is configured: nobody can get a token.");
    }
    let listener = bind(settings.listen).await?;
    tokio::select! {
        running = start(settings, listener) => drain(running?, &mut signals).await,
        caught = signals.next() => tracing::info!(signal = caught.name(), "Stopped while starting."),
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for a signal, then for the end of what is in flight; a second signal cuts that short.
pub(crate) async fn drain(running: Running, signals: &mut Signals) {
    let caught = signals.next().await;
    tracing::info!(signal = caught.name(), "Draining.");
    tokio::select! {
        drain = running.stop() => match drain {
            Drain::Complete => tracing::info!("Drained."),
            Drain::Cut => tracing::warn!("Some requests took too long and were cut."),
        },
        caught = signals.next() => tracing::warn!(signal = caught.name(), "Stopped at once."),
    }
}

/// Somebody listens there already.
#[derive(Debug)]
pub(crate) struct PortInUse(pub(crate) SocketAddr);

impl fmt::Display for PortInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (port, ip) = (self.0.port(), self.0.ip());
        write!(
            f,
            "Port {port} on {ip} is in use by another program: stop it, or set CAREBRIDGE_LISTEN to another address."
        )
    }
}

impl std::error::Error for PortInUse {}

/// Takes the address, or says who else may have it. A server that was killed just now may have it for a moment
/// more.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let until = Instant::now() + PORT_WAIT;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() != ErrorKind::AddrInUse => {
                bail!("{address} cannot be listened on: {error}.")
            }
            Err(_) if Instant::now() < until => sleep(PORT_LOOK_EVERY).await,
            Err(_) => return Err(PortInUse(address).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[tokio::test]
    async fn a_busy_port_is_named() {
        let held = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = held.local_addr().unwrap().port();
        let refused = bind(held.local_addr().unwrap()).await.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("Port {port} on 127.0.0.1 is in use")), "{refused}");
    }

    #[test]
    fn defaults_alone_are_not_enough() {
        let refused = safety::check(&Settings::default()).unwrap_err().to_string();
        assert!(refused.contains("CAREBRIDGE_DATABASE_URL"), "{refused}");
    }
}
