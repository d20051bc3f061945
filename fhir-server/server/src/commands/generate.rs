//! `carebridge generate`: a synthetic population into files or a pipe.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use client::{Format, GenerateOptions, Output, generate};
use generator::{Day, Options, OptionsError};

use crate::dev::demo;
use crate::fault::Usage;
use crate::output;

/// Generate a synthetic population; the same seed gives the same bytes
///
/// Exit code: 0 all is written, 1 something is not, 2 wrong usage. With --json, the report is one JSON
/// object: patients, resources, bytes, seconds; on standard error where standard output holds the
/// population.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge generate --patients 1000 --output population/\n  carebridge generate --format ndjson --output - | carebridge load -"
)]
pub(crate) struct Generate {
    /// Where it goes: a folder, or `-` for standard output
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
    /// How many patients
    #[arg(long, value_name = "N", default_value_t = 100, allow_negative_numbers = true)]
    patients: i64,
    /// Which population; the demo of `carebridge dev` is `--seed 1 --patients 20`, so that others can be loaded
    /// beside it
    #[arg(long, value_name = "N", default_value_t = demo::SEED + 1)]
    seed: u64,
    /// Years of records; by default 5
    #[arg(long, value_name = "N")]
    years: Option<u32>,
    /// The last day of the records; by default 2025-12-31
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<String>,
    /// Hospitals; by default in proportion to the patients
    #[arg(long, value_name = "N")]
    facilities: Option<u32>,
    /// Bundles keep the ids that NDJSON has, rather than let the server choose
    #[arg(long)]
    keep_ids: bool,
    /// A transaction per patient, or a resource per line
    #[arg(long, value_enum, default_value_t = Shape::Bundles)]
    format: Shape,
    /// Write into a folder that is not empty, and replace files of the same names
    #[arg(long)]
    force: bool,
    /// Compress: files end in .gz
    #[arg(long)]
    gzip: bool,
    /// Print the report as JSON
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Print no report
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shape {
    Bundles,
    Ndjson,
}

pub(crate) fn run(command: Generate) -> Result<ExitCode> {
    let piped = command.output == Path::new("-");
    let (json, quiet) = (command.json, command.quiet);
    let report = generate(&options(command, piped)?).map_err(as_usage)?;
    match (piped, quiet) {
        (_, true) => {}
        // Standard output holds the population.
        (true, false) if json => output::complain(&serde_json::to_string(&report)?),
        (true, false) => output::complain(&report.to_string()),
        (false, false) => output::report(&report, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn options(command: Generate, piped: bool) -> Result<GenerateOptions> {
    // Fewer than none are as few as none: the generator refuses both in one sentence.
    let patients = u64::try_from(command.patients).unwrap_or(0);
    let mut population = Options::new(command.seed, patients);
    population.years = command.years.unwrap_or(population.years);
    population.facilities = command.facilities.unwrap_or(population.facilities);
    population.keep_ids = command.keep_ids;
    if let Some(text) = &command.until {
        let day = Day::parse(text);
        population.until = day.ok_or_else(|| Usage(format!("--until: {text:?} is no day.")))?;
    }
    let format = match command.format {
        Shape::Bundles => Format::Bundles,
        Shape::Ndjson => Format::Ndjson,
    };
    let output = if piped { Output::Stdout } else { Output::Folder(command.output) };
    let Generate { gzip, force, .. } = command;
    Ok(GenerateOptions { population, format, gzip, output, force, progress: true })
}

/// Options that are out of range are a matter of usage.
fn as_usage(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<OptionsError>() {
        Ok(refused) => Usage(refused.to_string()).into(),
        Err(error) => error,
    }
}
