//! `carebridge conformance`: the suite's cases against any FHIR server, and what this server answers by.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use client::{LoadOptions, load, package};
use suite::{Options, Outcome, Prepared, Variables};

use super::connection::ConnectionFlags;
use super::import::{self, Import, Systems};
use crate::fault::Usage;
use crate::output;

/// Where `carebridge dev` writes what cases need to know of it, in its default home.
const DEV_FILE: &str = ".carebridge/suite.json";
/// Where it is reached unless it is told otherwise.
const DEV_BASE: &str = "http://127.0.0.1:8080/fhir";

/// Judge a FHIR server by the conformance suite, and import what codes mean
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge conformance run --filter smart")]
pub(crate) struct Conformance {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Run),
    List(List),
    Import(Import),
    Systems(Systems),
    Install(Install),
}

/// Run cases against a server
///
/// What the server does not declare is skipped, and so is what needs a variable, or a token, that is not given; each
/// line says why. What the cases make, and what people give to apps in them, is removed again. Exit code: 0 none failed and some passed, 1 otherwise, 2 wrong usage. With --json, standard output is one
/// JSON object: base, software, at, passed, failed, gaps, skipped, cases.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge conformance run\n  carebridge conformance run --filter smart/G14 --json\n  carebridge conformance run --report html --out conformance.html\n  carebridge conformance run --base https://fhir.example.org/fhir --filter smart --var client_id=suite\n\nWithout --base it judges what `carebridge dev` starts here, and what cases need to know comes from the suite.json that it writes; of another server, what neither --var nor --vars says is skipped."
)]
struct Run {
    /// The FHIR base
    #[arg(long, value_name = "URL", default_value = DEV_BASE)]
    base: String,
    /// A suite as `smart`, or a case as `smart/G14`; by default all
    #[arg(long, value_name = "SUITE")]
    filter: Option<String>,
    /// What cases need to know, any number: `client_id` and `client_secret`; `key_client`, `key_id`, `key_rs384` and
    /// `key_es384` (PEM, PKCS #8) of a client with keys, which are published as `KEY_ID_rs384` and `KEY_ID_es384`; `app_client` and `app_redirect` of a public app, and `login` and
    /// `password` of who signs in to it; `patient_identifier` of whom that person chooses, `vital_sign` and `laboratory`,
    /// ids of Observations of that patient, of whom there is no other of these categories, `provenance`, the id of
    /// the one that there is of the patient, and `other_patient`, an id; for apps that are started from the server,
    /// `launch_page`, where that is done, `app_launch`, where the app is opened, and `visit`, an id of an Encounter.
    /// `NAME=@FILE` takes the value from a file; others can see flags
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// A file that says it: JSON, `base` and `variables` by name. By default what `carebridge dev` wrote to
    /// .carebridge/suite.json, where it is of this base
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Authorities to trust beside the machine's own, in PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A token to send with all requests that are not about tokens; by default one that `client_id` gets by
    /// `client_secret`. Without either, a server that asks for one is not tried by the cases that send it
    #[arg(long, env = "CAREBRIDGE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print a report in place of lines: a page for people, JSON, or the XML that build servers read
    #[arg(long, value_enum, value_name = "FORM")]
    report: Option<Form>,
    /// Write the report to a file, and the lines as always
    #[arg(long, value_name = "FILE", requires = "report")]
    out: Option<PathBuf>,
    /// Print the report as JSON: --report json
    #[arg(long, conflicts_with = "report")]
    json: bool,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Html,
    Json,
    Junit,
}

