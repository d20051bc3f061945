//! `carebridge conformance import`: a code system out of its owner's distribution, all of it or nothing.

mod files;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use canonical_model::Error;
use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use store::{AuthStore, ImportedSystem};
use terminology::import::{Format, read};

use super::progress;
use crate::output;
use crate::settings::DomainFlags;
use crate::start::keeper;
use files::Files;

/// Import a code system from the files that its owner distributes
///
/// Operations and searches use it from their next request on, for every caller, as they do what FHIR itself publishes.
/// Another import of the same version takes its place; other versions stay beside it, and the one that was imported last
/// is meant where none is named. All of it is imported or nothing; the record has a row of it. The licence of a
/// code system is between its owner and you.
///
/// PATH is a file, a folder or a .zip as it was downloaded: `icd10cm` the tabular list as .xml, also .xml.gz; `loinc`
/// Loinc.csv, with ComponentHierarchyBySystem.csv for the hierarchy; `snomed` a snapshot of release format 2; `rxnorm`
/// RXNCONSO.RRF, with RXNREL.RRF and RXNSAB.RRF; `cvx` cvx.txt; `ucum` ucum-essence.xml.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge conformance import icd10cm icd10cm_tabular_2026.xml\n  carebridge conformance import loinc Loinc_2.81.zip\n  carebridge conformance import cvx cvx.txt --system-version 2026-11-01 --json\n\nBeside `carebridge dev` (`make run`), set CAREBRIDGE_DATABASE_URL to what that prints as Database."
)]
pub(crate) struct Import {
    #[command(flatten)]
    server: DomainFlags,
    /// Which code system
    #[arg(value_parser = formats())]
    format: Format,
    /// A file, a folder or a .zip
    path: PathBuf,
    /// Its version, where the distribution does not name it, or for another name
    #[arg(long, value_name = "VERSION")]
    system_version: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// List the code systems that were imported
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge conformance systems --json")]
pub(crate) struct Systems {
    #[command(flatten)]
    server: DomainFlags,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.map(Format::name);
    PossibleValuesParser::new(names)
        .try_map(|name| Format::parse(&name).ok_or("not a code system that can be imported"))
}

#[derive(Serialize)]
struct Imported {
    system: &'static str,
    version: String,
    concepts: usize,
    bytes: usize,
    elapsed_ms: u64,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, version, concepts, .. } = self;
        let version = if version.is_empty() { String::new() } else { format!(" {version}") };
        write!(f, "Imported {system}{version}: {concepts} concepts.")
    }
}

#[derive(Serialize)]
struct Listed {
    systems: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    system: String,
    version: String,
    concepts: i32,
    bytes: i64,
    imported_at: DateTime<Utc>,
}

impl From<ImportedSystem> for Line {
    fn from(system: ImportedSystem) -> Self {
        let ImportedSystem { url, version, concepts, size, made_at, .. } = system;
        Self { system: url, version, concepts, bytes: size, imported_at: made_at }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.systems.is_empty() {
            return f.write_str("Nothing was imported. `carebridge conformance import` does that.");
        }
        let line = |it: &Line| {
            let day = it.imported_at.format("%Y-%m-%d");
            format!("{}  {}  {} concepts  {day}", it.system, it.version, it.concepts)
        };
        f.write_str(&self.systems.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

pub(crate) async fn run(command: Import) -> Result<ExitCode> {
    let Import { server, format, path, system_version, json } = command;
    let (begun, bar) = (Instant::now(), progress::bar(json)?);
    let keeper = keeper(&server.settings()?).await?;
    let mut files = Files::open(&path, bar.clone())?;
    let work = move || {
        let mut builder = read(format, &mut files)?;
        if let Some(version) = system_version {
            builder.head_mut().version = Some(version);
        }
        let version = builder.head_mut().version.clone().unwrap_or_default();
        Ok::<_, Error>((version, builder.len(), builder.encode()?))
    };
    let read = tokio::task::spawn_blocking(work).await.context("Reading ended early")?;
    bar.finish_and_clear();
    let (version, concepts, content) = read?;
    let (url, _) = format.system();
    let open = keeper.begin().await?;
    open.import(url, &version, concepts, &content).await?;
    let named = if version.is_empty() { String::new() } else { format!("|{version}") };
    keeper.keep(open, format!("code system {url}{named}: imported, {concepts} concepts")).await?;
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let bytes = content.len();
    output::report(&Imported { system: url, version, concepts, bytes, elapsed_ms }, json)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn list(command: Systems) -> Result<ExitCode> {
    let Systems { server, json } = command;
    let store = AuthStore::connect(server.settings()?.database.url()?.reveal()).await?;
    let systems = store.imported().await?.into_iter().map(Line::from).collect();
    store.close().await;
    output::report(&Listed { systems }, json)?;
    Ok(ExitCode::SUCCESS)
}
