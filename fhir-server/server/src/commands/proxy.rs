//! `carebridge proxy`: who stands for which patients, and until when.

use std::fmt;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use auth::login;
use canonical_model::ResourceId;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;
use store::{AuthStore, StandsFor};

use crate::output;
use crate::settings::DomainFlags;
use crate::start::keeper;

/// Say who stands for which patients, such as a parent for a child
///
/// Whoever does has an account with the role `proxy`, and chooses one of these patients when an app asks.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge account add mary --role proxy --fhir-user RelatedPerson/3\n  carebridge proxy grant mary 42 --by ada --until 2031-06-30\n  carebridge proxy list mary\n  carebridge proxy end mary 42"
)]
pub(crate) struct Proxy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Grant(Grant),
    End(End),
    List(List),
}

/// Have an account stand for a patient, or change until when
#[derive(Args, Debug)]
struct Grant {
    #[command(flatten)]
    server: DomainFlags,
    /// The account's log-in
    login: String,
    /// The patient's id
    patient: String,
    /// The log-in of who says so
    #[arg(long, value_name = "LOGIN")]
    by: String,
    /// The last day of it, by UTC; without one it lasts until it is ended
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Have an account stand for a patient no more, and end what it gave to apps for it
#[derive(Args, Debug)]
struct End {
    #[command(flatten)]
    server: DomainFlags,
    /// The account's log-in
    login: String,
    /// The patient's id
    patient: String,
    /// Print what is left as JSON
    #[arg(long)]
    json: bool,
}

/// List who stands for whom
#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: DomainFlags,
    /// An account's log-in; without one, all
    login: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    login: String,
    patient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    granted_by: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Shown>);

impl From<StandsFor> for Shown {
    fn from(kept: StandsFor) -> Self {
        let StandsFor { login, patient, until, granted_by } = kept;
        let until = until.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        Self { login, patient, until, granted_by }
    }
}

impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("Nobody stands for anybody.");
        }
        let line = |it: &Shown| {
            let until = it.until.as_ref().map(|at| format!(" until {at}")).unwrap_or_default();
            format!("{:<20} Patient/{}{until}, as {} said", it.login, it.patient, it.granted_by)
        };
        f.write_str(&self.0.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

pub(crate) async fn run(command: Proxy) -> Result<ExitCode> {
    match command.command {
        Command::Grant(grant) => run_grant(grant).await?,
        Command::End(End { server, login: name, patient, json }) => {
            let keeper = keeper(&server.settings()?).await?;
            let account = keeper.accounts.account_of(&login(&name)?).await?;
            let open = keeper.begin().await?;
            let did = open.stand_down(account.account, &patient).await?;
            ensure!(did, "The account does not stand for this patient.");
            let what = format!("account {}: stands for Patient/{patient} no more", account.sub);
            keeper.keep(open, what).await?;
            list(&keeper.accounts, Some(account.account), json).await?;
        }
        Command::List(List { server, login: name, json }) => {
            let settings = server.settings()?;
            let store = AuthStore::connect(settings.database.url()?.reveal()).await?;
            let account = match name {
                Some(name) => Some(store.account_of(&login(&name)?).await?.account),
                None => None,
            };
            list(&store, account, json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_grant(grant: Grant) -> Result<()> {
    let Grant { server, login: name, patient, by, until, json } = grant;
    let patient = ResourceId::parse(&patient).context("The patient is named by an id, as `42`")?;
    let keeper = keeper(&server.settings()?).await?;
    let account = keeper.accounts.account_of(&login(&name)?).await?;
    ensure!(
        account.roles.iter().any(|role| role == "proxy"),
        "The account has not the role `proxy`: `carebridge account role` gives it."
    );
    let granter = keeper.accounts.account_of(&login(&by)?).await;
    let granter = granter.context("--by names the account of who says so")?;
    ensure!(granter.account != account.account, "Nobody says so for himself: --by is another.");
    let until = until.map(end_of).transpose()?;
    ensure!(until.is_none_or(|at| at > keeper.now), "--until is in the past.");
    let (account_number, by_number) = (account.account, granter.account);
    let open = keeper.begin().await?;
    open.stand_for(account_number, patient.as_str(), until, by_number).await?;
    let when = until.map_or_else(String::new, |at| format!(" until {}", at.format("%Y-%m-%d")));
    let (sub, by) = (&account.sub, &granter.sub);
    let what = format!("account {sub}: stands for Patient/{patient}{when}, as {by} says");
    keeper.keep(open, what).await?;
    list(&keeper.accounts, Some(account_number), json).await
}

/// The end of a day.
fn end_of(day: NaiveDate) -> Result<DateTime<Utc>> {
    let next = day.succ_opt().context("--until is too far away.")?;
    Ok(next.and_time(NaiveTime::MIN).and_utc())
}

async fn list(store: &AuthStore, account: Option<i64>, json: bool) -> Result<()> {
    let all = store.stands_for(account).await?;
    output::report(&All(all.into_iter().map(Shown::from).collect()), json)
}
