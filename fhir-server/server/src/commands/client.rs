//! `carebridge client`: apps and programs that the database knows, beside those of the settings file.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use auth::{ClientForm, FormProof, expect_offered, renew_secret};
use clap::{Args, Subcommand};
use serde::Serialize;
use store::{AuthStore, ClientChange, KeptClient, RegisteredBy};

use crate::output;
use crate::settings::{DomainFlags, Settings};
use crate::start::keeper;

/// Say which apps and programs may ask for tokens
///
/// Those of the settings file are not here. A change ends the tokens that a client has, on every server within two
/// seconds, and is recorded.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge client add growth --name 'Growth chart' --public --redirect https://app.example.org/cb --scope 'launch/patient patient/*.rs'\n  carebridge client add ward-system --scope system/Observation.rs\n  carebridge client list --json\n  carebridge client disable growth\n\nA secret is printed once, when it is made: the database has its digest alone."
)]
pub(crate) struct Client {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
    List(List),
    /// Give a client no tokens any more, and end those that it has
    Disable(Named),
    /// Give it tokens again
    Enable(Named),
    /// Give a client another secret, which is printed, and end the one before
    Secret(Named),
    /// Forget a client, and end what people gave to it
    Delete(Named),
}

/// Register a client; its secret is printed, where it has one
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge client add portal --redirect https://portal.example.org/cb --scope 'openid launch/patient patient/*.rs'\n  carebridge client add lab --scope system/Observation.cruds --jwks-url https://lab.example.org/keys.json"
)]
struct Add {
    #[command(flatten)]
    server: DomainFlags,
    /// Its id, as it signs in
    id: String,
    /// The most it may be granted
    #[arg(long)]
    scope: String,
    /// What people are told that it is called; by default its id
    #[arg(long)]
    name: Option<String>,
    /// Where people are sent back to, whole; may be given several times. With one it is an app
    #[arg(long = "redirect", value_name = "URL")]
    redirects: Vec<String>,
    /// Where it is opened from /auth/launch
    #[arg(long, value_name = "URL")]
    launch_url: Option<String>,
    /// It is staff's own app: its tokens live for longer
    #[arg(long)]
    own: bool,
    /// It runs where others can read it, and has no secret
    #[arg(long, conflicts_with_all = ["jwks", "jwks_url"])]
    public: bool,
    /// A file with the public keys that it signs with, as a JWKS, in place of a secret
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_url")]
    jwks: Option<PathBuf>,
    /// Where those keys are, by https
    #[arg(long, value_name = "URL")]
    jwks_url: Option<String>,
    /// Print the client as JSON
    #[arg(long)]
    json: bool,
}

/// A client by its id
#[derive(Args, Debug)]
struct Named {
    #[command(flatten)]
    server: DomainFlags,
    /// Its id
    id: String,
    /// Print the client as JSON
    #[arg(long)]
    json: bool,
}

/// List all clients of the database
#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: DomainFlags,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// A client as it is shown.
#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    scope: String,
    redirects: Vec<String>,
    since: String,
    /// Whether it registered itself.
    by_itself: bool,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Shown>);

impl Shown {
    fn of(kept: KeptClient, secret: Option<String>) -> Self {
        Self {
            id: kept.client,
            name: kept.name,
            scope: kept.scopes,
            redirects: kept.redirects,
            since: kept.made_at.format("%Y-%m-%d").to_string(),
            by_itself: kept.by == RegisteredBy::Itself,
            disabled: kept.disabled,
            secret,
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, scope, since, .. } = self;
        write!(f, "{id:<24} {name}, since {since}: {scope}")?;
        if self.by_itself {
            f.write_str(" (registered itself)")?;
        }
        if self.disabled {
            f.write_str(" (disabled)")?;
        }
        self.secret
            .iter()
            .try_for_each(|secret| write!(f, "\nIts secret, shown this once: {secret}"))
    }
}

impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f
                .write_str("The database has no clients; those of the settings file are there.");
        }
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

pub(crate) async fn run(command: Client) -> Result<ExitCode> {
    match command.command {
        Command::Add(add) => run_add(add).await?,
        Command::List(List { server, json }) => {
            let settings = server.settings()?;
            let store = AuthStore::connect(settings.database.url()?.reveal()).await?;
            let all = store.clients(false).await?;
            output::report(&All(all.into_iter().map(|it| Shown::of(it, None)).collect()), json)?;
        }
        Command::Disable(named) => change(named, ClientChange::Disable, "disabled").await?,
        Command::Enable(named) => change(named, ClientChange::Enable, "enabled").await?,
        Command::Secret(Named { server, id, json }) => {
            let keeper = keeper(&server.settings()?).await?;
            let open = keeper.begin().await?;
            let (changed, secret) = renew_secret(&open, &id).await?;
            keeper.keep(open, line(&id, "secret changed")).await?;
            output::report(&Shown::of(changed, Some(secret)), json)?;
        }
        Command::Delete(Named { server, id, json }) => {
            let keeper = keeper(&server.settings()?).await?;
            let open = keeper.begin().await?;
            let gone = open.client(&id).await?;
            open.delete_client(&id).await?;
            keeper.keep(open, line(&id, "deleted")).await?;
            if let Some(gone) = gone {
                output::report(&Shown::of(gone, None), json)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_add(add: Add) -> Result<()> {
    let proof = proof(&add)?;
    let Add { server, id, scope, name, redirects, launch_url, own, json, .. } = add;
    let settings = server.settings()?;
    let taken = settings.clients.iter().any(|client| client.id == id);
    ensure!(!taken, "The settings file has a client of this id, which outranks.");
    expect_callable(&settings, &proof)?;
    expect_offered(&scope)?;
    let by = RegisteredBy::Operator;
    let form = ClientForm { id: id.clone(), name, scope, redirects, launch_url, own, proof, by };
    let keeper = keeper(&settings).await?;
    let open = keeper.begin().await?;
    let secret = form.create(&open).await?;
    let made = open.client(&id).await?.context("A client that was kept is gone.")?;
    keeper.keep(open, line(&id, "added")).await?;
    output::report(&Shown::of(made, secret), json)
}

fn proof(add: &Add) -> Result<FormProof> {
    Ok(match (&add.jwks, &add.jwks_url) {
        (Some(path), _) => {
            let named = || format!("{} holds no JWKS", path.display());
            let text = std::fs::read_to_string(path).with_context(named)?;
            FormProof::Keys(serde_json::from_str(&text).with_context(named)?)
        }
        (None, Some(url)) => FormProof::KeysAt(url.clone()),
        (None, None) if add.public => FormProof::Nothing,
        (None, None) => FormProof::Secret,
    })
}

fn expect_callable(settings: &Settings, proof: &FormProof) -> Result<()> {
    if let FormProof::KeysAt(url) = proof {
        ensure!(url.starts_with("https://"), "--jwks-url must be a URL by https.");
        settings.outbound.door()?.expect(url).context("--jwks-url cannot be called")?;
    }
    Ok(())
}

async fn change(named: Named, change: ClientChange<'_>, what: &str) -> Result<()> {
    let Named { server, id, json } = named;
    let keeper = keeper(&server.settings()?).await?;
    let open = keeper.begin().await?;
    let changed = open.change_client(&id, change).await?;
    keeper.keep(open, line(&id, what)).await?;
    output::report(&Shown::of(changed, None), json)
}

/// What the record says of a client.
fn line(id: &str, what: &str) -> String {
    format!("client {id}: {what}")
}
