//! The command line.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::commands::{
    account, admin, audit, client, conformance, export, keys, load, migrate, proxy, quarantine,
    seal, serve,
};
#[cfg(feature = "dev")]
use crate::commands::{dev, generate};
use crate::limits::RUNTIME_END;
use crate::{fault, output};

/// A FHIR R4 server that keeps one canonical record of every patient.
#[derive(Debug, Parser)]
#[command(name = "carebridge", version, arg_required_else_help = true)]
#[command(
    after_help = "Example:\n  carebridge dev\n\nEach command has an example in its own --help."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "dev")]
    Dev(dev::Dev),
    Serve(serve::Serve),
    Migrate(migrate::Migrate),
    Load(load::Load),
    Export(export::Export),
    Account(account::Account),
    Proxy(proxy::Proxy),
    Quarantine(quarantine::Quarantine),
    Client(client::Client),
    Keys(keys::Keys),
    Admin(admin::Admin),
    Audit(audit::Audit),
    Seal(seal::Seal),
    Conformance(conformance::Conformance),
    #[cfg(feature = "dev")]
    Generate(generate::Generate),
}

/// Runs the command that the process was started with. Success is only what went all well.
#[must_use]
pub fn run() -> ExitCode {
    dispatch(Cli::parse().command).unwrap_or_else(|error| {
        output::complain(&fault::sentence(&error));
        fault::exit_code(&error)
    })
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let command = match command {
        // Works with threads of its own.
        #[cfg(feature = "dev")]
        Command::Generate(command) => return generate::run(command),
        other => other,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("The runtime cannot be started.")?;
    let code = runtime.block_on(async {
        match command {
            #[cfg(feature = "dev")]
            Command::Dev(command) => dev::run(command).await,
            Command::Serve(command) => serve::run(command).await,
            Command::Migrate(command) => migrate::run(command).await,
            Command::Load(command) => load::run(command).await,
            Command::Export(command) => export::run(command).await,
            Command::Account(command) => account::run(command).await,
            Command::Proxy(command) => proxy::run(command).await,
            Command::Quarantine(command) => quarantine::run(command).await,
            Command::Client(command) => client::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Admin(command) => admin::run(command).await,
            Command::Audit(command) => audit::run(command).await,
            Command::Seal(command) => seal::run(command).await,
            Command::Conformance(command) => conformance::run(command).await,
            #[cfg(feature = "dev")]
            Command::Generate(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // A thread that reads standard input may never come back.
    runtime.shutdown_timeout(RUNTIME_END);
    code
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_is_well_formed_and_shows_an_example() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let call = format!("carebridge {}", command.get_name());
            assert!(example.starts_with("Example") && example.contains(&call), "{example:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (line, accepted) in [
            ("serve --roles api,worker", true),
            ("serve --roles api,typist", false),
            ("serve --listen nowhere", false),
            ("load", false),
            ("load a.json --token t --client-id c", false),
            ("load a.json b/ -", true),
            ("load a.json --parallel 0", false),
            ("load a.json --parallel 257", false),
            ("export out --type Patient --type Observation", true),
            ("migrate --json", true),
            ("admin reindex --resume --json", true),
            ("admin explain Patient?name=x", true),
            ("admin", false),
            ("account add jane --role clinician --fhir-user Practitioner/1", true),
            ("account add jane --password hunter2", false),
            ("account role jane", true),
            ("account link jane --issuer https://id.example.org --subject -x", true),
            ("account list --json", true),
            ("client add app --scope patient/*.rs --redirect https://a.example.org/cb", true),
            ("client add app --scope x --public --jwks k.json", false),
            ("client add app", false),
            ("client disable app --json", true),
            ("proxy grant mary 42 --by ada --until 2031-06-30", true),
            ("proxy grant mary 42", false),
            ("proxy grant mary 42 --by ada --until june", false),
            ("proxy list", true),
            ("client", false),
            ("keys rotate --at-once --json", true),
            ("keys list --all", true),
            ("keys", false),
            ("audit verify --heads h.jsonl --changes --json", true),
            ("audit verify --from 2026-03-01 --to 2026-03-31", true),
            ("audit verify --from march", false),
            ("audit hold --patient a --reason x --by ada", true),
            ("audit hold --patient a --reason x", true),
            ("audit hold --patient a --everything --reason x --by ada", false),
            ("audit hold --reason x --by ada", false),
            ("audit release 3 --by ada", true),
            ("audit release 3", true),
            ("audit list --json", true),
            ("audit", false),
            ("seal rotate", true),
            ("seal list --json", true),
            ("seal rewrap", true),
            ("seal", false),
            ("conformance run --filter smart --var client_id=x --json", true),
            ("conformance list", true),
            ("conformance import icd10cm x.xml --system-version 2026 --json", true),
            ("conformance import icd9 x.xml", false),
            ("conformance import loinc", false),
            ("conformance systems --json", true),
            ("conformance install x.tgz --json", true),
            ("conformance install", false),
            ("conformance", false),
            ("generate --output x --patients -1", true),
            ("generate --output x --patients many", false),
            ("frobnicate", false),
        ] {
            let words = std::iter::once("carebridge").chain(line.split(' '));
            assert_eq!(Cli::try_parse_from(words).is_ok(), accepted, "{line}");
        }
    }
}
