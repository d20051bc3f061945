//! `carebridge keys`: the keys that sign tokens, and how one follows another.

use std::fmt;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use serde::Serialize;
use store::{AuthStore, KeptKey, Purpose, Succession};

use crate::keys::{keyring, rotate};
use crate::output;
use crate::settings::DomainFlags;
use crate::start::{self, Keeper, keeper};

/// Look at the keys that sign tokens, and have others follow them
///
/// The servers of a database have the same keys, and follow a change within a second.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge keys list\n  carebridge keys rotate              # signs in a quarter of an hour, tokens go on\n  carebridge keys rotate --at-once    # a key is known to others: all tokens end"
)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Rotate(Rotate),
}

/// List the keys that are published
#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: DomainFlags,
    /// Those of before too
    #[arg(long)]
    all: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Have another key follow each that signs
///
/// It needs the settings of the servers: their `signing_key`, and the key of `[seal]` where they have one.
#[derive(Args, Debug)]
struct Rotate {
    #[command(flatten)]
    server: DomainFlags,
    /// Now, and withdraw those before, so that nothing they signed is good any more
    #[arg(long)]
    at_once: bool,
    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
}

/// A key as it is shown.
#[derive(Serialize)]
struct Shown {
    kid: String,
    alg: String,
    signs: bool,
    signs_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signs_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_until: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Shown>);

impl From<KeptKey> for Shown {
    fn from(kept: KeptKey) -> Self {
        let KeptKey { kid, alg, signs, signs_from, signs_until, published_until, .. } = kept;
        let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (signs_until, published_until) = (signs_until.map(time), published_until.map(time));
        Self { kid, alg, signs, signs_from: time(signs_from), signs_until, published_until }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kid, alg, signs, signs_from, .. } = self;
        write!(
            f,
            "{alg} {kid} {} {signs_from}",
            if *signs { "signs since" } else { "signs from" }
        )?;
        self.signs_until.iter().try_for_each(|at| write!(f, " until {at}"))?;
        self.published_until.iter().try_for_each(|at| write!(f, ", good until {at}"))
    }
}

impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no keys yet: a server makes the first at its start.");
        }
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

pub(crate) async fn run(command: Keys) -> Result<ExitCode> {
    match command.command {
        Command::List(List { server, all, json }) => {
            let settings = server.settings()?;
            let store = AuthStore::connect(settings.database.url()?.reveal()).await?;
            list(&store, all, json).await?;
        }
        Command::Rotate(Rotate { server, at_once, json }) => {
            let settings = server.settings()?;
            let Keeper { accounts, now } = keeper(&settings).await?;
            let secret = start::keys(&settings).await?.get(Purpose::Auth).ok();
            let keys = keyring(&settings, Some(&accounts), secret).await?;
            ensure!(
                keys.is_shared(),
                "The settings name no key: set `signing_key` under `[auth]` as the servers have it, or CAREBRIDGE_SEAL_KEY."
            );
            let lead_s = settings.auth.key_lead_s;
            let announced = Succession::Announced { lead_s, after_days: None };
            let when = if at_once { Succession::AtOnce } else { announced };
            let lines = rotate(&keys, now, when).await?;
            ensure!(
                !lines.is_empty(),
                "Another key follows already: `carebridge keys list` says when."
            );
            list(&accounts, false, json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &AuthStore, all: bool, json: bool) -> Result<()> {
    let kept = store.signing_keys(all).await?;
    output::report(&All(kept.into_iter().map(Shown::from).collect()), json)
}
