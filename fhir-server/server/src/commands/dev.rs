//! `carebridge dev`: a whole local system with one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use access::Treatment;
use anyhow::{Context, Result, anyhow};
use auth::ClientConfig;
use clap::Args;
use cluster::Options;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::serve::{PortInUse, bind, drain};
use crate::dev::{Banner, Demo, Postgres, demo, people, seal_key, suite};
use crate::http::log_panics;
use crate::output;
use crate::settings::{DatabaseUrl, ServerFlags, Settings};
use crate::start::{Running, start};
use crate::stop::Signals;

/// Start a whole system here: PostgreSQL, server, demo client, accounts, demo data
///
/// Everything is kept in one folder; Ctrl-C stops all of it. Not for production.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge dev\n  CAREBRIDGE_LISTEN=127.0.0.1:9090 carebridge dev --home /tmp/second --no-demo"
)]
pub(crate) struct Dev {
    #[command(flatten)]
    server: ServerFlags,
    /// The folder of its data
    #[arg(long, env = "CAREBRIDGE_HOME", value_name = "FOLDER", default_value = ".carebridge")]
    #[arg(hide_env_values = true)]
    home: PathBuf,
    /// Leave the demo data out
    #[arg(long)]
    no_demo: bool,
}

/// All that runs.
struct System {
    running: Running,
    /// Absent where the database is somebody else's.
    postgres: Option<Postgres>,
    /// The demo data as this start found it.
    demo: Demo,
    /// Its loading, which ends with this.
    loading: Option<AbortOnDropHandle<()>>,
}

pub(crate) async fn run(command: Dev) -> Result<ExitCode> {
    let began = Instant::now();
    let mut signals = Signals::listen().context("Signals cannot be received")?;
    let Dev { server, home, no_demo } = command;
    let settings = server.settings()?;
    let format = settings.log.format.unwrap_or(telemetry::Format::Text);
    telemetry::init(format, &settings.log.filter)?;
    log_panics();
    // First of all: a second copy must not wait for a database to learn that it is one.
    let listener = bind(settings.listen).await.map_err(|error| twice(error, &home))?;
    let system = tokio::select! {
        system = set_up(settings, listener, &home, no_demo) => system?,
        caught = signals.next() => {
            tracing::info!(signal = caught.name(), "Stopped while starting.");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let banner = Banner::new(&system.running, system.postgres.as_ref(), &home, system.demo);
    // Whoever reads it may have read enough and gone: no reason to end.
    drop(output::say(banner.in_words(began.elapsed())));
    let System { running, postgres, loading: _loading, .. } = system;
    drain(running, &mut signals).await;
    if let Some(postgres) = postgres {
        tracing::info!("Stopping PostgreSQL.");
        postgres.stop().await;
    }
    tracing::info!("Everything has stopped.");
    Ok(ExitCode::SUCCESS)
}

/// A port that is taken, where the system of this folder runs: it is likely the one that has it.
fn twice(error: anyhow::Error, home: &Path) -> anyhow::Error {
    let Some(PortInUse(address)) = error.downcast_ref() else { return error };
    match cluster::user_of(&Options::at(home)) {
        Some(process) => anyhow!(
            "Port {} on {} is in use, and the system of {} runs already, as process {process}: use that one, or \
             set CAREBRIDGE_LISTEN and --home for another.",
            address.port(),
            address.ip(),
            home.display()
        ),
        None => error,
    }
}

/// What is said of a database that cannot be used and is not of `dev` itself.
const NAMED: &str = " CAREBRIDGE_DATABASE_URL, or the settings file, names it: without either `dev` starts its own.";

async fn set_up(
    mut settings: Settings,
    listener: TcpListener,
    home: &Path,
    no_demo: bool,
) -> Result<System> {
    let demo_client = ClientConfig::demo()?;
    // The banner's word holds, whatever the settings file says of this id.
    settings.clients.retain(|client| client.id != demo_client.id);
    settings.clients.push(demo_client);
    if !no_demo {
        // Nobody stands in a relationship to the demo's patients.
        settings.policy.treatment = Treatment::Open;
    }
    let postgres = match &settings.database.url {
        Some(_) => None,
        None => Some(Postgres::open(home).await?),
    };
    if let Some(postgres) = &postgres {
        settings.database.url = Some(DatabaseUrl::new(postgres.url()));
    }
    settings.auth.signing_key.get_or_insert_with(|| home.join("signing-key.pem"));
    let migrated = store::migrate(settings.database.url()?.reveal()).await;
    migrated.map_err(|mut error| {
        if let (None, Some(issue)) = (&postgres, error.issues.first_mut()) {
            issue.diagnostics.push_str(NAMED);
        }
        error
    })?;
    // What everybody knows the password of is for a database of its own alone.
    let mut prepared = None;
    if let Some(postgres) = &postgres {
        seal_key::give(&mut settings, postgres.folder()).await?;
        people::make_accounts(settings.database.url()?.reveal()).await?;
        prepared = Some(suite::give(&mut settings.clients, home)?);
    }
    let running = start(settings, listener).await?;
    if let Some(prepared) = prepared {
        prepared.write(home, &running.origin)?;
    }
    let folder = postgres.as_ref().map_or(home, Postgres::folder);
    let demo = match demo::is_loaded(folder) {
        _ if no_demo => Demo::Unwanted,
        _ if postgres.is_none() => Demo::Elsewhere,
        true => Demo::There,
        false => Demo::Coming,
    };
    let load = || demo::load(running.address, folder.to_owned());
    let loading = matches!(demo, Demo::Coming).then(load);
    Ok(System { running, postgres, demo, loading })
}
