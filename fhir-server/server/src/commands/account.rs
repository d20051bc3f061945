//! `carebridge account`: the people who may sign in.

use std::fmt;
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use access::{Access, FhirUser};
use anyhow::{Result, ensure};
use auth::{AccountForm, Password, Passwords, expect_roles, login};
use clap::{Args, Subcommand};
use serde::Serialize;
use store::{Account as Kept, AccountChange, AuthStore, Method};

use crate::limits::PASSWORD_LINE_BYTES_MAX;
use crate::output;
use crate::settings::{DomainFlags, Settings};
use crate::start::{self, keeper};
use crate::terminal;

/// Say who may sign in: people, their roles and their passwords
///
/// Each change ends the tokens that the account has, within a second or two, and is recorded.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge account add jane.doe --role clinician --fhir-user Practitioner/1\n  pass show jane | carebridge account password jane.doe\n  carebridge account role jane.doe clinician care-coordinator --org 12\n  carebridge account disable jane.doe\n  carebridge account list --json\n\nA password comes from the terminal, or from standard input: never from the command line, which others can see.\nBeside `carebridge dev` (`make run`), set CAREBRIDGE_DATABASE_URL to what that prints as Database."
)]
pub(crate) struct Account {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
    /// Give an account another password
    Password(Named),
    Role(Role),
    /// Let an account sign in no more
    Disable(Named),
    /// Let it sign in again, and forget its wrong passwords
    Enable(Named),
    /// Take an account's second factor away, where device and codes are lost
    ForgetDevice(Named),
    Link(Link),
    /// Take the links of an account to another provider away
    Unlink(Unlink),
    List(List),
}