/// List the cases with their sections of the specification
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge conformance list --filter smart")]
struct List {
    /// A suite as `smart`, or a case as `smart/G14`; by default all
    #[arg(long, value_name = "SUITE")]
    filter: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Send the profiles and terminology of an implementation guide's package to a server
///
/// From then on resources that claim its profiles are judged by them, and $validate knows them. What is there already is
/// replaced. Nothing of the package is unpacked to where it says. Exit code: 0 all is there, 1 something is not,
/// 2 wrong usage. With --json, standard output is one JSON object, as of `carebridge load`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge conformance install hl7.fhir.us.core-6.1.0.tgz")]
struct Install {
    /// The package, with snapshots
    #[arg(value_name = "FILE.tgz")]
    package: PathBuf,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: Conformance) -> Result<ExitCode> {
    match command.command {
        Command::Run(command) => judge(command).await,
        Command::List(command) => list(&command),
        Command::Import(command) => import::run(command).await,
        Command::Systems(command) => import::list(command).await,
        Command::Install(command) => install(command).await,
    }
}

async fn judge(command: Run) -> Result<ExitCode> {
    let known = suite::list(command.filter.as_deref());
    if known.is_empty() {
        let filter = command.filter.unwrap_or_default();
        return Err(Usage(format!("--filter: there is no suite or case {filter:?}.")).into());
    }
    let Run { base, filter, variables, vars, ca_file, token, report, out, json } = command;
    let form = if json { Some(Form::Json) } else { report };
    let lines = form.is_none() || out.is_some();
    let authorities = ca_file.map(|file| {
        std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
    });
    let mut known = Variables::default();
    let prepared = prepared(vars.as_deref(), &base)?;
    // Of another server than `dev` nothing is known that nobody said.
    if vars.is_none() && (base == DEV_BASE || prepared.is_some()) {
        known.set("client_id", "dev-backend");
        known.set("client_secret", "dev-secret");
    }
    if let Some(prepared) = prepared {
        known.extend(prepared.variables);
    }
    for variable in &variables {
        let (name, value) = read(variable)?;
        known.set(name, value);
    }
    if let Some(token) = token {
        known.set("token", token);
    }
    let authorities = authorities.transpose()?.unwrap_or_default();
    let options = Options { base, filter, variables: known, authorities };
    let told = |outcome: &Outcome| {
        if lines {
            // Nobody is left to tell where this fails.
            drop(output::say(outcome));
        }
    };
    let report = suite::run(options, told).await?;
    if lines {
        output::say(report.summary())?;
    }
    if let Some(form) = form {
        let written = match form {
            Form::Html => report.html()?,
            Form::Json => serde_json::to_string(&report)?,
            Form::Junit => report.junit()?,
        };
        match out {
            Some(file) => std::fs::write(&file, written)
                .with_context(|| format!("{} cannot be written", file.display()))?,
            None => output::say(written)?,
        }
    }
    Ok(output::code(report.ok()))
}

/// What a file says of the server at `base`. One that nobody named may be absent, or about another server.
fn prepared(file: Option<&Path>, base: &str) -> Result<Option<Prepared>> {
    match file {
        Some(file) => Prepared::read(file).map(Some),
        None => Ok(Prepared::read(Path::new(DEV_FILE)).ok().filter(|it| it.base == base)),
    }
}

/// `NAME=VALUE`, or `NAME=@FILE`.
fn read(variable: &str) -> Result<(String, String)> {
    let usage = || Usage(format!("--var: {variable:?} is not NAME=VALUE."));
    let (name, value) = variable.split_once('=').ok_or_else(usage)?;
    let value = match value.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?
        }
        None => value.to_owned(),
    };
    Ok((name.to_owned(), value))
}

fn list(command: &List) -> Result<ExitCode> {
    let cases = suite::list(command.filter.as_deref());
    match command.json {
        true => output::say(serde_json::to_string(&cases)?)?,
        false => {
            for case in &cases {
                output::say(format_args!(
                    "{}/{}  {} ({})",
                    case.suite, case.id, case.title, case.section
                ))?;
            }
        }
    }
    Ok(output::code(!cases.is_empty()))
}

async fn install(command: Install) -> Result<ExitCode> {
    let Install { package, connection, json } = command;
    let connection = connection.connection()?;
    let folder = Folder::make()?;
    let lines = folder.0.join("package.ndjson");
    let unpacked = package::unpack(&package, &lines)?;
    for url in &unpacked.without_snapshot {
        output::complain(&format!(
            "{url} has no snapshot: it is used only where it constrains a definition of R4 itself."
        ));
    }
    let journal = Some(folder.0.join("journal"));
    let options =
        LoadOptions { connection, inputs: vec![lines], journal, ..LoadOptions::default() };
    let mut report = load(options).await?;
    // It goes with the folder.
    report.journal = None;
    output::report(&report, json)?;
    Ok(output::code(report.ok()))
}

/// A folder of one's own that goes when it is no longer needed.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let name = format!("carebridge-package-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Who cleans up the machine's temporary folder finds it where this fails.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