/// Make an account; its password is asked for
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge account add jane.doe --role clinician --fhir-user Practitioner/1 --org 12\n  carebridge account add john --role patient --fhir-user Patient/7\n  echo \"$PASSWORD\" | carebridge account add audit --role auditor"
)]
struct Add {
    #[command(flatten)]
    server: DomainFlags,
    /// As its owner will type it
    login: String,
    /// What it is to the organisation; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The person in the data, as `Practitioner/1` or `Patient/7`
    #[arg(long, value_name = "REFERENCE")]
    fhir_user: Option<String>,
    /// The person need not be in the data yet
    #[arg(long, requires = "fhir_user")]
    allow_absent: bool,
    /// The id of an Organization that it works for; may be given several times
    #[arg(long = "org", value_name = "ID")]
    orgs: Vec<String>,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

/// An account by its log-in
#[derive(Args, Debug)]
struct Named {
    #[command(flatten)]
    server: DomainFlags,
    /// Its log-in
    login: String,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

/// Let who somebody is at another provider sign in to an account
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge account link jane.doe --issuer https://id.example.org --subject 248289761001"
)]
struct Link {
    #[command(flatten)]
    server: DomainFlags,
    /// Its log-in
    login: String,
    /// The provider, as `issuer` in the settings
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The provider's name for the person: `sub` of its tokens, never an address of e-mail
    #[arg(long, allow_hyphen_values = true)]
    subject: String,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

/// An account and a provider
#[derive(Args, Debug)]
struct Unlink {
    #[command(flatten)]
    server: DomainFlags,
    /// Its log-in
    login: String,
    /// The provider, as `issuer` in the settings
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

/// Give an account these roles and organisations, and no others
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge account role jane.doe clinician care-coordinator --org 12\n  carebridge account role jane.doe            # none"
)]
struct Role {
    #[command(flatten)]
    server: DomainFlags,
    /// Its log-in
    login: String,
    /// Roles: clinician, care-coordinator, front-desk, billing, integration, auditor, admin, patient, proxy
    #[arg(value_name = "ROLE")]
    roles: Vec<String>,
    /// The id of an Organization that it works for; may be given several times
    #[arg(long = "org", value_name = "ID")]
    orgs: Vec<String>,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

/// List all accounts
#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: DomainFlags,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// An account as it is shown.
#[derive(Serialize)]
struct Shown {
    login: String,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
    roles: Vec<String>,
    orgs: Vec<String>,
    locked: bool,
    disabled: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Accounts(Vec<Shown>);

impl From<Kept> for Shown {
    fn from(kept: Kept) -> Self {
        let Kept { login, sub, fhir_user, roles, orgs, locked, disabled, .. } = kept;
        Self { login, sub, fhir_user, roles, orgs, locked, disabled }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { login, fhir_user, roles, orgs, .. } = self;
        let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
        write!(f, "{login:<20} {roles}")?;
        fhir_user.iter().try_for_each(|user| write!(f, ", is {user}"))?;
        if !orgs.is_empty() {
            write!(f, ", works for {}", orgs.join(", "))?;
        }
        f.write_str(match (self.disabled, self.locked) {
            (true, _) => " (disabled)",
            (false, true) => " (locked for a while: too many wrong passwords)",
            (false, false) => "",
        })
    }
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no accounts. `carebridge account add` makes one.");
        }
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

pub(crate) async fn run(command: Account) -> Result<ExitCode> {
    match command.command {
        Command::Add(add) => run_add(add).await?,
        Command::Password(Named { server, login: name, json }) => {
            let name = login(&name)?;
            let password = typed()?;
            password.expect_fit(&name)?;
            let kept = Passwords::new()?.hash(password).await?;
            change(&server.settings()?, &name, AccountChange::Password(&kept), json).await?;
        }
        Command::Role(Role { server, login: name, roles, orgs, json }) => {
            let has_patient = roles.iter().any(|role| role == "patient");
            expect_roles(&roles, &orgs)?;
            let settings = server.settings()?;
            let kept = AuthStore::connect(settings.database.url()?.reveal()).await?;
            let user = kept.account_of(&login(&name)?).await?.fhir_user;
            ensure!(
                has_patient == user.is_some_and(|user| user.starts_with("Patient/")),
                "The role `patient` goes with an account whose person is a Patient, and only with one."
            );
            change(&settings, &name, AccountChange::Roles(&roles, &orgs), json).await?;
        }
        Command::Disable(Named { server, login, json }) => {
            change(&server.settings()?, &login, AccountChange::Disable, json).await?;
        }
        Command::Enable(Named { server, login, json }) => {
            change(&server.settings()?, &login, AccountChange::Enable, json).await?;
        }
        Command::ForgetDevice(Named { server, login: name, json }) => {
            let keeper = keeper(&server.settings()?).await?;
            let account = keeper.accounts.account_of(&login(&name)?).await?;
            let open = keeper.begin().await?;
            open.remove_device(account.account).await?;
            keeper.keep(open, line("second factor removed", &account)).await?;
            output::report(&Shown::from(account), json)?;
        }
        Command::Link(link) => run_link(link).await?,
        Command::Unlink(Unlink { server, login: name, issuer, json }) => {
            let keeper = keeper(&server.settings()?).await?;
            let account = keeper.accounts.account_of(&login(&name)?).await?;
            let open = keeper.begin().await?;
            let there = open.unlink(account.account, &issuer).await?;
            ensure!(there, "The account is not linked to this provider.");
            let what = format!("external log-in at {issuer} unlinked");
            keeper.keep(open, line(&what, &account)).await?;
            output::report(&Shown::from(account), json)?;
        }
        Command::List(List { server, json }) => {
            let settings = server.settings()?;
            let store = AuthStore::connect(settings.database.url()?.reveal()).await?;
            let all = store.accounts().await?.into_iter().map(Shown::from).collect();
            output::report(&Accounts(all), json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_link(link: Link) -> Result<()> {
    let Link { server, login: name, issuer, subject, json } = link;
    let settings = server.settings()?;
    let known = settings.auth.providers.iter().any(|provider| provider.issuer == issuer);
    ensure!(known, "The settings have no provider of this issuer, under `[[auth.provider]]`.");
    let keeper = keeper(&settings).await?;
    let account = keeper.accounts.account_of(&login(&name)?).await?;
    let open = keeper.begin().await?;
    let linked = open.link(account.account, &issuer, &subject).await?;
    ensure!(linked, "An account is linked to this log-in already.");
    let what = format!("external log-in at {issuer} linked");
    keeper.keep(open, line(&what, &account)).await?;
    output::report(&Shown::from(account), json)
}

async fn run_add(add: Add) -> Result<()> {
    let Add { server, login, roles, fhir_user, allow_absent, orgs, json } = add;
    let settings = server.settings()?;
    if let Some(person) = fhir_user.as_deref().filter(|_| !allow_absent) {
        expect_there(&settings, person).await?;
    }
    let form = AccountForm { login, fhir_user, roles, orgs };
    let keeper = keeper(&settings).await?;
    let (passwords, password) = (Passwords::new()?, typed()?);
    let open = keeper.begin().await?;
    let number = form.create(&open, &passwords, password).await?;
    let made = open.account(number).await?;
    keeper.keep(open, line("added", &made)).await?;
    output::report(&Shown::from(made), json)
}

/// Refuses a person who is not in the data: whoever signs in as that one is nobody, and opens nothing.
async fn expect_there(settings: &Settings, person: &str) -> Result<()> {
    // What is no reference to a person is refused where the account is judged.
    let Ok(FhirUser { kind, id, .. }) = FhirUser::parse(person) else { return Ok(()) };
    let access = Access::internal("an operator names the person of an account");
    let head = start::store(settings).await?.head(&access, kind, &id).await?;
    ensure!(
        head.is_some_and(|head| head.method != Method::Delete),
        "There is no {kind}/{id} here: load it first, or look at the id. --allow-absent makes the account all the same."
    );
    Ok(())
}

async fn change(
    settings: &Settings,
    name: &str,
    change: AccountChange<'_>,
    json: bool,
) -> Result<()> {
    let keeper = keeper(settings).await?;
    let open = keeper.begin().await?;
    let changed = open.change_account(&login(name)?, change).await?;
    let what = match change {
        AccountChange::Password(_) => "password changed",
        AccountChange::Roles(..) => "roles changed",
        AccountChange::Disable => "disabled",
        AccountChange::Enable => "enabled",
    };
    keeper.keep(open, line(what, &changed)).await?;
    output::report(&Shown::from(changed), json)
}

/// What the record says of an account.
fn line(what: &str, account: &Kept) -> String {
    format!("account {}: {what}; roles: {}", account.sub, account.roles.join(" "))
}

/// A password from the terminal, asked for twice; without one, the first line of standard input.
fn typed() -> Result<Password> {
    if io::stdin().is_terminal() {
        let first = terminal::ask_hidden("Password: ")?;
        ensure!(terminal::ask_hidden("Again: ")? == first, "The two are not the same.");
        return Ok(Password::new(first));
    }
    let mut text = String::new();
    io::stdin().take(PASSWORD_LINE_BYTES_MAX).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(!line.is_empty(), "Standard input has no password: it is the first line there.");
    Ok(Password::new(line.to_owned()))
}
